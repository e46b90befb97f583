//! Values that come one by one, as DCGM's dumps and Prometheus have them, joined to rows.

use std::collections::BTreeMap;

use crate::dcgm::{Field, number};
use crate::signal::Signal;

use super::cells::{self, Cell};
use super::rows::{Row, Rows, Shape};
use super::{Format, Recording};

/// Which GPU: its host, where known, and its label `gpu`.
pub(super) type Device = (String, String);

/// Values one by one, in any order.
#[derive(Default)]
pub(super) struct Points {
    devices: BTreeMap<Device, BTreeMap<i64, BTreeMap<Signal, f64>>>,
    odd: Vec<(Signal, u64, String, String)>,
    pub(super) notes: Vec<String>,
}

impl Points {
    /// Adds what a cell in a line says of a GPU at a time (ns).
    pub(super) fn add(&mut self, device: &Device, time: i64, metric: (&str, &Field), text: &str, line: u64) {
        let (name, field) = metric;
        let (signal, places) = (field.signal, field.scale.ilog10() as i32);
        // Prometheus writes what it does not know as NaN.
        let cell = match cells::read(signal, text, places) {
            Cell::Value(value) if !number::can_be(field, value) => Cell::Missing,
            _ if text == "NaN" => Cell::Missing,
            cell => cell,
        };
        if cell == Cell::Odd {
            self.odd.push((signal, line, name.to_owned(), text.to_owned()));
        }
        let row = self.devices.entry(device.clone()).or_default().entry(time).or_default();
        if let Cell::Value(value) = cell {
            row.insert(signal, value);
        }
    }

    /// Rows in order of time, and GPUs by their labels: by index where all are indices of one host.
    pub(super) fn finish(mut self, file: &str, format: Format, names: Vec<String>, line: Option<u64>) -> Recording {
        let all = || self.devices.values().flat_map(BTreeMap::values).flat_map(BTreeMap::keys);
        let signals: Vec<Signal> =
            Signal::ALL.into_iter().filter(|signal| all().any(|found| found == signal)).collect();
        let numbers = self.numbers();
        let shape = Shape { signals: signals.iter().map(|signal| (*signal, false)).collect(), ..Shape::default() };
        let mut rows = Rows::of(shape);
        for (gpu, points) in numbers.into_iter().zip(self.devices.values()) {
            for (time, values) in points {
                let value = |signal: &Signal| (values.get(signal).copied().unwrap_or(f64::NAN), f64::NAN);
                let row = Row { time: *time, gpu, values: signals.iter().map(value).collect(), ..Row::default() };
                // Each GPU's times are keys of a map: they cannot go back.
                let _ = rows.push(&row);
            }
        }
        for (signal, line, column, cell) in &self.odd {
            rows.odd(*signal, *line, column, cell);
        }
        rows.notes.append(&mut self.notes);
        rows.finish(file, format, None, (names, line))
    }

    fn numbers(&mut self) -> Vec<u32> {
        let mut hosts: Vec<&str> = self.devices.keys().map(|(host, _)| host.as_str()).collect();
        hosts.dedup();
        let indices: Option<Vec<u32>> = self.devices.keys().map(|(_, gpu)| gpu.parse().ok()).collect();
        if let Some(indices) = indices.filter(|_| hosts.len() <= 1) {
            return indices;
        }
        for (number, (host, gpu)) in self.devices.keys().enumerate() {
            let host = if host.is_empty() { String::new() } else { format!(" of {host}") };
            self.notes.push(format!("GPU {number} is {gpu}{host}"));
        }
        (0..).take(self.devices.len()).collect()
    }
}

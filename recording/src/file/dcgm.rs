//! DCGM's names, and values that come one by one joined to rows.

use std::collections::BTreeMap;

use crate::signal::Signal;

use super::cells::{self, Cell};
use super::rows::{Row, Rows, Shape};
use super::{Format, Recording};

/// Names behind `DCGM_FI_DEV_`, the signal, and its unit as a power of ten of the field's. Violation times are nanoseconds,
/// whatever older help texts say.
const FIELDS: [(&str, Signal, i32); 17] = [
    ("GPU_TEMP", Signal::Temperature, 0),
    ("MEMORY_TEMP", Signal::MemoryTemperature, 0),
    ("GPU_TEMP_LIMIT", Signal::Margin, 0),
    ("POWER_USAGE", Signal::Power, 3),
    ("POWER_USAGE_INSTANT", Signal::PowerInstant, 3),
    ("TOTAL_ENERGY_CONSUMPTION", Signal::Energy, 0),
    ("SM_CLOCK", Signal::SmClock, 0),
    ("MEM_CLOCK", Signal::MemoryClock, 0),
    ("GPU_UTIL", Signal::Utilisation, 0),
    ("MEM_COPY_UTIL", Signal::MemoryUtilisation, 0),
    ("CLOCKS_EVENT_REASONS", Signal::Reasons, 0),
    ("CLOCK_THROTTLE_REASONS", Signal::Reasons, 0),
    ("PSTATE", Signal::PerformanceState, 0),
    ("POWER_VIOLATION", Signal::PowerViolation, 0),
    ("THERMAL_VIOLATION", Signal::ThermalViolation, 0),
    ("ENFORCED_POWER_LIMIT", Signal::PowerLimit, 3),
    ("POWER_MGMT_LIMIT", Signal::PowerLimit, 3),
];

/// Names of the exporter's first version, which are still in use, behind `dcgm_`.
const FIRST: [(&str, Signal, i32); 10] = [
    ("gpu_temp", Signal::Temperature, 0),
    ("memory_temp", Signal::MemoryTemperature, 0),
    ("power_usage", Signal::Power, 3),
    ("total_energy_consumption", Signal::Energy, 0),
    ("sm_clock", Signal::SmClock, 0),
    ("memory_clock", Signal::MemoryClock, 0),
    ("gpu_utilization", Signal::Utilisation, 0),
    ("mem_copy_utilization", Signal::MemoryUtilisation, 0),
    ("power_violation", Signal::PowerViolation, 0),
    ("thermal_violation", Signal::ThermalViolation, 0),
];

/// The signal of a metric, and its unit as a power of ten of the metric's.
pub(super) fn signal_of(metric: &str) -> Option<(Signal, i32)> {
    let (fields, name) = match metric.strip_prefix("DCGM_FI_DEV_") {
        Some(name) => (FIELDS.as_slice(), name),
        None => (FIRST.as_slice(), metric.strip_prefix("dcgm_")?),
    };
    fields.iter().find(|(field, ..)| *field == name).map(|(_, signal, places)| (*signal, *places))
}

/// Numbers that DCGM writes for no value: 2^63 - 16, 2^47, 2^31 - 16 and the three after each. The last, and what lies past
/// the second, may be true of a counter. A utilisation can be 2^32 - 1, which is none either.
fn is_sentinel(signal: Signal, value: f64, places: i32) -> bool {
    const LARGEST: f64 = 9.2e18;
    const REAL: f64 = 140_737_488_355_328.0;
    const SMALL: f64 = 2_147_483_632.0;
    // In the unit of the file; sentinels are far from anything measured, so rounding cannot confuse them.
    let written = (value * 10_f64.powi(-places)).round();
    match signal {
        _ if written >= LARGEST => true,
        Signal::Utilisation | Signal::MemoryUtilisation => written > 100.0,
        Signal::Reasons => false,
        _ if signal.is_counter() => (REAL..=REAL + 3.0).contains(&written),
        _ => written >= SMALL,
    }
}

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
    pub(super) fn add(&mut self, device: &Device, time: i64, metric: (&str, Signal, i32), text: &str, line: u64) {
        let (name, signal, places) = metric;
        // Prometheus writes what it does not know as NaN.
        let cell = match cells::read(signal, text, places) {
            Cell::Value(value) if is_sentinel(signal, value, places) => Cell::Missing,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_are_no_values_and_large_counters_are() {
        for written in
            [9_223_372_036_854_775_794.0, 9_223_372_036_854_775_792.0, 140_737_488_355_328.0, 2_147_483_632.0]
        {
            assert!(is_sentinel(Signal::Temperature, written, 0), "{written}");
            assert!(is_sentinel(Signal::Power, written * 1000.0, 3), "{written} W");
        }
        assert!(is_sentinel(Signal::Energy, 9_223_372_036_854_775_794.0, 0));
        assert!(is_sentinel(Signal::Energy, 140_737_488_355_329.0, 0));
        assert!(is_sentinel(Signal::Utilisation, 4_294_967_295.0, 0));
        assert!(!is_sentinel(Signal::Energy, 2_147_483_633.0, 0));
        assert!(!is_sentinel(Signal::PowerViolation, 2e14, 0), "two days of it");
        assert!(!is_sentinel(Signal::Utilisation, 100.0, 0));
    }
}

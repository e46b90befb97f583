//! Rows, as they come, to tracks.

use std::collections::BTreeMap;

use isotherm_core::input::InputError;

use crate::header::Header;
use crate::reading::Standing;
use crate::signal::Signal;

use super::track::{Column, Track};
use super::{Format, Odd, Recording};

/// What was found and what was expected, of a fault whose line the caller knows.
pub(super) type RowFault = (String, String);

/// What each row of a file has.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    /// The signals, and whether their ages are there.
    pub(super) signals: Vec<(Signal, bool)>,
    pub(super) has_standing: bool,
    /// Whether the file is the record of a run.
    pub(super) has_age: bool,
    /// Whether a row whose time goes back is left out instead of refused: our own recorder saw the clock being set.
    pub(super) outlives_clock: bool,
}

/// One row.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    pub(super) time: i64,
    pub(super) gpu: u32,
    /// A value and its age (ms) for each signal of the shape.
    pub(super) values: Vec<(f64, f64)>,
    pub(super) standing: Standing,
    pub(super) age_ns: i64,
    pub(super) watts: f64,
}

#[derive(Debug, Default)]
pub(super) struct Rows {
    shape: Shape,
    tracks: BTreeMap<u32, Track>,
    odd: BTreeMap<Signal, Odd>,
    left_out: usize,
    pub(super) notes: Vec<String>,
}

impl Rows {
    pub(super) fn of(shape: Shape) -> Self {
        Self { shape, ..Self::default() }
    }

    pub(super) fn push(&mut self, row: &Row) -> Result<(), RowFault> {
        let shape = &self.shape;
        let track = self.tracks.entry(row.gpu).or_insert_with(|| empty(shape, row.gpu));
        if let Some(last) = track.times.last().filter(|last| **last > row.time) {
            if shape.outlives_clock {
                self.left_out += 1;
                return Ok(());
            }
            let back = last.abs_diff(row.time) as f64 / 1e9;
            return Err((
                format!("the time of GPU {} goes back by {back} s", row.gpu),
                "expected the rows of each GPU in order of time; sort the file by `t_s`, or cut it where the clock was set"
                    .to_owned(),
            ));
        }
        track.times.push(row.time);
        for ((column, (_, has_age)), (value, age)) in track.columns.iter_mut().zip(&shape.signals).zip(&row.values) {
            column.values.push(*value);
            if *has_age {
                column.ages.push(*age);
            }
        }
        if shape.has_standing {
            track.standing.push(row.standing);
        }
        if shape.has_age {
            track.age_ns.push(row.age_ns);
            track.watts.push(row.watts);
        }
        Ok(())
    }

    /// A cell that holds no number where one should be.
    pub(super) fn odd(&mut self, signal: Signal, line: u64, column: &str, cell: &str) {
        let (column, cell) = (column.to_owned(), cell.to_owned());
        self.odd.entry(signal).or_insert(Odd { line, column, cell, count: 0 }).count += 1;
    }

    pub(super) fn finish(
        mut self,
        file: &str,
        format: Format,
        header: Option<Header>,
        (names, line): (Vec<String>, Option<u64>),
    ) -> Recording {
        let count: usize = self.odd.values().map(|odd| odd.count).sum();
        if let Some(first) = self.odd.values().min_by_key(|odd| odd.line) {
            self.notes.push(format!(
                "{count} cells hold no number and count as not measured; the first is `{}` under `{}` in line {}",
                first.cell, first.column, first.line
            ));
        }
        if self.left_out > 0 {
            self.notes
                .push(format!("{} rows are left out: the clock was set back while they were recorded", self.left_out));
        }
        let tracks = self.tracks.into_values().collect();
        Recording { file: file.to_owned(), format, header, tracks, notes: self.notes, names, line, odd: self.odd }
    }
}

fn empty(shape: &Shape, gpu: u32) -> Track {
    let columns =
        shape.signals.iter().map(|(signal, _)| Column { signal: *signal, values: Vec::new(), ages: Vec::new() });
    Track { gpu, columns: columns.collect(), ..Track::default() }
}

/// A recording without a row is none.
pub(super) fn require_rows(recording: Recording) -> Result<Recording, InputError> {
    if recording.tracks.is_empty() {
        return Err(InputError::new(
            &recording.file,
            "there are no rows under the header",
            "expected at least one reading, for example \"0.0,0,125000,41\" under \"t_s,gpu,power_mw,temp_c\"",
        ));
    }
    Ok(recording)
}

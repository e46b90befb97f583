//! As much of a summary as somebody reads at once: everything of a small one, the first and the best rows of a large one.

use super::columns::SAVED;
use crate::results::{Failure, Row, VersusBaseline};

/// Up to so many rows are all kept.
const ALL: usize = 200;

/// Of more rows, so many of the first and of the best.
const FEW: usize = 10;

/// Failures of different routers or causes that are told apart.
const CAUSES: usize = 100;

/// What is kept of a summary while it is read, in memory that does not grow with it.
#[derive(Debug, Default)]
pub(super) struct Digest {
    /// All rows in their order, or the first ones of many.
    pub(super) rows: Vec<Row>,
    /// Of many rows, those that save most energy, best first; none where all are there.
    pub(super) best: Vec<Row>,
    /// Rows of the summary.
    pub(super) row_count: usize,
    /// The first failure of each router and cause, and how many runs failed alike.
    pub(super) failures: Vec<(Failure, usize)>,
    /// Runs that failed.
    pub(super) failure_count: usize,
    /// What rows are warned of, by the word that a warning begins with: the first text and the number of rows.
    pub(super) warnings: Vec<(String, usize)>,
    /// Whether any row has more than one seed.
    pub(super) has_seeds: bool,
    /// How the first row was tested whose difference may be luck.
    pub(super) luck: Option<VersusBaseline>,
}

impl Digest {
    /// Whether all rows are kept.
    pub(super) fn is_whole(&self) -> bool {
        self.row_count <= ALL
    }

    /// Takes in the next row.
    pub(super) fn row(&mut self, row: &Row) {
        self.row_count += 1;
        if self.is_whole() {
            self.rows.push(row.clone());
        } else {
            self.rows.truncate(FEW);
        }
        self.note_best(row);
        for warning in &row.warnings {
            match self.warnings.iter_mut().find(|(known, _)| kind(known) == kind(warning)) {
                Some((_, rows)) => *rows += 1,
                None => self.warnings.push((warning.clone(), 1)),
            }
        }
        self.has_seeds |= row.seeds > 1;
        if self.luck.is_none() && row.is_luck() {
            self.luck.clone_from(&row.versus_baseline);
        }
    }

    fn note_best(&mut self, row: &Row) {
        let saved = |row: &Row| row.metrics.get(SAVED).map(|saved| saved.mean);
        let Some(mean) = saved(row).filter(|_| !row.baseline) else { return };
        // The first of equals stays before the others.
        let at = self.best.partition_point(|other| saved(other).is_some_and(|other| other >= mean));
        if at < FEW {
            self.best.insert(at, row.clone());
            self.best.truncate(FEW);
        }
    }

    /// Takes in the next failure.
    pub(super) fn failure(&mut self, failure: &Failure) {
        self.failure_count += 1;
        let alike =
            |(first, _): &&mut (Failure, usize)| first.router == failure.router && cause(first) == cause(failure);
        let told_apart = self.failures.len();
        match self.failures.iter_mut().find(alike) {
            Some((_, runs)) => *runs += 1,
            None if told_apart < CAUSES => self.failures.push((failure.clone(), 1)),
            None => {}
        }
    }

    /// Once everything was seen.
    pub(super) fn complete(mut self) -> Self {
        if self.is_whole() {
            self.best.clear();
        }
        self
    }
}

/// What a warning is about.
fn kind(warning: &str) -> &str {
    warning.split_once(':').map_or(warning, |(kind, _)| kind)
}

/// What a failure says behind the event it happened at and its instant, which is another in every run.
fn cause(failure: &Failure) -> &str {
    failure.message.split_once(": ").map_or(&failure.message, |(_, cause)| cause)
}

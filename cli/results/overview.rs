//! As much of a summary as somebody reads on a terminal: everything of a small one, the first and the best rows of a large one.

use super::summary_reader::{self, See};
use super::{Failure, Head, Row, VersusBaseline};

/// Up to so many rows are all kept.
const ALL: usize = 200;

/// Of more rows, so many of the first and of the best.
const FEW: usize = 10;

/// Failures of different routers or causes that are told apart.
const CAUSES: usize = 100;

/// What is kept of a summary while it is written or read, in memory that does not grow with it.
#[derive(Clone, Debug)]
pub struct Overview {
    /// What the summary says of itself.
    pub head: Head,
    /// All rows in their order, or the first ones of many.
    pub rows: Vec<Row>,
    /// Of many rows, those that save most energy, best first; none where all are there.
    pub best: Vec<Row>,
    /// Rows of the summary.
    pub row_count: usize,
    /// The first failure of each router and cause, and how many runs failed alike.
    pub failures: Vec<(Failure, usize)>,
    /// Runs that failed.
    pub failure_count: usize,
    /// What rows are warned of, by the word that a warning begins with: the first text and the number of rows.
    pub warnings: Vec<(String, usize)>,
    /// Whether any row has more than one seed.
    pub has_seeds: bool,
    /// How the first row was tested whose difference may be luck.
    pub luck: Option<VersusBaseline>,
}

impl Overview {
    /// Of a summary without rows.
    #[must_use]
    pub fn new(head: Head) -> Self {
        Self {
            head,
            rows: Vec::new(),
            best: Vec::new(),
            row_count: 0,
            failures: Vec::new(),
            failure_count: 0,
            warnings: Vec::new(),
            has_seeds: false,
            luck: None,
        }
    }

    /// Whether all rows are kept.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.row_count <= ALL
    }

    /// Of a summary in a file.
    ///
    /// # Errors
    /// If it cannot be read, or is none.
    pub(super) fn read(path: &std::path::Path) -> std::io::Result<Self> {
        // What it says of itself is known only at its end.
        let mut overview = Self::new(Head::default());
        overview.head = summary_reader::read(path, &mut overview)?;
        Ok(overview.complete())
    }

    /// Once everything was seen.
    #[must_use]
    pub(super) fn complete(mut self) -> Self {
        if self.is_whole() {
            self.best.clear();
        }
        self
    }

    fn note_best(&mut self, row: &Row) {
        let saved = |row: &Row| row.metrics.get("energy_savings_percent").map(|saved| saved.mean);
        let Some(mean) = saved(row).filter(|_| !row.baseline) else { return };
        // The first of equals stays before the others.
        let at = self.best.partition_point(|other| saved(other).is_some_and(|other| other >= mean));
        if at < FEW {
            self.best.insert(at, row.clone());
            self.best.truncate(FEW);
        }
    }
}

impl See for Overview {
    fn row(&mut self, row: &Row) {
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
            self.luck = row.versus_baseline;
        }
    }

    fn failure(&mut self, failure: &Failure) {
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
}

/// What a warning is about.
fn kind(warning: &str) -> &str {
    warning.split_once(':').map_or(warning, |(kind, _)| kind)
}

/// What a failure says behind the event it happened at and its instant, which is another in every run.
fn cause(failure: &Failure) -> &str {
    failure.message.split_once(": ").map_or(&failure.message, |(_, cause)| cause)
}

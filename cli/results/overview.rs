//! What the program itself has to know of a summary. What people read is made by `isotherm-report` from the folder.

use super::summary_reader::{self, See};
use super::{Failure, Head, Row};

/// What is kept of a summary while it is written or read, in memory that does not grow with it.
#[derive(Clone, Debug)]
pub struct Overview {
    /// What the summary says of itself.
    pub head: Head,
    /// Rows of the summary.
    pub row_count: usize,
    /// Runs that failed.
    pub failure_count: usize,
}

impl Overview {
    /// Of a summary without rows.
    #[must_use]
    pub fn new(head: Head) -> Self {
        Self { head, row_count: 0, failure_count: 0 }
    }

    /// Of a summary in a file.
    ///
    /// # Errors
    /// If it cannot be read, or is none.
    pub(super) fn read(path: &std::path::Path) -> std::io::Result<Self> {
        // What it says of itself is known only at its end.
        let mut overview = Self::new(Head::default());
        overview.head = summary_reader::read(path, &mut overview)?;
        Ok(overview)
    }
}

impl See for Overview {
    fn row(&mut self, _: &Row) {
        self.row_count += 1;
    }

    fn failure(&mut self, _: &Failure) {
        self.failure_count += 1;
    }
}

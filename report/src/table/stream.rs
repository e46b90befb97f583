//! `summary.json` row by row, as the table reads it.

use std::path::Path;

use serde::de::IgnoredAny;

use crate::results::{Failure, Row, Summary, lists};

/// Who is shown the lists of a summary, in the order of the file.
pub(super) trait See {
    /// A row.
    ///
    /// # Errors
    /// If nothing more can be taken in; the file is not read on.
    fn row(&mut self, row: &Row) -> std::io::Result<()>;
    /// A run that failed.
    fn failure(&mut self, failure: &Failure) {
        let _ = failure;
    }
}

/// Shows the rows and failures of a folder's summary, and returns it without them.
///
/// # Errors
/// If it cannot be read or is no summary, and those of `seen`.
pub(super) fn read(folder: &Path, seen: &mut impl See) -> std::io::Result<Summary> {
    lists::read(&folder.join("summary.json"), &mut Shown(seen))
}

struct Shown<'a, S>(&'a mut S);

impl<S: See> lists::See for Shown<'_, S> {
    type Row = Row;
    type Curve = IgnoredAny;
    type Failure = Failure;

    fn row(&mut self, row: Row) -> std::io::Result<()> {
        self.0.row(&row)
    }

    fn curve(&mut self, _: IgnoredAny) -> std::io::Result<()> {
        Ok(())
    }

    fn failure(&mut self, failure: Failure) -> std::io::Result<()> {
        self.0.failure(&failure);
        Ok(())
    }
}

//! `summary.json` read back row by row, in memory that does not grow with it.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use isotherm_report::results::lists;
use serde::de::DeserializeOwned;

use super::{Curve, Failure, Head, Row};

/// Who is shown the lists of a summary, written or read, in the order of the file.
pub(super) trait See {
    /// A row.
    fn row(&mut self, row: &Row);
    /// A mean frontier.
    ///
    /// # Errors
    /// If it cannot be kept; the file is not read on.
    fn curve(&mut self, curve: Curve) -> std::io::Result<()> {
        drop(curve);
        Ok(())
    }
    /// A run that failed.
    fn failure(&mut self, failure: &Failure);
}

/// A part of a summary, of whatever format: nothing of its lists is kept.
pub(super) fn read_part<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_reader(BufReader::new(File::open(path).ok()?)).ok()
}

/// Reads a summary of the present format.
///
/// # Errors
/// If it cannot be read or is no summary, and those of `seen`.
pub(super) fn read(path: &Path, seen: &mut impl See) -> std::io::Result<Head> {
    lists::read(path, &mut Shown(seen))
}

struct Shown<'a, S>(&'a mut S);

impl<S: See> lists::See for Shown<'_, S> {
    type Row = Row;
    type Curve = Curve;
    type Failure = Failure;

    fn row(&mut self, row: Row) -> std::io::Result<()> {
        self.0.row(&row);
        Ok(())
    }

    fn curve(&mut self, curve: Curve) -> std::io::Result<()> {
        self.0.curve(curve)
    }

    fn failure(&mut self, failure: Failure) -> std::io::Result<()> {
        self.0.failure(&failure);
        Ok(())
    }
}

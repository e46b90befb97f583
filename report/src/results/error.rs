//! Why a results folder, or a table of it, cannot be read.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// Nothing usable was found: where, what was found, what was expected. Commands end with exit code 4.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{}: {found}\n  = help: {expected}", path.display())]
pub struct ReadError {
    /// The file or folder.
    pub path: PathBuf,
    /// What was found.
    pub found: String,
    /// What was expected, and what to do.
    pub expected: String,
}

impl ReadError {
    pub(crate) fn new(path: &Path, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { path: path.to_owned(), found: found.into(), expected: expected.into() }
    }

    /// A table whose end is there but not all of its values.
    pub(super) fn damaged(path: &Path, found: impl Into<String>) -> Self {
        Self::new(path, found, "expected a whole Parquet file; copy it again, or run the scenario again with --force")
    }
}

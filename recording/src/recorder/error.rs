//! Why a recording cannot be written.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why readings cannot be kept. What was written before stays.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordError {
    /// Nothing says what kind of file it shall be. Nothing was written.
    #[error("{}: the name does not say the format; expected .csv, .csv.gz or .parquet, for example idle.csv.gz", path.display())]
    Format {
        /// The file.
        path: PathBuf,
    },
    /// The file is there already. Nothing was written.
    #[error("{}: exists already{hint}; expected a new name, or be asked to replace it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
        /// What else could be done with it.
        hint: String,
    },
    /// The file cannot be created or written. Readings that are not written yet are kept for the next try, up to a limit.
    #[error("{}: cannot be written ({why}); expected a folder that may be written to, with room", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// A Parquet file could not be made of its journal. The journal stays, and can be read as it is.
    #[error("{}: cannot be made ({why}); the rows are in {}", path.display(), journal_of(path).display())]
    Convert {
        /// The Parquet file.
        path: PathBuf,
        /// What happened.
        why: String,
    },
}

impl RecordError {
    pub(super) fn write(path: &Path, fault: &std::io::Error) -> Self {
        let path = path.to_owned();
        match fault.kind() {
            std::io::ErrorKind::AlreadyExists => Self::Exists { path, hint: String::new() },
            _ => Self::Write { path, why: fault.to_string() },
        }
    }
}

/// The journal beside a Parquet file.
pub(crate) fn journal_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".journal.csv");
    name.into()
}

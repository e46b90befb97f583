//! What can go wrong in the program, each with the exit code it ends with.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::exit::{self, Code};

/// Why a command ended without doing what it was asked for. Nothing half-written is left behind.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Fault {
    /// The scenario's text has faults; the message shows each with its place.
    #[error("{0}")]
    Scenario(String),
    /// A file the scenario names cannot be used.
    #[error("error: {0}")]
    Input(String),
    /// A file cannot be read.
    #[error("error: cannot read {}: {source}\n  = help: {help}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
        /// What to do.
        help: &'static str,
        /// Whether it is a scenario or a data file.
        code: Code,
    },
    /// Results cannot be written.
    #[error("error: cannot write {}: {source}\n  = help: {help}", path.display())]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
        /// What to do.
        help: &'static str,
    },
    /// The results folder belongs to something else.
    #[error("error: {} holds the results of another scenario\n  = help: choose another folder with --out, or replace them with --force", .0.display())]
    Occupied(PathBuf),
    /// A file that would be replaced without having been asked for.
    #[error("error: {} is there already\n  = help: choose another name with {option}, or replace it with --force", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
        /// The option that names it.
        option: &'static str,
    },
    /// The folder has another sweep's plan in it.
    #[error("error: {} holds {differs}\n  = help: choose another folder with -o", folder.display())]
    OtherPlan {
        /// The folder.
        folder: PathBuf,
        /// What is in it, and what was to be.
        differs: String,
    },
    /// The command line does not make sense.
    #[error("error: {0}")]
    Usage(String),
    /// Runs failed; what they say.
    #[error("{0}")]
    Runs(String),
    /// A telemetry source is not there, or there no more.
    #[error("error: {0}")]
    Unavailable(String),
    /// A recording cannot be written; what is on the disk stays.
    #[error("error: {0}")]
    Unrecorded(String),
    /// Ctrl-C.
    #[error("interrupted: {finished} of {total} runs are finished and kept in {}; the same command continues there", folder.display())]
    Interrupted {
        /// Runs finished.
        finished: usize,
        /// Runs asked for.
        total: usize,
        /// Where they are kept.
        folder: PathBuf,
    },
    /// Something that should be impossible.
    #[error("error: {0}\n  = help: this is a fault of isotherm; please report it with the scenario")]
    Internal(String),
}

impl Fault {
    /// The exit code the program ends with.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Scenario(_) => exit::SCENARIO,
            Self::Input(_) => exit::INPUT,
            Self::Unreadable { code, .. } => *code,
            Self::Unwritable { .. }
            | Self::Occupied(_)
            | Self::Exists { .. }
            | Self::OtherPlan { .. }
            | Self::Unrecorded(_) => exit::OUTPUT,
            Self::Usage(_) => exit::USAGE,
            Self::Runs(_) => exit::RUN,
            Self::Unavailable(_) => exit::UNAVAILABLE,
            Self::Interrupted { .. } => exit::INTERRUPTED,
            Self::Internal(_) => exit::INTERNAL,
        }
    }

    pub(crate) fn unwritable(path: &Path, source: std::io::Error) -> Self {
        let help = match source.kind() {
            std::io::ErrorKind::PermissionDenied => "choose a folder you may write to",
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded | std::io::ErrorKind::FileTooLarge => {
                "make room, or choose another disk; finished runs are kept, the same command continues"
            }
            std::io::ErrorKind::NotADirectory | std::io::ErrorKind::AlreadyExists => {
                "a file is in the way; choose another folder"
            }
            _ => "choose another folder",
        };
        Self::Unwritable { path: path.to_owned(), source, help }
    }
}

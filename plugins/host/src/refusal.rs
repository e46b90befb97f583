//! Why a file is no plugin that can be used: what was found, what was expected, what to do.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// The sorts of refusals, for programs that read them and for tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RefusalKind {
    /// Nothing is there.
    Missing,
    /// A symbolic link that leads nowhere.
    DanglingLink,
    /// A folder where a file was named.
    Directory,
    /// A device, a pipe, a socket.
    NotAFile,
    /// The file cannot be read.
    Unreadable,
    /// A file of no bytes.
    Empty,
    /// Text.
    Text,
    /// Bytes of no kind that is known.
    UnknownFormat,
    /// The end of the file is missing.
    Truncated,
    /// A library for another operating system.
    OtherSystem,
    /// A library for another processor.
    OtherMachine,
    /// A program, an object file or a static library.
    NotShared,
    /// A WebAssembly module.
    WebAssembly,
    /// A shared library that is no plugin.
    NoLabel,
    /// A label that cannot be read.
    BadLabel,
    /// Built for another first number of the interface.
    OtherMajor,
    /// Built for a later second number of the interface.
    NewerMinor,
    /// The system's loader refuses the library.
    OpenFailed,
    /// The entry function is missing.
    NoEntry,
    /// The entry function answered null: the library refuses this host.
    EntryNull,
    /// What the entry function answered cannot be used.
    BadTable,
    /// What the library offers is not what its label says.
    LabelMismatch,
}

/// Why a file cannot be used as a plugin. Fatal to a scenario that needs it, and to nothing else.
///
/// ```
/// use isotherm_plugin_host::{RefusalKind, inspect};
/// let refusal = inspect(std::path::Path::new("no-such-library.so")).unwrap_err();
/// assert_eq!(refusal.kind, RefusalKind::Missing);
/// assert_eq!(
///     refusal.to_string(),
///     "no-such-library.so: found nothing there; expected a plugin library; check the path"
/// );
/// ```
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{}: found {found}; expected {expected}; {remedy}", file.display())]
#[non_exhaustive]
pub struct Refusal {
    /// The file as it was named.
    pub file: PathBuf,
    /// The sort of refusal.
    pub kind: RefusalKind,
    /// What was found; reads on after the word "found".
    pub found: String,
    /// What was expected; reads on after the word "expected".
    pub expected: String,
    /// What to do.
    pub remedy: String,
}

impl Refusal {
    pub(crate) fn new(
        file: &Path,
        kind: RefusalKind,
        found: impl Into<String>,
        expected: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { file: file.to_owned(), kind, found: found.into(), expected: expected.into(), remedy: remedy.into() }
    }
}

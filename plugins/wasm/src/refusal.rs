//! Why a file is no module that can be used: what was found, what was expected, what to do.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// The sorts of refusals, for programs that read them and for tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RefusalKind {
    /// Nothing is there, or it cannot be read.
    Unreadable,
    /// The file is larger than any router.
    TooLarge,
    /// The file is no WebAssembly.
    NotWebAssembly,
    /// A component, or something else that is no core module.
    NotAModule,
    /// A module without a label.
    NoLabel,
    /// A label that cannot be read.
    BadLabel,
    /// Built for another first number of the interface.
    OtherMajor,
    /// Built for a later second number of the interface.
    NewerMinor,
    /// The module cannot be compiled.
    Invalid,
    /// The module asks for functions of others.
    Imports,
    /// Something that it must export is missing.
    NoExport,
    /// The module's table cannot take the host's functions.
    FixedTable,
    /// It was stopped before it said what it offers.
    Stopped,
    /// The entry function answered null: the module refuses this host.
    EntryNull,
    /// What the entry function answered cannot be used.
    BadTable,
    /// What the module offers is not what its label says.
    LabelMismatch,
    /// It offers no router; only routers can be modules.
    NoRouter,
}

/// Why a file cannot be used as a plugin. Fatal to a scenario that needs it, and to nothing else.
///
/// ```
/// use isotherm_plugin_wasm::{Limits, Module, RefusalKind};
/// let refusal = Module::open(std::path::Path::new("no-such-module.wasm"), Limits::default()).unwrap_err();
/// assert_eq!(refusal.kind, RefusalKind::Unreadable);
/// assert!(refusal.to_string().starts_with("no-such-module.wasm: found nothing that can be read"));
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

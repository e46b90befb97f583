//! Why a file is no plugin that can be used: what was found, what was expected, what to do.

use std::path::{Path, PathBuf};

use isotherm_core::config::{Fault, FaultKind, Node, Path as Place, Segment, TAG};
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
    /// A WebAssembly module, where native libraries are wanted.
    WebAssembly,
    /// No WebAssembly, where modules are wanted.
    NotWebAssembly,
    /// A WebAssembly component, or something else that is no core module.
    NotAModule,
    /// A module that is larger than any router.
    TooLarge,
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
    /// A module that offers something else than routers, which only native libraries can.
    NotARouter,
    /// A module that cannot be compiled.
    NotCompiled,
    /// A module that asks for functions of others.
    Imports,
    /// Something that a module must export is missing.
    NoExport,
    /// The module's table cannot take the host's functions.
    FixedTable,
    /// A module that was stopped before it said what it offers.
    Stopped,
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
    /// A refusal in the words of who makes it; they are put together as [`Refusal`] shows them.
    ///
    /// ```
    /// use isotherm_plugin_host::{Refusal, RefusalKind};
    /// let file = std::path::Path::new("a.wasm");
    /// let refusal = Refusal::new(file, RefusalKind::TooLarge, "17 MiB", "a router", "leave out debug information");
    /// assert_eq!(refusal.to_string(), "a.wasm: found 17 MiB; expected a router; leave out debug information");
    /// ```
    #[must_use]
    pub fn new(
        file: &Path,
        kind: RefusalKind,
        found: impl Into<String>,
        expected: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { file: file.to_owned(), kind, found: found.into(), expected: expected.into(), remedy: remedy.into() }
    }

    /// The same as a fault of a scenario: at the `kind` that names something of the file, in the table at `place`.
    ///
    /// ```
    /// use isotherm_core::config::{Faults, Path, SourceMap, Tree};
    /// use isotherm_plugin_host::inspect;
    /// let (mut sources, mut faults) = (SourceMap::new(), Faults::new());
    /// let file = sources.add("s.toml", "\nkind = \"acme/x\"\n");
    /// let tree = Tree::parse(&sources, file, &mut faults).expect("valid TOML");
    /// let refusal = inspect("acme.so".as_ref()).expect_err("there is none");
    /// faults.push(refusal.to_fault(tree.at("kind").expect("it is there"), &Path::root()));
    /// let text = faults.render(&sources);
    /// assert!(text.contains("s.toml:2:8") && text.contains("acme.so: found nothing there"), "{text}");
    /// ```
    #[must_use]
    pub fn to_fault(&self, kind: &Node, place: &Place) -> Fault {
        let pointer = place.child(Segment::Key(TAG.to_owned())).to_string();
        Fault::new(FaultKind::Invalid, pointer, format!("{}: found {}", self.file.display(), self.found))
            .origin(kind.origin.clone())
            .expected(&self.expected)
            .hint(&self.remedy)
    }
}

//! What is wrong with a scenario, as plain data.

use std::fmt;

use serde::Serialize;

use super::origin::Origin;
use super::path::Path;
use super::tree::Tree;

/// The sorts of faults, for programs that read them (`validate --json`) and for tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FaultKind {
    /// The text is not TOML.
    Syntax,
    /// A key that nothing reads.
    UnknownKey,
    /// A `kind` that no plugin answers to.
    UnknownKind,
    /// A word that is none of the choices.
    UnknownValue,
    /// A required key is not there.
    MissingKey,
    /// Text where a number belongs, and the like.
    WrongType,
    /// The right type, but not a value that is allowed.
    OutOfRange,
    /// An array of the wrong length.
    WrongLength,
    /// `nan` or `inf`.
    NotFinite,
    /// One setting given under two names.
    DuplicateKey,
    /// An assignment on the command line that cannot be carried out.
    Assignment,
    /// What the type itself or a check of meaning refused.
    Invalid,
}

/// One thing wrong with a scenario. A scenario with faults does not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Fault {
    /// Where the text that is wrong came from, if anybody wrote it.
    pub origin: Option<Origin>,
    /// The key it is about, as a path: `router[1].lambda`. Empty for the file as a whole.
    pub pointer: String,
    /// The sort of fault.
    pub kind: FaultKind,
    /// What is wrong, in one line.
    pub message: String,
    /// What was expected; reads on after the word "expected".
    pub expected: Option<String>,
    /// What to do about it, when that can be said.
    pub hint: Option<String>,
    /// A line that would be right.
    pub example: Option<String>,
}

impl Fault {
    /// A fault of the given sort about the key at `pointer`.
    #[must_use]
    pub fn new(kind: FaultKind, pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            origin: None,
            pointer: pointer.into(),
            kind,
            message: message.into(),
            expected: None,
            hint: None,
            example: None,
        }
    }

    /// The same fault, pointing to where the text came from.
    #[must_use]
    pub fn origin(mut self, origin: Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    /// The same fault, saying what was expected.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// The same fault with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same fault with a line that would be right.
    #[must_use]
    pub fn example(mut self, example: impl Into<String>) -> Self {
        self.example = Some(example.into());
        self
    }

    /// Files first, in the order they were added, then by place; then the command line, sweeps, the rest.
    fn order(&self) -> (u8, Option<super::SourceId>, usize, &str) {
        match &self.origin {
            Some(Origin::File { source, span }) => (0, Some(*source), span.start, &self.pointer),
            Some(Origin::CommandLine { .. }) => (1, None, 0, &self.pointer),
            Some(Origin::Sweep { .. }) => (2, None, 0, &self.pointer),
            Some(Origin::Default) | None => (3, None, 0, &self.pointer),
        }
    }
}

/// The faults of a scenario, gathered from syntax to meaning and shown together.
///
/// ```
/// use isotherm_core::config::{FaultKind, Faults, SourceMap, Tree};
/// let mut sources = SourceMap::new();
/// let file = sources.add("a.toml", "[model]\nexperts = 4\ntop_k = 8\n");
/// let mut faults = Faults::new();
/// let tree = Tree::parse(&sources, file, &mut faults).expect("valid TOML");
/// faults.push_at("model.top_k", &tree, "more experts per token than there are", "at most 4", "top_k = 2");
/// assert_eq!(faults.len(), 1);
/// assert!(faults.render(&sources).contains("a.toml:3:9"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Faults {
    faults: Vec<Fault>,
}

impl Faults {
    /// No faults yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a fault, unless one of the same sort at the same key and place is there already.
    ///
    /// The same text is read more than once (a `nan` is seen by the parser and by the reader).
    pub fn push(&mut self, fault: Fault) {
        let known = self.faults.iter().any(|other| {
            other.kind == fault.kind
                && other.pointer == fault.pointer
                && other.origin == fault.origin
                // Two syntax faults may share one place, two checks one key.
                && (!matches!(fault.kind, FaultKind::Syntax | FaultKind::Invalid) || other.message == fault.message)
        });
        if !known {
            self.faults.push(fault);
        }
    }

    /// Adds what a check of meaning found at a key.
    ///
    /// Points to the value at `pointer`, or to its nearest ancestor where the key is not written. `expected`
    /// reads on after the word "expected". Empty texts are left out.
    pub fn push_at(
        &mut self,
        pointer: &str,
        tree: &Tree,
        message: impl Into<String>,
        expected: impl Into<String>,
        example: impl Into<String>,
    ) {
        let some = |text: String| (!text.is_empty()).then_some(text);
        let path: Path = pointer.parse().unwrap_or_default();
        let mut fault = Fault::new(FaultKind::Invalid, pointer, message);
        fault.origin = Some(tree.nearest_node(&path).origin.clone());
        fault.expected = some(expected.into());
        fault.example = some(example.into());
        self.push(fault);
    }

    /// Sorts by file and place, as a person would go through them.
    pub fn sort(&mut self) {
        self.faults.sort_by(|a, b| a.order().cmp(&b.order()));
    }

    /// Whether the scenario is in order.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }

    /// How many faults there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.faults.len()
    }

    /// The faults in their present order.
    pub fn iter(&self) -> std::slice::Iter<'_, Fault> {
        self.faults.iter()
    }
}

impl Extend<Fault> for Faults {
    fn extend<I: IntoIterator<Item = Fault>>(&mut self, faults: I) {
        faults.into_iter().for_each(|fault| self.push(fault));
    }
}

impl IntoIterator for Faults {
    type Item = Fault;
    type IntoIter = std::vec::IntoIter<Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.faults.into_iter()
    }
}

impl<'f> IntoIterator for &'f Faults {
    type Item = &'f Fault;
    type IntoIter = std::slice::Iter<'f, Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Fault {
    /// One line without a place; [`Fault::render`] shows the text as well.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.expected {
            Some(expected) => write!(f, "; expected {expected}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Fault {}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.faults.as_slice() {
            [] => f.write_str("no faults"),
            [one] => one.fmt(f),
            [first, rest @ ..] => write!(f, "{first} (and {} more)", rest.len()),
        }
    }
}

impl std::error::Error for Faults {}

//! Reading again and again, each time around the faults already known, until no new one is found.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::super::assignment::read_value;
use super::super::fault::{Fault, FaultKind, Faults};
use super::super::origin::Origin;
use super::super::path::{Path, Segment};
use super::super::value::{Node, Value};
use super::TAG;
use super::error::{ReadError, owned};
use super::node::NodeReader;
use super::phrase::{listed, phrase};

/// Right values by key, as TOML: `("router.lambda", "0.1")`, or `("lambda", "0.1")` for that key anywhere.
///
/// The entry with the most keys wins. Besides being shown, an example stands in for a missing value while the
/// rest of its table is searched for faults, so an example of a quantity (`"\"250 W\""`) is worth its line.
pub type Examples<'e> = &'e [(&'e str, &'e str)];

/// A text with so many faults is not a scenario; and every round reads the whole of it.
const MAX_ROUNDS: usize = 400;

/// Reads a `T` from a node, or says everything that is wrong with it.
///
/// `path` is the node's own place (`"router[1]"`; `""` for the root), the beginning of every fault's pointer.
/// Strict whatever `T` says: a key that `T` would ignore is a fault. Whole numbers are taken where numbers
/// are expected if no digit is lost, never the reverse. `None` if and only if faults were pushed.
///
/// ```
/// use isotherm_core::config::{FaultKind, Faults, SourceMap, Tree, deserialize};
/// #[derive(serde::Deserialize)]
/// struct Model { experts: u32, scale: f64 }
///
/// let mut sources = SourceMap::new();
/// let mut faults = Faults::new();
/// let good = sources.add("good.toml", "experts = 8\nscale = 1\n");
/// let tree = Tree::parse(&sources, good, &mut faults).expect("valid TOML");
/// let model: Model = deserialize(tree.root(), "", &mut faults).expect("no faults");
/// assert_eq!((model.experts, model.scale), (8, 1.0));
///
/// let bad = sources.add("bad.toml", "experts = 'many'\nscal = 1\n");
/// let tree = Tree::parse(&sources, bad, &mut faults).expect("valid TOML");
/// assert!(deserialize::<Model>(tree.root(), "", &mut faults).is_none());
/// let kinds: Vec<_> = faults.iter().map(|fault| fault.kind).collect();
/// assert_eq!(kinds, [FaultKind::WrongType, FaultKind::UnknownKey]);
/// ```
#[must_use]
pub fn deserialize<T: DeserializeOwned>(node: &Node, path: &str, faults: &mut Faults) -> Option<T> {
    deserialize_with(node, path, &[], faults)
}

/// [`deserialize`] with examples to show beside the faults.
///
/// ```
/// use isotherm_core::config::{Faults, SourceMap, Tree, deserialize_with};
/// #[derive(serde::Deserialize)]
/// struct Model { #[allow(dead_code)] experts: u32 }
///
/// let mut sources = SourceMap::new();
/// let mut faults = Faults::new();
/// let file = sources.add("a.toml", "");
/// let tree = Tree::parse(&sources, file, &mut faults).expect("valid TOML");
/// assert!(deserialize_with::<Model>(tree.root(), "", &[("experts", "8")], &mut faults).is_none());
/// assert!(faults.render(&sources).ends_with("= example: experts = 8"));
/// ```
#[must_use]
pub fn deserialize_with<T: DeserializeOwned>(
    node: &Node,
    path: &str,
    examples: Examples<'_>,
    faults: &mut Faults,
) -> Option<T> {
    deserialize_rest(node, path, &[], examples, faults)
}

/// [`deserialize_with`] for a table that others have taken the keys `taken` out of. They could have been meant by an unknown key.
#[must_use]
pub(crate) fn deserialize_rest<T: DeserializeOwned>(
    node: &Node,
    path: &str,
    taken: &[&str],
    examples: Examples<'_>,
    faults: &mut Faults,
) -> Option<T> {
    let base: Path = path.parse().unwrap_or_default();
    let mut recovery = Recovery {
        session: Session::quiet(),
        base: base.clone(),
        taken,
        examples,
        found: Vec::new(),
        misspelt: Vec::new(),
    };
    for _ in 0..MAX_ROUNDS {
        let reader = NodeReader { session: &recovery.session, node, path: base.clone() };
        let error = match T::deserialize(reader) {
            Ok(value) if recovery.found.is_empty() => return Some(value),
            Ok(_) => break,
            Err(error) => error,
        };
        // Without effect when the failure has been noted further in.
        recovery.session.note(&base, &node.origin, &error);
        let Some(failure) = recovery.session.failure.take() else {
            break;
        };
        if !recovery.patch_around(failure) {
            break;
        }
    }
    faults.extend(recovery.found);
    None
}

/// What one reading shares: the patches it reads around, and the first failure it met.
#[derive(Default)]
pub(super) struct Session {
    patches: BTreeMap<Path, Patch>,
    failure: RefCell<Option<Failure>>,
}

/// What is read in place of what is written.
pub(super) enum Patch {
    /// A value that should be right.
    Example(Node),
    /// Whatever the type takes.
    Blank,
    /// Nothing, as if it were not there.
    Skip,
}

/// The first failure of a reading and where it is.
pub(super) struct Failure {
    pub(super) path: Path,
    pub(super) error: ReadError,
    /// `None` for a stand-in of ours, which is no fault of the user.
    pub(super) origin: Option<Origin>,
}

impl Session {
    /// A session without patches, whose failure nobody looks at or which starts a recovery.
    pub(super) fn quiet() -> Self {
        Self::default()
    }

    /// Keeps the first failure only: an error is noted furthest in first, then passes through its parents.
    pub(super) fn note(&self, path: &Path, origin: &Origin, error: &ReadError) {
        self.failure.borrow_mut().get_or_insert_with(|| Failure {
            path: path.clone(),
            error: error.clone(),
            origin: Some(origin.clone()),
        });
    }

    pub(super) fn note_stand_in(&self, path: &Path, error: &ReadError) {
        self.failure.borrow_mut().get_or_insert_with(|| Failure {
            path: path.clone(),
            error: error.clone(),
            origin: None,
        });
    }

    pub(super) fn patch(&self, parent: &Path, segment: impl FnOnce() -> Segment) -> Option<&Patch> {
        if self.patches.is_empty() {
            // The common case of a scenario in order builds no paths here.
            return None;
        }
        self.patches.get(&parent.child(segment()))
    }

    /// The patched keys directly in a table.
    pub(super) fn patched_keys(&self, parent: &Path) -> impl Iterator<Item = (&str, &Patch)> {
        let depth = parent.segments().len();
        self.inside(parent).filter(move |(path, _)| path.segments().len() == depth + 1).filter_map(|(path, patch)| {
            match path.segments().last() {
                Some(Segment::Key(name)) => Some((name.as_str(), patch)),
                _ => None,
            }
        })
    }

    /// The patches strictly inside of a place; paths sort after the paths they begin with.
    fn inside(&self, outer: &Path) -> impl Iterator<Item = (&Path, &Patch)> {
        self.patches.range(outer.clone()..).skip_while(move |(path, _)| *path == outer).take_while({
            let outer = outer.clone();
            move |(path, _)| path.is_inside(&outer)
        })
    }
}

struct Recovery<'e> {
    session: Session,
    base: Path,
    /// Keys of the outermost table that are read elsewhere.
    taken: &'e [&'e str],
    examples: Examples<'e>,
    found: Vec<Fault>,
    /// Tables with a key that most likely means another: its absence is explained.
    misspelt: Vec<(Path, String)>,
}

impl Recovery<'_> {
    /// Reports a failure, unless an earlier one explains it, and patches its place. `false`: no way around it.
    fn patch_around(&mut self, failure: Failure) -> bool {
        let Some(origin) = failure.origin else {
            self.learn_kinds(&failure.path, &failure.error);
            return self.weaken(&failure.path);
        };
        let path = failure.path;
        match &failure.error {
            ReadError::MissingField { field } => {
                let child = path.child(Segment::Key(field.clone()));
                let patched = self.session.patches.contains_key(&child);
                let misspelt = self.misspelt.iter().any(|(table, key)| *table == path && key == field);
                if !patched && !misspelt {
                    self.report(&path, origin, &failure.error);
                }
                // Missing although patched: no stand-in fits, so the table as a whole cannot be read.
                if patched { self.stand_in(&path) } else { self.stand_in(&child) }
            }
            ReadError::UnknownField { .. } | ReadError::DuplicateField { .. } => {
                if let Some(meant) = self.report(&path, origin, &failure.error)
                    && let Some(table) = path.parent()
                {
                    self.misspelt.push((table, meant));
                }
                self.put(path, Patch::Skip)
            }
            ReadError::UnknownVariant { .. } => {
                match self.report(&path, origin.clone(), &failure.error) {
                    Some(meant) => {
                        // Go on as if it were spelt right: the options of that kind can be checked.
                        let node = Node::new(Value::String(meant), origin);
                        self.put(path, Patch::Example(node))
                    }
                    None => self.stand_in(&path),
                }
            }
            ReadError::InvalidLength { .. } | ReadError::InvalidValue { .. } | ReadError::Custom { .. } => {
                // What a container finds wrong may be our patches inside of it. A length is only changed
                // by what was taken out.
                let length = matches!(failure.error, ReadError::InvalidLength { .. });
                let ours = |patch: &Patch| !length || matches!(patch, Patch::Skip);
                if !self.session.inside(&path).any(|(_, patch)| ours(patch)) {
                    self.report(&path, origin, &failure.error);
                }
                self.stand_in(&path)
            }
            ReadError::InvalidType { .. } | ReadError::NotWhole { .. } | ReadError::NotFinite { .. } => {
                self.report(&path, origin, &failure.error);
                self.stand_in(&path)
            }
        }
    }

    /// Adds the fault, and returns the name that was most likely meant.
    fn report(&mut self, path: &Path, origin: Origin, error: &ReadError) -> Option<String> {
        let (fault, meant) = phrase(path, &self.with_taken(path, error), self.examples);
        self.found.push(fault.origin(origin));
        meant
    }

    /// The error as if all keys of the outermost table were read here.
    fn with_taken(&self, path: &Path, error: &ReadError) -> ReadError {
        let mut error = error.clone();
        if let ReadError::UnknownField { expected, .. } = &mut error
            && path.parent().as_ref() == Some(&self.base)
        {
            expected.extend(owned(self.taken));
        }
        error
    }

    /// A blank read as a kind is refused with the list of kinds: what a missing kind could have been.
    fn learn_kinds(&mut self, path: &Path, error: &ReadError) {
        if let ReadError::UnknownVariant { expected, .. } = error
            && is_tag(path)
        {
            let pointer = path.to_string();
            let missing = |fault: &&mut Fault| fault.kind == FaultKind::MissingKey && fault.pointer == pointer;
            if let Some(fault) = self.found.iter_mut().find(missing) {
                fault.expected = Some(listed(expected, "kind"));
            }
        }
    }

    fn stand_in(&mut self, path: &Path) -> bool {
        if self.session.patches.contains_key(path) {
            return self.weaken(path);
        }
        // Never for a kind: the table's other keys would be held against a kind that nobody asked for.
        let text = if is_tag(path) { None } else { example(path, self.examples) };
        match text {
            Some(text) => {
                let node = read_value(text, &|| Origin::Default, path, &mut Faults::new());
                self.put(path.clone(), Patch::Example(node))
            }
            None => self.put(path.clone(), Patch::Blank),
        }
    }

    /// Example, then blank, then nothing: each place changes at most three times, so the rounds end.
    fn weaken(&mut self, path: &Path) -> bool {
        match self.session.patches.get(path) {
            Some(Patch::Example(_)) => self.put(path.clone(), Patch::Blank),
            Some(Patch::Blank) => self.put(path.clone(), Patch::Skip),
            Some(Patch::Skip) | None => false,
        }
    }

    fn put(&mut self, path: Path, patch: Patch) -> bool {
        if path == self.base {
            // There is no reading around the whole.
            return false;
        }
        self.session.patches.insert(path, patch);
        true
    }
}

/// Whether a path ends in the key that names a plugin.
pub(super) fn is_tag(path: &Path) -> bool {
    matches!(path.segments().last(), Some(Segment::Key(key)) if key == TAG)
}

/// The example for a key: the entry that agrees with most of the keys of its path.
pub(super) fn example<'e>(path: &Path, examples: Examples<'e>) -> Option<&'e str> {
    let keys = path.keys();
    examples
        .iter()
        .filter(|(key, _)| keys.strip_suffix(key).is_some_and(|before| before.is_empty() || before.ends_with('.')))
        .max_by_key(|(key, _)| key.len())
        .map(|(_, example)| *example)
}

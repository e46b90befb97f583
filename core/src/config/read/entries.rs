//! The keys of a table and the elements of an array, as serde takes them one by one.

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess};

use super::super::origin::Origin;
use super::super::path::{Path, Segment};
use super::super::value::{Entry, Node, Table};
use super::TAG;
use super::blank::Blank;
use super::error::{ReadError, owned};
use super::node::NodeReader;
use super::recover::{Patch, Session};

/// What is handed out for a key or element: what is written, or what the recovery put in its place.
#[derive(Clone, Copy)]
enum Given<'s> {
    Written(&'s Entry),
    StandIn(&'s str, Option<&'s Node>),
}

impl<'s> Given<'s> {
    fn name(&self) -> &'s str {
        match self {
            Self::Written(entry) => &entry.key.name,
            Self::StandIn(name, _) => name,
        }
    }
}

/// The entries of a table, [`TAG`] first.
pub(super) struct Entries<'s> {
    session: &'s Session,
    path: Path,
    fields: Option<&'static [&'static str]>,
    given: Vec<Given<'s>>,
    next: usize,
}

impl<'s> Entries<'s> {
    pub(super) fn new(
        session: &'s Session,
        table: &'s Table,
        path: &Path,
        fields: Option<&'static [&'static str]>,
    ) -> Self {
        let mut given = Vec::with_capacity(table.entries().len());
        for entry in table.entries() {
            let name = &entry.key.name;
            match session.patch(path, || Segment::Key(name.clone())) {
                None => given.push(Given::Written(entry)),
                Some(Patch::Example(node)) => given.push(Given::StandIn(name, Some(node))),
                Some(Patch::Blank) => given.push(Given::StandIn(name, None)),
                Some(Patch::Skip) => {}
            }
        }
        for (name, patch) in session.patched_keys(path) {
            if table.get(name).is_none() {
                match patch {
                    Patch::Example(node) => given.push(Given::StandIn(name, Some(node))),
                    Patch::Blank => given.push(Given::StandIn(name, None)),
                    Patch::Skip => {}
                }
            }
        }
        // Stable: the other keys keep their order.
        given.sort_by_key(|one| one.name() != TAG);
        Self { session, path: path.clone(), fields, given, next: 0 }
    }

    /// The first entry that nobody asked for.
    pub(super) fn unread(&self) -> Option<&'s Entry> {
        self.given.get(self.next..)?.iter().find_map(|given| match given {
            Given::Written(entry) => Some(*entry),
            Given::StandIn(..) => None,
        })
    }

    /// The key handed out last.
    pub(super) fn last(&self) -> Option<&'s str> {
        Some(self.given.get(self.next.checked_sub(1)?)?.name())
    }

    pub(super) fn only_one(&self) -> bool {
        self.given.len() == 1
    }

    pub(super) fn unknown(&self, name: &str) -> ReadError {
        ReadError::UnknownField { field: name.to_owned(), expected: owned(self.fields.unwrap_or_default()) }
    }

    fn child(&self, name: &str) -> Path {
        self.path.child(Segment::Key(name.to_owned()))
    }
}

impl<'de> MapAccess<'de> for &mut Entries<'_> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        let Some(given) = self.given.get(self.next).copied() else {
            return Ok(None);
        };
        self.next += 1;
        let name = given.name();
        seed.deserialize(StrDeserializer::new(name)).map(Some).inspect_err(|error| match given {
            Given::Written(entry) => self.session.note(&self.child(name), &entry.key.origin, error),
            Given::StandIn(..) => self.session.note_stand_in(&self.child(name), error),
        })
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        // serde promises to ask for a key before its value; a visitor that does not is answered, not trusted.
        let Some(given) = self.next.checked_sub(1).and_then(|at| self.given.get(at)).copied() else {
            return Err(serde::de::Error::custom("a value was asked for before its key"));
        };
        let name = given.name();
        let path = self.child(name);
        match given {
            Given::Written(entry) => {
                let reader = NodeReader { session: self.session, node: &entry.node, path: path.clone() };
                seed.deserialize(reader).map_err(|error| match error {
                    // Only our own refusal to ignore a key gets here unnoted with the key's name on it.
                    ReadError::UnknownField { field, expected } if field == name && expected.is_empty() => {
                        let error = self.unknown(name);
                        self.session.note(&path, &entry.key.origin, &error);
                        error
                    }
                    error => {
                        self.session.note(&path, &entry.node.origin, &error);
                        error
                    }
                })
            }
            Given::StandIn(_, stand_in) => read_stand_in(self.session, stand_in, &path, seed),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.given.len() - self.next)
    }
}

/// Reads what the recovery put in place of a value; its failures are no faults of the user.
fn read_stand_in<'de, S: DeserializeSeed<'de>>(
    session: &Session,
    stand_in: Option<&Node>,
    path: &Path,
    seed: S,
) -> Result<S::Value, ReadError> {
    let read = match stand_in {
        Some(node) => {
            let quiet = Session::quiet();
            seed.deserialize(NodeReader { session: &quiet, node, path: path.clone() })
        }
        None => seed.deserialize(Blank::new()),
    };
    read.inspect_err(|error| session.note_stand_in(path, error))
}

/// The elements of an array.
pub(super) struct Elements<'s> {
    session: &'s Session,
    path: Path,
    items: &'s [Node],
    next: usize,
}

impl<'s> Elements<'s> {
    pub(super) fn new(session: &'s Session, items: &'s [Node], path: &Path) -> Self {
        Self { session, path: path.clone(), items, next: 0 }
    }

    pub(super) fn is_read(&self) -> bool {
        self.next >= self.items.len()
    }
}

impl<'de> SeqAccess<'de> for &mut Elements<'_> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        while let Some(node) = self.items.get(self.next) {
            let segment = Segment::Index(self.next);
            self.next += 1;
            let path = self.path.child(segment.clone());
            let read = match self.session.patch(&self.path, || segment) {
                Some(Patch::Skip) => continue,
                Some(Patch::Example(node)) => read_stand_in(self.session, Some(node), &path, seed),
                Some(Patch::Blank) => read_stand_in(self.session, None, &path, seed),
                None => read_element(self.session, node, &path, seed),
            };
            return read.map(Some);
        }
        Ok(None)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len() - self.next)
    }
}

fn read_element<'de, S: DeserializeSeed<'de>>(
    session: &Session,
    node: &Node,
    path: &Path,
    seed: S,
) -> Result<S::Value, ReadError> {
    let origin: &Origin = &node.origin;
    seed.deserialize(NodeReader { session, node, path: path.clone() })
        .inspect_err(|error| session.note(path, origin, error))
}

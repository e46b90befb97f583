//! Values that remember where they came from.

use super::origin::Origin;

/// A value and where it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it came from. For a table this is its header (`[model]`) or its braces.
    pub origin: Origin,
}

/// What a scenario can say.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A number with a point or exponent.
    Float(f64),
    /// Text.
    String(String),
    /// A TOML date or time as written; no scenario key takes one, reading it is a fault.
    Datetime(String),
    /// `[a, b]` or `[[table]]`s.
    Array(Vec<Node>),
    /// A table.
    Table(Table),
}

/// A key of a table and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// The key, unquoted.
    pub name: String,
    /// Where it was written.
    pub origin: Origin,
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// Its value.
    pub node: Node,
}

/// Keys and values in the order they were written; a key occurs once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    entries: Vec<Entry>,
}

impl Node {
    /// A value and where it came from.
    #[must_use]
    pub fn new(value: Value, origin: Origin) -> Self {
        Self { value, origin }
    }
}

impl Value {
    /// What a person calls this type of value, with its article.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Bool(_) => "a boolean",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::String(_) => "a string",
            Self::Datetime(_) => "a date",
            Self::Array(_) => "an array",
            Self::Table(_) => "a table",
        }
    }
}

impl Table {
    /// The value of a key.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.entry(name).map(|entry| &entry.node)
    }

    /// The key as written, with its value.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key.name == name)
    }

    /// The entries in the order they were written.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Takes the entries out.
    #[must_use]
    pub fn into_entries(self) -> Vec<Entry> {
        self.entries
    }

    /// Sets a key in its old place, or at the end when it is new.
    pub fn insert(&mut self, key: Key, node: Node) {
        match self.entries.iter_mut().find(|e| e.key.name == key.name) {
            Some(entry) => *entry = Entry { key, node },
            None => self.entries.push(Entry { key, node }),
        }
    }

    /// Takes a key out.
    pub fn remove(&mut self, name: &str) -> Option<Node> {
        let at = self.entries.iter().position(|e| e.key.name == name)?;
        Some(self.entries.remove(at).node)
    }

    /// Entries whose names the caller knows to differ; checking again would cost quadratic time.
    pub(super) fn from_distinct(entries: Vec<Entry>) -> Self {
        Self { entries }
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Node> {
        let entry = self.entries.iter_mut().find(|e| e.key.name == name)?;
        Some(&mut entry.node)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

//! The tree written out again, without its origins.

use serde::ser::{Serialize, Serializer};

use super::tree::Tree;
use super::value::{Node, Table, Value};

/// The plain value, for `scenario.resolved.toml` and for plugins that take their options as text.
///
/// ```
/// use isotherm_core::config::{Faults, SourceMap, Tree};
/// let mut sources = SourceMap::new();
/// let file = sources.add("a.toml", "b = 1\na = [0.5]\n");
/// let tree = Tree::parse(&sources, file, &mut Faults::new()).expect("valid TOML");
/// assert_eq!(toml::to_string(&tree), Ok("b = 1\na = [0.5]\n".to_owned()));
/// ```
impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.root().serialize(serializer)
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Integer(value) => serializer.serialize_i64(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            // A date cannot be read into anything either; its text is the least surprising form.
            Self::String(text) | Self::Datetime(text) => serializer.serialize_str(text),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Table(table) => table.serialize(serializer),
        }
    }
}

impl Serialize for Table {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.entries().iter().map(|entry| (&entry.key.name, &entry.node)))
    }
}

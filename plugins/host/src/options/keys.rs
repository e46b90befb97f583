//! Which keys a schema knows of one table, over all the schemas that it is composed of.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// How deep schemas may refer to each other at one place: a chain beyond this is a circle.
pub(super) const DEEPEST: usize = 32;

/// The keys that a schema knows, each with its own schema.
#[derive(Debug, Default)]
pub(super) struct Keys<'s> {
    pub(super) known: BTreeMap<&'s str, &'s Value>,
    /// Whether some part of the schema lets other keys be.
    open: bool,
    /// Schemas that have been looked at: they may refer to each other in circles.
    seen: BTreeSet<*const Value>,
}

impl<'s> Keys<'s> {
    pub(super) fn of(root: &'s Value, schema: &'s Value) -> Self {
        let mut keys = Self::default();
        keys.add(root, schema);
        keys
    }

    /// Whether a key that is not known is a fault. The scenario language is strict: it is, unless the schema says otherwise.
    pub(super) fn are_all(&self) -> bool {
        !self.open && !self.known.is_empty()
    }

    fn add(&mut self, root: &'s Value, schema: &'s Value) {
        if !self.seen.insert(schema) {
            return;
        }
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            self.known.extend(properties.iter().map(|(key, schema)| (key.as_str(), schema)));
        }
        let more = [schema.get("additionalProperties"), schema.get("unevaluatedProperties")];
        self.open |= more.iter().flatten().any(|more| **more != Value::Bool(false));
        self.open |= schema.get("patternProperties").is_some();
        if let Some(referred) = referred(root, schema) {
            self.add(root, referred);
        }
        for keyword in ["allOf", "anyOf", "oneOf"] {
            for part in schema.get(keyword).and_then(Value::as_array).into_iter().flatten() {
                self.add(root, part);
            }
        }
    }
}

/// The schema that `$ref` names, within the same document.
pub(super) fn referred<'s>(root: &'s Value, schema: &Value) -> Option<&'s Value> {
    root.pointer(schema.get("$ref")?.as_str()?.strip_prefix('#')?)
}

//! Checks a scenario's table against the JSON schema of a plugin's options.
//!
//! A validator of the whole standard needs its own regular expressions, URLs and a hundred crates, and answers without the lines of the
//! scenario. This one knows what schemas of Rust types and of hand-written options use: types, choices, ranges, lengths, keys, references
//! and compositions. Other keywords are passed over: the plugin checks its options itself, too.

mod branch;
mod number;
#[cfg(test)]
mod tests;

use std::cell::Cell;

use isotherm_core::config::{Fault, FaultKind, Node, Path, Segment, Table, Value, nearest};
use serde_json::Value as Json;

use super::keys::{DEEPEST, Keys, referred};
use super::{example, words};

/// A schema with options that work, for the examples of its faults.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schema<'s> {
    root: &'s Json,
    example: &'s Json,
}

/// One value of the scenario.
#[derive(Clone, Copy)]
struct Place<'p> {
    node: &'p Node,
    path: &'p Path,
}

impl<'s> Schema<'s> {
    pub(crate) fn new(root: &'s Json, example: &'s Json) -> Self {
        Self { root, example }
    }

    /// Everything wrong with the options at `path`, which is their place in the scenario.
    pub(crate) fn check(&self, options: &Node, path: &Path) -> Vec<Fault> {
        let checker = Checker { schema: *self, base: path.segments().len(), fuel: Cell::new(MOST_STEPS) };
        let mut faults = Vec::new();
        checker.value(self.root, Place { node: options, path }, true, 0, &mut faults);
        faults
    }
}

/// Schemas looked at for one table. What takes more refers to itself many times over; what is left is for the plugin to check.
const MOST_STEPS: u32 = 100_000;

struct Checker<'s> {
    schema: Schema<'s>,
    fuel: Cell<u32>,
    /// Segments of the path that lead to the options.
    base: usize,
}

impl<'s> Checker<'s> {
    /// Checks one value. `whole` at the first schema of a place: the parts of a composition do not know each other's keys.
    fn value(&self, schema: &'s Json, place: Place<'_>, whole: bool, depth: usize, faults: &mut Vec<Fault>) {
        let fuel = self.fuel.get();
        if depth > DEEPEST || fuel == 0 {
            return;
        }
        self.fuel.set(fuel - 1);
        if schema == &Json::Bool(false) {
            let message = format!("{} is not allowed here", words::short(place.path));
            let fault = Fault::new(FaultKind::Invalid, place.path.to_string(), message);
            faults.push(fault.origin(place.node.origin.clone()));
            return;
        }
        if let Some(choices) = choices(schema) {
            if !choices.iter().any(|choice| is(choice, &place.node.value)) {
                faults.push(self.with_example(no_choice(&choices, place), place, schema));
            }
            return;
        }
        if !has_type(schema, &place.node.value) {
            faults.push(self.with_example(wrong_type(schema, place), place, schema));
            return;
        }
        match &place.node.value {
            Value::Integer(_) | Value::Float(_) => {
                if let Some(expected) = number::fault(schema, &place.node.value) {
                    let fault = words::out_of_range(place.node, place.path, &expected);
                    faults.push(self.with_example(fault, place, schema));
                }
            }
            Value::String(text) => self.length(schema, "Length", text.chars().count(), "character", place, faults),
            Value::Array(items) => self.array(schema, items, place, faults),
            Value::Table(table) => self.table(schema, table, place, whole, faults),
            Value::Bool(_) | Value::Datetime(_) => {}
        }
        if let Some(schema) = referred(self.schema.root, schema) {
            self.value(schema, place, false, depth + 1, faults);
        }
        for part in schema.get("allOf").and_then(Json::as_array).into_iter().flatten() {
            self.value(part, place, false, depth + 1, faults);
        }
        for keyword in ["anyOf", "oneOf"] {
            if let Some(branches) = schema.get(keyword).and_then(Json::as_array) {
                self.branches(branches, place, depth, faults);
            }
        }
    }

    fn length(
        &self,
        schema: &'s Json,
        keyword: &str,
        found: usize,
        what: &str,
        place: Place<'_>,
        faults: &mut Vec<Fault>,
    ) {
        let bound = |side: &str| schema.get(format!("{side}{keyword}")).and_then(Json::as_u64);
        let (least, most) = (bound("min"), bound("max"));
        let found_u64 = found as u64;
        if least.is_some_and(|least| found_u64 < least) || most.is_some_and(|most| found_u64 > most) {
            let expected = match (least, most) {
                (Some(least), Some(most)) if least == most => format!("{least} {what}s"),
                (Some(least), Some(most)) => format!("{least} to {most} {what}s"),
                (Some(least), None) => format!("at least {least} {what}(s)"),
                (None, most) => format!("at most {} {what}(s)", most.unwrap_or_default()),
            };
            let fault = words::wrong_length(place.node, place.path, found, what, &expected);
            faults.push(self.with_example(fault, place, schema));
        }
    }

    fn array(&self, schema: &'s Json, items: &[Node], place: Place<'_>, faults: &mut Vec<Fault>) {
        self.length(schema, "Items", items.len(), "element", place, faults);
        let first = schema.get("prefixItems").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
        let rest = schema.get("items");
        for (index, node) in items.iter().enumerate() {
            if let Some(schema) = first.get(index).or(rest) {
                let path = place.path.child(Segment::Index(index));
                self.value(schema, Place { node, path: &path }, true, 0, faults);
            }
        }
    }

    fn table(&self, schema: &'s Json, table: &Table, place: Place<'_>, whole: bool, faults: &mut Vec<Fault>) {
        let own = schema.get("properties").and_then(Json::as_object);
        let more = schema.get("additionalProperties").filter(|_| schema.get("patternProperties").is_none());
        let keys = Keys::of(self.schema.root, schema);
        let strict = more == Some(&Json::Bool(false)) || whole && keys.are_all();
        let mut misspelt = Vec::new();
        for entry in table.entries() {
            let name = entry.key.name.as_str();
            let path = place.path.child(Segment::Key(name.to_owned()));
            let inner = Place { node: &entry.node, path: &path };
            match own.and_then(|own| own.get(name)).or(more.filter(|more| more.is_object())) {
                Some(schema) => self.value(schema, inner, true, 0, faults),
                None if strict && !keys.known.contains_key(name) => {
                    let fault = Fault::new(FaultKind::UnknownKey, path.to_string(), format!("unknown key `{name}`"));
                    let meant = nearest(name, keys.known.keys().copied());
                    misspelt.extend(meant);
                    faults.push(self.unknown_key(fault.origin(entry.key.origin.clone()), meant, place, &keys));
                }
                None => {}
            }
        }
        for key in schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str) {
            // A misspelt key explains why the right one is not there.
            if table.get(key).is_none() && !misspelt.contains(&key) {
                let fault = words::missing(place.node, place.path, key);
                faults.push(self.with_example_of(fault, place.path, key, keys.known.get(key).copied()));
            }
        }
    }

    fn unknown_key(&self, fault: Fault, meant: Option<&str>, place: Place<'_>, keys: &Keys<'s>) -> Fault {
        let names: Vec<String> = keys.known.keys().map(|key| (*key).to_owned()).collect();
        let fault = fault.expected(words::listed(&names, "key"));
        let Some(meant) = meant else { return fault };
        let fault = fault.hint(format!("did you mean `{meant}`?"));
        self.with_example_of(fault, place.path, meant, keys.known.get(meant).copied())
    }

    fn with_example_of(&self, fault: Fault, table: &Path, key: &str, schema: Option<&Json>) -> Fault {
        self.with_line(fault, &table.child(Segment::Key(key.to_owned())), schema)
    }

    /// A fault with a line that would be right, where a suggestion does not say it already.
    fn with_example(&self, fault: Fault, place: Place<'_>, schema: &Json) -> Fault {
        if fault.hint.is_some() { fault } else { self.with_line(fault, place.path, Some(schema)) }
    }

    fn with_line(&self, fault: Fault, path: &Path, schema: Option<&Json>) -> Fault {
        let within = path.segments().get(self.base..).unwrap_or_default();
        match example::line(self.schema.example, within, path, schema) {
            Some(line) => fault.example(line),
            None => fault,
        }
    }
}

/// The values that a schema allows, where it lists them.
fn choices(schema: &Json) -> Option<Vec<&Json>> {
    match (schema.get("const"), schema.get("enum").and_then(Json::as_array)) {
        (Some(only), _) => Some(vec![only]),
        (None, Some(choices)) => Some(choices.iter().collect()),
        // Choices with documentation: one `const` each.
        (None, None) => {
            let branches = schema.get("oneOf").or_else(|| schema.get("anyOf"))?.as_array()?;
            let lists: Option<Vec<Vec<&Json>>> = branches.iter().map(choices).collect();
            lists.map(|lists| lists.concat()).filter(|choices| !choices.is_empty())
        }
    }
}

fn no_choice(choices: &[&Json], place: Place<'_>) -> Fault {
    let names: Vec<String> = choices.iter().map(|choice| plain(choice)).collect();
    if matches!(place.node.value, Value::String(_)) || !choices.iter().all(|choice| choice.is_string()) {
        return words::unknown_value(place.node, place.path, &names);
    }
    words::wrong_type(place.node, place.path, &words::listed(&names, "value"))
}

/// A choice as it is written in a scenario, strings without quotes.
fn plain(choice: &Json) -> String {
    choice.as_str().map_or_else(|| choice.to_string(), str::to_owned)
}

fn is(choice: &Json, value: &Value) -> bool {
    match value {
        Value::Bool(value) => choice.as_bool() == Some(*value),
        Value::Integer(value) => choice.as_i64() == Some(*value) || choice.as_f64() == Some(*value as f64),
        Value::Float(value) => choice.as_f64() == Some(*value),
        Value::String(text) => choice.as_str() == Some(text),
        Value::Datetime(_) | Value::Array(_) | Value::Table(_) => false,
    }
}

/// The names of the types that a schema allows; empty where it allows all.
fn types(schema: &Json) -> Vec<&str> {
    match schema.get("type") {
        Some(Json::String(one)) => vec![one],
        Some(Json::Array(several)) => several.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    }
}

fn has_type(schema: &Json, value: &Value) -> bool {
    let types = types(schema);
    types.is_empty() || types.iter().any(|name| fits(name, value))
}

/// Whole numbers are numbers too; numbers with a point are never whole, as for built-in kinds.
fn fits(name: &str, value: &Value) -> bool {
    match value {
        Value::Bool(_) => name == "boolean",
        Value::Integer(_) => matches!(name, "integer" | "number"),
        Value::Float(_) => name == "number",
        Value::String(_) => name == "string",
        Value::Array(_) => name == "array",
        Value::Table(_) => name == "object",
        Value::Datetime(_) => false,
    }
}

fn wrong_type(schema: &Json, place: Place<'_>) -> Fault {
    let names: Vec<String> = types(schema).iter().filter_map(|name| type_in_words(name, schema)).collect();
    let expected = names.join(" or ");
    match place.node.value {
        Value::Float(value) if types(schema).contains(&"integer") => {
            words::not_whole(place.node, value, place.path, &expected)
        }
        _ => words::wrong_type(place.node, place.path, &expected),
    }
}

/// A type in the words of the scenario language; `None` for null, which it does not have.
fn type_in_words(name: &str, schema: &Json) -> Option<String> {
    Some(match name {
        "null" => return None,
        "boolean" => "`true` or `false`".to_owned(),
        "integer" | "number" => number::expected(schema, name == "integer"),
        "string" => "a string".to_owned(),
        "array" => "an array".to_owned(),
        "object" => "a table".to_owned(),
        other => other.to_owned(),
    })
}

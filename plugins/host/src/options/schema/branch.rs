//! Alternatives of a schema: if none fits, the faults of the one that was most likely meant.

use isotherm_core::config::{Fault, Segment, Value};
use serde_json::Value as Json;

use super::{Checker, Place, choices, is, plain, types};
use crate::options::keys::referred;
use crate::options::words;

impl<'s> Checker<'s> {
    pub(super) fn branches(&self, branches: &'s [Json], place: Place<'_>, depth: usize, faults: &mut Vec<Fault>) {
        let mut tried: Vec<(&Json, Vec<Fault>)> = Vec::new();
        for branch in branches {
            let mut found = Vec::new();
            self.value(branch, place, false, depth + 1, &mut found);
            if found.is_empty() {
                return;
            }
            tried.push((self.resolved(branch), found));
        }
        if let Some(fault) = self.unknown_tag(&tried, place) {
            faults.push(fault);
            return;
        }
        tried.retain(|(branch, _)| fits_shape(branch, &place.node.value));
        let meant = tried.iter().position(|(branch, _)| is_named_by(branch, place)).unwrap_or_else(|| {
            let fewest = tried.iter().enumerate().min_by_key(|(_, (_, found))| found.len());
            fewest.map_or(0, |(index, _)| index)
        });
        match tried.into_iter().nth(meant) {
            Some((_, found)) => faults.extend(found),
            None => {
                let mut names: Vec<String> = Vec::new();
                for branch in branches.iter().map(|branch| self.resolved(branch)) {
                    for name in types(branch).iter().filter_map(|name| super::type_in_words(name, branch)) {
                        if !names.contains(&name) {
                            names.push(name);
                        }
                    }
                }
                faults.push(words::wrong_type(place.node, place.path, &names.join(" or ")));
            }
        }
    }

    /// A branch itself, or what it refers to.
    fn resolved(&self, branch: &'s Json) -> &'s Json {
        referred(self.schema.root, branch).unwrap_or(branch)
    }

    /// The fault of a table whose tag (a key with one allowed value in every alternative) names none of the alternatives.
    fn unknown_tag(&self, tried: &[(&'s Json, Vec<Fault>)], place: Place<'_>) -> Option<Fault> {
        let Value::Table(table) = &place.node.value else { return None };
        let (first, _) = tried.first()?;
        let tag = tag_of(first)?.0;
        let values: Option<Vec<&Json>> =
            tried.iter().map(|(branch, _)| branch.get("properties")?.get(tag)?.get("const")).collect();
        let (values, node) = (values?, table.get(tag)?);
        if values.iter().any(|value| is(value, &node.value)) {
            return None;
        }
        let names: Vec<String> = values.iter().map(|value| plain(value)).collect();
        Some(words::unknown_value(node, &place.path.child(Segment::Key(tag.to_owned())), &names))
    }
}

/// The key whose value names an alternative, and that value.
fn tag_of(branch: &Json) -> Option<(&str, &Json)> {
    let properties = branch.get("properties")?.as_object()?;
    properties.iter().find_map(|(key, schema)| Some((key.as_str(), schema.get("const")?)))
}

/// Whether the table names this alternative: by its tag, or by a key that the alternative requires.
fn is_named_by(branch: &Json, place: Place<'_>) -> bool {
    let Value::Table(table) = &place.node.value else { return false };
    if let Some((tag, value)) = tag_of(branch) {
        return table.get(tag).is_some_and(|node| is(value, &node.value));
    }
    let required = branch.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
    required.into_iter().any(|key| table.get(key).is_some())
}

/// Whether an alternative is for values of this type at all.
fn fits_shape(branch: &Json, value: &Value) -> bool {
    let types = types(branch);
    let number = matches!(value, Value::Float(_)) && types.contains(&"integer");
    let listed = choices(branch).is_some_and(|choices| choices.iter().any(|choice| choice.is_string()));
    if types.is_empty() && listed {
        return matches!(value, Value::String(_));
    }
    types.is_empty() || number || types.iter().any(|name| super::fits(name, value))
}

//! Every number of scenario and hardware profile, and where it comes from.
//!
//! A profile says of its numbers whether they were measured, fitted, published, derived or guessed (`docs/PROFILES.md`), by key or by
//! the table they are in. Whatever else is in a scenario was chosen by whoever wrote it, or is the default.

use std::collections::BTreeMap;

use toml::Value;

use crate::results::Scenario;

/// Where a number of a profile comes from.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Origin {
    /// `measured`, `fitted`, `published`, `derived` or `guessed`.
    pub(super) basis: String,
    pub(super) note: String,
    pub(super) plus_minus: Option<String>,
}

/// A key of the scenario with its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Key {
    pub(super) path: String,
    pub(super) value: String,
    /// Only what is in a profile has one.
    pub(super) origin: Option<Origin>,
}

/// What a profile says of its numbers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Profile {
    pub(super) name: String,
    origins: BTreeMap<String, Origin>,
}

const PROFILE: [&str; 2] = ["hardware", "profile"];

impl Profile {
    /// The profile of a scenario; `None` where it has none.
    pub(super) fn of(scenario: &Scenario) -> Option<Self> {
        let table = scenario.get(&PROFILE)?.as_table()?;
        let text = |value: Option<&Value>| value.map(written).unwrap_or_default();
        let origin = |(key, value): (&String, &Value)| {
            let origin = Origin {
                basis: text(value.get("basis")),
                note: text(value.get("note")),
                plus_minus: value.get("plus_minus").map(written),
            };
            (key.clone(), origin)
        };
        let origins = table.get("origin").and_then(Value::as_table).map(|all| all.iter().map(origin).collect());
        Some(Self { name: text(table.get("name")), origins: origins.unwrap_or_default() })
    }

    /// The keys that are guessed.
    pub(super) fn guessed(&self) -> Vec<&str> {
        self.origins.iter().filter(|(_, origin)| origin.basis == "guessed").map(|(key, _)| key.as_str()).collect()
    }

    /// The origin of a key of the profile: its own, or that of the closest table it is in. `names` are the steps of its path, by
    /// name and by kind: `node.die` is a `node`.
    fn origin(&self, steps: &[Step]) -> Option<&Origin> {
        let path = |steps: &[Step], named: bool| {
            let words =
                steps.iter().flat_map(|step| std::iter::once(&step.key).chain(step.name.as_ref().filter(|_| named)));
            words.map(String::as_str).collect::<Vec<_>>().join(".")
        };
        (1..=steps.len()).rev().find_map(|end| {
            let steps = &steps[..end];
            self.origins.get(&path(steps, true)).or_else(|| self.origins.get(&path(steps, false)))
        })
    }
}

/// A step of a path: a key, and the name or place of the member where it holds several.
#[derive(Clone, Debug)]
struct Step {
    key: String,
    name: Option<String>,
}

/// All keys of a scenario in the order of the file, with the tables they stand in: `router`, `hardware.profile`.
pub(super) fn keys(scenario: &Scenario, profile: Option<&Profile>) -> Vec<(String, Vec<Key>)> {
    let mut all = Vec::new();
    let mut steps = Vec::new();
    for (key, value) in &scenario.table {
        walk(key, value, &mut steps, profile, &mut all);
    }
    let mut groups: Vec<(String, Vec<Key>)> = Vec::new();
    for key in all {
        let group = group_of(&key.path);
        match groups.iter_mut().find(|(known, _)| *known == group) {
            Some((_, keys)) => keys.push(key),
            None => groups.push((group, vec![key])),
        }
    }
    groups
}

fn group_of(path: &str) -> String {
    let top = path.split(['.', '[']).next().unwrap_or(path);
    match path {
        _ if top == path => "general".to_owned(),
        _ if path.starts_with("hardware.profile.") => "hardware.profile".to_owned(),
        _ if path.starts_with("hardware.cooling.") => "hardware.cooling".to_owned(),
        _ => top.to_owned(),
    }
}

fn walk(key: &str, value: &Value, steps: &mut Vec<Step>, profile: Option<&Profile>, all: &mut Vec<Key>) {
    steps.push(Step { key: key.to_owned(), name: None });
    let is_origin =
        steps.len() == 3 && steps.iter().map(|step| step.key.as_str()).eq(["hardware", "profile", "origin"]);
    match value {
        Value::Table(_) if is_origin => {}
        Value::Table(table) => table.iter().for_each(|(key, value)| walk(key, value, steps, profile, all)),
        Value::Array(members) if !members.is_empty() && members.iter().all(Value::is_table) => {
            for (place, member) in members.iter().enumerate() {
                let name = member.get("name").and_then(Value::as_str).map_or_else(|| place.to_string(), str::to_owned);
                if let Some(step) = steps.last_mut() {
                    step.name = Some(name);
                }
                let table = member.as_table().into_iter().flatten();
                table.for_each(|(key, value)| walk(key, value, steps, profile, all));
            }
        }
        value => all.push(Key { path: path(steps), value: written(value), origin: origin(steps, profile) }),
    }
    steps.pop();
}

fn path(steps: &[Step]) -> String {
    let word =
        |step: &Step| step.name.as_ref().map_or_else(|| step.key.clone(), |name| format!("{}[{name}]", step.key));
    steps.iter().map(word).collect::<Vec<_>>().join(".")
}

fn origin(steps: &[Step], profile: Option<&Profile>) -> Option<Origin> {
    let is_in_profile = steps.len() > PROFILE.len() && steps.iter().map(|step| step.key.as_str()).take(2).eq(PROFILE);
    profile.filter(|_| is_in_profile)?.origin(&steps[PROFILE.len()..]).cloned()
}

/// A value as a reader expects it: numbers without forty zeros.
fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Float(number) if *number != 0.0 && !(1e-3..1e7).contains(&number.abs()) => format!("{number:e}"),
        Value::Float(number) => number.to_string(),
        Value::Array(members) => format!("[{}]", members.iter().map(written).collect::<Vec<_>>().join(", ")),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
        seeds = 10
        [hardware]
        gpus = 8
        [hardware.profile]
        name = "a GPU"
        [hardware.profile.limits]
        power_cap = "700 W"
        [[hardware.profile.node]]
        name = "die"
        capacity_j_per_k = 5.9
        [[hardware.profile.node]]
        name = "sink"
        capacity_j_per_k = 0.0000000009
        [hardware.profile.origin]
        limits = { basis = "measured", note = "NVML" }
        node = { basis = "fitted", note = "all of them" }
        "node.sink.capacity_j_per_k" = { basis = "guessed", note = "aluminium", plus_minus = 2 }
    "#;

    #[test]
    fn the_closest_origin_holds() {
        let scenario = Scenario { table: TEXT.parse().unwrap(), text: TEXT.to_owned() };
        let profile = Profile::of(&scenario).unwrap();
        assert_eq!(profile.guessed(), ["node.sink.capacity_j_per_k"]);
        let keys: Vec<Key> = keys(&scenario, Some(&profile)).into_iter().flat_map(|(_, keys)| keys).collect();
        let basis = |path: &str| {
            let key = keys.iter().find(|key| key.path == path).unwrap_or_else(|| panic!("{path} in {keys:?}"));
            key.origin.as_ref().map(|origin| origin.basis.as_str())
        };
        assert_eq!(basis("hardware.profile.limits.power_cap"), Some("measured"));
        assert_eq!(basis("hardware.profile.node[die].capacity_j_per_k"), Some("fitted"));
        assert_eq!(basis("hardware.profile.node[sink].capacity_j_per_k"), Some("guessed"));
        assert_eq!(basis("hardware.gpus"), None);
        assert!(keys.iter().all(|key| !key.path.contains("origin")), "{keys:?}");
        assert!(keys.iter().any(|key| key.value == "9e-10"), "{keys:?}");
    }
}

//! `[[sweep.exclude]]`: points of the product that are left out.

use std::collections::BTreeSet;

use super::read::below;
use super::{Sweep, canonical, plain};
use crate::config::{Entry, Fault, FaultKind, Faults, Node, Origin, Path, Table, Value, nearest};

/// One table: what has all of these values is left out.
#[derive(Debug)]
pub(in crate::scenario) struct Exclusion {
    /// An axis and the positions of the values that are meant.
    pub(super) conditions: Vec<(usize, BTreeSet<usize>)>,
    pub(super) origin: Origin,
}

pub(super) const EXAMPLE: &str = "[[sweep.exclude]]\n\"hardware.gpus\" = 2\n\"router.lambda\" = [0.5, 1.0]";

impl Exclusion {
    /// Whether it leaves out whole worlds: it says nothing about routers.
    pub(in crate::scenario) fn is_about_worlds(&self, sweep: &Sweep) -> bool {
        self.conditions.iter().all(|(axis, _)| !sweep.axes[*axis].is_about_routers())
    }

    /// The axes that it names.
    pub(in crate::scenario) fn axes(&self) -> impl Iterator<Item = usize> {
        self.conditions.iter().map(|(axis, _)| *axis)
    }

    /// Whether all its axes stand on one of its values; `value` is where an axis stands, if it matters at all.
    pub(in crate::scenario) fn matches(&self, value: impl Fn(usize) -> Option<usize>) -> bool {
        self.conditions.iter().all(|(axis, values)| value(*axis).is_some_and(|value| values.contains(&value)))
    }

    /// The choice of each group that its conditions leave, the first where there are several; `None` if axes of a zip would have to
    /// stand on different values.
    pub(in crate::scenario) fn first_match(&self, sweep: &Sweep) -> Option<Vec<Option<usize>>> {
        let mut open: Vec<Option<BTreeSet<usize>>> = vec![None; sweep.groups.len()];
        for (axis, values) in &self.conditions {
            let group = &mut open[sweep.group_of(*axis)];
            *group = Some(group.take().map_or_else(|| values.clone(), |before| &before & values));
        }
        open.into_iter()
            .map(|group| group.map(|values| values.first().copied()).map_or(Some(None), |one| one.map(Some)))
            .collect()
    }

    /// It leaves out nothing.
    pub(in crate::scenario) fn in_vain(&self, faults: &mut Faults) {
        faults.push(
            Fault::new(FaultKind::Invalid, "sweep.exclude", "this exclude matches no point of the sweep")
                .origin(self.origin.clone())
                .expected(
                    "values that meet at some point: axes of a zip move together, and each router has its own options",
                ),
        );
    }

    /// It leaves nothing over, with those before it.
    pub(in crate::scenario) fn of_everything(&self, what: &str, faults: &mut Faults) {
        faults.push(
            Fault::new(FaultKind::Invalid, "sweep.exclude", format!("this exclude leaves {what}"))
                .origin(self.origin.clone())
                .expected("an exclude that leaves some of the points")
                .example(EXAMPLE),
        );
    }
}

/// Reads one table; `None` where faults were pushed.
pub(super) fn read(table: &Table, origin: &Origin, sweep: &Sweep, faults: &mut Faults) -> Option<Exclusion> {
    let mut exclusion = Exclusion { conditions: Vec::new(), origin: origin.clone() };
    let before = faults.len();
    collect(table, &Path::root(), sweep, &mut exclusion.conditions, faults);
    if table.entries().is_empty() {
        faults.push(
            Fault::new(FaultKind::Invalid, "sweep.exclude", "this exclude names no axis and would leave nothing")
                .origin(origin.clone())
                .expected("keys of the sweep and the values that are left out together")
                .example(EXAMPLE),
        );
    }
    (faults.len() == before).then_some(exclusion)
}

fn collect(
    table: &Table,
    prefix: &Path,
    sweep: &Sweep,
    conditions: &mut Vec<(usize, BTreeSet<usize>)>,
    faults: &mut Faults,
) {
    for entry in table.entries() {
        let path = below(prefix, &entry.key.name);
        let wanted = path.as_ref().map(canonical);
        let axis = sweep.axes.iter().position(|axis| Some(canonical(&axis.path)) == wanted);
        match (axis, path, &entry.node.value) {
            (Some(axis), ..) => conditions.extend(condition(axis, &entry.node, sweep, faults)),
            (None, Some(path), Value::Table(inner)) if !inner.entries().is_empty() => {
                collect(inner, &path, sweep, conditions, faults);
            }
            (None, path, _) => {
                no_axis(&path.map_or_else(|| entry.key.name.clone(), |path| path.to_string()), entry, sweep, faults)
            }
        }
    }
}

fn no_axis(name: &str, entry: &Entry, sweep: &Sweep, faults: &mut Faults) {
    let axes: Vec<String> = sweep.axes.iter().map(super::Axis::name).collect();
    let mut fault =
        Fault::new(FaultKind::UnknownKey, "sweep.exclude", format!("`{name}` is excluded, but it is not swept"))
            .origin(entry.key.origin.clone())
            .expected(format!("an axis of the sweep: {}", listed(&axes)))
            .example(EXAMPLE);
    fault.hint = nearest(name, axes.iter().map(String::as_str)).map(|meant| format!("did you mean `{meant}`?"));
    faults.push(fault);
}

/// The values of an axis that a node means: those that are like it or, if it is an array, like one of its items.
fn condition(axis: usize, wanted: &Node, sweep: &Sweep, faults: &mut Faults) -> Option<(usize, BTreeSet<usize>)> {
    let values = &sweep.axes[axis].values;
    let like = |wanted: &Node| -> BTreeSet<usize> {
        values.iter().enumerate().filter(|(_, value)| is_like(&value.value, &wanted.value)).map(|(at, _)| at).collect()
    };
    let mut found = like(wanted);
    let mut missing = Vec::new();
    if found.is_empty() {
        let items = match &wanted.value {
            Value::Array(items) if !items.is_empty() => items.as_slice(),
            _ => std::slice::from_ref(wanted),
        };
        for item in items {
            let own = like(item);
            if own.is_empty() {
                missing.push(item);
            }
            found.extend(own);
        }
    }
    let Some(missing) = missing.first() else { return Some((axis, found)) };
    let all: Vec<String> = values.iter().map(plain).collect();
    let message = format!("`{}` is never {} in this sweep", sweep.axes[axis].path, plain(missing));
    faults.push(
        Fault::new(FaultKind::Invalid, "sweep.exclude", message)
            .origin(missing.origin.clone())
            .expected(format!("one of its values: {}", listed(&all))),
    );
    None
}

/// A few of many names.
fn listed(names: &[String]) -> String {
    let few: Vec<String> = names.iter().take(8).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > few.len() { format!(" and {} more", names.len() - few.len()) } else { String::new() };
    if few.is_empty() { "there is none".to_owned() } else { format!("{}{more}", few.join(", ")) }
}

/// Whether a value is the wanted one: numbers by what they are, tables by the keys that are wanted.
pub(super) fn is_like(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::Integer(whole), Value::Float(number)) | (Value::Float(number), Value::Integer(whole)) => {
            #[expect(
                clippy::cast_precision_loss,
                reason = "no axis has numbers of more than 53 bits beside such without"
            )]
            let whole = *whole as f64;
            whole == *number
        }
        (Value::Array(items), Value::Array(wanted)) => {
            items.len() == wanted.len()
                && items.iter().zip(wanted).all(|(item, wanted)| is_like(&item.value, &wanted.value))
        }
        (Value::Table(table), Value::Table(wanted)) => wanted
            .entries()
            .iter()
            .all(|entry| table.get(&entry.key.name).is_some_and(|node| is_like(&node.value, &entry.node.value))),
        (value, wanted) => value == wanted,
    }
}

//! From the text of the section to axes, zips and excludes.

use super::exclude;
use super::{Axis, Group, Sweep, canonical};
use crate::config::{Fault, FaultKind, Faults, Node, Origin, Path, Table, Tree, Value};

/// Keys of the section that are no axes: groups of axes that move together, and points that are left out.
pub(super) const ZIP: &str = "zip";
pub(super) const EXCLUDE: &str = "exclude";

/// Reads the `[sweep]` table. What is no axis is a fault and left out, so that the rest can be looked at.
pub(in crate::scenario) fn read(tree: &Tree, faults: &mut Faults) -> Sweep {
    let mut sweep = Sweep::default();
    let Some(section) = tree.at("sweep") else { return sweep };
    let Value::Table(table) = &section.value else {
        faults.push_at(
            "sweep",
            tree,
            "`sweep` must be a table of arrays",
            "a table",
            "[sweep]\n\"router.lambda\" = [0.0, 0.1]",
        );
        return sweep;
    };
    let mut single = table.clone();
    let (zips, excludes) = (single.remove(ZIP), single.remove(EXCLUDE));
    for (axis, origin) in axes_of(&single, faults) {
        let len = axis.values.len();
        add(&mut sweep, vec![(axis, origin)], len, faults);
    }
    for zip in tables(zips.as_ref(), ZIP, ZIP_EXAMPLE, faults) {
        add_zip(&mut sweep, zip, faults);
    }
    for (table, origin) in tables(excludes.as_ref(), EXCLUDE, exclude::EXAMPLE, faults) {
        let exclusion = exclude::read(table, origin, &sweep, faults);
        sweep.exclusions.extend(exclusion);
    }
    sweep
}

const ZIP_EXAMPLE: &str = "[[sweep.zip]]\n\"model.experts\" = [8, 64]\n\"model.top_k\" = [2, 6]";

/// The tables of `[[sweep.zip]]` and the like; `[sweep.zip]` is one of them.
fn tables<'n>(node: Option<&'n Node>, key: &str, example: &str, faults: &mut Faults) -> Vec<(&'n Table, &'n Origin)> {
    let items = match node.map(|node| &node.value) {
        Some(Value::Array(items)) => items.as_slice(),
        _ => node.map_or(&[][..], std::slice::from_ref),
    };
    let mut found = Vec::new();
    for item in items {
        match &item.value {
            Value::Table(table) => found.push((table, &item.origin)),
            other => faults.push(
                Fault::new(FaultKind::WrongType, format!("sweep.{key}"), format!("`{key}` has {}", other.type_name()))
                    .origin(item.origin.clone())
                    .expected(format!("tables, [[sweep.{key}]]"))
                    .example(example),
            ),
        }
    }
    found
}

/// Axes that move together.
fn add_zip(sweep: &mut Sweep, (table, origin): (&Table, &Origin), faults: &mut Faults) {
    let axes = axes_of(table, faults);
    let Some(len) = axes.iter().map(|(axis, _)| axis.values.len()).min() else {
        if table.entries().is_empty() {
            let fault = Fault::new(FaultKind::Invalid, "sweep.zip", "this zip has no axes");
            faults.push(fault.origin(origin.clone()).expected("keys that move together").example(ZIP_EXAMPLE));
        }
        return;
    };
    if axes.iter().any(|(axis, _)| axis.values.len() != len) {
        let lengths: Vec<String> =
            axes.iter().map(|(axis, _)| format!("`{}` has {}", axis.path, axis.values.len())).collect();
        let longer = axes.iter().find(|(axis, _)| axis.values.len() != len).map(|(_, origin)| origin.clone());
        let message = format!("axes of one zip have different numbers of values: {}", lengths.join(", "));
        faults.push(
            Fault::new(FaultKind::WrongLength, "sweep.zip", message)
                .origin(longer.unwrap_or(Origin::Default))
                .expected("arrays of one length, whose first values belong together, then their second")
                .example(ZIP_EXAMPLE),
        );
    }
    add(sweep, axes, len, faults);
}

/// Adds a group, without those of its axes that are there already.
fn add(sweep: &mut Sweep, axes: Vec<(Axis, Origin)>, len: usize, faults: &mut Faults) {
    let mut group = Group { axes: Vec::new(), len };
    for (axis, origin) in axes {
        if sweep.axes.iter().any(|other| canonical(&other.path) == canonical(&axis.path)) {
            faults.push(
                Fault::new(FaultKind::DuplicateKey, pointer(&axis.path), format!("`{}` is swept twice", axis.path))
                    .origin(origin)
                    .expected("one array for each key, in [sweep] or in one [[sweep.zip]]"),
            );
            continue;
        }
        group.axes.push(sweep.axes.len());
        sweep.axes.push(axis);
    }
    if !group.axes.is_empty() {
        sweep.groups.push(group);
    }
}

pub(super) fn pointer(path: &Path) -> String {
    format!("sweep.\"{path}\"")
}

fn axes_of(table: &Table, faults: &mut Faults) -> Vec<(Axis, Origin)> {
    let mut axes = Vec::new();
    collect(table, &Path::root(), &mut axes, faults);
    axes
}

/// `"router.lambda" = [..]` and `router.lambda = [..]` (nested tables) mean the same.
fn collect(table: &Table, prefix: &Path, axes: &mut Vec<(Axis, Origin)>, faults: &mut Faults) {
    for entry in table.entries() {
        let Some(path) = below(prefix, &entry.key.name) else {
            let name = &entry.key.name;
            faults.push(
                Fault::new(FaultKind::Invalid, format!("sweep.\"{name}\""), format!("`{name}` is not a key path"))
                    .origin(entry.key.origin.clone())
                    .expected("a dotted path to a key")
                    .example("\"router.lambda\" = [0.0, 0.1]"),
            );
            continue;
        };
        match &entry.node.value {
            Value::Table(inner) => collect(inner, &path, axes, faults),
            Value::Array(values) if !values.is_empty() => {
                axes.push((Axis { path, values: values.clone() }, entry.node.origin.clone()));
            }
            other => {
                let message = match other {
                    Value::Array(_) => format!("the sweep over `{path}` has no values"),
                    other => format!("the sweep over `{path}` is {}, not an array", other.type_name()),
                };
                faults.push(
                    Fault::new(FaultKind::Invalid, pointer(&path), message)
                        .origin(entry.node.origin.clone())
                        .expected("an array with at least one value")
                        .example(format!("\"{path}\" = [0.0, 0.1, 0.5]")),
                );
            }
        }
    }
}

/// The path that a key of the section means; `None` where it is none.
pub(super) fn below(prefix: &Path, key: &str) -> Option<Path> {
    let own: Path = key.parse().ok().filter(|path: &Path| !path.segments().is_empty())?;
    Some(own.segments().iter().fold(prefix.clone(), |path, segment| path.child(segment.clone())))
}

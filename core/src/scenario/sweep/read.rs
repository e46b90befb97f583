//! From the text of the section to axes.

use super::{Axis, Group, Sweep};
use crate::config::{Fault, FaultKind, Faults, Path, Table, Tree, Value};

/// Reads the `[sweep]` table; an axis that is no array, or an empty one, is a fault and left out.
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
    collect(table, &Path::root(), &mut sweep.axes, faults);
    sweep.groups = (sweep.axes.iter().enumerate())
        .map(|(axis, Axis { values, .. })| Group { axes: vec![axis], len: values.len() })
        .collect();
    sweep
}

/// `"router.lambda" = [..]` and `router.lambda = [..]` (nested tables) mean the same.
fn collect(table: &Table, prefix: &Path, axes: &mut Vec<Axis>, faults: &mut Faults) {
    for entry in table.entries() {
        let own: Result<Path, _> = entry.key.name.parse();
        let pointer = format!("sweep.\"{}\"", entry.key.name);
        let Ok(own) = own else {
            faults.push(
                Fault::new(FaultKind::Invalid, pointer, format!("`{}` is not a key path", entry.key.name))
                    .origin(entry.key.origin.clone())
                    .expected("a dotted path to a key")
                    .example("\"router.lambda\" = [0.0, 0.1]"),
            );
            continue;
        };
        let path = own.segments().iter().fold(prefix.clone(), |path, segment| path.child(segment.clone()));
        match &entry.node.value {
            Value::Table(inner) => collect(inner, &path, axes, faults),
            Value::Array(values) if !values.is_empty() => {
                axes.push(Axis { path, values: values.clone() });
            }
            other => {
                let message = match other {
                    Value::Array(_) => format!("the sweep over `{path}` has no values"),
                    other => format!("the sweep over `{path}` is {}, not an array", other.type_name()),
                };
                faults.push(
                    Fault::new(FaultKind::Invalid, pointer, message)
                        .origin(entry.node.origin.clone())
                        .expected("an array with at least one value")
                        .example(format!("\"{path}\" = [0.0, 0.1, 0.5]")),
                );
            }
        }
    }
}

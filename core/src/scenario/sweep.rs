//! The `[sweep]` section: arrays of values for any key.

use crate::config::{Fault, FaultKind, Faults, Node, Origin, Path, Segment, Tree, Value};

/// One swept key and its values.
#[derive(Clone, Debug)]
pub struct Axis {
    /// The key, `router.lambda` for instance. A `router.` path without an index reaches every router that has the option.
    pub path: Path,
    /// Its values, in the order of the file.
    pub values: Vec<Node>,
}

/// The value an axis has at one point, as text for tables and files.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct AxisValue {
    /// The key.
    pub axis: String,
    /// The value as it would be written in the scenario.
    pub value: String,
}

impl Axis {
    /// The axis' name.
    #[must_use]
    pub fn name(&self) -> String {
        self.path.to_string()
    }

    /// Whether the axis is about routers: `router.lambda`, `router[1].lambda`.
    #[must_use]
    pub fn is_about_routers(&self) -> bool {
        matches!(self.path.segments().first(), Some(Segment::Key(key)) if key == "router")
    }

    /// Router this axis is about (`None`: all), and the path within the router's table.
    pub(super) fn within_router(&self) -> (Option<usize>, Path) {
        let segments = &self.path.segments()[1..];
        let (index, rest) = match segments.first() {
            Some(Segment::Index(index)) => (Some(*index), &segments[1..]),
            Some(Segment::Every) => (None, &segments[1..]),
            _ => (None, segments),
        };
        let path = rest.iter().fold(Path::root(), |path, segment| path.child(segment.clone()));
        (index, path)
    }

    pub(super) fn value(&self, index: usize) -> AxisValue {
        AxisValue { axis: self.name(), value: plain(&self.values[index]) }
    }

    pub(super) fn origin(&self) -> Origin {
        self.values.first().map_or(Origin::Default, |node| node.origin.clone())
    }
}

/// A value as a person would write it, text without quotes.
fn plain(node: &Node) -> String {
    match &node.value {
        Value::String(text) => text.clone(),
        Value::Bool(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::Datetime(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(plain).collect::<Vec<_>>().join(", ")),
        Value::Table(table) => {
            // A plugin is called by its kind: `eplb { replicas = 72 }`.
            let (kind, rest): (Vec<_>, Vec<_>) = table.entries().iter().partition(|entry| entry.key.name == "kind");
            let rest: Vec<String> = rest.iter().map(|e| format!("{} = {}", e.key.name, plain(&e.node))).collect();
            let body = format!("{{ {} }}", rest.join(", "));
            match kind.first() {
                None => body,
                Some(kind) if rest.is_empty() => plain(&kind.node),
                Some(kind) => format!("{} {body}", plain(&kind.node)),
            }
        }
    }
}

/// Reads the `[sweep]` table; an axis that is no array, or an empty one, is a fault.
pub(super) fn read(tree: &Tree, faults: &mut Faults) -> Vec<Axis> {
    let mut axes = Vec::new();
    let Some(sweep) = tree.at("sweep") else { return axes };
    let Value::Table(table) = &sweep.value else {
        faults.push_at(
            "sweep",
            tree,
            "`sweep` must be a table of arrays",
            "a table",
            "[sweep]\n\"router.lambda\" = [0.0, 0.1]",
        );
        return axes;
    };
    collect(table, &Path::root(), &mut axes, faults);
    axes
}

/// `"router.lambda" = [..]` and `router.lambda = [..]` (nested tables) mean the same.
fn collect(table: &crate::config::Table, prefix: &Path, axes: &mut Vec<Axis>, faults: &mut Faults) {
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

/// All combinations of one index per axis; the first axis varies slowest. One empty combination without axes.
pub(super) fn combinations(axes: &[&Axis]) -> Vec<Vec<usize>> {
    axes.iter().fold(vec![Vec::new()], |points, axis| {
        points
            .into_iter()
            .flat_map(|point| (0..axis.values.len()).map(move |index| point.iter().copied().chain([index]).collect()))
            .collect()
    })
}

//! The `[sweep]` section: arrays of values for any key, axes that move together, and points that are left out.

mod exclude;
mod fixed;
mod read;

use crate::config::{Node, Origin, Path, Segment, Value};

pub(super) use exclude::Exclusion;
pub use fixed::fix;
pub(super) use read::read;

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

/// What the section says.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    /// All axes, in the order of the file.
    pub(super) axes: Vec<Axis>,
    /// Who moves with whom; every axis is in one group.
    pub(super) groups: Vec<Group>,
    /// What is left out.
    pub(super) exclusions: Vec<Exclusion>,
}

/// Axes that take their values together: one axis, or those of a zip.
#[derive(Debug)]
pub(super) struct Group {
    /// Positions of its axes.
    pub(super) axes: Vec<usize>,
    /// How many values each of them has.
    pub(super) len: usize,
}

impl Axis {
    /// The axis' name.
    #[must_use]
    pub fn name(&self) -> String {
        self.path.to_string()
    }

    /// Whether the axis is about single routers: `router.lambda`, `router[1].lambda`, `router[1]`. An axis over `router` itself, the
    /// whole array, makes points like any other key.
    #[must_use]
    pub fn is_about_routers(&self) -> bool {
        matches!(self.path.segments(), [Segment::Key(key), _, ..] if key == "router")
    }

    /// Whether the axis replaces all routers together.
    pub(super) fn is_all_routers(&self) -> bool {
        matches!(self.path.segments(), [Segment::Key(key)] if key == "router")
    }

    /// Router this axis is about (`None`: all), and the path within the router's table: the root where it replaces the whole router.
    pub(super) fn within_router(&self) -> (Option<usize>, Path) {
        let segments = &self.path.segments()[1..];
        let (index, rest) = match segments.first() {
            Some(Segment::Index(index)) => (Some(*index), &segments[1..]),
            Some(Segment::Every) => (None, &segments[1..]),
            _ => (None, segments),
        };
        (index, rest.to_vec().into())
    }

    /// One of its values, as text.
    ///
    /// # Panics
    /// Where there are not so many values.
    #[must_use]
    pub fn value(&self, index: usize) -> AxisValue {
        AxisValue { axis: self.name(), value: plain(&self.values[index]) }
    }

    pub(super) fn origin(&self) -> Origin {
        self.values.first().map_or(Origin::Default, |node| node.origin.clone())
    }
}

impl Sweep {
    /// The group that an axis is in.
    pub(super) fn group_of(&self, axis: usize) -> usize {
        self.groups.iter().position(|group| group.axes.contains(&axis)).unwrap_or_default()
    }

    /// Whether a group makes worlds: it has an axis that is not about routers.
    pub(super) fn makes_worlds(&self, group: &Group) -> bool {
        group.axes.iter().any(|&axis| !self.axes[axis].is_about_routers())
    }
}

/// A path by which two ways to name the same places are the same: a key asked of an array means every element.
fn canonical(path: &Path) -> Path {
    path.segments().iter().filter(|segment| **segment != Segment::Every).cloned().collect::<Vec<_>>().into()
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

//! The `[[router]]` tables of a world, each at all points of the axes that reach it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::lattice::Lattice;
use super::plan::Variant;
use super::sweep::{Axis, AxisValue, Sweep};
use super::{EXAMPLES, loaded};
use crate::config::{Fault, FaultKind, Faults, Key, Node, Origin, Path, Segment, Table, Tree, Value, deserialize_with};
use crate::registry::Catalogue;
use crate::router::RouterSpec;
use crate::routing::RoutingOptions;

/// The tables with their names taken out.
#[derive(Clone, Debug, Default)]
pub(super) struct RouterTables {
    tables: Vec<Named>,
}

/// A router's table, as the scenario or an axis gives it, without its name.
#[derive(Clone, Debug)]
struct Named {
    name: Option<String>,
    node: Node,
}

/// A variant and where it stands on the axes that reach it.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) variant: Variant,
    /// Axis and value, in the order of the axes.
    pub(super) at: Vec<(usize, usize)>,
}

/// All variants of a world, in the order of the tables and of the axes, before any is excluded.
#[derive(Clone, Debug, Default)]
pub(super) struct Expanded {
    pub(super) placed: Vec<Placed>,
    /// Axes that reach some router.
    pub(super) reached: BTreeSet<usize>,
}

/// What routers are expanded over.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub(super) sweep: &'a Sweep,
    /// Where the world stands on each group; `None` for groups that are about routers alone.
    pub(super) world: &'a [Option<usize>],
    pub(super) catalogue: &'a dyn Catalogue,
}

impl RouterTables {
    /// The tables of a scenario; having none is a fault.
    pub(super) fn of(tree: &Tree, faults: &mut Faults) -> Self {
        match tree.at("router").map(|node| &node.value) {
            Some(Value::Array(items)) if !items.is_empty() => {
                let named = |(index, node)| Named::of(&format!("router[{index}]"), node, faults);
                Self { tables: items.iter().enumerate().map(named).collect() }
            }
            _ => {
                faults.push_at(
                    "router",
                    tree,
                    "no router to compare",
                    "at least one [[router]]",
                    "[[router]]\nkind = \"energy-penalty\"\nlambda = 0.1",
                );
                Self::default()
            }
        }
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// Every router at every point of the axes that reach it, with labels that are unique but for these points.
    pub(super) fn expand(&self, around: Surroundings<'_>, faults: &mut Faults) -> Expanded {
        let mut expanded = Expanded::default();
        let mut labels = BTreeMap::new();
        for (index, given) in self.tables.iter().enumerate() {
            let before = expanded.placed.len();
            for (router, chosen) in around.replacements(index, given, faults) {
                around.expand(index, &router, &chosen, &mut expanded, faults);
            }
            for placed in &expanded.placed[before..] {
                let label = &placed.variant.label;
                if labels.insert(label.clone(), index).is_some_and(|other| other != index) {
                    faults.push(
                        Fault::new(
                            FaultKind::Invalid,
                            format!("router[{index}]"),
                            format!("two routers are called `{label}`"),
                        )
                        .origin(given.node.origin.clone())
                        .hint("give each its own `name`")
                        .example(format!("name = \"{label}-2\"")),
                    );
                }
            }
        }
        expanded
    }

    /// Pushes a fault for each axis about routers that is not among those `reached`.
    pub(super) fn miss(
        &self,
        sweep: &Sweep,
        reached: &BTreeSet<usize>,
        catalogue: &dyn Catalogue,
        faults: &mut Faults,
    ) {
        let about_routers = sweep.axes.iter().enumerate().filter(|(_, axis)| axis.is_about_routers());
        for (_, axis) in about_routers.filter(|(position, _)| !reached.contains(position)) {
            let mut fault = Fault::new(
                FaultKind::Invalid,
                format!("sweep.\"{}\"", axis.path),
                format!("no router has the option `{}`", axis.path),
            )
            .origin(axis.origin())
            .expected("the path of an option that at least one [[router]] has");
            let unknown = |(index, router): (usize, &Named)| unknown_key(axis, index, &router.node, catalogue)?.hint;
            fault.hint = self.tables.iter().enumerate().find_map(unknown);
            faults.push(fault);
        }
    }
}

impl Surroundings<'_> {
    /// The router as given or, where axes replace it whole, all that they put in its place; with the choice of every group that decides it.
    fn replacements(self, index: usize, given: &Named, faults: &mut Faults) -> Vec<(Named, Vec<Option<usize>>)> {
        let axes = self.about(index, |path| path.segments().is_empty());
        let read = |chosen: Vec<Option<usize>>| {
            let last = axes.last().and_then(|&axis| Some((axis, chosen[self.sweep.group_of(axis)]?)));
            let router = match last {
                None => given.clone(),
                Some((axis, value)) => {
                    let Axis { path, values } = &self.sweep.axes[axis];
                    Named::of(&path.to_string(), &values[value], faults)
                }
            };
            (router, chosen)
        };
        self.choices(&axes, self.world).into_iter().map(read).collect()
    }

    /// Adds one router at all points of the axes over its options.
    fn expand(self, index: usize, router: &Named, chosen: &[Option<usize>], into: &mut Expanded, faults: &mut Faults) {
        let whole = self.about(index, |path| path.segments().is_empty());
        let mut own = self.about(index, |path| !path.segments().is_empty());
        own.retain(|&axis| unknown_key(&self.sweep.axes[axis], index, &router.node, self.catalogue).is_none());
        let mut axes: Vec<usize> = whole.into_iter().chain(own.iter().copied()).collect();
        axes.sort_unstable();
        into.reached.extend(&axes);
        for chosen in self.choices(&own, chosen) {
            let place = |&axis: &usize| Some((axis, chosen[self.sweep.group_of(axis)]?));
            let at: Vec<(usize, usize)> = axes.iter().filter_map(place).collect();
            let point = at.iter().map(|&(axis, value)| self.sweep.axes[axis].value(value)).collect();
            let node = self.with_options(&router.node, &at);
            if let Some(variant) = self.read_variant(index, router.name.as_deref(), &node, point, faults) {
                into.placed.push(Placed { variant, at });
            }
        }
    }

    /// Axes that are about this router and whose path within it is as wanted.
    fn about(self, index: usize, wanted: impl Fn(&Path) -> bool) -> Vec<usize> {
        let about = |axis: &Axis| {
            let (only, path) = axis.within_router();
            only.is_none_or(|only| only == index) && wanted(&path)
        };
        let axes = self.sweep.axes.iter().enumerate();
        axes.filter(|(_, axis)| axis.is_about_routers() && about(axis)).map(|(position, _)| position).collect()
    }

    /// All choices of the groups of these axes that are still open.
    fn choices(self, axes: &[usize], chosen: &[Option<usize>]) -> Vec<Vec<Option<usize>>> {
        let open: BTreeSet<usize> =
            axes.iter().map(|&axis| self.sweep.group_of(axis)).filter(|&group| chosen[group].is_none()).collect();
        let sizes = open.iter().map(|&group| self.sweep.groups[group].len).collect();
        let choose = |combination: Vec<usize>| {
            let mut chosen = chosen.to_vec();
            open.iter().zip(combination).for_each(|(&group, value)| chosen[group] = Some(value));
            chosen
        };
        Lattice::of(sizes).iter().flat_map(Lattice::iter).map(choose).collect()
    }

    /// A router's table with its options at one point; a table first and what is inside it then.
    fn with_options(self, node: &Node, at: &[(usize, usize)]) -> Node {
        let mut options: Vec<(Path, &Node)> = at
            .iter()
            .map(|&(axis, value)| (self.sweep.axes[axis].within_router().1, &self.sweep.axes[axis].values[value]))
            .filter(|(path, _)| !path.segments().is_empty())
            .collect();
        options.sort_by_key(|(path, _)| path.segments().len());
        options.iter().fold(node.clone(), |node, (path, value)| with_option(&node, path, value))
    }

    fn read_variant(
        self,
        index: usize,
        name: Option<&str>,
        table: &Node,
        point: Vec<AxisValue>,
        faults: &mut Faults,
    ) -> Option<Variant> {
        let (shared, own) = without_options(table);
        let place = format!("router[{index}]");
        let options: Option<RoutingOptions> = deserialize_with(&shared, &place, EXAMPLES, faults);
        let spec = loaded::router(&own, &place, self.catalogue, faults)?;
        let options = options?;
        Some(Variant {
            label: name.unwrap_or(spec.typetag_name()).to_owned(),
            index: Some(index),
            point,
            is_baseline: spec.is_reference(),
            spec: Arc::from(spec),
            options,
        })
    }
}

impl Named {
    /// Takes the optional `name` out of the table of the router at `place`.
    fn of(place: &str, node: &Node, faults: &mut Faults) -> Self {
        let mut node = node.clone();
        let Value::Table(table) = &mut node.value else { return Self { name: None, node } };
        let name = match table.remove("name") {
            None => None,
            Some(Node { value: Value::String(name), .. }) if !name.trim().is_empty() => Some(name),
            Some(other) => {
                faults.push(
                    Fault::new(
                        FaultKind::WrongType,
                        format!("{place}.name"),
                        "a router's name must be text and not empty",
                    )
                    .origin(other.origin)
                    .example("name = \"penalty, true costs\""),
                );
                None
            }
        };
        Self { name, node }
    }
}

/// Why a router has no such option: found out by setting it and looking for an unknown key.
fn unknown_key(axis: &Axis, index: usize, node: &Node, catalogue: &dyn Catalogue) -> Option<Fault> {
    let (only, path) = axis.within_router();
    if only.is_some_and(|only| only != index) || path.segments().is_empty() {
        return None;
    }
    if let Some(Segment::Key(key)) = path.segments().first()
        && RoutingOptions::KEYS.iter().any(|(option, _)| key == option)
    {
        return None;
    }
    let mut faults = Faults::new();
    let (_, own) = without_options(&with_option(node, &path, &axis.values[0]));
    let _ = loaded::router(&own, "", catalogue, &mut faults);
    let swept = path.to_string();
    faults.into_iter().find(|fault| fault.kind == FaultKind::UnknownKey && fault.pointer == swept)
}

/// The options that all routers share, and what is the strategy's own.
fn without_options(node: &Node) -> (Node, Node) {
    let mut own = node.clone();
    let mut shared = Table::default();
    if let Value::Table(table) = &mut own.value {
        for (option, _) in RoutingOptions::KEYS {
            let key = table.entries().iter().find(|entry| entry.key.name == option).map(|entry| entry.key.clone());
            if let (Some(key), Some(value)) = (key, table.remove(option)) {
                shared.insert(key, value);
            }
        }
    }
    (Node::new(Value::Table(shared), node.origin.clone()), own)
}

fn with_option(node: &Node, path: &Path, value: &Node) -> Node {
    let Value::Table(table) = node.value.clone() else { return node.clone() };
    let mut tree = Tree::new(table, node.origin.clone());
    // A path that leads nowhere leaves the table as it is, and the missing option is a fault later.
    let _ = tree.set(path, value.value.clone(), value.origin.clone());
    tree.root().clone()
}

/// The kind that is added where no router of the scenario is the reference that savings are measured against.
const BASELINE: &str = "baseline";

/// That kind as a variant.
pub(super) fn implied_baseline(faults: &mut Faults) -> Option<Variant> {
    let mut table = Table::default();
    let key = Key { name: "kind".to_owned(), origin: Origin::Default };
    table.insert(key, Node::new(Value::from(BASELINE), Origin::Default));
    let node = Node::new(Value::Table(table), Origin::Default);
    let spec: Box<dyn RouterSpec> = deserialize_with(&node, "router", EXAMPLES, faults)?;
    Some(Variant {
        label: BASELINE.to_owned(),
        index: None,
        point: Vec::new(),
        spec: Arc::from(spec),
        options: RoutingOptions::PLAIN,
        is_baseline: true,
    })
}

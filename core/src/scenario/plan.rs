//! From the tree of a scenario to everything that has to be simulated.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::sweep::{self, Axis, AxisValue};
use super::{BaselineOf, EXAMPLES, Scenario, check, loaded};
use crate::config::{Fault, FaultKind, Faults, Key, Node, Origin, Path, Segment, Table, Tree, Value, deserialize_with};
use crate::registry::{Catalogue, NoLibraries};
use crate::router::RouterSpec;
use crate::routing::RoutingOptions;

/// What a scenario asks for: worlds, and in each of them routers. Every world is simulated with every seed.
#[derive(Debug)]
pub struct Plan {
    /// One world per point of the axes that are not about routers, in sweep order.
    pub worlds: Vec<WorldPlan>,
}

/// One world and the routers compared in it.
#[derive(Debug)]
pub struct WorldPlan {
    /// Values of the swept keys that are not about routers.
    pub point: Vec<AxisValue>,
    /// Everything but the routers.
    pub scenario: Scenario,
    /// The routers, in the order of the file, each at all points of the axes that reach it. The first is the baseline if
    /// the scenario names none.
    pub variants: Vec<Variant>,
}

/// One router at one point of the sweep.
#[derive(Clone, Debug)]
pub struct Variant {
    /// The router's `name` in the scenario, or its kind.
    pub label: String,
    /// Position of the router in the scenario; `None` for a baseline that was added.
    pub index: Option<usize>,
    /// Values of the swept keys that reach this router.
    pub point: Vec<AxisValue>,
    /// The router.
    pub spec: Arc<dyn RouterSpec>,
    /// The options that it shares with all routers.
    pub options: RoutingOptions,
    /// Whether savings are measured against this one.
    pub is_baseline: bool,
}

impl WorldPlan {
    /// The variant savings are measured against.
    #[must_use]
    pub fn baseline(&self) -> Option<usize> {
        self.variants.iter().position(|variant| variant.is_baseline)
    }
}

impl Plan {
    /// World and variant that the runs of `world` are measured against.
    #[must_use]
    pub fn baseline_of(&self, world: usize) -> Option<(usize, usize)> {
        let reference = match self.worlds.get(world)?.scenario.compare.baseline {
            BaselineOf::EachPoint => world,
            BaselineOf::FirstPoint => 0,
        };
        Some((reference, self.worlds[reference].baseline()?))
    }

    /// Reads a plan from a scenario's tree. Files it refers to have been loaded (a device profile) or are checked by the
    /// caller (traces, recordings).
    ///
    /// # Errors
    /// All faults of the text: of syntax, type and meaning, for every point of the sweep.
    pub fn read(tree: &Tree) -> Result<Self, Faults> {
        Self::read_with(tree, &NoLibraries)
    }

    /// [`Plan::read`] with what libraries offer: kinds with a slash in their name.
    ///
    /// # Errors
    /// As [`Plan::read`].
    pub fn read_with(tree: &Tree, catalogue: &dyn Catalogue) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let axes = sweep::read(tree, &mut faults);
        let (about_routers, about_world): (Vec<&Axis>, Vec<&Axis>) =
            axes.iter().partition(|axis| axis.is_about_routers());
        let routers = RouterTables::of(tree, catalogue, &mut faults);
        let mut worlds = Vec::new();
        for combination in sweep::combinations(&about_world) {
            let mut point = Vec::new();
            let mut at_point = tree.clone();
            for (axis, &index) in about_world.iter().zip(&combination) {
                let node = &axis.values[index];
                if let Err(error) = at_point.set(&axis.path, node.value.clone(), node.origin.clone()) {
                    faults.push(
                        Fault::new(FaultKind::Invalid, format!("sweep.\"{}\"", axis.path), error.to_string())
                            .origin(axis.origin()),
                    );
                }
                point.push(axis.value(index));
            }
            let scenario = loaded::scenario(&at_point, catalogue, &mut faults);
            let variants = routers.variants(&about_routers, &mut faults);
            if let Some(scenario) = scenario {
                // Tables of one number per expert are made only for a model that makes sense.
                if check::scenario(&scenario, &at_point, &mut faults) {
                    check::routers(&scenario, &variants, &at_point, &mut faults);
                }
                worlds.push(WorldPlan { point, scenario, variants });
            }
        }
        if faults.is_empty() {
            return Ok(Self { worlds });
        }
        faults.sort();
        Err(faults)
    }
}

/// The `[[router]]` tables with their names taken out.
struct RouterTables<'c> {
    tables: Vec<(Option<String>, Node)>,
    catalogue: &'c dyn Catalogue,
}

impl<'c> RouterTables<'c> {
    fn of(tree: &Tree, catalogue: &'c dyn Catalogue, faults: &mut Faults) -> Self {
        let mut tables = Vec::new();
        match tree.at("router").map(|node| &node.value) {
            Some(Value::Array(items)) if !items.is_empty() => {
                for (index, node) in items.iter().enumerate() {
                    tables.push(take_name(index, node, faults));
                }
            }
            _ => faults.push_at(
                "router",
                tree,
                "no router to compare",
                "at least one [[router]]",
                "[[router]]\nkind = \"energy-penalty\"\nlambda = 0.1",
            ),
        }
        Self { tables, catalogue }
    }

    /// Every router at every point of the axes that reach it, with unique labels; a baseline is added if there is none.
    fn variants(&self, axes: &[&Axis], faults: &mut Faults) -> Vec<Variant> {
        let mut variants = Vec::new();
        let mut labels = BTreeMap::new();
        let mut reached = vec![false; axes.len()];
        for (index, (name, node)) in self.tables.iter().enumerate() {
            let own: Vec<&Axis> = axes
                .iter()
                .enumerate()
                .filter(|(_, axis)| reaches(axis, index, node, self.catalogue))
                .map(|(position, axis)| {
                    reached[position] = true;
                    *axis
                })
                .collect();
            for combination in sweep::combinations(&own) {
                let table = at_point(node, &own, &combination);
                let point = own.iter().zip(&combination).map(|(axis, &value)| axis.value(value)).collect();
                let Some(variant) = self.read_variant(index, name.as_deref(), &table, point, faults) else { continue };
                if let Some(other) = labels.insert(variant.label.clone(), index)
                    && other != index
                {
                    faults.push(
                        Fault::new(
                            FaultKind::Invalid,
                            format!("router[{index}]"),
                            format!("two routers are called `{}`", variant.label),
                        )
                        .origin(node.origin.clone())
                        .hint("give each its own `name`")
                        .example(format!("name = \"{}-2\"", variant.label)),
                    );
                }
                variants.push(variant);
            }
        }
        for (axis, _) in axes.iter().zip(&reached).filter(|(_, reached)| !**reached) {
            faults.push(
                Fault::new(
                    FaultKind::Invalid,
                    format!("sweep.\"{}\"", axis.path),
                    format!("no router has the option `{}`", axis.path),
                )
                .origin(axis.origin())
                .expected("the path of an option that at least one [[router]] has"),
            );
        }
        if !self.tables.is_empty()
            && !variants.iter().any(|variant| variant.is_baseline)
            && let Some(baseline) = implied_baseline(faults)
        {
            variants.insert(0, baseline);
        }
        variants
    }
}

impl RouterTables<'_> {
    fn read_variant(
        &self,
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

/// Takes the optional `name` out of a router's table.
fn take_name(index: usize, node: &Node, faults: &mut Faults) -> (Option<String>, Node) {
    let mut node = node.clone();
    let Value::Table(table) = &mut node.value else { return (None, node) };
    let name = match table.remove("name") {
        None => None,
        Some(Node { value: Value::String(name), .. }) if !name.trim().is_empty() => Some(name),
        Some(other) => {
            faults.push(
                Fault::new(
                    FaultKind::WrongType,
                    format!("router[{index}].name"),
                    "a router's name must be text and not empty",
                )
                .origin(other.origin)
                .example("name = \"penalty, true costs\""),
            );
            None
        }
    };
    (name, node)
}

/// Whether the router has the option an axis sweeps: found out by setting it and looking for an unknown key.
fn reaches(axis: &Axis, index: usize, node: &Node, catalogue: &dyn Catalogue) -> bool {
    let (only, path) = axis.within_router();
    if only.is_some_and(|only| only != index) {
        return false;
    }
    let mut faults = Faults::new();
    if let Some(Segment::Key(key)) = path.segments().first()
        && RoutingOptions::KEYS.iter().any(|(option, _)| key == option)
    {
        return true;
    }
    let (_, own) = without_options(&with_axis(node, &path, &axis.values[0]));
    let _ = loaded::router(&own, "", catalogue, &mut faults);
    let swept = path.to_string();
    !faults.iter().any(|fault| fault.kind == FaultKind::UnknownKey && fault.pointer == swept)
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

fn with_axis(node: &Node, path: &Path, value: &Node) -> Node {
    let Value::Table(table) = node.value.clone() else { return node.clone() };
    let mut tree = Tree::new(table, node.origin.clone());
    // A path that leads nowhere leaves the table as it is, and the missing option is a fault later.
    let _ = tree.set(path, value.value.clone(), value.origin.clone());
    tree.root().clone()
}

/// A router's table at one combination of the axes that reach it.
fn at_point(node: &Node, axes: &[&Axis], combination: &[usize]) -> Node {
    let mut table = node.clone();
    for (axis, &value) in axes.iter().zip(combination) {
        table = with_axis(&table, &axis.within_router().1, &axis.values[value]);
    }
    table
}

/// The kind that is added where no router of the scenario is the reference that savings are measured against.
const BASELINE: &str = "baseline";

fn implied_baseline(faults: &mut Faults) -> Option<Variant> {
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

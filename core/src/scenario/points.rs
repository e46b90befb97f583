//! The points of a sweep, worked out one at a time: a hundred thousand of them take the memory of their axes.

use std::ops::Range;

use super::lattice::Lattice;
use super::plan::{Plan, Variant, WorldPlan};
use super::routers::{Expanded, RouterTables, Surroundings, implied_baseline};
use super::sweep::{self, AxisValue, Sweep};
use super::{check, loaded};
use crate::config::{Fault, FaultKind, Faults, Tree};
use crate::registry::Catalogue;

/// The worlds of a scenario by their numbers, from 0, in the order of the sweep: the first axis varies slowest.
///
/// Nothing of a world is kept but the axes it stands on. The same number always gives the same world.
///
/// ```
/// use isotherm_core::config::{Faults, SourceMap, Tree};
/// use isotherm_core::registry::NoLibraries;
/// use isotherm_core::scenario::Points;
/// let mut sources = SourceMap::new();
/// let text = "[sweep]\n\"model.top_k\" = [1, 2]\n\"hardware.gpus\" = [2, 4, 8]\n";
/// let file = sources.add("a.toml", text);
/// let tree = Tree::parse(&sources, file, &mut Faults::new()).expect("valid TOML");
/// // The rest of this scenario is missing, and that is found in its first world.
/// assert!(Points::read_with(&tree, &NoLibraries).is_err());
/// ```
#[derive(Debug)]
pub struct Points {
    /// The scenario without what the points decide.
    tree: Tree,
    sweep: Sweep,
    /// Groups that make worlds, and their combinations.
    making: Vec<usize>,
    worlds: Lattice,
    routers: RouterTables,
    /// The variants of every world, where worlds do not differ in them.
    shared: Option<Expanded>,
}

/// Faults after which no further world is looked at.
const ENOUGH_FAULTS: usize = 20;

impl Points {
    /// Reads the axes of a scenario, and its first world for faults that all worlds share. Every other world is checked when it is asked for.
    ///
    /// # Errors
    /// All faults of the sweep and of the first world.
    pub fn read_with(tree: &Tree, catalogue: &dyn Catalogue) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let points = Self::open(tree, catalogue, &mut faults);
        points.plan(0, catalogue, &mut faults);
        sorted(points, faults)
    }

    /// The axes alone.
    pub(super) fn open(tree: &Tree, catalogue: &dyn Catalogue, faults: &mut Faults) -> Self {
        let sweep = sweep::read(tree, faults);
        let making: Vec<usize> =
            (0..sweep.groups.len()).filter(|&group| sweep.makes_worlds(&sweep.groups[group])).collect();
        let worlds = Lattice::of(making.iter().map(|&group| sweep.groups[group].len).collect());
        let worlds = worlds.filter(|worlds| worlds.len() <= MOST_WORLDS).unwrap_or_else(|| {
            faults.push_at(
                "sweep",
                tree,
                format!("the axes have more than {MOST_WORLDS} combinations"),
                "fewer values, or axes that move together in a [[sweep.zip]]",
                "",
            );
            Lattice::of(vec![1; making.len()]).unwrap_or_default()
        });
        let routers = RouterTables::of(tree, faults);
        let mut points = Self { tree: tree.clone(), sweep, making, worlds, routers, shared: None };
        points.reach_routers(catalogue, faults);
        points
    }

    /// Looks for axes that reach no router, and keeps the variants where all worlds have the same.
    fn reach_routers(&mut self, catalogue: &dyn Catalogue, faults: &mut Faults) {
        let nowhere = vec![None; self.sweep.groups.len()];
        let around = Surroundings { sweep: &self.sweep, world: &nowhere, catalogue };
        let expanded = self.routers.expand(around, faults);
        if !self.routers.is_empty() {
            self.routers.miss(&self.sweep, &expanded.reached, catalogue, faults);
        }
        self.shared = Some(expanded);
    }

    /// How many worlds there are; at least one.
    #[must_use]
    pub fn worlds(&self) -> usize {
        self.worlds.len()
    }

    /// The world at a position below [`Points::worlds`].
    ///
    /// # Errors
    /// Its faults of type and meaning.
    pub fn world(&self, position: usize, catalogue: &dyn Catalogue) -> Result<WorldPlan, Faults> {
        let mut faults = Faults::new();
        let world = self.plan(position, catalogue, &mut faults);
        sorted(world, faults)?.ok_or_else(Faults::new)
    }

    /// The worlds at these positions, as a plan of their own.
    ///
    /// # Errors
    /// All their faults, but no more worlds than the first with twenty faults together.
    pub fn select(&self, positions: Range<usize>, catalogue: &dyn Catalogue) -> Result<Plan, Faults> {
        let mut faults = Faults::new();
        let plan = self.select_into(positions, catalogue, &mut faults);
        sorted(plan, faults)
    }

    pub(super) fn select_into(&self, positions: Range<usize>, catalogue: &dyn Catalogue, faults: &mut Faults) -> Plan {
        let mut worlds = Vec::new();
        let end = positions.end;
        for position in positions {
            worlds.extend(self.plan(position, catalogue, faults));
            if faults.len() >= ENOUGH_FAULTS && position + 1 < end {
                faults.push(Fault::new(
                    FaultKind::Invalid,
                    "sweep",
                    format!("{} more points were not looked at", end - position - 1),
                ));
                break;
            }
        }
        Plan { worlds }
    }

    fn plan(&self, position: usize, catalogue: &dyn Catalogue, faults: &mut Faults) -> Option<WorldPlan> {
        if position >= self.worlds.len() {
            let message = format!("there is no point {position}: there are {}, from 0", self.worlds.len());
            faults.push(Fault::new(FaultKind::OutOfRange, "sweep", message));
            return None;
        }
        let at = self.place(position);
        let tree = self.tree_at(&at, faults);
        let scenario = loaded::scenario(&tree, catalogue, faults);
        let variants = self.variants(&at, catalogue, faults);
        let scenario = scenario?;
        // Tables of one number per expert are made only for a model that makes sense.
        if check::scenario(&scenario, &tree, faults) {
            check::routers(&scenario, &variants, &tree, faults);
        }
        Some(WorldPlan { point: self.point_at(&at), scenario, variants })
    }

    /// Where a world stands on each group.
    fn place(&self, position: usize) -> Vec<Option<usize>> {
        let mut at = vec![None; self.sweep.groups.len()];
        for (&group, index) in self.making.iter().zip(self.worlds.at(position)) {
            at[group] = Some(index);
        }
        at
    }

    /// The axes that make a world, with their values there.
    fn values<'a>(&'a self, at: &'a [Option<usize>]) -> impl Iterator<Item = (usize, usize)> + 'a {
        let axes = self.sweep.axes.iter().enumerate().filter(|(_, axis)| !axis.is_about_routers());
        axes.filter_map(|(axis, _)| Some((axis, at[self.sweep.group_of(axis)]?)))
    }

    fn point_at(&self, at: &[Option<usize>]) -> Vec<AxisValue> {
        self.values(at).map(|(axis, value)| self.sweep.axes[axis].value(value)).collect()
    }

    /// The scenario with the values of a point in it; a table first and what is inside it then.
    fn tree_at(&self, at: &[Option<usize>], faults: &mut Faults) -> Tree {
        let mut tree = self.tree.clone();
        let mut values: Vec<(usize, usize)> = self.values(at).collect();
        values.sort_by_key(|&(axis, _)| self.sweep.axes[axis].path.segments().len());
        for (axis, value) in values {
            let axis = &self.sweep.axes[axis];
            let node = &axis.values[value];
            if let Err(error) = tree.set(&axis.path, node.value.clone(), node.origin.clone()) {
                faults.push(
                    Fault::new(FaultKind::Invalid, format!("sweep.\"{}\"", axis.path), error.to_string())
                        .origin(axis.origin()),
                );
            }
        }
        tree
    }

    fn variants(&self, at: &[Option<usize>], catalogue: &dyn Catalogue, faults: &mut Faults) -> Vec<Variant> {
        let expanded = match &self.shared {
            Some(shared) => shared.clone(),
            None => self.routers.expand(Surroundings { sweep: &self.sweep, world: at, catalogue }, faults),
        };
        let mut variants: Vec<Variant> = expanded.placed.into_iter().map(|placed| placed.variant).collect();
        if !self.routers.is_empty() && !variants.iter().any(|variant| variant.is_baseline) {
            let baseline = implied_baseline(faults);
            variants.splice(0..0, baseline);
        }
        variants
    }
}

/// Above this many worlds, a number is surely a slip of the hand.
const MOST_WORLDS: usize = 10_000_000;

fn sorted<T>(value: T, mut faults: Faults) -> Result<T, Faults> {
    if faults.is_empty() {
        return Ok(value);
    }
    faults.sort();
    Err(faults)
}

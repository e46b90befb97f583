//! The points of a sweep, worked out one at a time: a hundred thousand of them take the memory of their axes.

use std::collections::BTreeSet;
use std::ops::Range;

use super::lattice::{Kept, Lattice};
use super::plan::{Plan, Variant, WorldPlan};
use super::routers::{Expanded, Placed, RouterTables, Surroundings, implied_baseline};
use super::sweep::{self, Axis, AxisValue, Sweep};
use super::{check, loaded};
use crate::config::{Fault, FaultKind, Faults, Table, Tree, Value};
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
    /// The scenario without its sweep.
    tree: Tree,
    sweep: Sweep,
    /// Groups that make worlds, and those of their combinations that are not left out.
    making: Vec<usize>,
    worlds: Kept,
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
        let mut sweep = sweep::read(tree, faults);
        let making: Vec<usize> =
            (0..sweep.groups.len()).filter(|&group| sweep.makes_worlds(&sweep.groups[group])).collect();
        let worlds = Self::keep(&mut sweep, &making, tree, faults);
        let replaced = sweep.axes.iter().any(Axis::is_all_routers);
        let routers = if replaced { RouterTables::default() } else { RouterTables::of(tree, faults) };
        let mut points = Self { tree: without_sweep(tree), sweep, making, worlds, routers, shared: None };
        points.reach_routers(catalogue, faults);
        points
    }

    /// Leaves worlds out. Where that is impossible nothing is, so that the rest can be looked at.
    fn keep(sweep: &mut Sweep, making: &[usize], tree: &Tree, faults: &mut Faults) -> Kept {
        let lattice = Lattice::of(making.iter().map(|&group| sweep.groups[group].len).collect());
        let lattice = lattice.filter(|worlds| worlds.len() <= MOST_WORLDS).unwrap_or_else(|| {
            faults.push_at(
                "sweep",
                tree,
                format!("the axes have more than {MOST_WORLDS} combinations"),
                "fewer values, or axes that move together",
                "[[sweep.zip]]\n\"model.experts\" = [8, 64]\n\"model.top_k\" = [2, 6]",
            );
            sweep.exclusions.clear();
            Lattice::of(vec![1; making.len()]).unwrap_or_default()
        });
        let excludes = sweep.exclusions.iter().any(|exclusion| exclusion.is_about_worlds(sweep));
        let left_out = |combination: &[usize]| leaves_out(sweep, making, combination);
        let kept = Kept::of(lattice.clone(), excludes.then_some(left_out));
        if kept.len() > 0 {
            return kept;
        }
        if let Some(last) = sweep.exclusions.iter().rfind(|exclusion| exclusion.is_about_worlds(sweep)) {
            last.of_everything("no point of the sweep", faults);
        }
        sweep.exclusions.clear();
        Kept::of(lattice, None::<fn(&[usize]) -> bool>)
    }

    /// Looks for axes and excludes that reach no router, and keeps the variants where all worlds have the same.
    fn reach_routers(&mut self, catalogue: &dyn Catalogue, faults: &mut Faults) {
        let about_routers = |&axis: &usize| self.sweep.axes[axis].is_about_routers();
        let decides = |&axis: &usize| about_routers(&axis) || self.sweep.axes[axis].is_all_routers();
        let deciding = |group: &&usize| self.sweep.groups[**group].axes.iter().any(|axis| decides(axis));
        let deciding: Vec<usize> = self.making.iter().filter(deciding).copied().collect();
        let all: BTreeSet<usize> = (0..self.sweep.axes.len()).filter(about_routers).collect();
        let first = self.first_of_all();
        let mut own = Faults::new();
        let expanded = self.expand(&first, catalogue, &mut own);
        if deciding.is_empty() {
            faults.extend(own);
        }
        let mut reached = expanded.reached.clone();
        for &group in &deciding {
            // Routers that only a later value has may be the ones that an axis reaches.
            for value in 1..self.sweep.groups[group].len {
                if reached == all {
                    break;
                }
                let mut at = first.clone();
                at[group] = Some(value);
                reached.extend(self.expand(&at, catalogue, &mut Faults::new()).reached);
            }
        }
        if !expanded.placed.is_empty() || !self.routers.is_empty() {
            self.routers.miss(&self.sweep, &reached, catalogue, faults);
        }
        self.shared = deciding.is_empty().then_some(expanded);
        self.look_at_excludes(&reached, catalogue, faults);
    }

    /// Finds excludes that match nothing, and those that leave nothing of a router.
    fn look_at_excludes(&self, reached: &BTreeSet<usize>, catalogue: &dyn Catalogue, faults: &mut Faults) {
        for exclusion in &self.sweep.exclusions {
            let Some(chosen) = exclusion.first_match(&self.sweep) else {
                exclusion.in_vain(faults);
                continue;
            };
            let about_routers = !exclusion.is_about_worlds(&self.sweep);
            if about_routers
                && exclusion.axes().all(|axis| !self.sweep.axes[axis].is_about_routers() || reached.contains(&axis))
            {
                let at: Vec<_> = self
                    .first_of_all()
                    .iter()
                    .zip(&chosen)
                    .map(|(first, chosen)| chosen.or(*first).filter(|_| first.is_some()))
                    .collect();
                let expanded = self.expand(&at, catalogue, &mut Faults::new());
                if !expanded.placed.iter().any(|placed| exclusion.matches(|axis| self.stands(axis, &at, placed))) {
                    exclusion.in_vain(faults);
                }
            }
        }
        if let (Some(shared), Some(last)) = (&self.shared, self.sweep.exclusions.last()) {
            let nowhere = vec![None; self.sweep.groups.len()];
            let is_left = |placed: &&Placed| !self.is_excluded(&nowhere, placed);
            let left: BTreeSet<_> = shared.placed.iter().filter(is_left).map(|placed| placed.variant.index).collect();
            if let Some(gone) = shared.placed.iter().find(|placed| !left.contains(&placed.variant.index)) {
                last.of_everything(&format!("no point of the router `{}`", gone.variant.label), faults);
            }
        }
    }

    /// How many worlds there are; at least one.
    #[must_use]
    pub fn worlds(&self) -> usize {
        self.worlds.len()
    }

    /// The axes, with all their values.
    #[must_use]
    pub fn axes(&self) -> &[Axis] {
        &self.sweep.axes
    }

    /// The values of the axes that make a world, without looking at anything else of it; empty beyond the last world.
    #[must_use]
    pub fn point(&self, position: usize) -> Vec<AxisValue> {
        self.place(position).map(|at| self.point_at(&at)).unwrap_or_default()
    }

    /// Worlds that show every value of every axis between them, as far as it is not left out: a few of many.
    #[must_use]
    pub fn showing_all(&self) -> Vec<usize> {
        let mut hidden: BTreeSet<(usize, usize)> = self
            .making
            .iter()
            .flat_map(|&group| (0..self.sweep.groups[group].len).map(move |at| (group, at)))
            .collect();
        let mut showing = Vec::new();
        for position in 0..self.worlds() {
            let at = self.place(position).unwrap_or_default();
            let shown = at.iter().enumerate().filter_map(|(group, value)| Some((group, (*value)?)));
            if shown.filter(|pair| hidden.remove(pair)).count() > 0 {
                showing.push(position);
            }
            if hidden.is_empty() {
                break;
            }
        }
        showing
    }

    /// The first world, also with those of its routers that are left out there.
    ///
    /// # Errors
    /// As [`Points::world`].
    pub fn first_with_all_routers(&self, catalogue: &dyn Catalogue) -> Result<WorldPlan, Faults> {
        let mut world = self.world(0, catalogue)?;
        let at = self.place(0).unwrap_or_default();
        let mut faults = Faults::new();
        let expanded = self.expand(&at, catalogue, &mut faults);
        world.variants = expanded.placed.into_iter().map(|placed| placed.variant).collect();
        sorted(world, faults)
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
        let Some(at) = self.place(position) else {
            let message = format!("there is no point {position}: there are {}, from 0", self.worlds.len());
            faults.push(Fault::new(FaultKind::OutOfRange, "sweep", message));
            return None;
        };
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
    fn place(&self, position: usize) -> Option<Vec<Option<usize>>> {
        let left_out = |combination: &[usize]| leaves_out(&self.sweep, &self.making, combination);
        Some(place(&self.sweep, &self.making, &self.worlds.at(position, left_out)?))
    }

    /// The first value of everything, whether or not that is left out.
    fn first_of_all(&self) -> Vec<Option<usize>> {
        place(&self.sweep, &self.making, &vec![0; self.making.len()])
    }

    /// Where an axis stands for a variant in a world, if it reaches it.
    fn stands(&self, axis: usize, at: &[Option<usize>], placed: &Placed) -> Option<usize> {
        match self.sweep.axes[axis].is_about_routers() {
            true => placed.at.iter().find(|(own, _)| *own == axis).map(|(_, value)| *value),
            false => at[self.sweep.group_of(axis)],
        }
    }

    fn is_excluded(&self, at: &[Option<usize>], placed: &Placed) -> bool {
        self.sweep.exclusions.iter().any(|exclusion| exclusion.matches(|axis| self.stands(axis, at, placed)))
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

    /// All variants at a place, also those that are left out.
    fn expand(&self, at: &[Option<usize>], catalogue: &dyn Catalogue, faults: &mut Faults) -> Expanded {
        let around = Surroundings { sweep: &self.sweep, world: at, catalogue };
        match self.sweep.axes.iter().any(Axis::is_all_routers) {
            true => RouterTables::of(&self.tree_at(at, faults), faults).expand(around, faults),
            false => self.routers.expand(around, faults),
        }
    }

    fn variants(&self, at: &[Option<usize>], catalogue: &dyn Catalogue, faults: &mut Faults) -> Vec<Variant> {
        let own = self.shared.is_none().then(|| self.expand(at, catalogue, faults));
        let Some(expanded) = own.as_ref().or(self.shared.as_ref()) else { return Vec::new() };
        let placed = expanded.placed.iter().filter(|placed| !self.is_excluded(at, placed));
        let mut variants: Vec<Variant> = placed.map(|placed| placed.variant.clone()).collect();
        if !expanded.placed.is_empty() && !variants.iter().any(|variant| variant.is_baseline) {
            let baseline = implied_baseline(faults);
            variants.splice(0..0, baseline);
        }
        variants
    }
}

/// Where a combination of the groups that make worlds stands on each group.
fn place(sweep: &Sweep, making: &[usize], combination: &[usize]) -> Vec<Option<usize>> {
    let mut at = vec![None; sweep.groups.len()];
    for (&group, &index) in making.iter().zip(combination) {
        at[group] = Some(index);
    }
    at
}

/// Whether an exclude leaves out the whole world of a combination.
fn leaves_out(sweep: &Sweep, making: &[usize], combination: &[usize]) -> bool {
    let at = place(sweep, making, combination);
    let about_worlds = sweep.exclusions.iter().filter(|exclusion| exclusion.is_about_worlds(sweep));
    about_worlds.into_iter().any(|exclusion| exclusion.matches(|axis| at[sweep.group_of(axis)]))
}

/// The scenario without its axes: each world copies it.
fn without_sweep(tree: &Tree) -> Tree {
    let mut table = Table::default();
    if let Value::Table(whole) = &tree.root().value {
        for entry in whole.entries().iter().filter(|entry| entry.key.name != "sweep") {
            table.insert(entry.key.clone(), entry.node.clone());
        }
    }
    Tree::new(table, tree.root().origin.clone())
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

//! The points of a sweep, worked out one at a time: a hundred thousand of them take the memory of their axes.

mod light;
mod opening;
#[cfg(test)]
mod tests;
mod world;

use std::collections::BTreeSet;
use std::ops::Range;

use light::Light;

use super::lattice::Kept;
use super::plan::{Plan, WorldPlan};
use super::routers::{Expanded, Placed, RouterTables};
use super::sweep::{Axis, AxisValue, Sweep};
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
    /// The scenario without its sweep.
    tree: Tree,
    sweep: Sweep,
    /// Groups that make worlds, and those of their combinations that are not left out.
    making: Vec<usize>,
    worlds: Kept,
    routers: RouterTables,
    /// The variants of every world, where worlds do not differ in them.
    shared: Option<Expanded>,
    /// The scenario as it is copied for worlds without faults.
    light: Light,
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

fn sorted<T>(value: T, mut faults: Faults) -> Result<T, Faults> {
    if faults.is_empty() {
        return Ok(value);
    }
    faults.sort();
    Err(faults)
}

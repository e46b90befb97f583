//! From the text of a scenario to its points: what is left out, which axes reach which routers.

use std::collections::BTreeSet;

use super::light::{self, Light};
use super::{Points, leaves_out};
use crate::config::{Faults, Tree};
use crate::registry::Catalogue;
use crate::scenario::lattice::{Kept, Lattice};
use crate::scenario::routers::{Placed, RouterTables};
use crate::scenario::sweep::{self, Axis, Sweep};

/// Above this many worlds, a number is surely a slip of the hand.
const MOST_WORLDS: usize = 10_000_000;

impl Points {
    /// The axes alone.
    pub(in crate::scenario) fn open(tree: &Tree, catalogue: &dyn Catalogue, faults: &mut Faults) -> Self {
        let mut sweep = sweep::read(tree, faults);
        let making: Vec<usize> =
            (0..sweep.groups.len()).filter(|&group| sweep.makes_worlds(&sweep.groups[group])).collect();
        let worlds = Self::keep(&mut sweep, &making, tree, faults);
        let replaced = sweep.axes.iter().any(Axis::is_all_routers);
        let routers = if replaced { RouterTables::default() } else { RouterTables::of(tree, faults) };
        let mut points = Self {
            tree: light::without(tree, &["sweep"]),
            sweep,
            making,
            worlds,
            routers,
            shared: None,
            light: Light::default(),
        };
        points.light = Light::of(&points.tree, &points.sweep);
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
        let deciding = |group: &&usize| self.sweep.groups[**group].axes.iter().any(&decides);
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
}

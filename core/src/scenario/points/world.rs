//! One world of the sweep, from the values of its axes.

use super::Points;
use crate::config::{Fault, FaultKind, Faults, Tree};
use crate::hardware::DeviceProfile;
use crate::registry::Catalogue;
use crate::scenario::plan::{Variant, WorldPlan};
use crate::scenario::routers::{Expanded, RouterTables, Surroundings, implied_baseline};
use crate::scenario::sweep::Axis;
use crate::scenario::{check, loaded};

impl Points {
    /// The world at a position; `None` where faults were pushed and nothing could be read.
    pub(super) fn plan(&self, position: usize, catalogue: &dyn Catalogue, faults: &mut Faults) -> Option<WorldPlan> {
        let Some(at) = self.place(position) else {
            let message = format!("there is no point {position}: there are {}, from 0", self.worlds.len());
            faults.push(Fault::new(FaultKind::OutOfRange, "sweep", message));
            return None;
        };
        // Without faults the light scenario tells as much; with some, only the whole one knows their places.
        let mut own = Faults::new();
        let world = self.plan_at(&at, &self.light.tree, self.light.profile.as_ref(), catalogue, &mut own);
        world.filter(|_| own.is_empty()).or_else(|| self.plan_at(&at, &self.tree, None, catalogue, faults))
    }

    fn plan_at(
        &self,
        at: &[Option<usize>],
        tree: &Tree,
        profile: Option<&DeviceProfile>,
        catalogue: &dyn Catalogue,
        faults: &mut Faults,
    ) -> Option<WorldPlan> {
        let tree = self.tree_at(at, tree, faults);
        let scenario = loaded::scenario(&tree, profile, catalogue, faults);
        let variants = self.variants(at, catalogue, faults);
        let scenario = scenario?;
        // Tables of one number per expert are made only for a model that makes sense.
        if check::scenario(&scenario, &tree, faults) {
            check::routers(&scenario, &variants, &tree, faults);
        }
        Some(WorldPlan { point: self.point_at(at), scenario, variants })
    }

    /// The scenario with the values of a point in it; a table first and what is inside it then.
    pub(super) fn tree_at(&self, at: &[Option<usize>], tree: &Tree, faults: &mut Faults) -> Tree {
        let mut tree = tree.clone();
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
    pub(super) fn expand(&self, at: &[Option<usize>], catalogue: &dyn Catalogue, faults: &mut Faults) -> Expanded {
        let around = Surroundings { sweep: &self.sweep, world: at, catalogue };
        match self.sweep.axes.iter().any(Axis::is_all_routers) {
            true => RouterTables::of(&self.tree_at(at, &self.tree, faults), faults).expand(around, faults),
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

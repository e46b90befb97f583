//! From the tree of a scenario to everything that has to be simulated.

use std::sync::Arc;

use super::points::Points;
use super::sweep::AxisValue;
use super::{BaselineOf, Scenario};
use crate::config::{Faults, Tree};
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
        let points = Points::open(tree, catalogue, &mut faults);
        let plan = points.select_into(0..points.worlds(), catalogue, &mut faults);
        if faults.is_empty() {
            return Ok(plan);
        }
        faults.sort();
        Err(faults)
    }
}

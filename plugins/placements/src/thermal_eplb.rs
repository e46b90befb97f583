//! `thermal-eplb`: EPLB for GPUs that differ: a GPU that is faster, cheaper or cooler carries more.
//!
//! The same two greedy steps as `eplb`, but a GPU's load counts divided by its weight v: a copy goes to the GPU with room whose
//! (load + copy) / v is smallest then. With t the temperature and 1 the mean over the GPUs,
//!
//! | objective | v |
//! |---|---|
//! | `time` | work per second |
//! | `energy` | 1 / energy per work: GPUs take equal energy, so those that need more of it for the same work get less |
//! | `headroom` | work per second x (limit - t) / (limit - ambient), at least 0.05 |
//!
//! Before anything is measured, all v are 1 and the placement is EPLB's. Peers that place by device speed: GEM (arXiv 2605.19945), ViBE
//! (arXiv 2606.00735); headroom is ours.

use isotherm_core::placement::{Placement, PlacementContext, PlacementError, PlacementSpec, Rebalance};
use isotherm_core::registry::Kind;
use isotherm_core::units::Celsius;
use serde::{Deserialize, Serialize};

use crate::balanced::{Options, fault, place};

pub(crate) const KIND: Kind = Kind {
    name: "thermal-eplb",
    summary: "EPLB that gives faster, cheaper or cooler GPUs more to do",
    example: "kind = \"thermal-eplb\"\nobjective = \"headroom\"\nrebalance = { every_batches = 20 }",
};

/// Least headroom that counts: a GPU at its limit still holds as many copies as the others.
const LEAST_HEADROOM: f64 = 0.05;

/// What is balanced over the GPUs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Objective {
    /// Time: a GPU that has shown more work per second gets more.
    #[default]
    Time,
    /// Energy: a GPU that has needed more energy for its work gets less.
    Energy,
    /// Time, and how far the GPU is from its limit: a warm one gets less.
    Headroom,
}

/// Options of `thermal-eplb`.
///
/// ```
/// use isotherm_core::placement::{Placement, PlacementContext, PlacementSpec};
/// use isotherm_placements::{Eplb, ThermalEplb};
/// let start = PlacementContext::at_start(4, 2);
/// assert_eq!(ThermalEplb::default().place(&start), Eplb::default().place(&start));
/// // GPU 1 is twice as fast: it gets the two heavy experts.
/// let (current, loads) = (Placement::contiguous(4, 2), [6.0, 6.0, 3.0, 3.0]);
/// let placement = ThermalEplb::default().place(&start.measured(&loads, &[0.5, 1.5], &[], &current, &[])).unwrap();
/// assert_eq!(placement.loads_of_gpus(&loads, 2), [6.0, 12.0]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThermalEplb {
    /// Copies of all experts together, as in `eplb`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
    /// Groups of experts kept within a node, as in `eplb`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<u32>,
    /// Expected load of each expert until loads have been measured, as in `eplb`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loads: Option<Vec<f64>>,
    /// When to place again; never where not given, and then this is `eplb`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rebalance: Option<Rebalance>,
    /// As in `eplb`; acts where the GPUs are alike.
    #[serde(default)]
    pub keep: bool,
    /// What is balanced.
    #[serde(default)]
    pub objective: Objective,
    /// Die temperature at which a GPU has no headroom (degC).
    #[serde(default = "limit")]
    pub limit: Celsius,
    /// Die temperature at which it has all of it (degC).
    #[serde(default = "ambient")]
    pub ambient: Celsius,
}

fn limit() -> Celsius {
    Celsius::new(87.0)
}

fn ambient() -> Celsius {
    Celsius::new(30.0)
}

impl Default for ThermalEplb {
    fn default() -> Self {
        Self {
            replicas: None,
            groups: None,
            loads: None,
            rebalance: None,
            keep: false,
            objective: Objective::default(),
            limit: limit(),
            ambient: ambient(),
        }
    }
}

impl ThermalEplb {
    /// The weight v of every GPU.
    fn speeds(&self, context: &PlacementContext<'_>) -> Vec<f64> {
        let or_one =
            |value: Option<&f64>| value.copied().filter(|value| value.is_finite() && *value > 0.0).unwrap_or(1.0);
        let span = self.limit.get() - self.ambient.get();
        (0..context.gpus)
            .map(|gpu| match self.objective {
                Objective::Time => or_one(context.speeds.get(gpu)),
                Objective::Energy => 1.0 / or_one(context.joules.get(gpu)),
                Objective::Headroom => {
                    let sampled = context.samples.get(gpu).and_then(|sample| sample.temperature);
                    let headroom = sampled.map_or(1.0, |t| (self.limit.get() - t.get()) / span);
                    or_one(context.speeds.get(gpu)) * headroom.clamp(LEAST_HEADROOM, 1.0)
                }
            })
            .collect()
    }
}

#[typetag::serde(name = "thermal-eplb")]
impl PlacementSpec for ThermalEplb {
    fn place(&self, context: &PlacementContext<'_>) -> Result<Placement, PlacementError> {
        let (limit, ambient) = (self.limit.get(), self.ambient.get());
        if !(limit.is_finite() && ambient.is_finite() && limit > ambient) {
            let message = format!("a GPU at {ambient} degC has no headroom up to a limit of {limit} degC");
            return Err(fault("limit", message, "limit = \"87 degC\""));
        }
        let options = Options {
            replicas: self.replicas,
            groups: self.groups,
            loads: self.loads.as_deref(),
            every_batches: self.rebalance.map(|rebalance| rebalance.every_batches),
            keep: self.keep,
        };
        place(&options, context, &self.speeds(context))
    }

    fn rebalance(&self) -> Option<Rebalance> {
        self.rebalance
    }
}

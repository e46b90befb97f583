//! `eplb`: copies of the busiest experts, balanced over the GPUs, as DeepSeek's expert-parallelism load balancer does it.
//!
//! Copies are added one at a time to the expert with the largest load per copy. Then the copies go to GPUs, heaviest first, each to
//! the least loaded GPU that still has room; every GPU holds the same number. With `groups` and several nodes, groups of neighbouring experts
//! are packed to nodes first, and copied and packed within their node. Ties go to the lowest index.
//!
//! Source: `eplb.py` of github.com/deepseek-ai/EPLB (MIT), section 3.4 of the DeepSeek-V3 report (arXiv 2412.19437). Two departures: two
//! copies of an expert never share a GPU, where they would do nothing for each other (EPLB lets them, and the second slot is wasted); and
//! `groups` that do not fit the nodes are refused instead of ignored.
//! With `keep`, which that program does not have, the packs of copies then go to the GPUs that hold most of them already.

use isotherm_core::placement::{Placement, PlacementContext, PlacementError, PlacementSpec, Rebalance};
use isotherm_core::registry::Kind;
use serde::{Deserialize, Serialize};

use crate::balanced::{Options, place};

pub(crate) const KIND: Kind = Kind {
    name: "eplb",
    summary: "copies of the busiest experts, balanced over GPUs (DeepSeek's EPLB)",
    example: "kind = \"eplb\"\nreplicas = 16\nrebalance = { every_batches = 20 }",
};

/// Options of `eplb`.
///
/// ```
/// use isotherm_core::{id::{ExpertId, GpuId}, placement::{PlacementContext, PlacementSpec}};
/// use isotherm_placements::Eplb;
/// let eplb = Eplb { replicas: Some(4), loads: Some(vec![6.0, 1.0, 2.0]), ..Eplb::default() };
/// let placement = eplb.place(&PlacementContext::at_start(3, 2)).unwrap();
/// // Expert 0 gets the fourth copy; each GPU serves half of it and one of the others.
/// assert_eq!(placement.copies(ExpertId(0)), [GpuId(0), GpuId(1)]);
/// assert_eq!(placement.loads_of_gpus(&[6.0, 1.0, 2.0], 2), [5.0, 4.0]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Eplb {
    /// Copies of all experts together, a multiple of the GPUs; by default the smallest one that gives every expert a home.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
    /// Equal groups of neighbouring experts, each kept within a node; divides the experts and is a multiple of the nodes. Without it
    /// nodes do not matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<u32>,
    /// Expected load of each expert, in any unit, until loads have been measured; all alike where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loads: Option<Vec<f64>>,
    /// When to place again, by the loads measured since the last placement; never where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rebalance: Option<Rebalance>,
    /// Whether GPUs change names so that fewer copies move when experts are placed again: balance is the same. DeepSeek's program does not.
    #[serde(default)]
    pub keep: bool,
}

#[typetag::serde(name = "eplb")]
impl PlacementSpec for Eplb {
    fn place(&self, context: &PlacementContext<'_>) -> Result<Placement, PlacementError> {
        let options = Options {
            replicas: self.replicas,
            groups: self.groups,
            loads: self.loads.as_deref(),
            every_batches: self.rebalance.map(|rebalance| rebalance.every_batches),
            keep: self.keep,
        };
        place(&options, context, &vec![1.0; context.gpus])
    }

    fn rebalance(&self) -> Option<Rebalance> {
        self.rebalance
    }
}

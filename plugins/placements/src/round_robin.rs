//! `round-robin`: expert after expert to GPU after GPU.

use isotherm_core::id::GpuId;
use isotherm_core::placement::{Placement, PlacementContext, PlacementError, PlacementSpec};
use isotherm_core::registry::Kind;
use serde::{Deserialize, Serialize};

use crate::replicate::with_copies;

pub(crate) const KIND: Kind = Kind {
    name: "round-robin",
    summary: "expert after expert to GPU after GPU: spreads neighbours that are popular together",
    example: "kind = \"round-robin\"",
};

/// Expert e goes to GPU e mod G.
///
/// ```
/// use isotherm_core::{id::{ExpertId, GpuId}, placement::{PlacementContext, PlacementSpec}};
/// use isotherm_placements::RoundRobin;
/// let placement = RoundRobin::default().place(&PlacementContext::at_start(5, 2)).unwrap();
/// assert_eq!(placement.copies(ExpertId(3)), [GpuId(1)]);
/// assert_eq!(placement.copies(ExpertId(4)), [GpuId(0)]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundRobin {
    /// Experts that get one more copy for every time they are named, on the GPU that holds the fewest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replicate: Vec<u32>,
}

#[typetag::serde(name = "round-robin")]
impl PlacementSpec for RoundRobin {
    fn place(&self, context: &PlacementContext<'_>) -> Result<Placement, PlacementError> {
        let homes = (0..context.experts).map(|e| GpuId((e % context.gpus) as u32));
        with_copies(homes, &self.replicate, context)
    }
}

//! `contiguous`: blocks of neighbouring experts, in order, whose sizes differ by at most one.

use isotherm_core::id::ExpertId;
use isotherm_core::placement::{Placement, PlacementContext, PlacementError, PlacementSpec};
use isotherm_core::registry::Kind;
use serde::{Deserialize, Serialize};

use crate::replicate::with_copies;

pub(crate) const KIND: Kind = Kind {
    name: "contiguous",
    summary: "blocks of neighbouring experts; what a scenario without a placement has",
    example: "kind = \"contiguous\"",
};

/// Expert e of E on G GPUs goes to GPU floor(e G / E).
///
/// ```
/// use isotherm_core::{id::{ExpertId, GpuId}, placement::{PlacementContext, PlacementSpec}};
/// use isotherm_placements::Contiguous;
/// let contiguous = Contiguous { replicate: vec![2] };
/// let placement = contiguous.place(&PlacementContext::at_start(5, 2)).unwrap();
/// assert_eq!(placement.copies(ExpertId(2)), [GpuId(0), GpuId(1)]);
/// assert_eq!(placement.copies(ExpertId(3)), [GpuId(1)]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contiguous {
    /// Experts that get one more copy for every time they are named, on the GPU that holds the fewest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replicate: Vec<u32>,
}

#[typetag::serde(name = "contiguous")]
impl PlacementSpec for Contiguous {
    fn place(&self, context: &PlacementContext<'_>) -> Result<Placement, PlacementError> {
        let blocks = Placement::contiguous(context.experts, context.gpus);
        with_copies((0..context.experts as u32).map(|e| blocks.copies(ExpertId(e))[0]), &self.replicate, context)
    }
}

//! `contiguous`: blocks of neighbouring experts, in order, whose sizes differ by at most one.

use isotherm_core::placement::{Placement, PlacementContext, PlacementError, PlacementSpec};
use isotherm_core::registry::Kind;
use serde::{Deserialize, Serialize};

pub(crate) const KIND: Kind = Kind {
    name: "contiguous",
    summary: "blocks of neighbouring experts; what a scenario without a placement has",
    example: "kind = \"contiguous\"",
};

/// Expert e of E on G GPUs goes to GPU floor(e G / E); has no options.
///
/// ```
/// use isotherm_core::{id::{ExpertId, GpuId}, placement::{PlacementContext, PlacementSpec}};
/// use isotherm_placements::Contiguous;
/// let placement = Contiguous {}.place(&PlacementContext::at_start(5, 2)).unwrap();
/// assert_eq!(placement.copies(ExpertId(2)), [GpuId(0)]);
/// assert_eq!(placement.copies(ExpertId(3)), [GpuId(1)]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contiguous {}

#[typetag::serde(name = "contiguous")]
impl PlacementSpec for Contiguous {
    fn place(&self, context: &PlacementContext<'_>) -> Result<Placement, PlacementError> {
        Ok(Placement::contiguous(context.experts, context.gpus))
    }
}

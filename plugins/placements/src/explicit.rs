//! `explicit`: the scenario names the GPUs of every expert.

use isotherm_core::id::GpuId;
use isotherm_core::placement::{Placement, PlacementContext, PlacementError, PlacementSpec};
use isotherm_core::registry::Kind;
use serde::{Deserialize, Serialize};

pub(crate) const KIND: Kind = Kind {
    name: "explicit",
    summary: "the GPUs of every expert, written out; several numbers are copies",
    example: "kind = \"explicit\"\ngpus = [0, 0, 1, [0, 1]]",
};

/// Options of `explicit`.
///
/// ```
/// use isotherm_core::{id::{ExpertId, GpuId}, placement::{PlacementContext, PlacementSpec}};
/// use isotherm_placements::Explicit;
/// let explicit: Explicit = toml::from_str("gpus = [1, [0, 1]]").unwrap();
/// let placement = explicit.place(&PlacementContext::at_start(2, 2)).unwrap();
/// assert_eq!(placement.copies(ExpertId(1)), [GpuId(0), GpuId(1)]);
/// assert!(explicit.place(&PlacementContext::at_start(3, 2)).is_err(), "expert 2 is homeless");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explicit {
    /// The GPU of each expert, or a list of GPUs that hold a copy each.
    pub gpus: Vec<Homes>,
}

/// Where one expert lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Homes {
    /// On one GPU.
    One(u32),
    /// A copy on each of several.
    Copies(Vec<u32>),
}

#[typetag::serde(name = "explicit")]
impl PlacementSpec for Explicit {
    fn place(&self, context: &PlacementContext<'_>) -> Result<Placement, PlacementError> {
        let fault = |message: String| PlacementError::Option {
            option: "gpus",
            message: format!("{message}; for example, for four experts, `gpus = [0, 0, 1, [0, 1]]`"),
        };
        if self.gpus.len() != context.experts {
            return Err(fault(format!("{} experts are placed, the model has {}", self.gpus.len(), context.experts)));
        }
        let copies = self.gpus.iter().map(|homes| match homes {
            Homes::One(gpu) => vec![GpuId(*gpu)],
            Homes::Copies(gpus) => gpus.iter().copied().map(GpuId).collect(),
        });
        Placement::new(context.gpus, copies.collect()).map_err(|unusable| fault(unusable.to_string()))
    }
}

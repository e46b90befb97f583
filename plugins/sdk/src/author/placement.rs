//! A placement policy as its author writes it.

use std::fmt::Debug;

use isotherm_core::placement::{Placement, PlacementContext, PlacementError, Rebalance};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A placement policy: its options, and which GPUs hold a copy of each expert.
///
/// ```
/// use isotherm_plugin::prelude::*;
///
/// /// Expert after expert to GPU after GPU, from the last one down.
/// #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
/// struct Backwards {}
///
/// impl PlacementPolicy for Backwards {
///     fn place(&self, context: &PlacementContext<'_>) -> Result<Placement, PlacementError> {
///         let home = |expert| GpuId((context.gpus - 1 - expert % context.gpus) as u32);
///         Ok(Placement::single((0..context.experts).map(home).collect()))
///     }
/// }
///
/// export_placement!(Backwards = "acme/backwards");
///
/// let placement = Backwards {}.place(&PlacementContext::at_start(5, 4)).unwrap();
/// assert_eq!(placement.copies(ExpertId(4)), [GpuId(3)]);
/// ```
pub trait PlacementPolicy: Clone + Debug + Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// Places every expert: at the start, when nothing has been measured, and again whenever [`PlacementPolicy::rebalance`] says so. A function of
    /// options and context, and of nothing else.
    ///
    /// # Errors
    /// [`PlacementError::Option`] when an option does not fit the model or the hardware; found before any run starts.
    fn place(&self, context: &PlacementContext<'_>) -> Result<Placement, PlacementError>;

    /// When to place again during a run; `None` for a placement that stays.
    fn rebalance(&self) -> Option<Rebalance> {
        None
    }
}

//! Buffers that events fill anew: kept, so that a batch allocates only what its record keeps, and what lies between batches nothing.

use std::sync::Arc;

use super::split::{Dealt, Split};
use super::state::Completed;
use crate::id::ExpertId;

/// Part of no saved state.
#[derive(Clone, Debug, Default)]
pub(super) struct Scratch {
    pub(super) dealt: Dealt,
    /// What the layer that begins is shared out into; the running batch looks at it too.
    pub(super) split: Arc<Split>,
    /// What the router is told about the layer. The running batch holds it, then the router is told, and it comes back.
    pub(super) completed: Completed,
    /// Energy at each GPU of the hops to it (J).
    pub(super) hop_joules: Vec<f64>,
    /// Assignments of each expert, of all tokens or of those that one GPU serves.
    pub(super) counts: Vec<u32>,
    /// Experts that a GPU has served, and the energy that each would have taken alone (J).
    pub(super) served: Vec<(ExpertId, f64)>,
    /// What takes the heat of each GPU (degC).
    pub(super) inlets: Vec<f64>,
    /// What routers that may know them are shown as true costs (J).
    pub(super) true_costs: Vec<f64>,
}

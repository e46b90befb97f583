//! What executes the expert work of a layer on real devices, instead of a model of it.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::id::ExpertId;

/// The layer whose work a load executes, and the devices it has for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadShape {
    /// GPUs, one worker each. Worker `g` works on the device `devices[g]`, as the load's own library counts devices.
    pub devices: Vec<u32>,
    /// Experts of the layer.
    pub experts: u32,
    /// Experts each token is sent to.
    pub top_k: u32,
    /// Width of a hidden state.
    pub d_model: u32,
    /// Width of an expert.
    pub d_ff: u32,
    /// Matrices of an expert: 3 with a gate, else 2.
    pub matrices: u32,
}

/// What one GPU has to do in a layer: experts with at least one assignment, by ascending number, and how many each.
pub type Share = Vec<(ExpertId, u32)>;

/// A load in a live run: real work on real devices.
///
/// Not deterministic: what it answers was measured. Every GPU holds the weights of all experts, so that any placement can be asked for.
pub trait Load: Send {
    /// What the work runs on, a name a GPU.
    fn devices(&self) -> &[String];

    /// Executes one layer and returns when the slowest GPU is done. `shares` and `seconds` have one entry a GPU; `seconds` is filled with the
    /// time (s) from the start of the layer until that GPU was done, 0 where it had nothing to do.
    ///
    /// # Errors
    /// [`LoadError`]; it ends the live run it happened in.
    fn execute(&mut self, shares: &[Share], seconds: &mut [f64]) -> Result<(), LoadError>;
}

/// Why work could not be executed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadError {
    /// The load cannot be made: an option, a shape that does not fit into memory, no such device. Found before anything runs.
    #[error("{0}")]
    Unfit(String),
    /// A device failed in the middle.
    #[error("{0}")]
    Failed(String),
}

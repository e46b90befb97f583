//! What a workload is: a token stream that depends on the seed and the batch index alone, and its arrivals.

use std::fmt::Debug;

use thiserror::Error;

use crate::id::BatchId;
use crate::input::InputError;
use crate::time::SimTime;

/// Immutable description of a token stream, as a scenario writes it: `kind = "..."` and its options.
#[typetag::serde(tag = "kind")]
pub trait WorkloadSpec: Debug + Send + Sync {
    /// Builds the stream of one seed. Shared by every router of a comparison (INV-12).
    ///
    /// # Errors
    /// [`WorkloadError`] when an option or a file does not fit; found before any run starts.
    fn build(&self, context: &WorkloadContext<'_>) -> Result<Box<dyn TokenStream>, WorkloadError>;
}

/// What a stream may depend on.
#[derive(Clone, Copy, Debug)]
pub struct WorkloadContext<'a> {
    /// Number of experts of the layer.
    pub experts: usize,
    /// Experts each token is sent to.
    pub top_k: usize,
    /// Root seed of the run.
    pub seed: u64,
    /// The batches that will be asked for, in order.
    pub batches: &'a [Arrival],
    /// Which MoE layer of the model the stream is for, from 0: each has its own gate.
    pub layer: u32,
}

/// The logits of one layer's gate, batch by batch.
///
/// A pure function of spec, seed and batch index: batches may be asked for in any order, from any thread.
pub trait TokenStream: Send + Sync {
    /// Logits of `tokens` tokens of batch `batch`, `tokens x experts`, row after row.
    ///
    /// # Errors
    /// A fault of the numeric library; ends all runs that share the stream.
    fn logits(&self, batch: BatchId, tokens: usize) -> Result<Vec<f32>, WorkloadError>;
}

/// Immutable description of when batches arrive, as a scenario writes it: `kind = "..."` and its options.
#[typetag::serde(tag = "kind")]
pub trait ArrivalSpec: Debug + Send + Sync {
    /// The whole list of batches of one seed, in order of arrival. It never depends on the router.
    ///
    /// # Errors
    /// [`WorkloadError`] when an option or a trace file does not fit; found before any run starts.
    fn batches(&self, seed: u64) -> Result<Vec<Arrival>, WorkloadError>;
}

/// One batch to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When it arrives; `None` in a closed loop, where it comes when the batch before it is done.
    pub at: Option<SimTime>,
    /// Number of tokens, at least 1.
    pub tokens: u32,
}

/// Why a workload cannot be built or cannot go on.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum WorkloadError {
    /// An option does not fit the model. Found before any run starts.
    #[error("`{option}`: {message}")]
    Option {
        /// The option's key.
        option: &'static str,
        /// What is wrong and what was expected.
        message: String,
    },
    /// A file cannot be used. Found before any run starts.
    #[error("{0}")]
    Input(#[from] InputError),
    /// The numeric library failed. Fatal to the runs that share the stream.
    #[error("gate product: {0}")]
    Numeric(String),
}

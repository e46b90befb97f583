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
    /// Logits of `tokens` tokens of batch `batch`, `tokens x experts`, row after row, into `out`: whatever was in it is gone, and its memory is used
    /// again.
    ///
    /// # Errors
    /// A fault of the numeric library; ends all runs that share the stream.
    fn logits_into(&self, batch: BatchId, tokens: usize, out: &mut Vec<f32>) -> Result<(), WorkloadError>;

    /// [`TokenStream::logits_into`] into memory of its own.
    ///
    /// # Errors
    /// As [`TokenStream::logits_into`].
    fn logits(&self, batch: BatchId, tokens: usize) -> Result<Vec<f32>, WorkloadError> {
        let mut out = Vec::new();
        self.logits_into(batch, tokens, &mut out)?;
        Ok(out)
    }

    /// The first batch of every law that tokens are drawn from, by rising batch, from 0 on: more than one where the stream changes in the
    /// middle of a run. All tokens of a law are independent of each other.
    fn laws(&self) -> Vec<BatchId> {
        vec![BatchId(0)]
    }

    /// Logits of `tokens` tokens of law number `law`, of part `part` of its sample: tokens that no batch of a run has.
    ///
    /// # Errors
    /// As [`TokenStream::logits_into`].
    fn sample(&self, law: usize, part: u32, tokens: usize) -> Result<Vec<f32>, WorkloadError> {
        let _ = law;
        self.logits(sample_batch(part), tokens)
    }

    /// Probability that a token of law number `law` has each expert in its unpenalised top k, where that is known without tokens; they sum
    /// to k.
    fn inclusion(&self, law: usize) -> Option<Vec<f64>> {
        let _ = law;
        None
    }
}

/// The number of the batch whose deviates are those of part `part` of a sample: counted down from the last there is, which no run
/// reaches.
#[must_use]
pub const fn sample_batch(part: u32) -> BatchId {
    BatchId(u32::MAX - part)
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

//! The sample of tokens that stands for a gate's law, and what is known of the law beside it.

use std::sync::Arc;

use super::inclusion;
use crate::gate::GateBatch;
use crate::id::BatchId;
use crate::tier::TierSpec;
use crate::workload::{TokenStream, WorkloadError};

/// A fixed sample of a gate's tokens, with the probability that a token of the law chooses each expert when nobody interferes.
///
/// Immutable and shared by all routers of a comparison, as the gates of batches are (INV-12).
#[derive(Clone, Debug)]
pub struct GateSample {
    gate: GateBatch<'static>,
    /// Unpenalised inclusion probabilities of the law; they sum to k.
    inclusion: Vec<f64>,
}

/// Logits that are drawn, beside the sample, to know a law's inclusion probabilities that the workload cannot tell.
const STREAMED_LOGITS: usize = 1 << 23;

impl GateSample {
    /// A sample of tokens; `inclusion` are the law's own unpenalised inclusion probabilities, or those of the sample where they are not
    /// known. They are brought to sum to k.
    ///
    /// # Panics
    /// If the sample is empty or `inclusion` has not one entry per expert.
    #[must_use]
    pub fn new(gate: GateBatch<'static>, inclusion: Option<Vec<f64>>) -> Self {
        assert!(gate.tokens() > 0, "a sample has tokens");
        let tokens = gate.tokens() as f64;
        let mut inclusion =
            inclusion.unwrap_or_else(|| gate.reference().counts.iter().map(|n| f64::from(*n) / tokens).collect());
        assert_eq!(inclusion.len(), gate.experts(), "one probability per expert");
        inclusion::bring_to_sum(&mut inclusion, gate.reference().top_k());
        Self { gate, inclusion }
    }

    /// The sample of law number `law` of a stream ([`TokenStream::laws`]). Where the stream does not know the inclusion probabilities, a
    /// larger number of tokens is drawn once for them.
    ///
    /// # Errors
    /// As [`TokenStream::sample`].
    pub fn of(
        stream: &dyn TokenStream,
        law: usize,
        experts: usize,
        top_k: usize,
        tier: &TierSpec,
    ) -> Result<Self, WorkloadError> {
        let tokens = tier.sample_tokens(experts);
        let part = |part| -> Result<GateBatch<'static>, WorkloadError> {
            Ok(GateBatch::from_logits(experts, top_k, stream.sample(law, part, tokens)?))
        };
        let gate = part(0)?;
        if let Some(inclusion) = stream.inclusion(law) {
            return Ok(Self::new(gate, Some(inclusion)));
        }
        let parts = STREAMED_LOGITS.div_ceil(tokens * experts).max(1);
        let mut counts: Vec<u64> = gate.reference().counts.iter().map(|n| u64::from(*n)).collect();
        for more in 1..parts {
            let more = part(more as u32)?;
            counts.iter_mut().zip(&more.reference().counts).for_each(|(sum, n)| *sum += u64::from(*n));
        }
        let all = (parts * tokens) as f64;
        Ok(Self::new(gate, Some(counts.into_iter().map(|n| n as f64 / all).collect())))
    }

    /// The samples of all laws of a stream, each with the first batch that is drawn from it.
    ///
    /// # Errors
    /// As [`GateSample::of`].
    pub fn all_of(
        stream: &dyn TokenStream,
        experts: usize,
        top_k: usize,
        tier: &TierSpec,
    ) -> Result<Vec<(BatchId, Arc<Self>)>, WorkloadError> {
        let of = |(law, first)| Ok((first, Arc::new(Self::of(stream, law, experts, top_k, tier)?)));
        stream.laws().into_iter().enumerate().map(of).collect()
    }

    /// The sample, as the gate of a batch.
    #[must_use]
    pub fn gate(&self) -> &GateBatch<'static> {
        &self.gate
    }

    /// Experts each token is sent to.
    #[must_use]
    pub fn top_k(&self) -> usize {
        self.gate.reference().top_k()
    }

    /// Probability that a token chooses each expert when nobody interferes; they sum to k.
    #[must_use]
    pub fn inclusion(&self) -> &[f64] {
        &self.inclusion
    }

    /// Inclusion probabilities under a rule by which the sample chooses each expert `counts` times.
    pub(super) fn shifted(&self, counts: &[u32], out: &mut [f64]) {
        inclusion::shifted(&self.inclusion, &self.gate.reference().counts, counts, self.gate.tokens(), out);
        inclusion::bring_to_sum(out, self.top_k());
    }
}

//! `closed-loop`: the next batch comes when the one before it is done.
//!
//! The classic experiment: nothing waits, nothing idles, and a slower router is offered less work a second. Compare energy at
//! equal tokens under it, never latency under load.

use isotherm_core::registry::Kind;
use isotherm_core::workload::{Arrival, ArrivalSpec, WorkloadError};
use serde::{Deserialize, Serialize};

use crate::options::{fault, require_some};

pub(crate) const KIND: Kind = Kind {
    name: "closed-loop",
    summary: "a fixed number of equal batches, each when the one before it is done",
    example: "kind = \"closed-loop\"\nbatches = 100\ntokens = 2048",
};

/// Equal batches, one after the other; the first at time 0.
///
/// A batch has `tokens` tokens, or `batch_size` sequences of `seq_length` tokens.
///
/// ```
/// use isotherm_core::workload::{Arrival, ArrivalSpec};
/// use isotherm_workloads::ClosedLoop;
/// let arrivals = ClosedLoop { batches: 3, tokens: None, batch_size: Some(4), seq_length: Some(128) };
/// assert_eq!(arrivals.batches(7).unwrap(), [Arrival { at: None, tokens: 512 }; 3]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClosedLoop {
    /// Number of batches.
    pub batches: u32,
    /// Tokens of a batch. Either this or `batch_size` and `seq_length`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u32>,
    /// Sequences of a batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_size: Option<u32>,
    /// Tokens of a sequence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq_length: Option<u32>,
}

#[typetag::serde(name = "closed-loop")]
impl ArrivalSpec for ClosedLoop {
    fn batches(&self, _: u64) -> Result<Vec<Arrival>, WorkloadError> {
        require_some("batches", self.batches.into(), "100")?;
        let tokens = match (self.tokens, self.batch_size, self.seq_length) {
            (Some(tokens), None, None) => tokens,
            (None, Some(sequences), Some(length)) => sequences.checked_mul(length).ok_or_else(|| {
                fault(
                    "seq_length",
                    format!("{sequences} sequences of {length} tokens are more than {} tokens", u32::MAX),
                )
            })?,
            _ => {
                return Err(fault(
                    "tokens",
                    "needs either `tokens = 2048` or both `batch_size = 8` and `seq_length = 256`",
                ));
            }
        };
        require_some("tokens", tokens.into(), "2048")?;
        Ok(vec![Arrival { at: None, tokens }; self.batches as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_given_sizes_zero_sizes_and_overflows_are_refused() {
        let fault = |batches, tokens, batch_size, seq_length| {
            ClosedLoop { batches, tokens, batch_size, seq_length }
                .batches(0)
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default()
        };
        assert!(fault(0, Some(1), None, None).contains("`batches`"));
        for sizes in [(None, None, None), (None, Some(1), None), (Some(1), Some(1), None), (Some(1), Some(1), Some(1))]
        {
            assert!(fault(1, sizes.0, sizes.1, sizes.2).contains("needs either"), "{sizes:?}");
        }
        assert!(fault(1, Some(0), None, None).contains("from 1 to"));
        assert!(fault(1, None, Some(8), Some(0)).contains("from 1 to"));
        assert!(fault(1, None, Some(1 << 20), Some(1 << 20)).contains("more than"));
    }
}

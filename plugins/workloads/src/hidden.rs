//! Logits the long way: hidden states times the gate.
//!
//! Drawn and multiplied a few tokens at a time, so that the product reads from the cache what the generator wrote to it, and a batch needs no memory
//! for all of its hidden states. On one thread: runs are spread over cores already.

use isotherm_core::id::BatchId;
use isotherm_core::rng::{ROUND, fill_standard_normal_from};
use isotherm_core::workload::{TokenStream, WorkloadError};

use crate::gate_product::{GateProduct, TOKENS_TOGETHER};
use crate::idle::Idle;

/// About how many numbers of hidden states are drawn at a time: 128 kB.
const BLOCK_VALUES: usize = 1 << 15;

/// z = x W^T with x ~ N(0, I).
pub(crate) struct HiddenStates {
    key: [u32; 2],
    gate: GateProduct,
    experts: usize,
    d_model: usize,
    idle: Idle,
}

impl HiddenStates {
    /// `rows`: the gate, `experts x d_model`.
    pub(crate) fn new(key: [u32; 2], rows: &[f64], d_model: usize) -> Self {
        let experts = rows.len() / d_model;
        let transposed: Vec<f32> =
            (0..rows.len()).map(|at| rows[at % experts * d_model + at / experts] as f32).collect();
        let gate = GateProduct::new(experts, &transposed);
        Self { key, gate, experts, d_model, idle: Idle::default() }
    }

    /// Tokens of a block: their numbers are whole rounds of the generator, and they are whole blocks of the product.
    fn tokens_together(&self) -> usize {
        let least =
            (1..=ROUND).map(|n| n * TOKENS_TOGETHER).find(|tokens| (tokens * self.d_model).is_multiple_of(ROUND));
        let least = least.unwrap_or(ROUND * TOKENS_TOGETHER);
        least * (BLOCK_VALUES / (least * self.d_model)).max(1)
    }
}

impl TokenStream for HiddenStates {
    fn logits_into(&self, batch: BatchId, tokens: usize, out: &mut Vec<f32>) -> Result<(), WorkloadError> {
        let together = self.tokens_together();
        let mut hidden = self.idle.take();
        hidden.resize(together.min(tokens).max(hidden.len() / self.d_model) * self.d_model, 0.0);
        out.resize(tokens * self.experts, 0.0);
        for (at, logits) in out.chunks_mut(together * self.experts).enumerate() {
            let hidden = &mut hidden[..logits.len() / self.experts * self.d_model];
            fill_standard_normal_from(self.key, u64::from(batch.0), at * together * self.d_model, hidden);
            self.gate.multiply(hidden, logits);
        }
        self.idle.give_back(hidden);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use isotherm_core::rng::fill_standard_normal;

    use super::*;
    use crate::gate::{self, Gate};

    #[test]
    fn the_product_agrees_with_a_naive_one_in_f64() {
        for (experts, d_model, tokens) in
            [(8, 512, 200), (64, 96, 33), (5, 3, 2), (1, 7, 1), (3, 65, 1600), (2, 3000, 50)]
        {
            let rows = gate::draw(Gate::Uniform, experts, d_model, 1.0, (5, 0));
            let stream = HiddenStates::new([7, 8], &rows, d_model);
            let found = stream.logits(BatchId(4), tokens).unwrap();
            let mut hidden = vec![0.0; tokens * d_model];
            fill_standard_normal([7, 8], 4, &mut hidden);
            for (at, found) in found.iter().enumerate() {
                let (x, w) = (&hidden[at / experts * d_model..][..d_model], &rows[at % experts * d_model..][..d_model]);
                let expected: f64 = x.iter().zip(w).map(|(x, w)| f64::from(*x) * w).sum();
                assert!(
                    (f64::from(*found) - expected).abs() < 1e-5,
                    "{experts}x{d_model}, value {at}: {found} {expected}"
                );
            }
        }
    }

    #[test]
    fn a_reused_buffer_leaves_no_trace() {
        let rows = gate::draw(Gate::Uniform, 4, 16, 1.0, (5, 0));
        let fresh = HiddenStates::new([1, 2], &rows, 16);
        let used = HiddenStates::new([1, 2], &rows, 16);
        for (batch, tokens) in [(9, 100), (3, 0), (3, 7), (4, 3000)] {
            used.logits(BatchId(batch), tokens).unwrap();
        }
        assert_eq!(used.logits(BatchId(0), 50), fresh.logits(BatchId(0), 50));
    }
}

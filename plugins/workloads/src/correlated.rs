//! Logits from their own law: correlated normal deviates, without the hidden states they would come from.

use isotherm_core::id::BatchId;
use isotherm_core::rng::fill_standard_normal;
use isotherm_core::simd;
use isotherm_core::workload::{TokenStream, WorkloadError};

use crate::idle::Idle;

/// z = L g with g ~ N(0, I).
pub(crate) struct Correlated {
    key: [u32; 2],
    experts: usize,
    /// Columns of L, `experts x experts`, column after column: the order in which the product vectorises.
    columns: Vec<f32>,
    idle: Idle,
}

impl Correlated {
    /// `lower`: L, `experts x experts`, row after row.
    pub(crate) fn new(key: [u32; 2], experts: usize, lower: &[f64]) -> Self {
        let columns = (0..lower.len()).map(|at| lower[at % experts * experts + at / experts] as f32).collect();
        Self { key, experts, columns, idle: Idle::default() }
    }
}

impl TokenStream for Correlated {
    fn logits_into(&self, batch: BatchId, tokens: usize, out: &mut Vec<f32>) -> Result<(), WorkloadError> {
        let mut deviates = self.idle.take();
        deviates.resize(tokens * self.experts, 0.0);
        fill_standard_normal(self.key, u64::from(batch.0), &mut deviates);
        out.clear();
        out.resize(deviates.len(), 0.0);
        simd::dispatch(
            #[inline(always)]
            || {
                for (z, g) in out.chunks_exact_mut(self.experts).zip(deviates.chunks_exact(self.experts)) {
                    for (column, g) in self.columns.chunks_exact(self.experts).zip(g) {
                        z.iter_mut().zip(column).for_each(|(z, l)| *z += l * g);
                    }
                }
            },
        );
        self.idle.give_back(deviates);
        Ok(())
    }
}

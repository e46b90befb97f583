//! Logits from their own law: correlated normal deviates, without the hidden states they would come from.

use isotherm_core::id::BatchId;
use isotherm_core::rng::fill_standard_normal;
use isotherm_core::simd;
use isotherm_core::workload::{TokenStream, WorkloadError};

/// z = L g with g ~ N(0, I).
pub(crate) struct Correlated {
    key: [u32; 2],
    experts: usize,
    /// Columns of L, `experts x experts`, column after column: the order in which the product vectorises.
    columns: Vec<f32>,
}

impl Correlated {
    /// `lower`: L, `experts x experts`, row after row.
    pub(crate) fn new(key: [u32; 2], experts: usize, lower: &[f64]) -> Self {
        let columns = (0..lower.len()).map(|at| lower[at % experts * experts + at / experts] as f32).collect();
        Self { key, experts, columns }
    }
}

impl TokenStream for Correlated {
    fn logits(&self, batch: BatchId, tokens: usize) -> Result<Vec<f32>, WorkloadError> {
        let mut deviates = vec![0.0; tokens * self.experts];
        fill_standard_normal(self.key, u64::from(batch.0), &mut deviates);
        let mut logits = vec![0.0; deviates.len()];
        simd::dispatch(
            #[inline(always)]
            || {
                for (z, g) in logits.chunks_exact_mut(self.experts).zip(deviates.chunks_exact(self.experts)) {
                    for (column, g) in self.columns.chunks_exact(self.experts).zip(g) {
                        z.iter_mut().zip(column).for_each(|(z, l)| *z += l * g);
                    }
                }
            },
        );
        Ok(logits)
    }
}

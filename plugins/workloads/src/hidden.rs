//! Logits the long way: hidden states times the gate, through candle, or for small gates through [`SmallGate`].
//!
//! One product a batch, on one thread. Both matter: candle 0.11 asks the operating system for the number of cores at every
//! product (on Linux it parses `/proc/cpuinfo`, some 30 us on two cores and more on many), so small tiles cost more than
//! they save; and runs are spread over cores already, so a product that spreads itself again only gets in their way.

use std::sync::{Mutex, PoisonError};

use candle_core::{CpuStorage, DType, Device, InplaceOp1, Layout, Storage, Tensor};
use isotherm_core::id::BatchId;
use isotherm_core::rng::fill_standard_normal;
use isotherm_core::workload::{TokenStream, WorkloadError};

use crate::small_gate::SmallGate;

/// z = x W^T with x ~ N(0, I).
pub(crate) struct HiddenStates {
    key: [u32; 2],
    /// W^T, `d_model x experts`.
    gate: Tensor,
    /// The same, where it has few enough columns for the faster product.
    small: Option<SmallGate>,
    d_model: usize,
    /// Buffers of hidden states that no thread is using: a batch of 2,048 tokens takes 4 MB, and fresh memory costs
    /// a page fault every 4 kB.
    idle: Mutex<Vec<Tensor>>,
}

impl HiddenStates {
    /// `rows`: the gate, `experts x d_model`.
    ///
    /// Keeps candle's products on one thread from here on, in the whole process; results do not depend on it.
    pub(crate) fn new(key: [u32; 2], rows: &[f64], d_model: usize) -> Result<Self, WorkloadError> {
        gemm::set_threading_threshold(usize::MAX);
        let experts = rows.len() / d_model;
        let transposed: Vec<f32> =
            (0..rows.len()).map(|at| rows[at % experts * d_model + at / experts] as f32).collect();
        let small = SmallGate::new(experts, &transposed);
        let gate = Tensor::from_vec(transposed, (d_model, experts), &Device::Cpu).map_err(numeric)?;
        Ok(Self { key, gate, small, d_model, idle: Mutex::new(Vec::new()) })
    }

    fn product(&self, batch: BatchId, tokens: usize) -> candle_core::Result<Vec<f32>> {
        let buffer = self.take_buffer(tokens)?;
        let hidden = buffer.narrow(0, 0, tokens)?;
        hidden.inplace_op1(&Draw { key: self.key, block: u64::from(batch.0) })?;
        let logits = match &self.small {
            Some(gate) => multiply(gate, &hidden),
            None => hidden.matmul(&self.gate)?.flatten_all()?.to_vec1(),
        };
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
        logits
    }

    fn take_buffer(&self, tokens: usize) -> candle_core::Result<Tensor> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(buffer) if buffer.dims()[0] >= tokens => Ok(buffer),
            _ => Tensor::zeros((tokens, self.d_model), DType::F32, &Device::Cpu),
        }
    }
}

impl TokenStream for HiddenStates {
    fn logits(&self, batch: BatchId, tokens: usize) -> Result<Vec<f32>, WorkloadError> {
        if tokens == 0 {
            return Ok(Vec::new());
        }
        self.product(batch, tokens).map_err(numeric)
    }
}

/// The product of a small gate with hidden states where they lie, without a copy.
fn multiply(gate: &SmallGate, hidden: &Tensor) -> candle_core::Result<Vec<f32>> {
    let (storage, layout) = hidden.storage_and_layout();
    match (&*storage, layout.contiguous_offsets()) {
        (Storage::Cpu(CpuStorage::F32(values)), Some((start, end))) => Ok(gate.logits(&values[start..end])),
        _ => candle_core::bail!("hidden states are contiguous f32"),
    }
}

/// Fills a tensor with deviates where it lies, without a copy.
struct Draw {
    key: [u32; 2],
    block: u64,
}

impl InplaceOp1 for Draw {
    fn name(&self) -> &'static str {
        "hidden states"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        match (storage, layout.contiguous_offsets()) {
            (CpuStorage::F32(values), Some((start, end))) => {
                fill_standard_normal(self.key, self.block, &mut values[start..end]);
                Ok(())
            }
            _ => candle_core::bail!("hidden states are contiguous f32"),
        }
    }
}

fn numeric(error: candle_core::Error) -> WorkloadError {
    WorkloadError::Numeric(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{self, Gate};

    #[test]
    fn the_product_agrees_with_a_naive_one_in_f64() {
        for (experts, d_model, tokens) in [(8, 512, 200), (64, 96, 33), (5, 3, 2), (1, 7, 1)] {
            let rows = gate::draw(Gate::Uniform, experts, d_model, 1.0, (5, 0));
            let stream = HiddenStates::new([7, 8], &rows, d_model).unwrap();
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
        let fresh = HiddenStates::new([1, 2], &rows, 16).unwrap();
        let used = HiddenStates::new([1, 2], &rows, 16).unwrap();
        for (batch, tokens) in [(9, 100), (3, 7), (4, 130)] {
            used.logits(BatchId(batch), tokens).unwrap();
        }
        assert_eq!(used.logits(BatchId(0), 50), fresh.logits(BatchId(0), 50));
    }
}

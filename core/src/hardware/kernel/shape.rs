//! What is computed: the shape of a layer and the tokens it gets.

use serde::{Deserialize, Serialize};

/// Number format of the weights and of the products.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NumberType {
    /// 16-bit brain floats.
    Bf16,
    /// 8-bit floats with one scale per tensor.
    Fp8,
    /// 8-bit floats with one scale per block of 128 x 128 weights and per 128 activations, computed on the fly.
    Fp8Block,
}

/// How the products of the experts are launched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Implementation {
    /// One kernel over all experts (grouped product, as in vLLM's fused MoE).
    #[default]
    Fused,
    /// One dense product after another, expert by expert (a loop of library calls).
    Sequential,
}

/// The shape of one MoE layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerShape {
    /// Width of a token.
    pub d_model: u32,
    /// Inner width of one expert, of the whole expert and not of a tensor-parallel slice.
    pub d_ff: u32,
    /// Weight matrices of an expert: 3 with a gate (SwiGLU), 2 without.
    #[serde(default = "gated")]
    pub matrices: u32,
    /// Number format.
    pub dtype: NumberType,
    /// GPUs that share every expert, each with a slice of `d_ff`.
    #[serde(default = "alone")]
    pub tensor_parallel: u32,
    /// How the products are launched.
    #[serde(default)]
    pub implementation: Implementation,
}

fn gated() -> u32 {
    3
}

fn alone() -> u32 {
    1
}

impl LayerShape {
    /// Inner width of the slice that one GPU holds.
    #[must_use]
    pub fn slice(&self) -> f64 {
        f64::from(self.d_ff) / f64::from(self.tensor_parallel.max(1))
    }

    /// Floating-point operations of one token at one expert on one GPU: two per weight of the slice.
    ///
    /// ```
    /// use isotherm_core::hardware::kernel::{Implementation, LayerShape, NumberType};
    /// let mixtral = LayerShape {
    ///     d_model: 4096, d_ff: 14336, matrices: 3, dtype: NumberType::Bf16, tensor_parallel: 1,
    ///     implementation: Implementation::Fused,
    /// };
    /// assert_eq!(mixtral.flops_per_assignment(), 352_321_536.0);
    /// ```
    #[must_use]
    pub fn flops_per_assignment(&self) -> f64 {
        2.0 * f64::from(self.matrices) * f64::from(self.d_model) * self.slice()
    }

    /// Bytes that one token carries to an expert on another GPU and back: its activations in 16 bits, twice.
    #[must_use]
    pub fn bytes_exchanged_per_assignment(&self) -> f64 {
        2.0 * 2.0 * f64::from(self.d_model)
    }

    /// What is wrong with this shape, as a sentence.
    ///
    /// # Errors
    /// A width of zero, a number of matrices that is not 2 or 3, more slices than columns.
    pub fn check(&self) -> Result<(), String> {
        if self.d_model == 0 || self.d_ff == 0 {
            return Err(format!("a layer needs widths above 0, found d_model {} and d_ff {}", self.d_model, self.d_ff));
        }
        if !(2..=3).contains(&self.matrices) {
            return Err(format!("an expert has 3 matrices (with a gate) or 2, found {}", self.matrices));
        }
        if self.tensor_parallel == 0 || self.tensor_parallel > self.d_ff {
            return Err(format!("`tensor_parallel` must be from 1 to d_ff, found {}", self.tensor_parallel));
        }
        Ok(())
    }
}

/// The tokens that reach one GPU's experts in one layer.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Assignments per expert that lives on this GPU; 0 for an expert nobody chose.
    pub counts: &'a [u32],
    /// Tokens in the call: the kernel's tile size is chosen by it.
    pub tokens: u32,
    /// Rows of the kernel's buffers. Where every GPU keeps a row for every assignment of the batch, also of experts that live
    /// elsewhere (expert parallelism without an exchange of tokens), this is more than the sum of `counts`.
    pub buffer_rows: u64,
}

impl<'a> Batch<'a> {
    /// Tokens that were exchanged before: the GPU has rows for its own assignments only.
    #[must_use]
    pub fn exchanged(counts: &'a [u32], top_k: u32) -> Self {
        let rows: u64 = counts.iter().map(|n| u64::from(*n)).sum();
        let tokens = rows.div_ceil(u64::from(top_k.max(1)));
        Self { counts, tokens: u32::try_from(tokens).unwrap_or(u32::MAX), buffer_rows: rows }
    }

    /// All `tokens` are present on every GPU, `top_k` rows each, whatever lives here.
    #[must_use]
    pub fn replicated(counts: &'a [u32], tokens: u32, top_k: u32) -> Self {
        Self { counts, tokens, buffer_rows: u64::from(tokens) * u64::from(top_k) }
    }
}

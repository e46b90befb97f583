//! The cost model `device`: what a GPU's share of an MoE layer takes in time and power, from bytes and operations.

use serde::{Deserialize, Serialize};

/// The `[costs.layer]` section: the layer that every batch passes.
///
/// ```
/// use isotherm_core::cost::LayerSpec;
/// let layer: LayerSpec = toml::from_str("d_model = 4096\nd_ff = 14336").unwrap();
/// assert_eq!((layer.layers, layer.tensor_parallel), (1, 1));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerSpec {
    /// Width of a hidden state.
    pub d_model: u32,
    /// Inner width of an expert.
    pub d_ff: u32,
    /// Weight matrices of an expert: 3 with a gate, 2 without.
    #[serde(default = "three")]
    pub matrices: u32,
    /// Bytes of a weight and of an activation.
    #[serde(default = "two")]
    pub bytes_per_value: f64,
    /// GPUs that share each expert's matrices.
    #[serde(default = "one")]
    pub tensor_parallel: u32,
    /// Layers a batch passes, all routed alike.
    #[serde(default = "one")]
    pub layers: u32,
}

fn one() -> u32 {
    1
}

fn two() -> f64 {
    2.0
}

fn three() -> u32 {
    3
}

impl LayerSpec {
    /// What is wrong with these numbers for `gpus` GPUs, as a sentence.
    ///
    /// # Errors
    /// A size of zero, or GPUs that cannot be grouped.
    pub fn check(&self, gpus: u32) -> Result<(), String> {
        for (key, value) in [
            ("d_model", self.d_model),
            ("d_ff", self.d_ff),
            ("matrices", self.matrices),
            ("tensor_parallel", self.tensor_parallel),
            ("layers", self.layers),
        ] {
            if value == 0 {
                return Err(format!("`{key}` must not be 0"));
            }
        }
        if !gpus.is_multiple_of(self.tensor_parallel) {
            return Err(format!("{gpus} GPUs cannot be grouped by `tensor_parallel` = {}", self.tensor_parallel));
        }
        Ok(())
    }
}

/// A GPU's share of one layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// Floating-point operations.
    pub flops: f64,
    /// Bytes moved between memory and die.
    pub bytes: f64,
}

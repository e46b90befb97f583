//! What a live run says about its load.

use isotherm_plugin::prelude::*;

use crate::workers::Workers;

/// Executes the expert work of each layer on real devices: the matrix products of an expert over as many rows as it has assignments.
///
/// Every GPU holds random weights of all experts. Nothing is routed, sent or combined here: what is measured is the time of the products.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Experts {
    /// What executes the work: `cuda`, `cpu`, or `auto` for CUDA in a library that was built with it.
    #[serde(default)]
    pub device: On,
    /// Numbers that weights and activations are made of: `bf16` or `f32`; `auto` is bf16 on CUDA, f32 on the processor, which knows no other.
    #[serde(default)]
    pub dtype: Precision,
    /// Root of the random weights and activations. What they are does not change the time, but the power a little.
    #[serde(default)]
    pub seed: u64,
}

/// What executes the work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum On {
    /// CUDA in a library that was built with it, else the processor.
    #[default]
    Auto,
    /// NVIDIA GPUs, by the numbers that the CUDA driver gives them.
    Cuda,
    /// The processor. GPUs are threads of it, whatever their numbers.
    Cpu,
}

/// What weights and activations are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// bf16 on CUDA, f32 on the processor.
    #[default]
    Auto,
    /// 16 bits, 8 of them mantissa.
    Bf16,
    /// 32 bits.
    F32,
}

impl LoadSpec for Experts {
    fn build(&self, shape: &LoadShape) -> Result<Box<dyn Load>, LoadError> {
        Ok(Box::new(Workers::start(self, shape)?))
    }
}

export_load!(Experts = "isotherm/experts");

//! The layer that the cost model `device` computes.

use serde::{Deserialize, Serialize};

use crate::hardware::kernel::{Implementation, LayerShape, NumberType};

/// The `[costs.layer]` section: the layer that every batch passes.
///
/// ```
/// use isotherm_core::cost::LayerSpec;
/// let layer: LayerSpec = toml::from_str("d_model = 4096\nd_ff = 14336").unwrap();
/// assert_eq!((layer.layers, layer.shape().tensor_parallel), (1, 1));
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
    /// Number format of weights and products.
    #[serde(default = "bf16")]
    pub dtype: NumberType,
    /// GPUs that share each expert's matrices.
    #[serde(default = "one")]
    pub tensor_parallel: u32,
    /// How the products of the experts are launched.
    #[serde(default)]
    pub implementation: Implementation,
    /// Layers a batch passes, all routed alike.
    #[serde(default = "one")]
    pub layers: u32,
    /// Whether tokens travel to their experts and back. Without, they are there already and waiting GPUs rest: the experts' work alone, as a
    /// load in a live run does it.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub exchange: bool,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_yes(value: &bool) -> bool {
    *value
}

fn one() -> u32 {
    1
}

fn three() -> u32 {
    3
}

fn bf16() -> NumberType {
    NumberType::Bf16
}

impl LayerSpec {
    /// The shape of one layer.
    #[must_use]
    pub fn shape(&self) -> LayerShape {
        LayerShape {
            d_model: self.d_model,
            d_ff: self.d_ff,
            matrices: self.matrices,
            dtype: self.dtype,
            tensor_parallel: self.tensor_parallel,
            implementation: self.implementation,
        }
    }

    /// What is wrong with these numbers, as a sentence.
    ///
    /// # Errors
    /// A size of zero, matrices that make no expert.
    pub fn check(&self) -> Result<(), String> {
        self.shape().check()?;
        if self.layers == 0 {
            return Err("`layers` must not be 0".to_owned());
        }
        Ok(())
    }
}

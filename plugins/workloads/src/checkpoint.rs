//! `checkpoint`: the gates of a trained model, read from its weights.
//!
//! x ~ N(0, I_d) [no unit], z = W x with the rows of W from a safetensors file. What a trained gate has and a drawn one has not are rows of
//! different norms that overlap: some experts are chosen more often than others, and some together. That hidden states are normal is this
//! model's assumption (real ones have directions that matter more); where a corpus has been counted, `counts` has its popularity.

use isotherm_core::input::InputError;
use isotherm_core::registry::Kind;
use isotherm_core::rng::{Domain, Stream};
use isotherm_core::workload::{TokenStream, WorkloadContext, WorkloadError, WorkloadSpec};
use serde::{Deserialize, Serialize};

use crate::correlated::Correlated;
use crate::gate;
use crate::gaussian::Source;
use crate::hidden::HiddenStates;
use crate::options::{fault, require_positive};

mod file;

pub(crate) const KIND: Kind = Kind {
    name: "checkpoint",
    summary: "independent normal hidden states through the gates of a trained model (safetensors)",
    example: "kind = \"checkpoint\"\nfile = \"data/gates.safetensors\"\ntensor = \"model.layers.{layer}.mlp.gate.weight\"",
};

/// Normal hidden states through the gates of a trained model.
///
/// Streams are those of `gaussian` ("hidden states" or "logits"), with the same promises: a batch may be asked for in any order, from any
/// thread, and a shorter batch is a prefix of a longer one. `source = "logits"` draws z from N(0, W W^T) where that has a factor.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use isotherm_core::{id::BatchId, workload::{WorkloadContext, WorkloadSpec}};
/// use isotherm_workloads::Checkpoint;
/// let folder = tempfile::tempdir().unwrap();
/// let file = folder.path().join("gates.safetensors");
/// // Expert 1 sees ten times what expert 0 sees, so it is further from 0 on nearly every token.
/// let rows = Tensor::new(&[[0.1_f32, 0.0], [0.0, 1.0]], &Device::Cpu).unwrap();
/// rows.save_safetensors("layers.0.gate", &file).unwrap();
/// let context = WorkloadContext { experts: 2, top_k: 1, seed: 7, batches: &[], layer: 0 };
/// let stream = Checkpoint::of(file.display().to_string(), "layers.{layer}.gate").build(&context).unwrap();
/// let logits = stream.logits(BatchId(0), 1000).unwrap();
/// assert!(logits.chunks(2).filter(|z| z[1].abs() > z[0].abs()).count() > 900);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// The safetensors file: the gates alone, or the part of a checkpoint that has them. Only their bytes are read.
    pub file: String,
    /// Name of the gate's weights, `experts x d_model`; `{layer}` stands for the number of the layer.
    pub tensor: String,
    /// Which layer of the file the model's first MoE layer is, from 0; the next ones follow.
    #[serde(default)]
    pub layer: usize,
    /// Spread of the logits (nats): all weights of a layer are scaled by one factor, so that this is the root mean square of the experts'
    /// standard deviations; finite, above 0. Where it is not given weights are taken as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sigma: Option<f64>,
    /// What is drawn.
    #[serde(default)]
    pub source: Source,
}

impl Checkpoint {
    /// The gates of `file` as they are, from layer 0 on.
    #[must_use]
    pub fn of(file: impl Into<String>, tensor: impl Into<String>) -> Self {
        Self { file: file.into(), tensor: tensor.into(), layer: 0, sigma: None, source: Source::default() }
    }

    /// Rows of the gate of a layer, `experts x d_model`, and d_model.
    fn rows(&self, experts: usize, layer: usize) -> Result<(Vec<f64>, usize), WorkloadError> {
        let name = self.tensor.replace("{layer}", &layer.to_string());
        let (values, shape) = file::read(&self.file, &name)?;
        let [rows, d_model] = shape[..] else {
            let found = format!("`{name}` has the shape {shape:?}");
            return Err(InputError::new(&*self.file, found, "expected the weights of a gate, experts x d_model").into());
        };
        if rows != experts || d_model == 0 {
            let expected = format!(
                "expected a row for each of the model's {experts} experts; set `model.experts = {rows}` or name another tensor"
            );
            return Err(InputError::new(&*self.file, format!("`{name}` has the shape {shape:?}"), expected).into());
        }
        let mut values: Vec<f64> = values.into_iter().map(f64::from).collect();
        let square: f64 = values.iter().map(|w| w * w).sum::<f64>() / experts as f64;
        if !square.is_finite() || square == 0.0 {
            let found = format!("the weights of `{name}` are all zero, or one of them is no number");
            return Err(InputError::new(&*self.file, found, "expected the weights of a trained gate").into());
        }
        if let Some(sigma) = self.sigma {
            let factor = sigma / libm::sqrt(square);
            values.iter_mut().for_each(|w| *w *= factor);
        }
        Ok((values, d_model))
    }
}

#[typetag::serde(name = "checkpoint")]
impl WorkloadSpec for Checkpoint {
    fn build(&self, context: &WorkloadContext<'_>) -> Result<Box<dyn TokenStream>, WorkloadError> {
        require_positive("sigma", self.sigma.unwrap_or(1.0), "1.0")?;
        if context.layer > 0 && !self.tensor.contains("{layer}") {
            let message = format!(
                "`{}` is one gate for all layers of the model; write `{{layer}}` where their number stands, for example `tensor = \"model.layers.{{layer}}.mlp.gate.weight\"`",
                self.tensor
            );
            return Err(fault("tensor", message));
        }
        let WorkloadContext { experts, seed, layer, .. } = *context;
        let (rows, d_model) = self.rows(experts, self.layer + layer as usize)?;
        let key = |purpose| Stream::open(seed, Domain::Workload, u64::from(layer), purpose).key();
        if self.source == Source::Logits
            && let Some(lower) = gate::cholesky_of_gram(&rows, experts, d_model)
        {
            return Ok(Box::new(Correlated::new(key("logits"), experts, &lower)));
        }
        Ok(Box::new(HiddenStates::new(key("hidden states"), &rows, d_model)))
    }
}

#[cfg(test)]
mod tests;

//! What a router is shown in a scene: its context, its batches, and what they cost.

use isotherm_core::gate::GateBatch;
use isotherm_plugin_abi::{Batch, Feedback, MASKED, PENALISED, RouterContext, THERMAL};

use super::or_null;
use crate::handed::Handed;
use crate::memory::{Access, Array};
use crate::scene::{Logits, Scene, Served, Shared};

/// Arrays of a context.
#[derive(Debug)]
pub(super) struct ContextInputs {
    declared_costs: Array<f64>,
    similarity: Option<Array<f64>>,
    copies: Option<(Array<u32>, Array<u32>)>,
}

impl ContextInputs {
    pub(super) fn new(scene: &Scene) -> Self {
        Self {
            declared_costs: Array::new("declared_costs", &declared_costs(scene), scene.edge, Access::Read),
            similarity: (scene.shared == Some(Shared::Similarity)).then(|| similarity(scene)),
            copies: scene.known.then(|| copies(scene)),
        }
    }

    pub(super) fn table(&self, scene: &Scene) -> Handed<RouterContext> {
        let context = RouterContext {
            struct_size: 0,
            flags: if scene.known { THERMAL } else { 0 },
            experts: scene.experts,
            top_k: scene.top_k,
            layer: 0,
            devices: if scene.known { scene.devices } else { 0 },
            floor: u32::from(scene.shared == Some(Shared::Floor)),
            combine: if scene.shared == Some(Shared::Penalised) { PENALISED } else { 0 },
            seed: scene.seed,
            declared_costs: self.declared_costs.as_ptr(),
            similarity: or_null(self.similarity.as_ref()),
            similarity_charge: if self.similarity.is_some() { 0.5 } else { 0.0 },
            copy_first: or_null(self.copies.as_ref().map(|(first, _)| first)),
            copy_device: or_null(self.copies.as_ref().map(|(_, device)| device)),
            kelvin_per_watt: if scene.known { 0.08 } else { 0.0 },
            time_constant_s: if scene.known { 20.0 } else { 0.0 },
            ambient_degc: if scene.known { 25.0 } else { 0.0 },
            idle_w: if scene.known { 70.0 } else { 0.0 },
        };
        Handed::new(&context, scene.generation, scene.edge, Access::Read)
    }
}

fn declared_costs(scene: &Scene) -> Vec<f64> {
    if scene.known {
        scene.numbers(0, "declared costs", scene.experts, 0.5, 2.0)
    } else {
        vec![1.0; scene.experts as usize]
    }
}

fn similarity(scene: &Scene) -> Array<f64> {
    let experts = scene.experts as usize;
    let mut values = scene.numbers(0, "similarity", scene.experts * scene.experts, 0.0, 1.0);
    (0..experts).for_each(|e| values[e * experts + e] = 1.0);
    Array::new("similarity", &values, scene.edge, Access::Read)
}

fn copies(scene: &Scene) -> (Array<u32>, Array<u32>) {
    let (first, device) = scene.copies();
    let array = |name, values: &[u32]| Array::new(name, values, scene.edge, Access::Read);
    (array("copy_first", &first), array("copy_device", &device))
}

/// Arrays of one batch.
#[derive(Debug)]
pub(super) struct BatchInputs {
    masked: bool,
    entropy_nats: f64,
    log_sum_exp: f64,
    pub(super) logits: Array<f32>,
    pub(super) reference_experts: Array<u32>,
    reference_weights: Array<f32>,
    reference_counts: Array<u32>,
    row_max: Array<f32>,
    top_mass: Array<f64>,
    top_probability: Array<f32>,
    mean_probability: Array<f64>,
    known: Option<Known>,
    true_costs: Option<Array<f64>>,
}

/// Arrays that a host without knowledge of the hardware does not have.
#[derive(Debug)]
struct Known {
    declared_costs: Array<f64>,
    samples: (Array<u64>, Array<f64>, Array<f64>),
    copies: (Array<u32>, Array<u32>),
    sources: Array<u32>,
}

impl BatchInputs {
    pub(super) fn new(scene: &Scene, step: u32, oracle: bool) -> Self {
        let gate = GateBatch::from_logits(scene.experts as usize, scene.top_k as usize, logits(scene, step));
        let parts = gate.parts();
        let floats = |name, values: &[f32]| Array::new(name, values, scene.edge, Access::Read);
        let doubles = |name, values: &[f64]| Array::new(name, values, scene.edge, Access::Read);
        let numbers = |name, values: &[u32]| Array::new(name, values, scene.edge, Access::Read);
        let true_costs = || scene.numbers(step, "true costs", scene.experts, 0.5, 2.5);
        Self {
            masked: parts.masked,
            entropy_nats: parts.summary.entropy_nats,
            log_sum_exp: parts.summary.log_sum_exp,
            logits: Array::aligned("logits", parts.logits, 64, scene.edge, Access::Read),
            reference_experts: numbers("reference_experts", parts.reference_experts),
            reference_weights: floats("reference_weights", parts.reference_weights),
            reference_counts: numbers("reference_counts", parts.reference_counts),
            row_max: floats("row_max", parts.row_max),
            top_mass: doubles("top_mass", parts.top_mass),
            top_probability: floats("top_probability", parts.top_probability),
            mean_probability: doubles("mean_probability", parts.mean_probability),
            known: scene.known.then(|| Known::new(scene, step)),
            true_costs: oracle.then(|| doubles("true_costs", &true_costs())),
        }
    }

    pub(super) fn table(&self, scene: &Scene, step: u32) -> Handed<Batch> {
        let known = self.known.as_ref();
        let batch = Batch {
            struct_size: 0,
            flags: if self.masked { MASKED } else { 0 },
            tokens: scene.tokens,
            experts: scene.experts,
            top_k: scene.top_k,
            batch: step,
            layer: 0,
            devices: if scene.known { scene.devices } else { 0 },
            now_ns: scene.now_ns(step),
            revision: u64::from(step) + 1,
            logits: self.logits.as_ptr(),
            reference_experts: self.reference_experts.as_ptr(),
            reference_weights: self.reference_weights.as_ptr(),
            reference_counts: self.reference_counts.as_ptr(),
            row_max: self.row_max.as_ptr(),
            top_mass: self.top_mass.as_ptr(),
            top_probability: self.top_probability.as_ptr(),
            mean_probability: self.mean_probability.as_ptr(),
            entropy_nats: self.entropy_nats,
            log_sum_exp: self.log_sum_exp,
            declared_costs: or_null(known.map(|known| &known.declared_costs)),
            true_costs: or_null(self.true_costs.as_ref()),
            sample_taken_ns: or_null(known.map(|known| &known.samples.0)),
            sample_temperature_degc: or_null(known.map(|known| &known.samples.1)),
            sample_power_w: or_null(known.map(|known| &known.samples.2)),
            copy_first: or_null(known.map(|known| &known.copies.0)),
            copy_device: or_null(known.map(|known| &known.copies.1)),
            source_devices: or_null(known.map(|known| &known.sources)),
            sources: if scene.known { scene.devices } else { 0 },
            devices_per_node: if scene.known { scene.devices.div_ceil(2) } else { 0 },
        };
        Handed::new(&batch, scene.generation, scene.edge, Access::Read)
    }
}

impl Known {
    fn new(scene: &Scene, step: u32) -> Self {
        let (taken, temperature, power) = scene.samples(step);
        let doubles = |name, values: &[f64]| Array::new(name, values, scene.edge, Access::Read);
        let sources: Vec<u32> = (0..scene.devices).collect();
        Self {
            declared_costs: doubles("declared_costs", &declared_costs(scene)),
            samples: (
                Array::new("sample_taken_ns", &taken, scene.edge, Access::Read),
                doubles("sample_temperature_degc", &temperature),
                doubles("sample_power_w", &power),
            ),
            copies: copies(scene),
            sources: Array::new("source_devices", &sources, scene.edge, Access::Read),
        }
    }
}

fn logits(scene: &Scene, step: u32) -> Vec<f32> {
    let mut stream = scene.stream(step, "logits");
    let number = scene.tokens as usize * scene.experts as usize;
    let extremes = [f32::MAX, -f32::MAX, f32::MAX / 2.0, f32::MIN_POSITIVE, 0.0, -1.0e30, 1.0e-45, 88.8];
    let mut logits: Vec<f32> = (0..number)
        .map(|_| match scene.logits {
            Logits::Equal => 1.25,
            Logits::Extreme => extremes[(stream.next_u64() % extremes.len() as u64) as usize],
            Logits::Normal | Logits::Masked => stream.normal() as f32,
        })
        .collect();
    if scene.logits == Logits::Masked {
        // As many experts as are needed stay, starting at another one for each token.
        for (token, row) in logits.chunks_exact_mut(scene.experts as usize).enumerate() {
            for (expert, logit) in row.iter_mut().enumerate() {
                let place = (expert + token) % scene.experts as usize;
                if place >= scene.top_k as usize + token % 3 {
                    *logit = f32::MIN;
                }
            }
        }
    }
    logits
}

/// Arrays of the feedback of one batch.
#[derive(Debug)]
pub(super) struct FeedbackInputs {
    assignments: Array<u32>,
    joules: Array<f64>,
    seconds: Array<f64>,
}

impl FeedbackInputs {
    /// `counts` are the assignments that were made.
    pub(super) fn new(scene: &Scene, counts: &[u32], step: u32) -> Self {
        let mut served = counts.to_vec();
        if scene.served == Served::Few {
            let chosen = step as usize % served.len().max(1);
            for (expert, count) in served.iter_mut().enumerate() {
                *count = match step % 3 {
                    0 => {
                        if expert == chosen {
                            7
                        } else {
                            0
                        }
                    }
                    1 => 0,
                    _ => {
                        if expert == chosen {
                            0
                        } else {
                            1
                        }
                    }
                };
            }
        }
        let cost = scene.numbers(step, "joules", scene.experts, 0.5, 2.0);
        let per_assignment = |scale: f64| -> Vec<f64> {
            served.iter().zip(&cost).map(|(count, cost)| f64::from(*count) * cost * scale).collect()
        };
        Self {
            assignments: Array::new("assignments", &served, scene.edge, Access::Read),
            joules: Array::new("joules", &per_assignment(1.0), scene.edge, Access::Read),
            seconds: Array::new("seconds", &per_assignment(1.0e-6), scene.edge, Access::Read),
        }
    }

    pub(super) fn table(&self, scene: &Scene, step: u32) -> Handed<Feedback> {
        let feedback = Feedback {
            struct_size: 0,
            experts: scene.experts,
            batch: step,
            layer: 0,
            now_ns: scene.now_ns(step) + 900_000,
            assignments: self.assignments.as_ptr(),
            joules: self.joules.as_ptr(),
            seconds: self.seconds.as_ptr(),
        };
        Handed::new(&feedback, scene.generation, scene.edge, Access::Read)
    }
}

//! The arrays of a batch, as a host has them.

use std::ptr;

use isotherm_plugin::abi::{Batch, Decision, Feedback, RouterContext};

use crate::host::{Failure, Instance, call};

/// Four experts, top 2, three tokens, two GPUs.
pub(crate) struct Given {
    pub(crate) tokens: usize,
    pub(crate) logits: Vec<f32>,
    pub(crate) reference_experts: Vec<u32>,
    reference_weights: Vec<f32>,
    reference_counts: Vec<u32>,
    row_max: Vec<f32>,
    top_mass: Vec<f64>,
    top_probability: Vec<f32>,
    mean_probability: Vec<f64>,
    pub(crate) declared: Vec<f64>,
    pub(crate) taken_ns: Vec<u64>,
    pub(crate) degc: Vec<f64>,
    pub(crate) watts: Vec<f64>,
    pub(crate) copy_first: Vec<u32>,
    pub(crate) copy_device: Vec<u32>,
    pub(crate) sources: Vec<u32>,
    pub(crate) revision: u64,
    pub(crate) made: Made,
}

/// What a router has written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Made {
    pub(crate) experts: Vec<u32>,
    pub(crate) weights: Vec<f32>,
    pub(crate) counts: Vec<u32>,
    pub(crate) scores: Vec<f32>,
    pub(crate) prices: Vec<f32>,
}

pub(crate) const EXPERTS: usize = 4;
pub(crate) const TOP_K: usize = 2;

impl Given {
    pub(crate) fn new() -> Self {
        Self::with_tokens(3)
    }

    pub(crate) fn with_tokens(tokens: usize) -> Self {
        let logits: Vec<f32> = (0..tokens * EXPERTS).map(|at| (at * 7 % 5) as f32 * 0.5).collect();
        // Nothing here computes with the gate: any numbers of the right length do.
        let reference_experts = (0..tokens).flat_map(|token| [token as u32 % 4, (token as u32 + 1) % 4]).collect();
        Self {
            tokens,
            reference_experts,
            reference_weights: vec![0.5; tokens * TOP_K],
            reference_counts: vec![2; EXPERTS],
            row_max: vec![2.0; tokens],
            top_mass: vec![1.5; tokens],
            top_probability: vec![0.4; tokens],
            mean_probability: vec![0.25; EXPERTS],
            declared: vec![0.5, 0.5, 2.0, 2.0],
            taken_ns: vec![5, 6],
            degc: vec![40.0, f64::NAN],
            watts: vec![f64::NAN, 300.0],
            copy_first: vec![0, 1, 2, 4, 5],
            copy_device: vec![0, 0, 0, 1, 1],
            sources: vec![0, 1],
            revision: 0,
            made: Made {
                experts: vec![77; tokens * TOP_K],
                weights: vec![-1.0; tokens * TOP_K],
                counts: vec![0; EXPERTS],
                scores: logits.clone(),
                prices: vec![0.0; EXPERTS],
            },
            logits,
        }
    }

    pub(crate) fn batch(&self) -> Batch {
        Batch {
            struct_size: size_of::<Batch>() as u32,
            flags: 0,
            tokens: self.tokens as u32,
            experts: EXPERTS as u32,
            top_k: TOP_K as u32,
            batch: 9,
            layer: 1,
            devices: 2,
            now_ns: 1_000,
            revision: self.revision,
            logits: self.logits.as_ptr(),
            reference_experts: self.reference_experts.as_ptr(),
            reference_weights: self.reference_weights.as_ptr(),
            reference_counts: self.reference_counts.as_ptr(),
            row_max: self.row_max.as_ptr(),
            top_mass: self.top_mass.as_ptr(),
            top_probability: self.top_probability.as_ptr(),
            mean_probability: self.mean_probability.as_ptr(),
            entropy_nats: 1.25,
            log_sum_exp: 2.25,
            declared_costs: self.declared.as_ptr(),
            true_costs: ptr::null(),
            sample_taken_ns: self.taken_ns.as_ptr(),
            sample_temperature_degc: self.degc.as_ptr(),
            sample_power_w: self.watts.as_ptr(),
            copy_first: self.copy_first.as_ptr(),
            copy_device: self.copy_device.as_ptr(),
            source_devices: self.sources.as_ptr(),
            sources: self.sources.len() as u32,
            devices_per_node: 1,
        }
    }

    pub(crate) fn decision(&mut self) -> Decision {
        Decision {
            struct_size: size_of::<Decision>() as u32,
            form: 99,
            flags: 0,
            feasibility: 0,
            experts: self.made.experts.as_mut_ptr(),
            weights: self.made.weights.as_mut_ptr(),
            counts: self.made.counts.as_mut_ptr(),
            scores: self.made.scores.as_mut_ptr(),
            prices: self.made.prices.as_mut_ptr(),
            entropy_nats: 0.0,
            log_sum_exp: 0.0,
            kl_nats: 0.0,
            operations_per_token: 0.0,
        }
    }

    /// A context of the same layer.
    pub(crate) fn context(&self) -> RouterContext {
        RouterContext {
            struct_size: size_of::<RouterContext>() as u32,
            flags: 0,
            experts: EXPERTS as u32,
            top_k: TOP_K as u32,
            layer: 1,
            devices: 2,
            floor: 0,
            combine: 0,
            seed: 42,
            declared_costs: self.declared.as_ptr(),
            similarity: ptr::null(),
            similarity_charge: 0.0,
            copy_first: self.copy_first.as_ptr(),
            copy_device: self.copy_device.as_ptr(),
            kelvin_per_watt: 0.0,
            time_constant_s: 0.0,
            ambient_degc: 0.0,
            idle_w: 0.0,
        }
    }

    /// An instance of the probe for this layer.
    pub(crate) fn probe(&self, config: &str) -> Result<Instance, Failure> {
        Instance::create("test/probe", config, &self.context())
    }

    /// Routes this batch.
    pub(crate) fn route(&mut self, instance: &Instance) -> Result<Decision, Failure> {
        let batch = self.batch();
        self.route_batch(instance, &batch)
    }

    /// Routes a batch that may have been spoilt.
    pub(crate) fn route_batch(&mut self, instance: &Instance, batch: &Batch) -> Result<Decision, Failure> {
        let mut decision = self.decision();
        call(|error| unsafe { (instance.table.route)(instance.pointer, batch, &mut decision, error) })?;
        Ok(decision)
    }
}

/// Hands over what a batch of four experts has cost.
pub(crate) fn feedback(instance: &Instance) -> Result<(), Failure> {
    let (assignments, joules, seconds) = ([1_u32, 2, 3, 0], [0.5, 1.0, 6.0, 0.0], [0.25; 4]);
    let feedback = Feedback {
        struct_size: size_of::<Feedback>() as u32,
        experts: 4,
        batch: 9,
        layer: 1,
        now_ns: 2_000,
        assignments: assignments.as_ptr(),
        joules: joules.as_ptr(),
        seconds: seconds.as_ptr(),
    };
    call(|error| unsafe { instance.table.feedback.unwrap()(instance.pointer, &feedback, error) })
}

//! One batch and the buffers of its decision, in the module's memory.

use isotherm_core::dispatch::TokenSources;
use isotherm_core::gate::GateBatch;
use isotherm_core::id::GpuId;
use isotherm_core::placement::Placement;
use isotherm_core::router::{ClusterView, Feedback};
use isotherm_plugin_abi::{ASSIGNMENT, MASKED};

use crate::guest::{Block, Record};

/// Where a call to `route` finds its structs, and the host what it has written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Laid {
    pub(super) batch: u32,
    pub(super) decision: u32,
    pub(super) experts: u32,
    pub(super) weights: u32,
    pub(super) counts: u32,
    /// Null where the router does not adjust scores.
    pub(super) scores: u32,
    pub(super) prices: u32,
}

/// Lays a batch and its decision.
pub(super) fn lay(block: &mut Block<'_>, gate: &GateBatch<'_>, view: &ClusterView<'_>, adjusts_scores: bool) -> Laid {
    let batch = lay_batch(block, gate, view);
    let chosen = gate.tokens() * gate.reference().top_k();
    let experts = block.room::<u32>(chosen);
    let weights = block.room::<f32>(chosen);
    let counts = block.zeroes::<u32>(gate.experts());
    let scores = if adjusts_scores { block.array(gate.logits()) } else { 0 };
    let prices = block.zeroes::<f32>(gate.experts());
    let decision = Record::sized()
        .word(ASSIGNMENT)
        .word(0_u32)
        .word(0_u32)
        .word(experts)
        .word(weights)
        .word(counts)
        .word(scores)
        .word(prices)
        .word(0.0_f64)
        .word(0.0_f64)
        .word(0.0_f64)
        .word(0.0_f64);
    Laid { batch, decision: block.record(decision), experts, weights, counts, scores, prices }
}

/// The address of an `IsothermBatch`.
fn lay_batch(block: &mut Block<'_>, gate: &GateBatch<'_>, view: &ClusterView<'_>) -> u32 {
    let parts = gate.parts();
    let devices = view.samples.len() as u32;
    let record = Record::sized()
        .word(if parts.masked { MASKED } else { 0 })
        .word(gate.tokens() as u32)
        .word(parts.experts as u32)
        .word(parts.top_k as u32)
        .word(view.batch.0)
        .word(view.layer)
        .word(devices)
        .word(view.now.nanos())
        .word(view.revision)
        .word(block.array(parts.logits))
        .word(block.array(parts.reference_experts))
        .word(block.array(parts.reference_weights))
        .word(block.array(parts.reference_counts))
        .word(block.array(parts.row_max))
        .word(block.array(parts.top_mass))
        .word(block.array(parts.top_probability))
        .word(block.array(parts.mean_probability))
        .word(parts.summary.entropy_nats)
        .word(parts.summary.log_sum_exp);
    let (first, copies) = lay_placement(block, view.placement);
    let sources = view.sources.map_or(&[][..], |sources| sources.gpus());
    let record = record
        .word(block.known(view.declared_costs))
        .word(view.oracle.map_or(0, |oracle| block.known(oracle.true_costs)))
        .word(block.gathered(view.samples.iter().map(|sample| sample.taken_at.nanos())))
        .word(block.gathered(view.samples.iter().map(|sample| sample.temperature.map_or(f64::NAN, |t| t.get()))))
        .word(block.gathered(view.samples.iter().map(|sample| sample.power.map_or(f64::NAN, |p| p.get()))))
        .word(first)
        .word(copies)
        .word(if view.sources.is_some() { block.gathered(sources.iter().map(|gpu| gpu.0)) } else { 0 })
        .word(sources.len() as u32)
        .word(view.sources.map_or(devices, |sources| devices_per_node(sources, devices)));
    block.record(record)
}

/// The addresses of where each expert's copies begin and of the GPUs of all copies; null where no placement is known.
pub(super) fn lay_placement(block: &mut Block<'_>, placement: Option<&Placement>) -> (u32, u32) {
    let Some((first, gpus)) = placement.map(Placement::offsets) else { return (0, 0) };
    (block.array(first), block.gathered(gpus.iter().map(|gpu| gpu.0)))
}

/// GPUs of a node: up to the first that is not in the node of GPU 0.
fn devices_per_node(sources: TokenSources<'_>, devices: u32) -> u32 {
    (1..devices).find(|gpu| !sources.same_node(GpuId(0), GpuId(*gpu))).unwrap_or(devices)
}

/// The address of an `IsothermFeedback`.
pub(super) fn lay_feedback(block: &mut Block<'_>, feedback: &Feedback<'_>) -> u32 {
    let record = Record::sized()
        .word(feedback.assignments.len() as u32)
        .word(feedback.batch.0)
        .word(feedback.layer)
        .word(feedback.now.nanos())
        .word(block.array(feedback.assignments))
        .word(block.array(feedback.joules))
        .word(block.array(feedback.seconds));
    block.record(record)
}

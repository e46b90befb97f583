//! A router in a run: the host's arrays become a gate, a view and a decision, and what was decided goes back.
#![expect(unsafe_code, reason = "arrays of the other side")]

use std::mem::ManuallyDrop;

use isotherm_core::gate::{GateBatch, GateParts};
use isotherm_core::id::BatchId;
use isotherm_core::router::{Feasibility, Feedback};
use isotherm_core::routing::{GateSummary, Routing};
use isotherm_core::time::SimTime;
use isotherm_plugin_abi::{self as abi, ADJUSTS_SCORES, MASKED};

use super::context;
use super::kind::RouterKind;
use crate::author::{Decision, Form, Made};
use crate::border::cluster::Cluster;
use crate::border::fault::Fault;
use crate::border::given::{array, array_mut, product};
use crate::context::OwnedContext;

/// What a host's pointer stands for.
pub(super) struct Instance<K: RouterKind> {
    behind: K::Instance,
    cluster: Cluster,
    /// What it was made of: a restored instance is made anew.
    options: K::Options,
    context: OwnedContext,
}

impl<K: RouterKind> Instance<K> {
    /// # Safety
    /// The pointers of `given` are what the interface says.
    pub(super) unsafe fn create(options: K::Options, given: &abi::RouterContext) -> Result<Self, Fault> {
        // SAFETY: as promised above.
        let context = unsafe { context::read(given)? };
        let behind = K::start(&options, &context.lend())?;
        Ok(Self { behind, cluster: Cluster::default(), options, context })
    }

    pub(super) fn save(&self) -> Vec<u8> {
        K::save(&self.behind)
    }

    /// Whatever state the instance was in. Nothing changes if the bytes are no state.
    pub(super) fn restore(&mut self, state: &[u8]) -> Result<(), Fault> {
        let mut fresh = K::start(&self.options, &self.context.lend())?;
        K::load(&mut fresh, state)?;
        self.behind = fresh;
        Ok(())
    }

    /// # Safety
    /// The pointers of both structs are what the interface says.
    pub(super) unsafe fn route(&mut self, batch: &abi::Batch, decision: &mut abi::Decision) -> Result<(), Fault> {
        self.check_shape(batch.experts, Some(batch.top_k))?;
        // SAFETY: as promised above.
        unsafe { self.cluster.refresh(batch)? };
        // SAFETY: as promised above.
        let (parts, buffers) = unsafe { (parts(batch)?, Buffers::of(batch, decision, K::FLAGS)?) };
        // SAFETY: as promised above.
        let view = unsafe { self.cluster.view(batch, &self.context.declared_costs)? };
        // Made here, where they stay: they are large, and moving them takes longer than all else.
        // All of the gate is lent, and lent for reading: there is nothing to drop.
        let gate = ManuallyDrop::new(GateBatch::from_parts(parts));
        let Buffers { experts, weights, counts, scores, prices } = buffers;
        let routing = Routing::lent(batch.top_k as usize, experts, weights, counts);
        let mut out = Decision::new(prices, scores, routing);
        K::route(&mut self.behind, &gate, &view, &mut out)?;
        let made = out.made(&gate)?;
        describe(made, decision);
        decision.feasibility = match K::feasibility(&self.behind) {
            None => 0,
            Some(Feasibility::Feasible) => abi::FEASIBLE,
            Some(Feasibility::Infeasible) => abi::INFEASIBLE,
        };
        decision.operations_per_token = K::operations_per_token(&self.behind);
        Ok(())
    }

    /// # Safety
    /// The pointers of `given` are what the interface says.
    pub(super) unsafe fn feedback(&mut self, given: &abi::Feedback) -> Result<(), Fault> {
        self.check_shape(given.experts, None)?;
        let experts = given.experts as usize;
        // SAFETY: as promised above.
        let (assignments, joules, seconds) = unsafe {
            (
                array(given.assignments, experts, "assignments")?,
                array(given.joules, experts, "joules")?,
                array(given.seconds, experts, "seconds")?,
            )
        };
        let (now, batch) = (SimTime::from_nanos(given.now_ns), BatchId(given.batch));
        let feedback = Feedback::new(now, batch, assignments, joules, seconds).in_layer(given.layer);
        Ok(K::feedback(&mut self.behind, &feedback)?)
    }

    #[inline]
    fn check_shape(&self, experts: u32, top_k: Option<u32>) -> Result<(), Fault> {
        let OwnedContext { experts: known, top_k: k, .. } = self.context;
        if experts as usize == known && top_k.is_none_or(|top_k| top_k as usize == k) {
            return Ok(());
        }
        let found = top_k.map_or(String::new(), |k| format!(", top {k}"));
        Err(Fault::abi(format!("a call for {experts} experts{found}; the instance was made for {known}, top {k}")))
    }
}

/// The gate, in the host's arrays.
#[inline(always)]
unsafe fn parts<'a>(batch: &abi::Batch) -> Result<GateParts<'a>, Fault> {
    let (tokens, experts) = (batch.tokens as usize, batch.experts as usize);
    let chosen = product(batch.tokens, batch.top_k)?;
    // SAFETY: the caller has been promised arrays of these lengths.
    unsafe {
        Ok(GateParts {
            experts,
            top_k: batch.top_k as usize,
            logits: array(batch.logits, product(batch.tokens, batch.experts)?, "logits")?,
            reference_experts: array(batch.reference_experts, chosen, "reference_experts")?,
            reference_weights: array(batch.reference_weights, chosen, "reference_weights")?,
            reference_counts: array(batch.reference_counts, experts, "reference_counts")?,
            row_max: array(batch.row_max, tokens, "row_max")?,
            top_mass: array(batch.top_mass, tokens, "top_mass")?,
            top_probability: array(batch.top_probability, tokens, "top_probability")?,
            mean_probability: array(batch.mean_probability, experts, "mean_probability")?,
            summary: GateSummary {
                entropy_nats: batch.entropy_nats,
                log_sum_exp: batch.log_sum_exp,
                kl_nats: Some(0.0),
            },
            masked: batch.flags & MASKED != 0,
        })
    }
}

/// The host's buffers for a decision.
struct Buffers<'a> {
    experts: &'a mut [u32],
    weights: &'a mut [f32],
    counts: &'a mut [u32],
    scores: Option<&'a mut [f32]>,
    prices: &'a mut [f32],
}

impl Buffers<'_> {
    #[inline(always)]
    unsafe fn of(batch: &abi::Batch, decision: &abi::Decision, flags: u32) -> Result<Self, Fault> {
        let experts = batch.experts as usize;
        let chosen = product(batch.tokens, batch.top_k)?;
        // SAFETY: the caller has been promised buffers of these lengths.
        unsafe {
            let scores = if flags & ADJUSTS_SCORES == 0 {
                None
            } else {
                Some(array_mut(decision.scores, product(batch.tokens, batch.experts)?, "scores")?)
            };
            Ok(Self {
                experts: array_mut(decision.experts, chosen, "experts")?,
                weights: array_mut(decision.weights, chosen, "weights")?,
                counts: array_mut(decision.counts, experts, "counts")?,
                scores,
                prices: array_mut(decision.prices, experts, "prices")?,
            })
        }
    }
}

/// Says what the buffers hold.
#[inline(always)]
fn describe(made: Made, decision: &mut abi::Decision) {
    decision.form = match made.form {
        Form::Prices => abi::PRICES,
        Form::Scores => abi::SCORES,
        Form::Assignment => abi::ASSIGNMENT,
    };
    decision.flags = if made.counted { abi::COUNTED } else { 0 };
    if let Some(GateSummary { entropy_nats, log_sum_exp, kl_nats }) = made.gate {
        decision.flags |= abi::DESCRIBED;
        (decision.entropy_nats, decision.log_sum_exp) = (entropy_nats, log_sum_exp);
        if let Some(kl) = kl_nats {
            decision.flags |= abi::DIVERGENCE;
            decision.kl_nats = kl;
        }
    }
}

//! A router's instance: one call a batch, without copies and without allocation.

use std::ptr;

use isotherm_core::gate::{GateBatch, GateParts};
use isotherm_core::router::{ClusterView, Feasibility, Feedback, Router, RouterContext, RouterError};
use isotherm_core::routing::{GateSummary, Routing, Rule, Selector};
use isotherm_plugin_abi::{
    ADJUSTS_SCORES, ASSIGNMENT, Batch, COUNTED, DESCRIBED, DIVERGENCE, Decision, FEASIBLE, Feedback as Told,
    INFEASIBLE, MASKED, OK, PRICES, RouterV1, SCORES, Status,
};

use super::cluster::Cluster;
use super::lines::Lines;
use crate::copies;
use crate::failure::failure;
use crate::instance::Instance;
use crate::state;
use crate::text::Reports;

/// A router that a library has made, and the host's arrays that it reads and writes.
#[derive(Debug)]
pub(crate) struct LoadedInstance {
    subject: String,
    functions: RouterV1,
    instance: Instance,
    experts: usize,
    top_k: usize,
    selector: Selector,
    cluster: Cluster,
    logits: Lines,
    scores: Lines,
    prices: Vec<f32>,
    reports: Reports,
    feasibility: Option<Feasibility>,
    operations: f64,
}

impl LoadedInstance {
    pub(super) fn new(subject: String, functions: RouterV1, instance: Instance, context: &RouterContext<'_>) -> Self {
        Self {
            subject,
            functions,
            instance,
            experts: context.experts,
            top_k: context.top_k,
            selector: Selector::new(context.options),
            cluster: Cluster::default(),
            logits: Lines::default(),
            scores: Lines::default(),
            prices: vec![0.0; context.experts],
            reports: Reports::default(),
            feasibility: None,
            operations: 0.0,
        }
    }

    #[cold]
    fn failed(&mut self, doing: &str, status: Status) -> RouterError {
        let message = failure(&self.subject, doing, status, &self.reports);
        self.reports.0.clear();
        RouterError::Failed(message)
    }

    /// A result that the interface does not have.
    #[cold]
    fn broken(&self, what: &str) -> RouterError {
        RouterError::Failed(format!("{} broke the interface: {what}", self.subject))
    }

    /// The decision's buffers, preset as the interface says.
    #[inline]
    fn decision(&mut self, parts: &GateParts<'_>, out: &mut Routing<'_>) -> Decision {
        let scores = if self.functions.flags & ADJUSTS_SCORES == 0 {
            ptr::null_mut()
        } else {
            self.scores.copy_of(parts.logits).as_mut_ptr()
        };
        self.prices.fill(0.0);
        out.reset(parts.row_max.len());
        Decision {
            struct_size: size_of::<Decision>() as u32,
            form: ASSIGNMENT,
            flags: 0,
            feasibility: 0,
            experts: out.experts.as_mut_ptr(),
            weights: out.weights.as_mut_ptr(),
            counts: out.counts.as_mut_ptr(),
            scores,
            prices: self.prices.as_mut_ptr(),
            entropy_nats: 0.0,
            log_sum_exp: 0.0,
            kl_nats: 0.0,
            operations_per_token: 0.0,
        }
    }

    /// The batch with pointers into the host's arrays and into those of `parts` and `view`.
    #[inline]
    fn batch(&mut self, parts: &GateParts<'_>, view: &ClusterView<'_>) -> Batch {
        self.cluster.refresh(view);
        let revision = self.cluster.shown_revision(view.revision);
        let cluster = &self.cluster;
        Batch {
            struct_size: size_of::<Batch>() as u32,
            flags: if parts.masked { MASKED } else { 0 },
            tokens: parts.row_max.len() as u32,
            experts: parts.experts as u32,
            top_k: parts.top_k as u32,
            batch: view.batch.0,
            layer: view.layer,
            devices: cluster.samples.taken_ns.len() as u32,
            now_ns: view.now.nanos(),
            revision,
            logits: self.logits.aligned(parts.logits),
            reference_experts: parts.reference_experts.as_ptr(),
            reference_weights: parts.reference_weights.as_ptr(),
            reference_counts: parts.reference_counts.as_ptr(),
            row_max: parts.row_max.as_ptr(),
            top_mass: parts.top_mass.as_ptr(),
            top_probability: parts.top_probability.as_ptr(),
            mean_probability: parts.mean_probability.as_ptr(),
            entropy_nats: parts.summary.entropy_nats,
            log_sum_exp: parts.summary.log_sum_exp,
            declared_costs: copies::or_null(view.declared_costs),
            true_costs: view.oracle.map_or(ptr::null(), |oracle| copies::or_null(oracle.true_costs)),
            sample_taken_ns: cluster.samples.taken_ns.as_ptr(),
            sample_temperature_degc: cluster.samples.temperature_degc.as_ptr(),
            sample_power_w: cluster.samples.power_w.as_ptr(),
            copy_first: copies::first(view.placement),
            copy_device: if view.placement.is_some() { cluster.copies.as_ptr() } else { ptr::null() },
            source_devices: if view.sources.is_some() { cluster.sources.as_ptr() } else { ptr::null() },
            sources: cluster.sources.len() as u32,
            devices_per_node: cluster.devices_per_node,
        }
    }

    /// Makes a routing of what the library has decided.
    #[inline]
    fn take(&mut self, decision: &Decision, gate: &GateBatch<'_>, out: &mut Routing<'_>) -> Result<(), RouterError> {
        match decision.form {
            ASSIGNMENT => {
                if decision.flags & COUNTED == 0 {
                    out.count();
                }
            }
            PRICES => self.selector.select(gate, Rule::PricedLogit { price: &self.prices }, None, out),
            SCORES if self.functions.flags & ADJUSTS_SCORES != 0 => {
                let scores = self.scores.first(gate.logits().len());
                self.selector.select(gate, Rule::Given { scores }, None, out);
            }
            SCORES => return Err(self.broken("it adjusts scores, but its table of functions does not say so")),
            form => return Err(self.broken(&format!("there is no form {form} of a decision; expected 0, 1 or 2"))),
        }
        describe(decision, out);
        self.feasibility = match decision.feasibility {
            0 => None,
            FEASIBLE => Some(Feasibility::Feasible),
            INFEASIBLE => Some(Feasibility::Infeasible),
            other => return Err(self.broken(&format!("there is no feasibility {other}; expected 0, 1 or 2"))),
        };
        self.operations = decision.operations_per_token;
        // Written so that NaN fails.
        if !(0.0..=f64::MAX).contains(&self.operations) {
            return Err(
                self.broken(&format!("{} operations a token; expected a number of at least 0", self.operations))
            );
        }
        Ok(())
    }
}

/// What the library says of the distribution that it has selected from, over what the kernel has found.
fn describe(decision: &Decision, out: &mut Routing<'_>) {
    let kl_nats = (decision.flags & DIVERGENCE != 0).then_some(decision.kl_nats);
    if decision.flags & DESCRIBED != 0 {
        let Decision { entropy_nats, log_sum_exp, .. } = *decision;
        out.gate = Some(GateSummary { entropy_nats, log_sum_exp, kl_nats });
    } else if let (Some(gate), Some(_)) = (&mut out.gate, kl_nats) {
        gate.kl_nats = kl_nats;
    }
}

impl Router for LoadedInstance {
    fn route(
        &mut self,
        gate: &GateBatch<'_>,
        view: &ClusterView<'_>,
        out: &mut Routing<'_>,
    ) -> Result<(), RouterError> {
        let parts = gate.parts();
        let made_for = (self.experts, self.top_k, self.top_k, self.experts);
        if (parts.experts, parts.top_k, out.top_k(), out.counts.len()) != made_for {
            return Err(RouterError::Failed(format!("{}: the batch is of another layer's shape", self.subject)));
        }
        let batch = self.batch(&parts, view);
        let mut decision = self.decision(&parts, out);
        let error = self.reports.sink();
        #[expect(unsafe_code, reason = "calls into a library")]
        // SAFETY: all pointers are valid during the call and to as many values as the interface says; the instance is borrowed for writing.
        let status = unsafe {
            (self.functions.route)(self.instance.pointer(), &raw const batch, &raw mut decision, &raw const error)
        };
        if status != OK {
            return Err(self.failed("routing", status));
        }
        self.take(&decision, gate, out)
    }

    fn feedback(&mut self, feedback: &Feedback<'_>) -> Result<(), RouterError> {
        let Some(function) = self.functions.feedback else { return Ok(()) };
        let lengths = [feedback.assignments.len(), feedback.joules.len(), feedback.seconds.len()];
        if lengths != [self.experts; 3] {
            return Err(RouterError::Failed(format!("{}: the feedback is of another layer's shape", self.subject)));
        }
        let told = Told {
            struct_size: size_of::<Told>() as u32,
            experts: self.experts as u32,
            batch: feedback.batch.0,
            layer: feedback.layer,
            now_ns: feedback.now.nanos(),
            assignments: feedback.assignments.as_ptr(),
            joules: feedback.joules.as_ptr(),
            seconds: feedback.seconds.as_ptr(),
        };
        let error = self.reports.sink();
        #[expect(unsafe_code, reason = "calls into a library")]
        // SAFETY: as for `route`.
        let status = unsafe { function(self.instance.pointer(), &raw const told, &raw const error) };
        if status == OK { Ok(()) } else { Err(self.failed("learning from feedback", status)) }
    }

    fn feasibility(&self) -> Option<Feasibility> {
        self.feasibility
    }

    fn operations_per_token(&self) -> f64 {
        self.operations
    }

    /// The plugin's bytes and, as a run may be saved between a decision and the end of its batch, the feasibility it has found.
    fn save(&self) -> Vec<u8> {
        let mut bytes = state::save(&self.instance, self.functions.save, &self.subject);
        if self.functions.save.is_some() || self.feasibility.is_some() {
            bytes.push(match self.feasibility {
                None => 0,
                Some(Feasibility::Feasible) => 1,
                Some(Feasibility::Infeasible) => 2,
            });
        }
        bytes
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), RouterError> {
        self.cluster.forget();
        let (feasibility, bytes) = match bytes.split_last() {
            None => (None, bytes),
            Some((0, bytes)) => (None, bytes),
            Some((1, bytes)) => (Some(Feasibility::Feasible), bytes),
            Some((2, bytes)) => (Some(Feasibility::Infeasible), bytes),
            Some(_) => return Err(RouterError::State(format!("{} has saved no such bytes", self.subject))),
        };
        state::load(&mut self.instance, self.functions.restore, &self.subject, bytes).map_err(RouterError::State)?;
        self.feasibility = feasibility;
        Ok(())
    }
}

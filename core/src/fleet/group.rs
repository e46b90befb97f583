//! One expert-parallel group: its routers, its tokens in bulk, and the traffic that waits for it.

use std::collections::VecDeque;
use std::sync::Arc;

use super::model::FleetModel;
use super::step::{Power, Step};
use crate::dispatch::TokenSources;
use crate::gate::Fidelity;
use crate::id::{BatchId, GpuId};
use crate::population::{Changed, Population};
use crate::record::RoutingMeans;
use crate::rng::{Domain, Stream};
use crate::router::{ClusterView, Feasibility, Feedback, Router, RouterError};
use crate::routing::Routing;
use crate::telemetry::{Sample, Truth};
use crate::time::{SimDuration, SimTime};

/// Tokens that arrived together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) arrived: SimTime,
    pub(super) tokens: u64,
}

/// Steps under way, which end together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stretch {
    pub(super) steps: u32,
    /// Tokens of each step.
    pub(super) tokens: u32,
    pub(super) began: SimTime,
    /// Length of one step.
    pub(super) step: SimDuration,
    /// Assignments of a step that GPUs serve which something holds back.
    pub(super) throttled: f64,
}

/// A group of a fleet.
pub(super) struct Group {
    pub(super) router: Box<dyn Router>,
    /// One per layer.
    pub(super) populations: Vec<Population>,
    /// Whether the router learns from what steps took.
    learns: bool,
    pub(super) waiting: VecDeque<Waiting>,
    /// Batch of a closed loop that comes next.
    pub(super) next_batch: u32,
    /// Stretches begun so far.
    stretches: u32,
    pub(super) running: Option<Stretch>,
    /// Assignments of a step of the running stretch, layer after layer.
    pub(super) counts: Vec<u32>,
    /// Means over layers of what the rules in force give up.
    pub(super) routed: RoutingMeans,
    /// Time the router's own work takes in a step (s), and its energy (J).
    pub(super) router_joules: f64,
}

/// Scratch that all groups share. Rewritten by every stretch and by whatever fills it.
#[derive(Debug)]
pub(super) struct Scratch {
    pub(super) step: Step,
    routing: Routing<'static>,
    sources: Vec<GpuId>,
    joules: Vec<f64>,
    seconds: Vec<f64>,
    /// Temperature of the inlet of every GPU of the fleet (degC).
    pub(super) inlets: Vec<f64>,
    /// Law of every GPU of the fleet.
    pub(super) laws: Vec<u32>,
    /// Powers of a group's GPUs.
    pub(super) powers: Vec<Power>,
    /// What the telemetry source is shown.
    pub(super) truth: Vec<Truth>,
}

impl Scratch {
    pub(super) fn new(model: &FleetModel) -> Self {
        let experts = model.experts as usize;
        Self {
            step: Step::new(&model.step),
            routing: Routing::new(experts, model.top_k as usize),
            sources: (0..model.gpus_of_group() as u32).map(GpuId).collect(),
            joules: vec![0.0; experts],
            seconds: vec![0.0; experts],
            inlets: vec![0.0; model.gpus()],
            laws: Vec::new(),
            powers: Vec::new(),
            truth: Vec::new(),
        }
    }
}

impl Group {
    /// A group whose router has not been asked anything yet.
    pub(super) fn new(router: Box<dyn Router>, populations: Vec<Population>, learns: bool, experts: usize) -> Self {
        let counts = vec![0; populations.len() * experts];
        Self {
            router,
            populations,
            learns,
            waiting: VecDeque::new(),
            next_batch: 0,
            stretches: 0,
            running: None,
            counts,
            routed: RoutingMeans::default(),
            router_joules: 0.0,
        }
    }

    /// Steps and tokens of the next stretch: as many full steps as wait, up to the limit, else one step of what waits. Nothing if nothing does.
    pub(super) fn next_steps(&self, model: &FleetModel) -> Option<(u32, u32)> {
        let most = model.fleet.stretch;
        if model.is_closed() {
            let left = &model.arrivals[(self.next_batch as usize).min(model.arrivals.len())..];
            let tokens = left.first()?.tokens;
            let alike = left.iter().take(most as usize).take_while(|batch| batch.tokens == tokens).count();
            return Some((alike as u32, tokens));
        }
        let waiting: u64 = self.waiting.iter().map(|chunk| chunk.tokens).sum();
        let full = waiting / u64::from(model.fleet.step_tokens);
        match (waiting, full) {
            (0, _) => None,
            (_, 0) => Some((1, waiting as u32)),
            _ => Some((full.min(u64::from(most)) as u32, model.fleet.step_tokens)),
        }
    }

    /// Routes and shares out a step of `tokens` tokens, layer after layer, into `scratch.step`, which has begun.
    pub(super) fn step(
        &mut self,
        number: usize,
        tokens: u32,
        (now, revision): (SimTime, u64),
        samples: &[Sample],
        model: &Arc<FleetModel>,
        scratch: &mut Scratch,
    ) -> Result<(), RouterError> {
        let batch = BatchId(self.stretches);
        self.stretches += 1;
        let experts = model.experts as usize;
        let operations = self.router.operations_per_token() * f64::from(tokens);
        let host = model.router_host;
        let delay = operations * host.seconds_per_operation + host.seconds_per_routing;
        self.router_joules = operations * host.joules_per_operation * self.populations.len() as f64;
        let mut changed = false;
        for (layer, population) in self.populations.iter_mut().enumerate() {
            let view = ClusterView::empty()
                .with_declared_costs(&model.declared_costs)
                .at(now, batch, &model.placement, samples)
                .with_sources(TokenSources::new(&scratch.sources, model.layout.gpus_of_node))
                .in_layer(layer as u32)
                .of_revision(revision);
            changed |= population.apply(self.router.as_mut(), &view, &mut scratch.routing)? == Changed::Yes;
            // Group, layer and stretch name the stream, and no router does: all meet the same deviates.
            let entity = (number as u64) << 44 | (layer as u64) << 32 | u64::from(batch.0);
            let counts = &mut self.counts[layer * experts..][..experts];
            population.draw(tokens, &mut Stream::open(model.seed, Domain::Workload, entity, "fleet counts"), counts);
            scratch.step.layer(&model.step, counts, delay);
            if self.learns {
                scratch.step.of_experts(&model.step, &mut scratch.joules, &mut scratch.seconds);
                let feedback = Feedback::new(now, batch, counts, &scratch.joules, &scratch.seconds);
                self.router.feedback(&feedback.in_layer(layer as u32))?;
            }
        }
        if changed || self.stretches == 1 {
            self.routed = self.means();
        }
        Ok(())
    }

    /// Whether the router says that its limit cannot be kept.
    pub(super) fn is_infeasible(&self) -> Option<bool> {
        self.router.feasibility().map(|found| found == Feasibility::Infeasible)
    }

    /// Means over the layers.
    fn means(&self) -> RoutingMeans {
        let layers = self.populations.len() as f64;
        let mean = |of: &dyn Fn(&Population) -> Option<f64>| {
            let sum: Option<f64> = self.populations.iter().map(of).sum();
            sum.map(|sum| sum / layers)
        };
        let mut fidelity = Fidelity::default();
        for (n, population) in (1..).zip(&self.populations) {
            fidelity = fidelity.towards(population.fidelity(), 1.0 / f64::from(n));
        }
        RoutingMeans {
            fidelity,
            gate_entropy_nats: mean(&|population| population.gate().map(|gate| gate.entropy_nats)),
            gate_kl_nats: mean(&|population| population.gate().and_then(|gate| gate.kl_nats)),
            route_churn: mean(&Population::churn),
        }
    }
}

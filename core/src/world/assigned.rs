//! How many tokens each expert serves in a layer: counted after the router, or drawn without tokens in the upper tiers.

use std::sync::Arc;

use super::{RunError, World};
use crate::dispatch::TokenSources;
use crate::id::{BatchId, ExpertId};
use crate::population::{Changed, GateSample, Population};
use crate::profiler::Section;
use crate::record::RoutingMeans;
use crate::rng::{Domain, Stream};
use crate::router::ClusterView;
use crate::tier::TierSpec;
use crate::time::SimTime;

/// What stands for the tokens of a run in the upper tiers.
#[derive(Clone, Debug)]
pub struct Crowd {
    /// How counts are drawn.
    pub tier: TierSpec,
    /// Root seed of the workload: all routers of a comparison meet the same random numbers.
    pub seed: u64,
    /// For every layer, the laws of its gate: the first batch of each and its sample, by rising batch, from 0 on.
    pub layers: Vec<Vec<(BatchId, Arc<GateSample>)>>,
}

impl Crowd {
    /// A population for every layer and law, to which no rule has been applied.
    pub(super) fn populations(&self) -> Vec<Vec<Population>> {
        let of_layer = |laws: &Vec<(BatchId, Arc<GateSample>)>| {
            laws.iter().map(|(_, sample)| Population::new(Arc::clone(sample), &self.tier)).collect()
        };
        self.layers.iter().map(of_layer).collect()
    }

    /// Which law of a layer a batch is drawn from.
    fn law_of(&self, layer: u32, batch: BatchId) -> usize {
        self.layers[layer as usize].partition_point(|(first, _)| *first <= batch).saturating_sub(1)
    }
}

/// What a layer of the running batch is made of. Scratch: rewritten by every layer, part of no saved state.
#[derive(Clone, Debug, Default)]
pub(super) struct Assigned {
    pub(super) tokens: u32,
    /// Assignments that no expert serves.
    pub(super) dropped: u32,
    /// Assignments per expert.
    pub(super) counts: Vec<u32>,
    /// The same of the tokens of every GPU that holds some, `GPUs x experts`; empty where they were not drawn one by one.
    by_gpu: Vec<u32>,
    /// What the router has changed.
    pub(super) means: RoutingMeans,
}

impl Assigned {
    /// Draws counts from `population`; with `sources` the tokens of every GPU by themselves, which takes as many draws.
    fn draw(&mut self, population: &mut Population, sources: Option<TokenSources<'_>>, stream: &mut Stream) {
        let experts = population.inclusion().len();
        self.counts.clear();
        self.counts.resize(experts, 0);
        self.by_gpu.clear();
        let Some(sources) = sources else { return population.draw(self.tokens, stream, &mut self.counts) };
        for held in sources.held(self.tokens) {
            let from = self.by_gpu.len();
            self.by_gpu.resize(from + experts, 0);
            population.draw(held, stream, &mut self.by_gpu[from..]);
            self.counts.iter_mut().zip(&self.by_gpu[from..]).for_each(|(all, here)| *all += here);
        }
    }
}

impl World {
    /// Has the batch routed by the gate of a layer, or counts drawn for it.
    pub(super) fn assign(&mut self, batch: BatchId, layer: u32, now: SimTime) -> Result<(), RunError> {
        let mut truth = std::mem::take(&mut self.scratch.true_costs);
        truth.clear();
        if self.spec.oracle {
            truth.extend((0..self.spec.experts).map(|e| self.mean_assignment_joules(layer, ExpertId(e))));
        }
        let outcome = self.assign_knowing(&truth, batch, layer, now);
        self.scratch.true_costs = truth;
        outcome
    }

    /// `truth` is what an assignment costs at each expert now (J), where routers may know that.
    fn assign_knowing(&mut self, truth: &[f64], batch: BatchId, layer: u32, now: SimTime) -> Result<(), RunError> {
        let mut view = ClusterView::empty()
            .with_declared_costs(&self.declared)
            .at(now, batch, &self.state.placements[layer as usize], &self.state.samples)
            .with_sources(TokenSources::new(&self.alive, self.spec.gpus_per_node as usize))
            .in_layer(layer)
            .of_revision(self.revision);
        if self.spec.oracle {
            view = view.with_true_costs(truth);
        }
        let begun = self.section_begins();
        let Some(crowd) = &self.spec.crowd else {
            // The engine dispatches a batch only while it is in the window.
            let Some(gate) = self.window.get(batch, layer) else { return Ok(()) };
            self.router.route(gate, &view, &mut self.routing)?;
            self.section_ends(Section::Route, begun);
            self.routing.check_with(&mut self.scratch.counts)?;
            self.count_routing(batch, layer);
            return Ok(());
        };
        let assigned = &mut self.assigned;
        let population = &mut self.populations[layer as usize][crowd.law_of(layer, batch)];
        if population.apply(self.router.as_mut(), &view, &mut self.routing)? == Changed::Yes {
            self.routing.check_with(&mut self.scratch.counts)?;
        }
        let entity = u64::from(layer) << 32 | u64::from(batch.0);
        let mut stream = Stream::open(crowd.seed, Domain::Workload, entity, "counts");
        assigned.tokens = self.spec.arrivals.get(batch.index()).map_or(0, |arrival| arrival.tokens);
        assigned.dropped = 0;
        let sources = TokenSources::new(&self.alive, self.spec.gpus_per_node as usize);
        let by_gpu = self.spec.origins_matter() && crowd.tier.splits(sources.held(assigned.tokens));
        assigned.draw(population, by_gpu.then_some(sources), &mut stream);
        assigned.means = RoutingMeans::of(*population.fidelity(), population.gate(), population.churn());
        self.section_ends(Section::Route, begun);
        Ok(())
    }

    /// Takes from the routing of a batch how many tokens each expert serves, and what the router has changed.
    fn count_routing(&mut self, batch: BatchId, layer: u32) {
        let begun = self.section_begins();
        let assigned = &mut self.assigned;
        assigned.tokens = self.routing.tokens() as u32;
        assigned.dropped = self.routing.dropped() as u32;
        assigned.counts.clear();
        assigned.counts.extend_from_slice(&self.routing.counts);
        let fidelity = self.window.get(batch, layer).map(|gate| gate.fidelity(&self.routing)).unwrap_or_default();
        assigned.means = RoutingMeans::of(fidelity, self.routing.gate, self.routing.churn());
        self.section_ends(Section::Fidelity, begun);
    }

    /// Counts where the assignments come from: the GPUs of the routed tokens, those for whose tokens counts were drawn, or all in proportion to
    /// their tokens.
    pub(super) fn find_origins(&mut self) {
        let spec = &self.spec;
        let sources = TokenSources::new(&self.alive, spec.gpus_per_node as usize);
        match spec.crowd {
            None => self.origins.collect(&self.routing.experts, spec.top_k as usize, spec.experts as usize, sources),
            Some(_) if self.assigned.by_gpu.is_empty() => {
                self.origins.spread(&self.assigned.counts, self.assigned.tokens, sources);
            }
            Some(_) => self.origins.copy(&self.assigned.by_gpu, spec.experts as usize, sources),
        }
    }
}

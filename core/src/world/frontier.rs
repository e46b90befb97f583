//! Which frontier a world has, and that of a run whose costs are its own.

use super::{Change, World, WorldSpec};
use crate::cost::{CostKind, CostTable};
use crate::frontier::{Frontier, Sweep};
use crate::id::{BatchId, ExpertId};
use crate::profiler::Section;
use crate::scenario::Scenario;
use crate::tier::Tier;

/// What the frontier of a world can be known from.
#[derive(Clone, Debug, PartialEq)]
pub enum FrontierScope {
    /// Energy is no sum over assignments (the device model): there is none.
    None,
    /// Costs depend on the batch alone: one frontier for all runs on the same tokens.
    Shared(BatchCosts),
    /// Costs move with the clock or with temperatures: every run has its own, with costs that no router can know.
    Oracle,
}

/// What an assignment costs on every batch, where the batch alone decides it.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchCosts {
    /// First batch and the costs from there on (J), by rising batch.
    from: Vec<(u32, Vec<f64>)>,
}

impl BatchCosts {
    /// Energy of an assignment per expert on a batch (J).
    #[must_use]
    pub fn at(&self, batch: BatchId) -> &[f64] {
        self.from.iter().rev().find(|(from, _)| *from <= batch.0).map_or(&[], |(_, costs)| costs)
    }

    /// A frontier of no tokens that resolves the prices these costs need.
    #[must_use]
    pub fn frontier(&self) -> Frontier {
        let costs = || self.from.iter().flat_map(|(_, costs)| costs.iter().copied());
        Frontier::new(costs().fold(f64::NEG_INFINITY, f64::max) - costs().fold(f64::INFINITY, f64::min), false)
    }
}

impl FrontierScope {
    /// Which frontier the runs of a scenario have. In the upper tiers there is none: it is a bound over the very tokens that were served.
    #[must_use]
    pub fn of_scenario(scenario: &Scenario) -> Self {
        if scenario.compare.frontier && scenario.tier.kind == Tier::Token {
            Self::of(&scenario.costs, &scenario.change, scenario.model.experts)
        } else {
            Self::None
        }
    }

    /// Which frontier the runs of a world with these costs and changes have.
    #[must_use]
    pub fn of(costs: &CostTable, changes: &[Change], experts: u32) -> Self {
        if costs.kind == CostKind::Device {
            return Self::None;
        }
        let moves_by_clock = changes.iter().any(|change| change.at.is_some() && change.hot.is_some());
        if moves_by_clock || costs.leakage_per_kelvin != 0.0 {
            return Self::Oracle;
        }
        // Changes of one batch take effect in the order of the scenario.
        let mut changes: Vec<_> =
            changes.iter().filter_map(|change| Some((change.at_batch?, change.hot.as_ref()?))).collect();
        changes.sort_by_key(|(batch, _)| *batch);
        let mut from = vec![(0, costs.per_expert(experts).0)];
        from.extend(changes.into_iter().map(|(batch, hot)| (batch, costs.with_hot(experts, hot).0)));
        Self::Shared(BatchCosts { from })
    }
}

/// The frontier of one run, with what adding to it needs.
#[derive(Debug, Default)]
pub(super) struct OwnFrontier {
    sweep: Sweep,
    costs: Vec<f64>,
}

impl World {
    /// An empty frontier where the run keeps its own.
    pub(super) fn own_frontier(spec: &WorldSpec) -> Option<Frontier> {
        // Costs that differ by temperature only may start out equal; a part of them is a scale that shows a percent's difference.
        const PART: f64 = 1.0 / 64.0;
        let (joules, _) = spec.frontier.then(|| spec.costs.per_expert(spec.experts))?;
        let (least, most) = joules.iter().fold((f64::INFINITY, 0.0_f64), |(a, b), c| (a.min(*c), b.max(*c)));
        Some(Frontier::new((most - least).max(PART * most), true))
    }

    /// Adds what has just been routed and accounted for to the run's own frontier, at the costs of this instant. An expert with
    /// several copies is taken at its cheapest: what the bound may assume.
    pub(super) fn extend_frontier(&mut self, batch: BatchId, layer: u32) {
        let Some(mut frontier) = self.state.record.frontier.take() else { return };
        let begun = self.section_begins();
        if let Some(gate) = self.window.get(batch, layer) {
            self.own_frontier.costs.clear();
            for expert in (0..self.spec.experts).map(ExpertId) {
                let copies = self
                    .state
                    .placements
                    .get(layer as usize)
                    .map_or(&[][..], |placement| placement.copies(expert))
                    .iter();
                let joules = copies.map(|gpu| self.assignment_joules(expert, *gpu)).fold(f64::INFINITY, f64::min);
                self.own_frontier.costs.push(joules);
            }
            self.own_frontier.sweep.add(gate, &self.own_frontier.costs, &mut frontier);
        }
        self.state.record.frontier = Some(frontier);
        self.section_ends(Section::Frontier, begun);
    }
}

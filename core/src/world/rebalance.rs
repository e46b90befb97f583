//! Placing experts again during a run, and what moving their weights takes.
//!
//! Weights move while nothing else runs: before a batch is routed, and so within its latency. GPUs draw the energy of the transfer
//! while it lasts.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{RunError, World};
use crate::cost::{Exchange, Flow};
use crate::engine::Schedule;
use crate::event::Event;
use crate::id::{BatchId, ExpertId, GpuId};
use crate::placement::{Placement, PlacementContext, PlacementError};
use crate::profiler::Section;
use crate::queue::EventQueue;
use crate::time::{SimDuration, SimTime};

/// Weights that have to move before the next batch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Moves {
    /// Copies of experts that are new on a GPU, of all layers.
    copies: u64,
    /// What leaves and enters each GPU, in experts of one layer (or slices of them, where GPUs share an expert).
    flows: Vec<Flow>,
}

/// Weights that are moving.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Moving {
    since: SimTime,
    /// What the transfer draws at each GPU (W).
    watts: Vec<f64>,
    /// Energy of the work of all GPUs up to then (J).
    joules_before: f64,
}

impl Moves {
    /// Whether this is about so many GPUs: what was read from bytes need not be.
    pub(super) fn is_sound(&self, moving: Option<&Moving>, gpus: usize) -> bool {
        (self.flows.is_empty() && self.copies == 0 || self.flows.len() == gpus)
            && moving.is_none_or(|moving| moving.watts.len() == gpus)
    }
}

impl Moving {
    pub(super) fn watts(&self, gpu: usize) -> f64 {
        self.watts[gpu]
    }
}

impl World {
    /// Lets weights move before `batch` is routed, if experts are to be placed again or have lost their GPU.
    ///
    /// The energy that moving took (J) if the batch can go on; `None` while weights move: the batch is dispatched again when they
    /// are there.
    pub(super) fn moves_first<Q: EventQueue<Event>>(
        &mut self,
        batch: BatchId,
        schedule: &mut Schedule<'_, Event, Q>,
    ) -> Result<Option<f64>, RunError> {
        match self.state.moving {
            Some(_) => self.end_moving(schedule)?,
            None => self.rebalance_if_due()?,
        }
        let moves = std::mem::take(&mut self.state.moves);
        self.state.record.moved_experts += moves.copies;
        let Exchange { seconds, joules } =
            if moves.copies == 0 { Exchange::default() } else { self.moving_cost(&moves) };
        if seconds == 0.0 {
            return Ok(Some(std::mem::take(&mut self.state.moved_joules)));
        }
        let duration = SimDuration::from_seconds(seconds)
            .map(|duration| duration.max(SimDuration::from_nanos(1)))
            .ok_or(RunError::Duration { gpu: GpuId(0), batch, seconds })?;
        let now = schedule.now();
        self.settle_all(now)?;
        let watts = joules.iter().map(|joules| joules / duration.seconds()).collect();
        let joules_before = self.state.devices.work_joules.iter().sum();
        self.state.moving = Some(Moving { since: now, watts, joules_before });
        self.draw_moving_power(schedule)?;
        schedule.after(duration, Event::Dispatch { batch });
        Ok(None)
    }

    /// The weights have arrived.
    fn end_moving<Q: EventQueue<Event>>(&mut self, schedule: &mut Schedule<'_, Event, Q>) -> Result<(), RunError> {
        let now = schedule.now();
        self.settle_all(now)?;
        let Some(moving) = self.state.moving.take() else { return Ok(()) };
        // What was drawn, and not what was planned: a GPU may have been lost meanwhile.
        let joules = self.state.devices.work_joules.iter().sum::<f64>() - moving.joules_before;
        self.state.moved_joules += joules;
        self.state.record.moving_joules += joules;
        self.state.record.moving_seconds += (now - moving.since).seconds();
        self.draw_moving_power(schedule)
    }

    /// Brings the power of all GPUs in line with whether weights move.
    fn draw_moving_power<Q: EventQueue<Event>>(
        &mut self,
        schedule: &mut Schedule<'_, Event, Q>,
    ) -> Result<(), RunError> {
        for g in 0..self.spec.gpus {
            if self.spec.device.is_some() {
                self.operate(GpuId(g), schedule)?;
            } else {
                let watts = self.state.moving.as_ref().map_or(0.0, |moving| moving.watts(g as usize));
                self.change_power(GpuId(g), self.spec.idle_watts + watts, schedule)?;
            }
        }
        Ok(())
    }

    fn moving_cost(&self, moves: &Moves) -> Exchange {
        match &self.spec.device {
            Some(device) => device.cost.moving(&moves.flows),
            None => {
                let into = || moves.flows.iter().map(|flow| flow.in_near + flow.in_far);
                Exchange {
                    seconds: self.spec.costs.move_seconds * into().fold(0.0, f64::max),
                    joules: into().map(|experts| self.spec.costs.move_joules * experts).collect(),
                }
            }
        }
    }

    /// Asks the policy again if enough batches have passed since it was asked.
    fn rebalance_if_due(&mut self) -> Result<(), RunError> {
        let spec = Arc::clone(&self.spec);
        let Some(policy) = &spec.policy else { return Ok(()) };
        let Some(rebalance) = policy.rebalance() else { return Ok(()) };
        if self.state.measured.batches < rebalance.every_batches.max(1) {
            return Ok(());
        }
        let lost = self.lost_gpus();
        let (speeds, joules) = (self.state.measured.speeds(), self.state.measured.joules());
        for layer in 0..self.state.placements.len() {
            let current = Arc::clone(&self.state.placements[layer]);
            let context = PlacementContext::at_start(spec.experts as usize, spec.gpus as usize)
                .with_nodes_of(spec.gpus_per_node as usize)
                .measured(self.state.measured.loads(layer), &speeds, &self.state.samples, &current, &lost)
                .with_joules(&joules);
            let begun = self.section_begins();
            let placement = policy.place(&context)?;
            context.accept(&placement)?;
            self.section_ends(Section::Placement, begun);
            self.move_experts(layer, placement);
        }
        self.state.measured.start_again();
        self.state.record.placements += 1;
        Ok(())
    }

    /// GPUs that have switched themselves off.
    pub(super) fn lost_gpus(&self) -> Vec<GpuId> {
        (self.state.governors.iter().enumerate())
            .filter(|(_, governor)| governor.lost)
            .map(|(gpu, _)| GpuId(gpu as u32))
            .collect()
    }

    /// Puts a layer's placement in force and writes down which weights have to move for it.
    ///
    /// A copy comes from a GPU that held one: of its own node if there is one, the lowest number first. Where none is left, it comes
    /// from outside, over the network.
    pub(super) fn move_experts(&mut self, layer: usize, placement: Placement) {
        let (parallel, alike) =
            self.spec.device.as_ref().map_or((1, 1), |d| (d.cost.layer.tensor_parallel, d.cost.layer.layers));
        let unit = |gpu: GpuId| gpu.0 / parallel;
        let node = |gpu: u32| gpu / self.spec.gpus_per_node;
        let lost = self.lost_gpus();
        let before = &self.state.placements[layer];
        let moves = &mut self.state.moves;
        moves.flows.resize(self.spec.gpus as usize, Flow::default());
        for e in 0..self.spec.experts {
            let held = before.copies(ExpertId(e));
            for home in placement.copies(ExpertId(e)) {
                if held.iter().any(|gpu| unit(*gpu) == unit(*home)) {
                    continue;
                }
                moves.copies += u64::from(alike);
                let alive = || held.iter().filter(|gpu| !lost.contains(gpu));
                let source = alive().find(|gpu| node(gpu.0) == node(home.0)).or_else(|| alive().next());
                for member in 0..parallel {
                    let into = unit(*home) * parallel + member;
                    let from = source.map(|gpu| unit(*gpu) * parallel + member);
                    let near = from.is_some_and(|from| node(from) == node(into));
                    moves.flows[into as usize].add_in(near, 1.0);
                    if let Some(from) = from {
                        moves.flows[from as usize].add_out(near, 1.0);
                    }
                }
            }
        }
        self.state.placements[layer] = Arc::new(placement);
        self.revision += 1;
    }
}

impl PlacementContext<'_> {
    /// Whether a run can go on with `placement`.
    ///
    /// # Errors
    /// [`PlacementError::Unusable`] if it is for another number of experts, or uses a GPU that is lost or does not exist.
    pub(crate) fn accept(&self, placement: &Placement) -> Result<(), PlacementError> {
        let fault = |what: String| Err(PlacementError::Unusable(what));
        if placement.experts() != self.experts {
            return fault(format!("{} experts are placed, the model has {}", placement.experts(), self.experts));
        }
        match placement.iter().find(|(_, gpu)| gpu.index() >= self.gpus || self.lost.contains(gpu)) {
            Some((expert, gpu)) if gpu.index() >= self.gpus => {
                fault(format!("{expert} is on {gpu}, but there are {} GPUs", self.gpus))
            }
            Some((expert, gpu)) => fault(format!("{expert} is on {gpu}, which has switched itself off")),
            None => Ok(()),
        }
    }
}

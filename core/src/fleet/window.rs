//! Windows: one line of the results for everything that a fleet served in a while.

use std::sync::Arc;

use super::group::Stretch;
use super::model::FleetModel;
use super::world::FleetWorld;
use crate::gate::Fidelity;
use crate::record::{BatchRecord, LimitRecord, RoutingMeans, RunRecord};
use crate::time::{SimDuration, SimTime};
use crate::world::RunError;

/// The window under way.
#[derive(Clone, Debug)]
pub(super) struct Window {
    began: SimTime,
    tokens: u64,
    /// Energy of work (J), and of the routers.
    pub(super) work_joules: f64,
    router_joules: f64,
    throttled: f64,
    /// Assignments per expert, layer after layer.
    usage: Vec<u64>,
    /// Means of what rules gave up, by tokens.
    routed: RoutingMeans,
    weight: f64,
    stretches: u32,
    infeasible: u32,
}

impl Window {
    pub(super) fn new(model: &FleetModel) -> Self {
        Self {
            began: SimTime::ZERO,
            tokens: 0,
            work_joules: 0.0,
            router_joules: 0.0,
            throttled: 0.0,
            usage: vec![0; model.layers as usize * model.experts as usize],
            routed: NOTHING,
            weight: 0.0,
            stretches: 0,
            infeasible: 0,
        }
    }
}

const NOTHING: RoutingMeans = RoutingMeans {
    fidelity: Fidelity {
        mass_regret: 0.0,
        combine_weight_tv: 0.0,
        topk_agreement: 0.0,
        exact_match: 0.0,
        routing_entropy_nats: 0.0,
    },
    gate_entropy_nats: None,
    gate_kl_nats: None,
    route_churn: None,
};

impl FleetWorld {
    pub(super) fn empty_record(model: &FleetModel) -> RunRecord {
        let start = model.thermal.ambient;
        RunRecord {
            limit: model.temperature_limit.map(|celsius| LimitRecord {
                celsius,
                degree_seconds: 0.0,
                settled_at: Some(SimTime::ZERO),
            }),
            power_cap: model.power_cap,
            clock_mhz_seconds: vec![0.0; model.gpus()],
            memory_peak_temperature: Some(start),
            ..RunRecord::default()
        }
    }

    /// Takes a finished stretch of a group into the window.
    pub(super) fn served(&mut self, number: usize, done: &Stretch) -> Result<(), RunError> {
        let model = Arc::clone(&self.model);
        let (group, window) = (&mut self.groups[number], &mut self.window);
        let (steps, tokens) = (u64::from(done.steps), u64::from(done.steps) * u64::from(done.tokens));
        window.tokens += tokens;
        if window.tokens > u64::from(u32::MAX) {
            return Err(RunError::Window { tokens: window.tokens });
        }
        for (sum, count) in window.usage.iter_mut().zip(&group.counts) {
            *sum += u64::from(*count) * steps;
        }
        window.throttled += done.throttled * steps as f64;
        window.router_joules += group.router_joules * steps as f64;
        self.record.router_joules += group.router_joules * steps as f64;
        self.record.sent_assignments += tokens * u64::from(model.top_k) * u64::from(model.layers);
        self.record.local_assignments +=
            (tokens * u64::from(model.top_k) * u64::from(model.layers)) as f64 / model.gpus_of_group() as f64;
        let first = window.weight == 0.0;
        window.weight += tokens as f64;
        window.routed.move_towards(&group.routed, tokens as f64 / window.weight, first);
        window.stretches += 1;
        if let Some(infeasible) = group.is_infeasible() {
            window.infeasible += u32::from(infeasible);
            self.record.infeasible_batches.get_or_insert(0);
        }
        self.fleet.steps += steps;
        self.fleet.step.add(done.step.seconds(), steps);
        if model.is_closed() {
            group.next_batch += done.steps;
            self.fleet.latency.add(done.step.seconds(), tokens);
            return Ok(());
        }
        for step in 1..=steps {
            let ended = done.began + SimDuration::from_nanos(done.step.nanos() * step);
            let mut left = u64::from(done.tokens);
            while let (Some(first), true) = (group.waiting.front_mut(), left > 0) {
                let taken = first.tokens.min(left);
                self.fleet.latency.add((ended - first.arrived).seconds(), taken);
                first.tokens -= taken;
                left -= taken;
                if first.tokens == 0 {
                    group.waiting.pop_front();
                }
            }
        }
        Ok(())
    }

    /// Closes the window: a line of the series, and the racks.
    pub(super) fn close_window(&mut self, now: SimTime) -> Result<(), RunError> {
        self.account(now);
        let model = Arc::clone(&self.model);
        let layout = &model.layout;
        let inlet = |rack: usize| {
            let gpus = layout.rack(rack);
            self.inlet[gpus.clone()].iter().sum::<f64>() / gpus.len() as f64
        };
        self.reduction.close(now, layout, inlet, &mut self.fleet);
        let dies = || (0..layout.gpus()).map(|gpu| self.sweep.die(gpu));
        let spread = dies().fold(f64::NEG_INFINITY, f64::max) - dies().fold(f64::INFINITY, f64::min);
        self.fleet.spread.0 += spread;
        self.fleet.spread.1 = self.fleet.spread.1.max(spread);
        let batch = self.record.batches.len() as u32;
        let window = &mut self.window;
        let record = BatchRecord {
            tokens: window.tokens as u32,
            finished: now,
            energy_joules: window.work_joules + window.router_joules,
            layers: model.layers,
            usage: window.usage.iter().map(|count| *count as u32).collect(),
            fidelity: window.routed.fidelity,
            gate_entropy_nats: window.routed.gate_entropy_nats,
            gate_kl_nats: window.routed.gate_kl_nats,
            route_churn: window.routed.route_churn,
            throttled_assignments: Some(window.throttled),
            ..BatchRecord::begun(batch, window.began, window.began)
        };
        if let Some(infeasible) = &mut self.record.infeasible_batches {
            *infeasible += u32::from(window.infeasible * 2 > window.stretches);
        }
        self.record.batches.push(record);
        self.window = Window { began: now, ..Window::new(&model) };
        Ok(())
    }

    /// Settles everything to the end and closes the record.
    pub(super) fn end(&mut self, now: SimTime) -> Result<(), RunError> {
        self.account(now);
        self.close_cooling(now);
        if self.window.began < now {
            self.close_window(now)?;
        }
        let record = &mut self.record;
        record.ended = now;
        record.idle_joules = record.gpu_joules - self.work_joules;
        record.peak_temperature = Some(self.sweep.peak().max(self.model.thermal.ambient));
        let running = |group: &super::group::Group| {
            group.running.map_or(0, |stretch| u64::from(stretch.steps) * u64::from(stretch.tokens))
        };
        let waiting: u64 = self.groups.iter().flat_map(|group| &group.waiting).map(|chunk| chunk.tokens).sum();
        let in_closed_loop = if self.model.is_closed() { self.groups.iter().map(running).sum() } else { 0 };
        self.fleet.waiting_tokens = waiting + in_closed_loop;
        self.finished = true;
        Ok(())
    }
}

//! The life of a batch: it arrives, is routed, works on the GPUs, and is accounted for.

use std::sync::Arc;

use super::assigned::Assigned;
use super::measured::Share;
use super::split::share_out;
use super::state::Running;
use super::{RunError, World};
use crate::engine::Schedule;
use crate::event::Event;
use crate::hardware::kernel::Draw;
use crate::id::{BatchId, ExpertId, GpuId};
use crate::profiler::Section;
use crate::queue::EventQueue;
use crate::record::BatchRecord;
use crate::router::Feasibility;
use crate::time::{SimDuration, SimTime};

impl World {
    pub(super) fn batch_arrives<Q: EventQueue<Event>>(
        &mut self,
        batch: BatchId,
        schedule: &mut Schedule<'_, Event, Q>,
    ) {
        let now = schedule.now();
        self.state.waiting.push_back((batch, now));
        if batch == BatchId(0) {
            // GPUs that never get work are watched too.
            for gpu in 0..self.spec.gpus {
                self.predict_crossing(GpuId(gpu), schedule);
            }
        }
        let next = BatchId(batch.0 + 1);
        if let Some(at) = self.spec.arrival(next) {
            schedule.at(at, Event::BatchArrives { batch: next });
        }
        if !self.state.busy {
            self.dispatch_next(schedule);
        }
    }

    /// Lets the oldest waiting batch be routed now, after the changes that were announced for it.
    fn dispatch_next<Q: EventQueue<Event>>(&mut self, schedule: &mut Schedule<'_, Event, Q>) {
        let Some(&(batch, _)) = self.state.waiting.front() else { return };
        self.state.busy = true;
        for (index, change) in self.spec.changes.iter().enumerate() {
            if change.at_batch == Some(batch.0) {
                schedule.at(schedule.now(), Event::ScenarioChange { index: index as u32 });
            }
        }
        schedule.at(schedule.now(), Event::Dispatch { batch });
    }

    /// The layer is free: the batch begins.
    pub(super) fn dispatch<Q: EventQueue<Event>>(
        &mut self,
        batch: BatchId,
        schedule: &mut Schedule<'_, Event, Q>,
    ) -> Result<(), RunError> {
        let Some(moved_joules) = self.moves_first(batch, schedule)? else { return Ok(()) };
        let now = schedule.now();
        let arrived = self.state.waiting.pop_front().map_or(now, |(_, at)| at);
        let mut record = BatchRecord::begun(batch.0, arrived, now);
        record.energy_joules += moved_joules;
        self.enter_layer(record, 0, schedule)
    }

    /// The running batch goes on with its next layer.
    pub(super) fn layer_starts<Q: EventQueue<Event>>(
        &mut self,
        schedule: &mut Schedule<'_, Event, Q>,
    ) -> Result<(), RunError> {
        let Some(Running { batch, layer, .. }) = self.state.running.take() else { return Ok(()) };
        self.enter_layer(batch, layer + 1, schedule)
    }

    /// Routes the batch by the gate of a layer and starts the work of every GPU that got some.
    fn enter_layer<Q: EventQueue<Event>>(
        &mut self,
        mut record: BatchRecord,
        layer: u32,
        schedule: &mut Schedule<'_, Event, Q>,
    ) -> Result<(), RunError> {
        let (batch, now) = (BatchId(record.batch), schedule.now());
        self.find_alive();
        self.assign(batch, layer, now)?;
        self.routed = batch;
        let operations = self.router.operations_per_token() * f64::from(self.assigned.tokens);
        let host = self.spec.router_host;
        let router_seconds = operations * host.seconds_per_operation + host.seconds_per_routing;
        let delay = SimDuration::from_seconds(router_seconds).ok_or(RunError::Duration {
            gpu: GpuId(0),
            batch,
            seconds: router_seconds,
        })?;
        let router_joules = operations * host.joules_per_operation;
        self.state.record.router_joules += router_joules;

        let begun = self.section_begins();
        self.share_out(layer);
        self.section_ends(Section::ShareOut, begun);
        self.account(batch, layer, now)?;
        if layer == 0 {
            record.started = now + delay;
        }
        self.record_routing(&mut record);
        self.extend_frontier(batch, layer);
        record.energy_joules += router_joules;
        let spec = Arc::clone(&self.spec);
        let pending = match &spec.device {
            Some(device) => self.start_layer(device, delay, schedule)?,
            None => self.start_work(batch, delay, schedule)?,
        };
        let (split, completed) = (Arc::clone(&self.scratch.split), std::mem::take(&mut self.scratch.completed));
        self.state.running = Some(Running { batch: record, layer, entered: now, pending, split, completed });
        if pending == 0 { self.layer_done(schedule) } else { Ok(()) }
    }

    /// GPUs that are not lost: those that hold the tokens.
    fn find_alive(&mut self) {
        let governors = &self.state.governors;
        let is_lost = |gpu: &GpuId| governors.get(gpu.index()).is_some_and(|governor| governor.lost);
        let alive = || (0..self.spec.gpus).map(GpuId).filter(|gpu| !is_lost(gpu));
        if !self.alive.iter().copied().eq(alive()) {
            self.alive.clear();
            self.alive.extend(alive());
            self.revision += 1;
        }
    }

    /// Shares the routed assignments out among the copies of their experts, and counts what crosses between GPUs.
    fn share_out(&mut self, layer: u32) {
        self.find_origins();
        let spec = &self.spec;
        let parallel = spec.device.as_ref().map_or(1, |device| device.cost.layer.tensor_parallel as usize);
        self.traffic.clear(spec.gpus as usize, parallel, spec.gpus_per_node as usize);
        share_out(
            (spec.dispatch.copies, self.state.measured.running_speeds()),
            &self.assigned.counts,
            &self.state.placements[layer as usize],
            &self.origins,
            &mut self.traffic,
            &mut self.scratch.dealt,
            Arc::make_mut(&mut self.scratch.split),
        );
        self.state.record.sent_assignments += self.assigned.counts.iter().map(|n| u64::from(*n)).sum::<u64>();
        self.state.record.local_assignments += self.traffic.local();
    }

    /// Energy of one assignment at `expert` now (J), the mean over its copies.
    pub(super) fn mean_assignment_joules(&self, layer: u32, expert: ExpertId) -> f64 {
        let copies = self.state.placements[layer as usize].copies(expert);
        copies.iter().map(|gpu| self.assignment_joules(expert, *gpu)).sum::<f64>() / copies.len() as f64
    }

    /// Energy of one assignment at the copy of `expert` on `gpu` now (J): the table's, grown with the temperature of the GPU.
    pub(super) fn assignment_joules(&self, expert: ExpertId, gpu: GpuId) -> f64 {
        let costs = &self.spec.costs;
        let joules = self.state.joules[expert.index()];
        if costs.leakage_per_kelvin == 0.0 {
            return joules;
        }
        let temperature = self.state.devices.temperature[gpu.index()];
        let excess = if temperature.is_nan() { 0.0 } else { temperature - costs.reference_degc };
        joules * (1.0 + costs.leakage_per_kelvin * excess).max(0.0)
    }

    /// What each expert's share of the routed batch costs, at the temperatures of this instant.
    fn account(&mut self, batch: BatchId, layer: u32, now: SimTime) -> Result<(), RunError> {
        if self.spec.costs.leakage_per_kelvin != 0.0 {
            self.settle_all(now)?;
        }
        let mut done = std::mem::take(&mut self.scratch.completed);
        done.begin(batch, layer, &self.assigned.counts);
        // What a batch takes on devices is known when it is done.
        if self.spec.device.is_none() {
            for (gpu, share) in self.scratch.split.iter().enumerate() {
                for (expert, count) in share {
                    let (e, count) = (expert.index(), f64::from(*count));
                    done.joules[e] += count * self.assignment_joules(*expert, GpuId(gpu as u32));
                    done.seconds[e] += count * self.state.seconds[e];
                }
            }
            for (expert, _, number) in self.traffic.all_remote() {
                done.joules[expert.index()] += number * self.spec.costs.hop_joules;
            }
        }
        self.scratch.completed = done;
        Ok(())
    }

    /// Adds what the router has decided for a layer to the record of the batch.
    fn record_routing(&mut self, record: &mut BatchRecord) {
        let done = &self.scratch.completed;
        let Assigned { tokens, dropped, means: routed, .. } = &self.assigned;
        record.tokens = *tokens;
        record.dropped += dropped;
        record.energy_joules += done.joules.iter().sum::<f64>();
        for expert in (0..done.joules.len()).filter(|e| self.state.is_hot(ExpertId(*e as u32))) {
            record.hot_joules += done.joules[expert];
            record.hot_assignments += done.assignments[expert];
        }
        record.hot_experts += self.state.hot.len() as u32;
        if done.layer == 0 {
            record.usage.reserve_exact(done.assignments.len() * self.spec.layers as usize);
        }
        record.usage.extend_from_slice(&done.assignments);
        record.add_layer(done.layer, routed);
        if let Some(layer) = self.state.record.layers.get_mut(done.layer as usize) {
            layer.add_routing(*tokens, *dropped, routed);
        }
    }

    /// Gives every GPU its work; returns how many got some.
    fn start_work<Q: EventQueue<Event>>(
        &mut self,
        batch: BatchId,
        delay: SimDuration,
        schedule: &mut Schedule<'_, Event, Q>,
    ) -> Result<u32, RunError> {
        let mut pending = 0;
        let gpus = self.spec.gpus as usize;
        let hops = &mut self.scratch.hop_joules;
        hops.clear();
        hops.resize(gpus, 0.0);
        for (_, home, number) in self.traffic.all_remote() {
            hops[home.index()] += number * self.spec.costs.hop_joules;
        }
        for g in 0..gpus {
            let gpu = GpuId(g as u32);
            let (mut joules, mut seconds, mut nominal_joules) = (0.0, 0.0, 0.0);
            for (expert, count) in self.scratch.split.of(g) {
                joules += f64::from(*count) * self.assignment_joules(*expert, gpu);
                seconds += f64::from(*count) * self.state.seconds[expert.index()];
                nominal_joules += f64::from(*count) * self.state.joules[expert.index()];
            }
            self.state.measured.add_share(g, Share { nominal_s: seconds, seconds, nominal_joules, joules });
            joules += self.scratch.hop_joules[g];
            if seconds == 0.0 {
                continue;
            }
            let work = SimDuration::from_seconds(seconds)
                .map(|d| d.max(SimDuration::from_nanos(1)))
                .ok_or(RunError::Duration { gpu, batch, seconds })?;
            self.state.gauges.add_work(g, work.seconds());
            let duration = delay + work;
            // The energy is spread over the time the work takes, the router's delay included: one interval, one power.
            let watts = self.spec.idle_watts + joules / duration.seconds();
            self.change_power(gpu, watts, schedule)?;
            let generation = self.state.devices.work_generation[g];
            schedule.after(duration, Event::WorkDone { gpu, generation });
            pending += 1;
        }
        Ok(pending)
    }

    pub(super) fn change_power<Q: EventQueue<Event>>(
        &mut self,
        gpu: GpuId,
        watts: f64,
        schedule: &mut Schedule<'_, Event, Q>,
    ) -> Result<(), RunError> {
        self.settle(gpu, schedule.now())?;
        let thermal = self.spec.thermal.as_ref();
        let power = Draw { compute_w: watts, memory_w: 0.0 };
        self.state.devices.set_power(gpu, power, watts - self.spec.idle_watts, thermal);
        self.predict_crossing(gpu, schedule);
        Ok(())
    }

    pub(super) fn work_done<Q: EventQueue<Event>>(
        &mut self,
        gpu: GpuId,
        schedule: &mut Schedule<'_, Event, Q>,
    ) -> Result<(), RunError> {
        let generation = &mut self.state.devices.work_generation[gpu.index()];
        *generation = generation.wrapping_add(1);
        if self.spec.device.is_some() {
            self.settle(gpu, schedule.now())?;
            self.share_done(gpu, schedule.now());
            self.operate(gpu, schedule)?;
        } else {
            self.change_power(gpu, self.spec.idle_watts, schedule)?;
        }
        self.one_less_pending(schedule)
    }

    /// One more GPU has done its share of the running batch.
    pub(super) fn one_less_pending<Q: EventQueue<Event>>(
        &mut self,
        schedule: &mut Schedule<'_, Event, Q>,
    ) -> Result<(), RunError> {
        let Some(running) = &mut self.state.running else { return Ok(()) };
        running.pending -= 1;
        if running.pending == 0 { self.layer_done(schedule) } else { Ok(()) }
    }

    /// The slowest GPU is done: the router is told, and the batch enters its next layer or is finished.
    fn layer_done<Q: EventQueue<Event>>(&mut self, schedule: &mut Schedule<'_, Event, Q>) -> Result<(), RunError> {
        self.settle_shares();
        let Some(running) = &mut self.state.running else { return Ok(()) };
        let (batch, now) = (running.completed.batch, schedule.now());
        if let Some(layer) = self.state.record.layers.get_mut(running.layer as usize) {
            layer.add_work(
                &running.completed.assignments,
                &running.completed.joules,
                (now - running.entered).seconds(),
            );
        }
        self.state.measured.add_loads(running.layer, &running.completed.assignments);
        let is_last = running.layer + 1 >= self.spec.layers;
        self.state.completed = Some(std::mem::take(&mut running.completed));
        schedule.at(now, Event::RouterUpdated { batch });
        if is_last {
            return self.finish_batch(schedule);
        }
        schedule.at(now, Event::LayerStarts { batch });
        Ok(())
    }

    /// The last layer is passed: the batch is recorded and the next one may start.
    fn finish_batch<Q: EventQueue<Event>>(&mut self, schedule: &mut Schedule<'_, Event, Q>) -> Result<(), RunError> {
        let Some(Running { mut batch, .. }) = self.state.running.take() else { return Ok(()) };
        if self.spec.device.is_some() {
            self.end_layer(schedule)?;
        }
        if let Some(found) = self.router.feasibility() {
            let infeasible = self.state.record.infeasible_batches.get_or_insert(0);
            *infeasible += u32::from(found == Feasibility::Infeasible);
        }
        let now = schedule.now();
        batch.finished = now.max(batch.started);
        batch.temperatures = self.temperatures(now)?;
        self.read_gauges(&mut batch, now);
        schedule.trace(batch.energy_joules.to_bits());
        let next = BatchId(batch.batch + 1);
        self.state.record.batches.push(batch);
        self.state.measured.batches += 1;
        self.state.busy = false;
        match self.spec.arrivals.get(next.index()) {
            None => schedule.at(now, Event::End),
            Some(arrival) if arrival.at.is_none() => schedule.at(now, Event::BatchArrives { batch: next }),
            Some(_) => self.dispatch_next(schedule),
        }
        Ok(())
    }

    /// True die temperatures (degC); empty where nothing has a temperature.
    fn temperatures(&mut self, now: SimTime) -> Result<Vec<f32>, RunError> {
        self.settle_all(now)?;
        let temperatures = &self.state.devices.temperature;
        let known = !temperatures.iter().all(|t| t.is_nan());
        Ok(if known { temperatures.iter().map(|t| *t as f32).collect() } else { Vec::new() })
    }
}

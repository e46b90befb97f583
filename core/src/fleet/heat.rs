//! Where the heat of a fleet goes: the start, the account of a period, governors and cooling at work.

use std::sync::Arc;

use super::governor::Observed;
use super::law::Driven;
use super::reduce::Reading;
use super::sweep::Input;
use super::world::FleetWorld;
use crate::id::GpuId;
use crate::time::{SimDuration, SimTime};
use crate::world::RunError;

impl FleetWorld {
    /// Everything rests; with `hardware.start_power` in the steady state of that power, streams included.
    pub(super) fn start(&mut self) {
        let model = Arc::clone(&self.model);
        (0..model.groups()).for_each(|group| self.rest(group, SimTime::ZERO));
        if let Some(watts) = model.start_watts {
            self.coolant.heat.fill(watts);
            self.mix(f64::INFINITY);
            self.set_inlets();
            let memory_w = model.governors.memory_constant().min(watts);
            // Leakage is part of the network: what is left of the power heats without it.
            let inputs: Vec<Input> =
                self.inlet.iter().map(|inlet| Input { compute_w: watts - memory_w, memory_w, inlet: *inlet }).collect();
            self.sweep.settle(&inputs);
        }
        for gpu in 0..model.gpus() {
            self.sweep.set(gpu, self.powers.input(gpu, &self.inlet));
        }
        self.sweep.mark();
    }

    /// Adds up energy and heat of all GPUs up to `now`, which is a sweep.
    pub(super) fn account(&mut self, now: SimTime) {
        let seconds = (now - self.accounted).seconds();
        if seconds == 0.0 {
            return;
        }
        self.accounted = now;
        let layout = self.model.layout;
        (0..layout.groups).for_each(|group| self.powers.settle(group, &layout, now));
        let record = &mut self.record;
        for gpu in 0..layout.gpus() {
            let (compute_j, memory_j) = (self.powers.compute_j[gpu], self.powers.memory_j[gpu]);
            let driven = Driven { compute_j, memory_j, inlet: self.inlet[gpu], seconds };
            let heat = self.sweep.heat(gpu, &driven);
            let drawn = compute_j + memory_j + heat.leaked;
            self.joules[gpu] += drawn;
            self.removed_j[gpu] += heat.removed;
            record.gpu_joules += drawn;
            record.leakage_joules += heat.leaked;
            record.stored_joules += heat.stored;
            record.removed_joules += heat.removed;
        }
        self.powers.compute_j.fill(0.0);
        self.powers.memory_j.fill(0.0);
        let work = std::mem::take(&mut self.powers.work_j);
        self.work_joules += work;
        self.window.work_joules += work;
        self.sweep.mark();
    }

    /// All governors look; what they see is what the results are made of.
    pub(super) fn look(&mut self, now: SimTime) -> Result<(), RunError> {
        let model = Arc::clone(&self.model);
        let seconds = model.governor_period.seconds();
        let gpus_of_rack = model.layout.gpus_of_node * model.layout.nodes_of_rack;
        for group in 0..model.groups() {
            self.powers.settle(group, &model.layout, now);
            let works = self.groups[group].running.is_some();
            let mut changed = false;
            for gpu in model.layout.group(group) {
                let (die, memory) = (self.sweep.die(gpu), self.sweep.memory(gpu));
                let leaks = self.sweep.leakage_watts(gpu);
                let drawn = works.then_some((self.powers.watts(gpu) + leaks, self.drawn_at[gpu]));
                let watts = self.powers.mean_watts(gpu, seconds) + leaks;
                let observed = Observed { die, memory, drawn };
                if self.governors.look(gpu, &observed, &model.governors).is_err() {
                    let left = model.gpus() as u32 - 1;
                    return Err(RunError::Shutdown { gpu: GpuId(gpu as u32), at: now, left });
                }
                let mhz = model.step.cost.clock.mhz(self.drawn_at[gpu]);
                let (power_cap, software, hardware) = self.governors.reasons(gpu);
                let reading = Reading { die, watts, mhz, power_cap, software, hardware };
                self.reduction.add(gpu / gpus_of_rack, &reading, seconds, &mut self.fleet);
                self.record.clock_mhz_seconds[gpu] += mhz * seconds;
                let peak = &mut self.record.memory_peak_temperature;
                *peak = peak.map(|peak| if memory > peak { memory } else { peak });
                self.watch_limit(die, seconds, now);
                changed |= !works && self.governors.pace(gpu, &model.governors).step != self.drawn_at[gpu];
            }
            if changed {
                self.rest(group, now);
            }
        }
        Ok(())
    }

    fn watch_limit(&mut self, die: f64, seconds: f64, now: SimTime) {
        let Some(limit) = &mut self.record.limit else { return };
        let excess = die - limit.celsius;
        if excess > 0.0 {
            self.record.seconds_above_limit += seconds;
            limit.degree_seconds += excess * seconds;
            // As of the last look at which any die was more than a kelvin above.
            limit.settled_at = if excess > 1.0 { Some(now) } else { limit.settled_at };
        }
    }

    /// Closes the period since the last refresh and sets flows and inlets for the next one; its length.
    pub(super) fn refresh_cooling(&mut self, now: SimTime) -> SimDuration {
        let model = Arc::clone(&self.model);
        let Some(cooling) = &model.cooling else { return SimDuration::ZERO };
        self.account(now);
        self.close_cooling(now);
        let layout = &model.layout;
        let mut changed = false;
        for (node, flow) in self.flow.iter_mut().enumerate() {
            let now = model.thermal.flow_index(self.coolant.flow(node, layout, cooling));
            changed |= now != std::mem::replace(flow, now);
            self.flow_part[node] = model.thermal.flow(now);
        }
        if changed {
            let laws = &mut self.scratch.laws;
            laws.clear();
            laws.extend((0..layout.gpus()).map(|gpu| model.law(gpu, self.flow[gpu / layout.gpus_of_node])));
            self.sweep.assign(laws, |from, to, state, out| model.change_law(from, to, state, out));
        }
        self.set_inlets();
        cooling.period
    }

    /// Energy of the facility since the last refresh; loops and fans move on.
    pub(super) fn close_cooling(&mut self, now: SimTime) {
        let model = Arc::clone(&self.model);
        let (Some(cooling), seconds) = (&model.cooling, (now - self.refreshed).seconds()) else { return };
        if seconds == 0.0 {
            return;
        }
        self.refreshed = now;
        for (watts, removed) in self.coolant.heat.iter_mut().zip(&mut self.removed_j) {
            *watts = std::mem::take(removed) / seconds;
        }
        let flows = &self.flow_part;
        let hottest =
            |node: usize| model.layout.node(node).map(|gpu| self.sweep.die(gpu)).fold(f64::NEG_INFINITY, f64::max);
        let energy = self.record.facility.get_or_insert_default();
        let before = energy.fans + energy.other;
        self.coolant.close(seconds, flows, (&model.layout, cooling), hottest, energy);
        self.coolant.mix(seconds, flows, (&model.layout, cooling), model.fleet.recirculation);
        let drawn = self.record.gpu_joules + self.record.router_joules;
        let spent = drawn - self.drawn_before + energy.fans + energy.other - before;
        energy.distribution += cooling.distribution_loss * spent;
        self.drawn_before = drawn;
    }

    /// The air of all rows mixes for so long (s).
    fn mix(&mut self, seconds: f64) {
        let model = Arc::clone(&self.model);
        let Some(cooling) = &model.cooling else { return };
        self.coolant.mix(seconds, &self.flow_part, (&model.layout, cooling), model.fleet.recirculation);
    }

    /// Brings the inlets in line with supply, flow and the heat of the last period.
    fn set_inlets(&mut self) {
        let model = Arc::clone(&self.model);
        let Some(cooling) = &model.cooling else { return };
        let inlets = &mut self.scratch.inlets;
        self.coolant.inlets(&self.flow_part, &model.layout, cooling, inlets);
        let energy = self.record.facility.get_or_insert_default();
        for (gpu, &inlet) in inlets.iter().enumerate() {
            let step = (inlet - self.inlet[gpu]).abs();
            energy.inlet_step = if step > energy.inlet_step { step } else { energy.inlet_step };
            self.inlet[gpu] = inlet;
            self.sweep.set(gpu, self.powers.input(gpu, &self.inlet));
        }
    }
}

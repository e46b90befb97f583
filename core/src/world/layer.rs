//! The cost model `device` at work: what every GPU does for a layer, at the clock its governor allows.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::governor::Reading;
use super::measured::Share;
use super::{DeviceSpec, RunError, World};
use crate::engine::Schedule;
use crate::event::Event;
use crate::hardware::kernel::{Draw, Work};
use crate::hardware::{ClockReason, OnShutdown};
use crate::id::{ExpertId, GpuId};
use crate::placement::Placement;
use crate::queue::EventQueue;
use crate::time::{SimDuration, SimTime};

/// A GPU's share of the running batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Job {
    /// What is to be done, one layer.
    work: Work,
    /// Time that no clock changes: the router's and the exchange's (s).
    fixed: f64,
    /// The router's part of it (s).
    router: f64,
    /// Energy of the exchange (J).
    exchange_joules: f64,
    /// Time from start to end at the clock of `since` (s).
    seconds: f64,
    /// When the clock last changed.
    since: SimTime,
    /// Part that was left then.
    left: f64,
    /// When it started.
    started: SimTime,
    /// Energy counter of work then (J).
    joules_before: f64,
    /// Assignments it serves; each counts a part where several GPUs share an expert.
    assignments: f64,
    /// Whether something has held the GPU back since `since`.
    held_back: bool,
    /// Part that was done while something did.
    throttled: f64,
    /// Energy counter of everything then (J).
    drawn_before: f64,
}

/// What GPUs did for a batch (J, s, assignments), one entry per GPU.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Shares {
    pub(super) joules: Vec<f64>,
    pub(super) seconds: Vec<f64>,
    /// Assignments served while something held the GPU back.
    throttled: Vec<f64>,
}

impl Shares {
    /// Nothing has been done yet by any of `gpus` GPUs.
    fn clear(&mut self, gpus: usize) {
        for column in [&mut self.joules, &mut self.seconds, &mut self.throttled] {
            column.clear();
            column.resize(gpus, 0.0);
        }
    }
}

impl World {
    /// Gives every GPU its share of the layer; returns how many got some.
    pub(super) fn start_layer<Q: EventQueue<Event>>(
        &mut self,
        device: &DeviceSpec,
        delay: SimDuration,
        schedule: &mut Schedule<'_, Event, Q>,
    ) -> Result<u32, RunError> {
        let gpus = self.spec.gpus as usize;
        let parallel = device.cost.layer.tensor_parallel as usize;
        let now = schedule.now();
        // A GPU that is alone exchanges nothing.
        let exchanges = self.alive.len() > 1;
        let seconds = if exchanges { device.cost.exchange_seconds(self.traffic.flows()) } else { 0.0 };
        self.state.shares.clear(gpus);
        let mut pending = 0;
        self.state.in_layer = true;
        for g in 0..gpus {
            if g % parallel == 0 {
                let members = g..(g + parallel).min(gpus);
                self.scratch.counts.clear();
                self.scratch.counts.extend(self.scratch.split.of_all(members).iter().map(|(_, count)| *count));
            }
            if self.state.governors[g].lost {
                continue;
            }
            let gpu = GpuId(g as u32);
            self.settle(gpu, now)?;
            let share = &self.scratch.counts;
            let exchange_joules = if exchanges { device.cost.exchange_joules(&self.traffic.flows()[g]) } else { 0.0 };
            if share.iter().all(|count| *count == 0) && exchange_joules == 0.0 {
                self.operate(gpu, schedule)?;
                continue;
            }
            self.state.jobs[g] = Some(Job {
                work: device.cost.work(share),
                fixed: delay.seconds() + seconds,
                router: delay.seconds(),
                exchange_joules,
                seconds: 0.0,
                since: now,
                left: 1.0,
                started: now,
                joules_before: self.state.devices.work_joules[g],
                assignments: share.iter().map(|count| f64::from(*count)).sum::<f64>() / parallel as f64,
                held_back: false,
                throttled: 0.0,
                drawn_before: self.state.devices.joules[g],
            });
            self.operate(gpu, schedule)?;
            pending += 1;
        }
        Ok(pending)
    }

    /// Brings power, clock and the end of the running work of `gpu` in line with what its governor allows now.
    ///
    /// Called at a settled instant whenever work starts or ends or the governor changes its mind.
    pub(super) fn operate<Q: EventQueue<Event>>(
        &mut self,
        gpu: GpuId,
        schedule: &mut Schedule<'_, Event, Q>,
    ) -> Result<(), RunError> {
        let spec = Arc::clone(&self.spec);
        let Some(device) = &spec.device else { return Ok(()) };
        let (g, now) = (gpu.index(), schedule.now());
        let limits = device.limits.as_ref();
        let governor = &self.state.governors[g];
        if governor.lost {
            return Ok(());
        }
        let mhz = device.cost.clock.mhz(governor.step(&device.cost.clock, limits));
        let memory_rate = governor.memory_rate(limits);
        let held_back = governor.holds_back();
        let mut power = device.cost.base(mhz);
        let mut work_watts = 0.0;
        if let Some(job) = &mut self.state.jobs[g] {
            job.advance(now);
            job.held_back = held_back;
            job.seconds = job.fixed + device.cost.seconds(&job.work, mhz, memory_rate);
            let remaining = job.left * job.seconds;
            let duration = SimDuration::from_seconds(remaining).ok_or(RunError::Duration {
                gpu,
                batch: self.routed,
                seconds: remaining,
            })?;
            // The energy is spread over the time the share takes, router and exchange included: one interval, one power.
            let (compute, memory) = device.cost.joules(&job.work, mhz);
            let work =
                Draw { compute_w: (compute + job.exchange_joules) / job.seconds, memory_w: memory / job.seconds };
            work_watts = work.total();
            power = power + work;
            let generation = &mut self.state.devices.work_generation[g];
            *generation = generation.wrapping_add(1);
            let generation = *generation;
            schedule.after(duration.max(SimDuration::from_nanos(1)), Event::WorkDone { gpu, generation });
        }
        if let Some(moving) = &self.state.moving {
            work_watts += moving.watts(g);
            power = power + Draw { compute_w: moving.watts(g), memory_w: 0.0 };
        }
        if self.state.in_layer && self.state.jobs[g].is_none() && spec.gpus > 1 {
            power = power + device.cost.waiting();
        }
        self.state.devices.set_clock(g, mhz);
        self.state.devices.set_power(gpu, power, work_watts, spec.thermal.as_ref());
        self.predict_crossing(gpu, schedule);
        Ok(())
    }

    /// The share of `gpu` is done: what it took is kept for the batch.
    pub(super) fn share_done(&mut self, gpu: GpuId, now: SimTime) {
        let g = gpu.index();
        if let Some(mut job) = self.state.jobs[g].take() {
            job.advance(now);
            // What is left is rounding.
            job.throttled += if job.held_back { job.left } else { 0.0 };
            self.state.shares.throttled[g] = job.throttled * job.assignments;
            self.state.shares.joules[g] = self.state.devices.work_joules[g] - job.joules_before;
            self.state.shares.seconds[g] = (now - job.started).seconds();
            self.state.gauges.add_work(g, (self.state.shares.seconds[g] - job.router).max(0.0));
            if let Some(device) = &self.spec.device {
                let mhz = device.cost.clock.max_mhz;
                let nominal_s = device.cost.seconds(&job.work, mhz, 1.0);
                let (compute, memory) = device.cost.joules(&job.work, mhz);
                self.state.measured.add_share(
                    g,
                    Share {
                        nominal_s,
                        seconds: self.state.shares.seconds[g] - job.fixed,
                        nominal_joules: compute + memory + nominal_s * device.cost.base(mhz).total(),
                        joules: self.state.devices.joules[g] - job.drawn_before,
                    },
                );
            }
        }
    }

    /// The layer is over: GPUs that waited in it draw their base power again.
    pub(super) fn end_layer<Q: EventQueue<Event>>(
        &mut self,
        schedule: &mut Schedule<'_, Event, Q>,
    ) -> Result<(), RunError> {
        self.state.in_layer = false;
        for g in 0..self.spec.gpus {
            self.settle(GpuId(g), schedule.now())?;
            self.operate(GpuId(g), schedule)?;
        }
        Ok(())
    }

    /// One step of all software governors.
    pub(super) fn governor_step<Q: EventQueue<Event>>(
        &mut self,
        schedule: &mut Schedule<'_, Event, Q>,
    ) -> Result<(), RunError> {
        let spec = Arc::clone(&self.spec);
        let Some(device) = &spec.device else { return Ok(()) };
        let Some(limits) = &device.limits else { return Ok(()) };
        let now = schedule.now();
        for g in 0..spec.gpus {
            let gpu = GpuId(g);
            let g = gpu.index();
            if self.state.governors[g].lost {
                continue;
            }
            self.settle(gpu, now)?;
            let governor = &mut self.state.governors[g];
            let before = governor.step(&device.cost.clock, Some(limits));
            let die = self.state.devices.temperature[g];
            // A GPU whose temperature nobody has ever told leaks as at the temperature that the law is written for.
            let leaks_at = if die.is_nan() { device.cost.power.leakage_reference.get() } else { die };
            let reading = Reading {
                joules: self.state.devices.joules[g],
                static_watts: device.cost.power.constant.get()
                    + device.cost.power.memory_constant.get()
                    + device.cost.power.leakage_watts(leaks_at),
                die,
            };
            governor.tick(&reading, &device.cost.clock, limits, now, &mut self.state.record.throttled);
            if governor.step(&device.cost.clock, Some(limits)) != before {
                self.operate(gpu, schedule)?;
            }
        }
        schedule.after(limits.period, Event::GovernorStep);
        Ok(())
    }

    /// The die has reached its shutdown temperature: the GPU is off, its work is dropped, its experts move.
    pub(super) fn lose<Q: EventQueue<Event>>(
        &mut self,
        gpu: GpuId,
        schedule: &mut Schedule<'_, Event, Q>,
    ) -> Result<(), RunError> {
        let (now, g) = (schedule.now(), gpu.index());
        self.state.governors[g].lost = true;
        // Nothing else holds it back any more.
        self.state.governors[g].close(now, &mut self.state.record.throttled);
        self.state.governors[g].mark(ClockReason::Shutdown, true, now, &mut self.state.record.throttled);
        self.state.record.lost.push((gpu.0, now));
        let left: Vec<u32> = (0..self.spec.gpus).filter(|other| !self.state.governors[*other as usize].lost).collect();
        // Experts whose matrices are spread over several GPUs cannot go on without one of them.
        let parallel = self.spec.device.as_ref().is_some_and(|device| device.cost.layer.tensor_parallel > 1);
        if self.spec.on_shutdown == OnShutdown::Stop || left.is_empty() || parallel {
            return Err(RunError::Shutdown { gpu, at: now, left: left.len() as u32 });
        }
        let had_work = self.state.jobs[g].is_some();
        self.share_done(gpu, now);
        if had_work {
            self.drop_share(gpu);
        }
        self.fail_over(gpu, &left);
        let generation = &mut self.state.devices.work_generation[g];
        *generation = generation.wrapping_add(1);
        self.state.devices.switch_off(gpu, self.spec.thermal.as_ref());
        self.predict_crossing(gpu, schedule);
        if had_work { self.one_less_pending(schedule) } else { Ok(()) }
    }

    /// Counts the assignments that a lost GPU had in hand as dropped.
    fn drop_share(&mut self, gpu: GpuId) {
        self.state.shares.throttled[gpu.index()] = 0.0;
        let Some(running) = &mut self.state.running else { return };
        for (expert, count) in Arc::make_mut(&mut running.split).of_mut(gpu.index()) {
            let count = std::mem::take(count);
            running.batch.dropped += count;
            running.completed.assignments[expert.index()] -= count;
            // The experts of this layer are the last ones in the list.
            let at = running.batch.usage.len() - running.completed.assignments.len() + expert.index();
            running.batch.usage[at] -= count;
            if self.state.hot.contains(&expert.0) {
                running.batch.hot_assignments -= count;
            }
        }
    }

    /// Takes a lost GPU out of the placements. An expert that has no other copy moves to the GPU with the fewest experts of its layer
    /// among those that are left, lowest number first; its weights move before the next batch.
    fn fail_over(&mut self, lost: GpuId, left: &[u32]) {
        let gpus = self.spec.gpus as usize;
        for layer in 0..self.state.placements.len() {
            let placement = &self.state.placements[layer];
            let mut load = vec![0_u32; gpus];
            placement.iter().for_each(|(_, gpu)| load[gpu.index()] += 1);
            let mut copies: Vec<Vec<GpuId>> =
                (0..placement.experts()).map(|e| placement.copies(ExpertId(e as u32)).to_vec()).collect();
            for homes in &mut copies {
                homes.retain(|home| *home != lost);
                if homes.is_empty()
                    && let Some(home) = left.iter().copied().min_by_key(|gpu| (load[*gpu as usize], *gpu))
                {
                    load[home as usize] += 1;
                    homes.push(GpuId(home));
                }
            }
            // Every expert has a home on a GPU that exists: `left` is not empty here.
            if let Ok(placement) = Placement::new(gpus, copies) {
                self.move_experts(layer, placement);
            }
        }
    }
}

impl Job {
    /// Writes down what has been done up to `now`.
    fn advance(&mut self, now: SimTime) {
        if self.seconds > 0.0 {
            let done = ((now - self.since).seconds() / self.seconds).min(self.left);
            self.left -= done;
            self.throttled += if self.held_back { done } else { 0.0 };
        }
        self.since = now;
    }
}

impl World {
    /// What the experts of the finished batch took: every GPU's joules and seconds over its experts, by what each needs alone.
    pub(super) fn settle_shares(&mut self) {
        let Some(device) = &self.spec.device else { return };
        let Some(running) = &mut self.state.running else { return };
        let parallel = device.cost.layer.tensor_parallel as usize;
        let gpus = self.state.shares.joules.len();
        let (done, batch) = (&mut running.completed, &mut running.batch);
        let mhz = device.cost.clock.max_mhz;
        let alone = |count: u32| {
            let (compute, memory) = device.cost.joules(&device.cost.work(&[count]), mhz);
            compute + memory
        };
        for first in (0..gpus).step_by(parallel) {
            let members = first..(first + parallel).min(gpus);
            let served = &mut self.scratch.served;
            served.clear();
            let share = running.split.of_all(members.clone());
            served.extend(share.iter().map(|(expert, count)| (*expert, alone(*count))));
            let all: f64 = served.iter().map(|(_, weight)| weight).sum();
            if all == 0.0 {
                continue;
            }
            let joules = self.state.shares.joules[members.clone()].iter().sum::<f64>();
            let seconds = self.state.shares.seconds[members].iter().copied().fold(0.0, f64::max);
            for &(expert, weight) in served.iter() {
                done.joules[expert.index()] += weight / all * joules;
                done.seconds[expert.index()] += weight / all * seconds;
            }
        }
        // All of it, also what a GPU did that was lost meanwhile.
        batch.energy_joules += self.state.shares.joules.iter().sum::<f64>();
        *batch.throttled_assignments.get_or_insert(0.0) += self.state.shares.throttled.iter().sum::<f64>();
        let hot = &self.state.hot;
        let is_hot = |expert: &usize| hot.contains(&(*expert as u32));
        batch.hot_joules += (0..done.joules.len()).filter(is_hot).fold(0.0, |sum, e| sum + done.joules[e]);
    }
}

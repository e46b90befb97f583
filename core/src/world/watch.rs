//! Which temperature limit of a GPU is reached next, and what reaching it means.

use serde::{Deserialize, Serialize};

use super::{RunError, World};
use crate::engine::Schedule;
use crate::event::Event;
use crate::hardware::ClockReason;
use crate::id::GpuId;
use crate::profiler::Section;
use crate::queue::EventQueue;
use crate::thermal::Check;
use crate::time::{SimDuration, SimTime};

/// What a GPU is watched for, and the crossing predicted for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Watched {
    /// Since when the die has been above the scenario's temperature limit.
    pub(super) above_since: Option<SimTime>,
    /// Temperature of the die over time, summed up to then (degC s).
    die_seconds_then: f64,
    /// Whether the die is above the band around the limit.
    above_band: bool,
    /// Prediction counter: a `ThresholdCrossed` of another value is stale.
    pub(super) generation: u32,
    /// What the predicted crossing is about; `None` where the event only asks again.
    next: Option<Watch>,
}

/// A die within this of the limit counts as settled at it (K).
const BAND_K: f64 = 1.0;

/// A limit that something watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Watch {
    /// The scenario's limit: time and degrees above it are counted.
    Limit,
    /// The upper end of the band in which the die counts as settled at the limit.
    Band,
    /// The die's hardware slowdown, or its end.
    Slowdown,
    /// The memory's limit, or the end of its slowdown.
    Memory,
    /// The die's shutdown.
    Shutdown,
}

impl World {
    /// Predicts which limit `gpu` reaches or leaves next under its present power.
    pub(super) fn predict_crossing<Q: EventQueue<Event>>(&mut self, gpu: GpuId, schedule: &mut Schedule<'_, Event, Q>) {
        let begun = self.section_begins();
        let Some(thermal) = self.spec.thermal.as_ref() else { return };
        let g = gpu.index();
        let Some(watched) = self.state.watched.get(g) else { return };
        let governor = self.state.governors.get(g);
        let limits = self.spec.device.as_ref().and_then(|device| device.limits.as_ref());
        // Node, threshold and direction of everything that can happen next; the order decides between equal instants.
        let mut candidates = [None; 5];
        if let Some(limit) = self.spec.temperature_limit {
            candidates[0] = Some((Watch::Limit, 0, limit, watched.above_since.is_none()));
            // Nothing reaches the band's end that has not passed the limit.
            if watched.above_since.is_some() {
                candidates[4] = Some((Watch::Band, 0, limit + BAND_K, !watched.above_band));
            }
        }
        if let (Some(limits), Some(governor)) = (limits, governor.filter(|governor| !governor.lost)) {
            let hysteresis =
                |limit: f64, slowed: bool| if slowed { limit - limits.hardware_hysteresis.get() } else { limit };
            let (slowed, memory_slowed) = (governor.slowed, governor.memory_slowed);
            candidates[1] = Some((Watch::Slowdown, 0, hysteresis(limits.slowdown.get(), slowed), !slowed));
            let memory = hysteresis(limits.memory_max.get(), memory_slowed);
            candidates[2] = Some((Watch::Memory, thermal.memory_node, memory, !memory_slowed));
            candidates[3] = Some((Watch::Shutdown, 0, limits.shutdown.get(), true));
        }
        let devices = &mut self.state.devices;
        let mut first: Option<(Watch, Check)> = None;
        for (watch, node, threshold, rising) in candidates.into_iter().flatten() {
            if let Some(check) = devices.next_check(g, node, threshold, rising, thermal)
                && first.is_none_or(|(_, best)| check.after_seconds < best.after_seconds)
            {
                first = Some((watch, check));
            }
        }
        let watched = &mut self.state.watched[g];
        watched.generation = watched.generation.wrapping_add(1);
        watched.next = first.filter(|(_, check)| check.certain).map(|(watch, _)| watch);
        let generation = watched.generation;
        if let Some(delay) = first.and_then(|(_, check)| SimDuration::from_seconds(check.after_seconds)) {
            // Rounded up to the clock: when the event happens the node is at the limit or past it. At least one
            // nanosecond, so that a node that rests on its limit cannot stop time.
            let delay = SimDuration::from_nanos(delay.nanos() + 1);
            schedule.after(delay, Event::ThresholdCrossed { gpu, generation });
        }
        self.section_ends(Section::Crossings, begun);
    }

    pub(super) fn threshold_crossed<Q: EventQueue<Event>>(
        &mut self,
        gpu: GpuId,
        schedule: &mut Schedule<'_, Event, Q>,
    ) -> Result<(), RunError> {
        let (now, g) = (schedule.now(), gpu.index());
        self.settle(gpu, now)?;
        let log = &mut self.state.record.throttled;
        match self.state.watched[g].next {
            None => {}
            Some(Watch::Limit) => self.toggle_above(g, now),
            Some(Watch::Band) => {
                let above = &mut self.state.watched[g].above_band;
                *above = !*above;
                if let (false, Some(limit)) = (*above, &mut self.state.record.limit) {
                    limit.settled_at = Some(now);
                }
            }
            Some(Watch::Slowdown) => {
                let governor = &mut self.state.governors[g];
                governor.slowed = !governor.slowed;
                governor.mark(ClockReason::HwThermalSlowdown, governor.slowed, now, log);
                return self.operate(gpu, schedule);
            }
            Some(Watch::Memory) => {
                let governor = &mut self.state.governors[g];
                governor.memory_slowed = !governor.memory_slowed;
                governor.mark(ClockReason::MemoryThermalSlowdown, governor.memory_slowed, now, log);
                return self.operate(gpu, schedule);
            }
            Some(Watch::Shutdown) => return self.lose(gpu, schedule),
        }
        self.predict_crossing(gpu, schedule);
        Ok(())
    }

    /// The die has just reached or left the scenario's limit, at a settled instant.
    fn toggle_above(&mut self, gpu: usize, now: SimTime) {
        let (watched, record) = (&mut self.state.watched[gpu], &mut self.state.record);
        let die_seconds = self.state.devices.die_seconds[gpu];
        match watched.above_since.take() {
            Some(start) => {
                let seconds = (now - start).seconds();
                record.seconds_above_limit += seconds;
                if let Some(limit) = &mut record.limit {
                    // Above the limit all the time in between; what is below zero is rounding.
                    limit.degree_seconds += (die_seconds - watched.die_seconds_then - limit.celsius * seconds).max(0.0);
                }
            }
            None => (watched.above_since, watched.die_seconds_then) = (Some(now), die_seconds),
        }
    }

    /// Ends the counting of time above the scenario's limit.
    pub(super) fn close_watches(&mut self, now: SimTime) {
        for gpu in 0..self.state.watched.len() {
            if self.state.watched[gpu].above_since.is_some() {
                self.toggle_above(gpu, now);
            }
        }
        if let Some(limit) = &mut self.state.record.limit
            && self.state.watched.iter().any(|watched| watched.above_band)
        {
            limit.settled_at = None;
        }
    }
}

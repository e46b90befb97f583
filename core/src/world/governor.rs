//! The governor of a GPU: power cap, thermal slowdown, hardware slowdown, shutdown.
//!
//! Software acts in steps of `limits.period`; hardware acts at once, at the computed instant at which the die or the memory reaches
//! its limit. The rules are a reading of NVML's documentation and of recorded H200s (a burst above the cap is cut within one period, the
//! mean of a second then settles at it); NVIDIA publishes no governor.

use serde::{Deserialize, Serialize};

use crate::hardware::{Clock, ClockReason, Limits};
use crate::record::ThrottleInterval;
use crate::time::SimTime;

/// Part of the distance to the cap that one step of the governor corrects. The mean lags by half a second, five steps: above
/// about 0.28 the loop would swing.
const GAIN: f64 = 0.1;

/// Length of the mean that the cap limits (s).
const WINDOW_S: f64 = 1.0;

/// What the governor knows of one GPU, and what it has decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Governor {
    /// Clock step the power cap allows, with a fraction that the next corrections add to.
    cap_step: f64,
    /// Clock step the software slowdown allows.
    thermal_step: u32,
    highest_step: u32,
    pub(super) slowed: bool,
    pub(super) memory_slowed: bool,
    pub(super) lost: bool,
    /// Energy counter at the last ticks (J), the latest last; as many as the window has periods and one.
    marks: Vec<f64>,
    open: Vec<(ClockReason, SimTime)>,
    gpu: u32,
}

/// What a tick looks at.
pub(super) struct Reading {
    /// Energy counter (J).
    pub(super) joules: f64,
    /// Power that no clock changes (W).
    pub(super) static_watts: f64,
    /// Temperature of the die (degC).
    pub(super) die: f64,
}

impl Governor {
    pub(super) fn new(gpu: u32, highest_step: u32) -> Self {
        Self {
            cap_step: f64::from(highest_step),
            thermal_step: highest_step,
            highest_step,
            slowed: false,
            memory_slowed: false,
            lost: false,
            marks: vec![0.0],
            open: Vec::new(),
            gpu,
        }
    }

    /// The clock step in force.
    pub(super) fn step(&self, clock: &Clock, limits: Option<&Limits>) -> u32 {
        let step = (self.cap_step as u32).min(self.thermal_step);
        match limits {
            Some(limits) if self.slowed => limits.slowed_step(clock, step),
            _ => step,
        }
    }

    /// Rate of the memory relative to its full rate.
    pub(super) fn memory_rate(&self, limits: Option<&Limits>) -> f64 {
        limits.filter(|_| self.memory_slowed).map_or(1.0, |limits| limits.slowdown_factor)
    }

    /// One step of the software governor at `now`.
    pub(super) fn tick(
        &mut self,
        reading: &Reading,
        clock: &Clock,
        limits: &Limits,
        now: SimTime,
        log: &mut Vec<ThrottleInterval>,
    ) {
        let period = limits.period.seconds();
        let instant = (reading.joules - self.marks.last().copied().unwrap_or(0.0)) / period;
        self.marks.push(reading.joules);
        let most = (WINDOW_S / period).round().max(1.0) as usize + 1;
        if self.marks.len() > most {
            self.marks.remove(0);
        }
        let mean = (reading.joules - self.marks[0]) / (period * (self.marks.len() - 1) as f64);
        self.cap(instant, mean, reading.static_watts, clock, limits);
        self.thermal_step = if reading.die > limits.max_operating.get() {
            self.thermal_step.min(self.step(clock, None)).saturating_sub(1)
        } else if reading.die < limits.max_operating.get() - limits.software_hysteresis.get() {
            (self.thermal_step + 1).min(self.highest_step)
        } else {
            self.thermal_step
        };
        self.mark(ClockReason::SwPowerCap, (self.cap_step as u32) < self.highest_step, now, log);
        self.mark(ClockReason::SwThermalSlowdown, self.thermal_step < self.highest_step, now, log);
    }

    /// Moves the clock that the cap allows: down at once if a period was far above it, else towards a mean at the cap.
    fn cap(&mut self, instant: f64, mean: f64, static_watts: f64, clock: &Clock, limits: &Limits) {
        let cap = limits.power_cap.get();
        let at = self.step(clock, Some(limits));
        let weight = |step: u32| clock.dynamic_weight(step);
        let dynamic = (instant - static_watts).max(1.0);
        let allowed = weight(at) * ((limits.burst_ratio * cap - static_watts).max(0.0) / dynamic);
        let highest_in_burst = (0..=self.highest_step).rev().find(|step| weight(*step) <= allowed).unwrap_or(0);
        if instant > limits.burst_ratio * cap {
            self.cap_step = f64::from(highest_in_burst.min(at));
            return;
        }
        let below = at.saturating_sub(1);
        let watts_a_step = dynamic * (1.0 - weight(below) / weight(at)).max(1e-3);
        self.cap_step = (self.cap_step + GAIN * (cap - mean) / watts_a_step).clamp(0.0, f64::from(highest_in_burst));
    }

    /// A reason holds or does not hold from `now` on; what ended is written down.
    pub(super) fn mark(&mut self, reason: ClockReason, holds: bool, now: SimTime, log: &mut Vec<ThrottleInterval>) {
        match (self.open.iter().position(|(open, _)| *open == reason), holds) {
            (None, true) => self.open.push((reason, now)),
            (Some(at), false) => {
                let (reason, from) = self.open.remove(at);
                log.push(ThrottleInterval { gpu: self.gpu, reason, from, until: now });
            }
            _ => {}
        }
    }

    /// Whether any reason holds now.
    pub(super) fn holds_back(&self) -> bool {
        !self.open.is_empty()
    }

    /// Ends all intervals: the run is over.
    pub(super) fn close(&mut self, now: SimTime, log: &mut Vec<ThrottleInterval>) {
        for reason in ClockReason::ALL {
            self.mark(reason, false, now, log);
        }
    }
}

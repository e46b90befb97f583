//! The sensor of one GPU.

use isotherm_core::hardware::{Rounding, Sensor};
use isotherm_core::rng::{Domain, Stream};
use isotherm_core::telemetry::Sample;
use isotherm_core::time::SimTime;
use isotherm_core::units::{Celsius, Watts};
use serde::{Deserialize, Serialize};

/// What one sensor remembers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Gpu {
    /// When the thermometer last had something to read, and what it then stood at (degC).
    level: Option<(SimTime, f64)>,
    noise: Stream,
    dropouts: Stream,
    /// What the sensor holds since the last refresh that was not lost.
    held: Option<Sample>,
    /// What was read last.
    pub(super) shown: Sample,
}

/// What is the same for all GPUs at all refreshes.
#[derive(Clone, Debug)]
pub(super) struct Stages {
    /// The sensor.
    pub(super) sensor: Sensor,
    /// Standard deviation of a temperature (K).
    pub(super) noise: f64,
    /// Probability that a refresh is lost.
    pub(super) dropouts: f64,
}

impl Gpu {
    pub(super) fn new(seed: u64, gpu: u64) -> Self {
        Self {
            level: None,
            noise: Stream::open(seed, Domain::Sensor, gpu, "synthetic noise"),
            dropouts: Stream::open(seed, Domain::Sensor, gpu, "synthetic drop-outs"),
            held: None,
            shown: Sample::default(),
        }
    }

    /// Takes new values at `now`: the true temperature (degC), and the power as it is read (W).
    pub(super) fn refresh(&mut self, now: SimTime, temperature: f64, watts: f64, stages: &Stages) {
        let deviate = self.noise.normal();
        let is_lost = self.dropouts.uniform() < stages.dropouts;
        let level = self.follow(now, temperature, stages.sensor.lag.seconds());
        if is_lost && self.held.is_some() {
            return;
        }
        let shown = level.map(|level| stepped(level + stages.noise * deviate, &stages.sensor));
        self.held = Some(Sample {
            taken_at: now,
            temperature: shown.filter(|celsius| celsius.is_finite()).map(Celsius::new),
            power: watts.is_finite().then_some(Watts::new(watts)),
        });
    }

    /// The thermometer after it has followed `truth` (degC) up to `now`; `None` where there is nothing to follow.
    fn follow(&mut self, now: SimTime, truth: f64, lag: f64) -> Option<f64> {
        if !truth.is_finite() {
            return None;
        }
        let level = match self.level {
            // 1 - exp(-x), without the cancellation at small x.
            Some((then, level)) if lag > 0.0 => level + (truth - level) * -libm::expm1(-(now - then).seconds() / lag),
            _ => truth,
        };
        self.level = Some((now, level));
        Some(level)
    }

    /// Reads what the sensor holds.
    pub(super) fn read(&mut self) {
        self.shown = self.held.unwrap_or_default();
    }

    /// Whether this can be what the sensor `fresh` has become up to `last`.
    pub(super) fn is_of(&self, fresh: &Self) -> bool {
        self.noise.key() == fresh.noise.key() && self.dropouts.key() == fresh.dropouts.key()
    }

    /// Whether everything in it is a number, and of the past.
    pub(super) fn is_sound(&self, last: Option<SimTime>) -> bool {
        let is_past = |at: SimTime| last.is_some_and(|last| at <= last);
        let values = [self.held.unwrap_or_default(), self.shown].map(|sample| {
            sample.temperature.is_none_or(|t| t.get().is_finite()) && sample.power.is_none_or(|p| p.get().is_finite())
        });
        self.level.is_none_or(|(at, level)| is_past(at) && level.is_finite())
            && self.held.is_none_or(|held| is_past(held.taken_at))
            && (self.shown == Sample::default() || is_past(self.shown.taken_at))
            && values == [true; 2]
    }
}

/// `value` (degC) in whole steps; a step of zero changes nothing.
fn stepped(value: f64, sensor: &Sensor) -> f64 {
    let step = sensor.resolution.get();
    if step == 0.0 {
        return value;
    }
    let steps = match sensor.rounding {
        Rounding::Nearest => (value / step).round(),
        Rounding::Down => (value / step).floor(),
    };
    // Adding zero turns -0 into 0, which is the same number and reads better in a table.
    steps * step + 0.0
}

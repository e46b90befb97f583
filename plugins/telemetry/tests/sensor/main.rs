//! The synthetic sensor against closed forms and against what was recorded on real GPUs.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod h200;
mod power;
mod temperature;

use isotherm_core::telemetry::{Sample, TelemetrySpec, Truth};
use isotherm_core::time::SimTime;
use isotherm_core::units::{Celsius, Joules, Watts};
use isotherm_telemetry::SyntheticSpec;

/// The options of a scenario's table.
fn spec(options: &str) -> SyntheticSpec {
    toml::from_str(options).unwrap_or_else(|fault| panic!("{fault}\n{options}"))
}

/// What a GPU truly is at a time (s).
fn truth(celsius: f64, watts: f64, joules: f64) -> Truth {
    Truth { temperature: Celsius::new(celsius), power: Watts::new(watts), energy: Joules::new(joules) }
}

/// What one GPU reads up to `end` (s) if the world polls whenever the source asks for it.
fn run(spec: &SyntheticSpec, seed: u64, end: f64, truth: impl Fn(f64) -> Truth) -> Vec<(SimTime, Sample)> {
    let mut source = spec.build(1, seed).unwrap();
    let mut samples = [Sample::default()];
    let (mut now, mut readings) = (SimTime::ZERO, Vec::new());
    while now.seconds() <= end {
        source.sample(now, &[truth(now.seconds())], &mut samples).unwrap();
        readings.push((now, samples[0]));
        now = source.next_poll(now).unwrap();
    }
    readings
}

/// A power that steps between levels: each holds from its time (s) on (W).
struct Steps(Vec<(f64, f64)>);

impl Steps {
    /// On at `high` (W) for `on` of every `period` (s), first from `phase` (s) on, else at `low` (W); until `end` (s).
    fn duty([low, high]: [f64; 2], period: f64, on: f64, phase: f64, end: f64) -> Self {
        let mut steps = vec![(0.0, low)];
        let starts = (0..).map(|k| phase + f64::from(k) * period).take_while(|start| *start < end);
        steps.extend(starts.flat_map(|start| [(start, high), (start + on * period, low)]));
        Self(steps)
    }

    fn at(&self, s: f64) -> Truth {
        let mut joules = 0.0;
        for (index, &(from, watts)) in self.0.iter().enumerate() {
            let until = self.0.get(index + 1).map_or(f64::INFINITY, |next| next.0);
            if s < until {
                return truth(40.0, watts, joules + watts * (s - from));
            }
            joules += watts * (until - from);
        }
        unreachable!("the last level holds for ever")
    }
}

//! The model behind `mpc-share`: one heat capacity behind one resistance, an observer for what it gets wrong, and the work of the layer.

use isotherm_core::router::Feedback;
use isotherm_core::telemetry::Sample;
use isotherm_core::time::SimTime;
use serde::{Deserialize, Serialize};

/// A GPU as a controller sees it: T' = (T_amb + R P - T) / tau.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct HeatModel {
    /// Temperature to keep below (degC).
    pub(crate) cap: f64,
    /// How far ahead it may be reached (s).
    pub(crate) horizon: f64,
    /// R (K/W).
    pub(crate) resistance: f64,
    /// tau (s).
    pub(crate) time_constant: f64,
    /// T_amb at the start (degC).
    pub(crate) ambient: f64,
    /// Power without work (W).
    pub(crate) idle: f64,
}

/// What the observer believes of one GPU.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Observed {
    /// When the last sample was taken.
    at: SimTime,
    /// Temperature of the die (degC), without the noise of the sensor.
    temperature: f64,
    /// Temperature of the surroundings that explains it (degC).
    ambient: f64,
}

impl HeatModel {
    /// Takes a sample in; whether it was a new one.
    ///
    /// A Luenberger observer of T and T_amb with both poles at -2 / tau: gains 3 dt / tau and 4 dt / tau, with dt at most tau / 4.
    /// Without a measured power the temperature alone is believed.
    pub(crate) fn observe(&self, observed: &mut Option<Observed>, sample: &Sample) -> bool {
        let Some(measured) = sample.temperature.map(|t| t.get()).filter(|t| t.is_finite()) else { return false };
        let at = sample.taken_at;
        let Some(known) = observed else {
            *observed = Some(Observed { at, temperature: measured, ambient: self.ambient });
            return true;
        };
        if at <= known.at {
            return false;
        }
        let part = ((at - known.at).seconds() / self.time_constant).min(0.25);
        known.at = at;
        let Some(power) = sample.power.map(|p| p.get()).filter(|p| p.is_finite()) else {
            known.temperature += 4.0 * part * (measured - known.temperature);
            return true;
        };
        let predicted = known.temperature + part * (known.ambient + self.resistance * power - known.temperature);
        let error = measured - predicted;
        known.temperature = predicted + 3.0 * part * error;
        known.ambient += 4.0 * part * error;
        true
    }

    /// The constant power (W) at which the die just reaches the cap at the horizon.
    pub(crate) fn most_watts(&self, observed: &Observed) -> f64 {
        let decay = libm::exp(-self.horizon / self.time_constant);
        let room = self.cap - observed.ambient - (observed.temperature - observed.ambient) * decay;
        room / (self.resistance * (1.0 - decay))
    }

    /// The constant power (W) at which the die stays at the cap for good.
    pub(crate) fn holding_watts(&self, observed: &Observed) -> f64 {
        (self.cap - observed.ambient) / self.resistance
    }
}

/// What the layer's work is, learned from feedback.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Work {
    /// Joules of an assignment at each expert; `None` until it has served.
    joules: Vec<Option<f64>>,
    /// Assignments and time (s) of the last seconds, discounted.
    done: (f64, f64),
    /// When the last batch finished.
    last: Option<SimTime>,
}

/// Memory of the rate (s).
const MEMORY_S: f64 = 5.0;
/// Weight of a new measurement of joules.
const NEW: f64 = 0.2;

impl Work {
    pub(crate) fn new(experts: usize) -> Self {
        Self { joules: vec![None; experts], done: (0.0, 0.0), last: None }
    }

    pub(crate) fn experts(&self) -> usize {
        self.joules.len()
    }

    pub(crate) fn learn(&mut self, feedback: &Feedback<'_>) {
        for (known, (joules, n)) in self.joules.iter_mut().zip(feedback.joules.iter().zip(feedback.assignments)) {
            let cost = joules / f64::from(*n);
            if *n > 0 && cost.is_finite() {
                *known = Some(known.map_or(cost, |known| known + NEW * (cost - known)));
            }
        }
        if let Some(last) = self.last {
            let seconds = feedback.now.saturating_since(last).seconds();
            let keep = libm::exp(-seconds / MEMORY_S);
            let assignments: f64 = feedback.assignments.iter().map(|n| f64::from(*n)).sum();
            self.done = (keep * self.done.0 + assignments, keep * self.done.1 + seconds);
        }
        self.last = Some(feedback.now);
    }

    /// Assignments per second; `None` before two batches have finished.
    pub(crate) fn rate(&self) -> Option<f64> {
        let (assignments, seconds) = self.done;
        (seconds > 0.0 && assignments > 0.0).then(|| assignments / seconds)
    }

    pub(crate) fn joules(&self, expert: usize) -> Option<f64> {
        self.joules[expert]
    }
}

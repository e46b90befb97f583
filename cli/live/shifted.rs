//! What sensors would read where each GPU has an ambient of its own, and heat left of earlier runs.

use isotherm_core::telemetry::{Sample, TelemetryError, TelemetrySource, Truth};
use isotherm_core::time::SimTime;
use isotherm_core::units::Celsius;

use super::residual::Residual;

/// A telemetry source whose GPUs are hotter than the simulation has them, each by its own amount.
///
/// A simulation has one ambient for all GPUs. Temperatures are linear in it, so the difference is added where routers look: to what the sensors see.
pub(super) struct Shifted {
    sensors: Box<dyn TelemetrySource>,
    /// Per GPU: the constant part (K), and the part that decays.
    shifts: Vec<(f64, Residual)>,
    moved: Vec<Truth>,
}

impl Shifted {
    /// `shifts` has one entry a GPU.
    pub(super) fn new(sensors: Box<dyn TelemetrySource>, shifts: Vec<(f64, Residual)>) -> Self {
        Self { sensors, shifts, moved: Vec::new() }
    }
}

impl TelemetrySource for Shifted {
    fn sample(&mut self, now: SimTime, truth: &[Truth], out: &mut [Sample]) -> Result<(), TelemetryError> {
        self.moved.clear();
        self.moved.extend(truth.iter().zip(&self.shifts).map(|(truth, (constant, decaying))| Truth {
            temperature: Celsius::new(truth.temperature.get() + constant + decaying.after(now.seconds())),
            ..*truth
        }));
        self.sensors.sample(now, &self.moved, out)
    }

    fn next_poll(&self, now: SimTime) -> Option<SimTime> {
        self.sensors.next_poll(now)
    }
}

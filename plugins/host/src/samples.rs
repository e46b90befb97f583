//! Samples of GPUs, as the interface has them: one array for each quantity, not a number where nothing was read.

use isotherm_core::telemetry::Sample;

/// The arrays of samples.
#[derive(Debug, Default)]
pub(crate) struct SampleArrays {
    pub(crate) taken_ns: Vec<u64>,
    pub(crate) temperature_degc: Vec<f64>,
    pub(crate) power_w: Vec<f64>,
}

impl SampleArrays {
    /// The arrays of these samples; allocates only where there are more than before.
    pub(crate) fn fill(&mut self, samples: &[Sample]) {
        self.taken_ns.clear();
        self.temperature_degc.clear();
        self.power_w.clear();
        self.taken_ns.extend(samples.iter().map(|sample| sample.taken_at.nanos()));
        self.temperature_degc.extend(samples.iter().map(|sample| sample.temperature.map_or(f64::NAN, |t| t.get())));
        self.power_w.extend(samples.iter().map(|sample| sample.power.map_or(f64::NAN, |p| p.get())));
    }
}

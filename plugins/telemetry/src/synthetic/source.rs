//! The source: when it is told the truth, and what it makes of it.

use isotherm_core::hardware::Sensor;
use isotherm_core::telemetry::{Sample, TelemetryError, TelemetrySource, TelemetrySpec, Truth};
use isotherm_core::time::SimTime;
use serde::{Deserialize, Serialize};

use super::SyntheticSpec;
use super::beat::Beat;
use super::energy::{History, Meter};
use super::gpu::{Gpu, Stages};

/// One sensor per GPU, which refresh and are read together.
#[derive(Debug)]
pub(super) struct Synthetic {
    stages: Stages,
    meter: Meter,
    refresh: Beat,
    reading: Beat,
    state: State,
}

/// Everything that changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct State {
    /// When the source was last told the truth.
    last: Option<SimTime>,
    gpus: Vec<Gpu>,
    history: History,
}

impl Synthetic {
    pub(super) fn new(spec: &SyntheticSpec, sensor: Sensor, gpus: usize, seed: u64) -> Self {
        Self {
            meter: Meter::new(&sensor),
            refresh: Beat::every(sensor.refresh.nanos()),
            reading: Beat::every(spec.period().nanos()),
            stages: Stages { sensor, noise: spec.noise.get(), dropouts: spec.dropouts },
            state: State {
                last: None,
                gpus: (0..gpus as u64).map(|gpu| Gpu::new(seed, gpu)).collect(),
                history: History::default(),
            },
        }
    }
}

impl TelemetrySource for Synthetic {
    fn sample(&mut self, now: SimTime, truth: &[Truth], out: &mut [Sample]) -> Result<(), TelemetryError> {
        let State { last, gpus, history } = &mut self.state;
        let (before, at) = (last.replace(now).map(SimTime::nanos), now.nanos());
        self.meter.note(history, before, at, truth);
        if self.refresh.is_due(before, at) {
            let reading = self.meter.at(history, at);
            for (index, (gpu, truth)) in gpus.iter_mut().zip(truth).enumerate() {
                let watts = reading.watts(history, index, truth);
                gpu.refresh(now, truth.temperature.get(), watts, &self.stages);
            }
        }
        // After the refresh of the same instant: whoever reads then finds the new values.
        if self.reading.is_due(before, at) {
            gpus.iter_mut().for_each(Gpu::read);
        }
        for (sample, gpu) in out.iter_mut().zip(gpus) {
            *sample = gpu.shown;
        }
        Ok(())
    }

    fn next_poll(&self, now: SimTime) -> Option<SimTime> {
        let beats = [self.refresh, self.reading, self.meter.start, self.meter.end];
        beats.iter().filter_map(|beat| beat.next(now.nanos())).min().map(SimTime::from_nanos)
    }

    fn save(&self) -> Vec<u8> {
        postcard::to_stdvec(&self.state).expect("plain data serialises into memory")
    }

    fn load(&mut self, state: &[u8]) -> Result<(), TelemetryError> {
        let broken = |what: String| TelemetryError::State(format!("not the state of this synthetic sensor: {what}"));
        let (state, rest) = postcard::take_from_bytes::<State>(state).map_err(|e| broken(e.to_string()))?;
        if !rest.is_empty() {
            return Err(broken(format!("{} bytes are left over", rest.len())));
        }
        let gpus = self.state.gpus.len();
        if state.gpus.len() != gpus {
            return Err(broken(format!("it has {} GPUs, the run has {gpus}", state.gpus.len())));
        }
        if !state.gpus.iter().zip(&self.state.gpus).all(|(saved, own)| saved.is_of(own)) {
            return Err(broken("it was saved under another seed".to_owned()));
        }
        if !state.gpus.iter().all(|gpu| gpu.is_sound(state.last)) {
            return Err(broken("a value in it is not a finite number, or not of the past".to_owned()));
        }
        if !state.history.is_sound(gpus, state.last.map(SimTime::nanos)) {
            return Err(broken("its energies are not in order".to_owned()));
        }
        self.state = state;
        Ok(())
    }
}

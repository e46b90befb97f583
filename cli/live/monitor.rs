//! Reads the GPUs beside a live run: what routers see, and what the run is measured by.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use isotherm_core::telemetry::Sample;
use isotherm_core::time::SimTime;
use isotherm_core::units::{Celsius, Watts};
use isotherm_recording::reading::Standing;
use isotherm_recording::{DeviceFacts, Entry, Meter, Reading, Signal};

use super::clock::{Clock, Ticking};

/// Takes every poll: a recorder.
pub type Sink = Box<dyn FnMut(&[Reading]) -> Result<(), String> + Send>;

/// What one poll says of one GPU, as far as a run is measured by it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Row {
    /// When it was read (ns, Unix time).
    pub at: i64,
    /// Temperature of the die (degC).
    pub die: Option<f64>,
    /// Temperature of the memory (degC).
    pub memory: Option<f64>,
    /// Power, on recent devices the mean of the last second (W).
    pub watts: Option<f64>,
    /// Clock of the multiprocessors (MHz).
    pub mhz: Option<f64>,
    /// Energy counter (J), and when it was seen to come to that (ns, Unix time).
    pub energy: Option<(i64, f64)>,
}

impl Row {
    fn of(reading: &Reading) -> Self {
        let value = |signal| reading.value(signal).map(|value| value as f64);
        let energy = match reading.get(Signal::Energy) {
            Entry::Value { value, changed } => Some((changed, value as f64 * 1e-3)),
            Entry::Missing(_) => None,
        };
        Self {
            at: reading.begun,
            die: value(Signal::Temperature),
            memory: value(Signal::MemoryTemperature),
            watts: value(Signal::PowerMean).or(value(Signal::Power)).map(|mw| mw * 1e-3),
            mhz: value(Signal::SmClock),
            energy,
        }
    }
}

/// The GPUs of a run under a meter that is polled by the clock.
pub struct Monitor {
    shared: Arc<Shared>,
    facts: Vec<DeviceFacts>,
    source: String,
    _ticking: Ticking,
}

struct Shared {
    devices: Vec<u32>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The last poll, an entry a GPU of the run.
    latest: Vec<Reading>,
    /// Rows since [`Monitor::forget`], a list a GPU.
    rows: Vec<Vec<Row>>,
    fault: Option<String>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a poll in; says whether to go on.
    fn take(&self, readings: &[Reading]) -> bool {
        let mut state = self.lock();
        for (gpu, device) in self.devices.iter().enumerate() {
            let Some(reading) = readings.iter().find(|reading| reading.device == *device) else { continue };
            if reading.standing == Standing::Lost {
                state.fault.get_or_insert_with(|| format!("device {device} is lost"));
            }
            state.rows[gpu].push(Row::of(reading));
            state.latest[gpu] = reading.clone();
        }
        state.fault.is_none()
    }
}

impl Monitor {
    /// Starts to poll `meter` every `period_s` (s). Entry g of everything it tells is the device `devices[g]` of the meter; every poll goes to
    /// `sink` as well.
    ///
    /// # Errors
    /// A sentence that names a device which the meter does not have.
    pub fn start(
        clock: &dyn Clock,
        mut meter: Box<dyn Meter>,
        devices: &[u32],
        period_s: f64,
        mut sink: Option<Sink>,
    ) -> Result<Self, String> {
        let facts: Result<Vec<DeviceFacts>, String> = (devices.iter())
            .map(|device| {
                let known: Vec<u32> = meter.devices().iter().map(|facts| facts.index).collect();
                let found = meter.devices().iter().find(|facts| facts.index == *device);
                found.cloned().ok_or_else(|| format!("{} has no device {device}, but {known:?}", meter.source()))
            })
            .collect();
        let (facts, source) = (facts?, meter.source());
        let state = State {
            latest: vec![Reading::default(); devices.len()],
            rows: vec![Vec::new(); devices.len()],
            fault: None,
        };
        let shared = Arc::new(Shared { devices: devices.to_vec(), state: Mutex::new(state) });
        let (to, mut readings) = (Arc::clone(&shared), Vec::new());
        let action = move || {
            let written = match (meter.read(&mut readings), &mut sink) {
                (Ok(()), Some(sink)) => sink(&readings),
                (read, _) => read.map_err(|error| error.to_string()),
            };
            match written {
                Ok(()) => to.take(&readings),
                Err(fault) => {
                    to.lock().fault.get_or_insert(fault);
                    false
                }
            }
        };
        let ticking = clock.every(period_s, Box::new(action));
        Ok(Self { shared, facts, source, _ticking: ticking })
    }

    /// What is known of the GPUs.
    #[must_use]
    pub fn facts(&self) -> &[DeviceFacts] {
        &self.facts
    }

    /// Name of the meter.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What routers are shown: the last poll, times counted from `start` (ns, Unix time). What was read before that counts as of time 0.
    #[must_use]
    pub fn samples(&self, start: i64) -> Vec<Sample> {
        let state = self.shared.lock();
        let sample = |reading: &Reading| {
            let row = Row::of(reading);
            Sample {
                taken_at: SimTime::from_nanos(u64::try_from(row.at - start).unwrap_or(0)),
                temperature: row.die.map(Celsius::new),
                power: row.watts.map(Watts::new),
            }
        };
        state.latest.iter().map(sample).collect()
    }

    /// Why there is nothing more to be read: a device or the source is gone.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        self.shared.lock().fault.clone()
    }

    /// Everything read of each GPU since [`Monitor::forget`].
    #[must_use]
    pub fn rows(&self) -> Vec<Vec<Row>> {
        self.shared.lock().rows.clone()
    }

    /// Drops what was read before `instant` (ns, Unix time): what bounds memory.
    pub fn forget(&self, instant: i64) {
        self.shared.lock().rows.iter_mut().for_each(|rows| rows.retain(|row| row.at >= instant));
    }
}

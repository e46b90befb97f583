//! Any meter as a telemetry source: what routers see of real GPUs.

use std::collections::VecDeque;

use isotherm_core::telemetry::{Sample, TelemetryError, TelemetrySource, Truth};
use isotherm_core::time::SimTime;
use isotherm_core::units::{Celsius, Watts};

use crate::choice::{Choice, PowerSource};
use crate::events::EventLog;
use crate::meter::{Meter, unix_nanos};
use crate::reading::{Entry, Reading, Standing};
use crate::signal::Signal;

/// Reads a meter at every poll and gives each GPU of a scenario the samples of one device.
///
/// `taken_at` is the poll's instant less the age of the values: how long ago temperature or power, whichever is younger, was first seen to
/// be what it is. A device refreshes both about every 100 ms, so the younger one tells when it did so last. It never goes back, and is never
/// before time 0.
///
/// Nothing that happens to a device ends a run. What it does not give is absent from the sample; a device that is lost, comes back or begins
/// its counters anew, and a meter that fails, are lines of [`MeterSource::events`].
///
/// A source of real hardware has no state that could be saved: it reads what is there when it is asked.
pub struct MeterSource {
    meter: Box<dyn Meter>,
    readings: Vec<Reading>,
    gpus: Vec<Gpu>,
    events: EventLog,
    is_broken: bool,
}

/// One GPU of the scenario, and the device that plays it.
#[derive(Debug)]
struct Gpu {
    /// Place of the device among those of the meter.
    place: usize,
    /// How events call it.
    name: String,
    power: Power,
    standing: Standing,
    taken_at: SimTime,
}

/// Where the power of a sample comes from.
#[derive(Debug)]
enum Power {
    /// The first of these that gives a value.
    Read(&'static [Signal]),
    /// The energy counter.
    Counted(EnergyCounter),
}

impl MeterSource {
    /// A source for `gpus` GPUs.
    ///
    /// # Errors
    /// [`TelemetryError::Option`] if there are too few devices, one that is named is not there, or one does not give the power asked for.
    pub fn new(meter: Box<dyn Meter>, choice: &Choice, gpus: usize) -> Result<Self, TelemetryError> {
        let places = choice.places(meter.devices(), gpus)?;
        let events = EventLog::default();
        let mut chosen = Vec::with_capacity(gpus);
        for (gpu, place) in places.into_iter().enumerate() {
            let device = &meter.devices()[place];
            choice.check_power(device)?;
            let name = format!("GPU {gpu} (device {}, {})", device.index, device.name);
            if device.is_partitioned {
                let note = "is cut into instances (MIG): temperature and power are those of the whole device";
                events.add(unix_nanos(), format!("{name} {note}"));
            }
            let power = match choice.power {
                PowerSource::Energy => Power::Counted(EnergyCounter::default()),
                other => Power::Read(other.signals()),
            };
            chosen.push(Gpu { place, name, power, standing: Standing::Present, taken_at: SimTime::ZERO });
        }
        Ok(Self { meter, readings: Vec::new(), gpus: chosen, events, is_broken: false })
    }

    /// What happened to the devices: a handle that stays good when the source is given away.
    #[must_use]
    pub fn events(&self) -> EventLog {
        self.events.clone()
    }

    /// Reads the meter; whether it could be read.
    fn read(&mut self) -> bool {
        match self.meter.read(&mut self.readings) {
            Ok(()) if self.is_broken => {
                self.events.add(unix_nanos(), format!("{} answers again", self.meter.source()));
                self.is_broken = false;
            }
            Ok(()) => {}
            Err(error) if !self.is_broken => {
                self.events.add(unix_nanos(), error.to_string());
                self.is_broken = true;
            }
            Err(_) => {}
        }
        !self.is_broken
    }
}

impl std::fmt::Debug for MeterSource {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("MeterSource").field("meter", &self.meter.source()).field("gpus", &self.gpus).finish()
    }
}

impl TelemetrySource for MeterSource {
    fn sample(&mut self, now: SimTime, _: &[Truth], out: &mut [Sample]) -> Result<(), TelemetryError> {
        let is_read = self.read();
        for (gpu, sample) in self.gpus.iter_mut().zip(out) {
            *sample = match self.readings.get(gpu.place).filter(|_| is_read) {
                Some(reading) => {
                    gpu.note(reading, &self.events);
                    gpu.sample(reading, now)
                }
                None => gpu.nothing(),
            };
        }
        Ok(())
    }
}

impl Gpu {
    /// Writes down a change of standing.
    fn note(&mut self, reading: &Reading, events: &EventLog) {
        let what = match (self.standing, reading.standing) {
            (Standing::Lost, Standing::Present) => "answers again",
            (Standing::Lost, Standing::Reset) => "answers again; its counters began anew",
            (Standing::Present | Standing::Reset, Standing::Lost) => "is lost",
            (Standing::Present | Standing::Reset, Standing::Reset) => "began its counters anew",
            (Standing::Lost, Standing::Lost) | (Standing::Present | Standing::Reset, Standing::Present) => "",
        };
        self.standing = reading.standing;
        if !what.is_empty() {
            events.add(reading.ended, format!("{} {what}", self.name));
        }
    }

    /// A sample without values: as old as the last one that had any.
    const fn nothing(&self) -> Sample {
        Sample { taken_at: self.taken_at, temperature: None, power: None }
    }

    fn sample(&mut self, reading: &Reading, now: SimTime) -> Sample {
        let temperature = known(reading.get(Signal::Temperature));
        let power = self.power.of(reading);
        let changes = [temperature.map(|(_, changed)| changed), power.map(|(_, changed)| changed)];
        let Some(youngest) = changes.into_iter().flatten().max() else { return self.nothing() };
        let age = u64::try_from(reading.begun.saturating_sub(youngest)).unwrap_or(0);
        let taken_at = SimTime::from_nanos(now.nanos().saturating_sub(age));
        // Polls keep to the simulation's time and ages to the clock's: a little jitter must not turn time around.
        self.taken_at = self.taken_at.max(taken_at);
        Sample {
            taken_at: self.taken_at,
            temperature: temperature.map(|(degc, _)| Celsius::new(degc as f64)),
            power: power.map(|(milliwatts, _)| Watts::new(milliwatts * 1e-3)),
        }
    }
}

/// A value with the instant of its change.
const fn known(entry: Entry) -> Option<(i64, i64)> {
    match entry {
        Entry::Value { value, changed } => Some((value, changed)),
        Entry::Missing(_) => None,
    }
}

impl Power {
    /// Power (mW), and when it changed to this.
    fn of(&mut self, reading: &Reading) -> Option<(f64, i64)> {
        match self {
            Self::Read(signals) => {
                let (milliwatts, changed) = signals.iter().find_map(|signal| known(reading.get(*signal)))?;
                Some((milliwatts as f64, changed))
            }
            Self::Counted(counter) => counter.power(reading),
        }
    }
}

/// Mean power over about the last second, from an energy counter and the instants at which it was seen to move.
#[derive(Debug, Default)]
struct EnergyCounter {
    /// Instants (ns) and energies (mJ); the first is a second old, where there is one so old.
    moves: VecDeque<(i64, i64)>,
    /// The energy last seen.
    last: Option<i64>,
}

impl EnergyCounter {
    const WINDOW: i64 = 1_000_000_000;

    fn power(&mut self, reading: &Reading) -> Option<(f64, i64)> {
        let Some((energy, changed)) =
            known(reading.get(Signal::Energy)).filter(|_| reading.standing == Standing::Present)
        else {
            *self = Self::default();
            return None;
        };
        // The value that is found first may be of any age: only what follows it was seen to move.
        if self.last.is_some_and(|last| last != energy) {
            self.moves.push_back((changed, energy));
        }
        self.last = Some(energy);
        let (end, total) = *self.moves.back()?;
        while self.moves.get(1).is_some_and(|(at, _)| end - at >= Self::WINDOW) {
            self.moves.pop_front();
        }
        let (begin, before) = *self.moves.front()?;
        // mJ in ns are 10^9 mW.
        (end > begin).then(|| ((total - before) as f64 / (end - begin) as f64 * 1e9, end))
    }
}

#[cfg(test)]
mod tests;

//! A scenario's first run at the speed of the wall clock, as something that can be read.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use isotherm_core::telemetry::{Sample, TelemetryError, TelemetrySource, TelemetrySpec, Truth};
use isotherm_core::time::{SimDuration, SimTime};
use isotherm_recording::meter::unix_nanos;
use isotherm_recording::{DeviceFacts, Meter, MeterError, Reading};
use isotherm_telemetry::exposition::simulated;
use serde::Serialize;

use crate::execute::Comparison;
use crate::fault::Fault;
use crate::scenario_file::ScenarioFile;

/// The simulated devices of a scenario as they are now, in what the scenario's own telemetry says of them.
///
/// The run is the scenario's first one. It begins anew when it is over: dashboards want something to show.
pub struct PlayedMeter {
    source: String,
    devices: Vec<DeviceFacts>,
    stage: Arc<Stage>,
    before: Vec<Reading>,
}

/// What the run leaves for those who look on.
#[derive(Debug, Default)]
struct Stage {
    /// The last poll of the run: when it happened (ns, Unix time), and what it gave.
    seen: Mutex<(i64, Vec<Sample>)>,
    /// Why the run cannot go on.
    fault: Mutex<Option<String>>,
    stop: AtomicBool,
}

impl PlayedMeter {
    /// Begins to play a scenario in a thread of its own.
    ///
    /// # Errors
    /// [`Fault`] if the scenario cannot be run.
    pub fn play(mut file: ScenarioFile) -> Result<Self, Fault> {
        if file.plan.worlds.is_empty() {
            return Err(Fault::Internal("a scenario without a world".to_owned()));
        }
        let mut world = file.plan.worlds.swap_remove(0);
        let name = world.scenario.name.clone();
        let inner = world.scenario.telemetry;
        if inner.is_live() {
            return Err(Fault::Usage(format!("{name} reads real devices: export them with --source")));
        }
        let stage = Arc::new(Stage::default());
        world.scenario.telemetry = Box::new(Played { inner, stage: Arc::clone(&stage) });
        world.scenario.seeds = 1;
        world.variants.truncate(1);
        let gpus = world.scenario.hardware.gpus;
        file.plan.worlds = vec![world];
        // Faults are found here, before anything is listened at.
        Comparison::prepare(&file)?;
        let beside = Arc::clone(&stage);
        std::thread::spawn(move || repeat(&file, &beside));
        let product = format!("simulated GPU of {name}");
        let devices = (0..gpus).map(|gpu| simulated::facts(gpu, &product)).collect();
        Ok(Self { source: format!("{name} (simulated)"), devices, stage, before: Vec::new() })
    }
}

impl Drop for PlayedMeter {
    fn drop(&mut self) {
        self.stage.stop.store(true, Ordering::Relaxed);
    }
}

/// Plays the run again and again, until nobody looks on or it fails.
fn repeat(file: &ScenarioFile, stage: &Stage) {
    while !stage.stop.load(Ordering::Relaxed) {
        let started = Instant::now();
        let ended = Comparison::prepare(file).and_then(|comparison| {
            let outcomes = comparison.run(vec![None; comparison.runs().len()], &(), &stage.stop)?;
            match outcomes.into_iter().next().flatten() {
                Some(Ok(record)) => Ok(record.ended),
                Some(Err(why)) => Err(Fault::Runs(why)),
                None => Ok(SimTime::ZERO),
            }
        });
        match ended {
            // The time after the last poll belongs to the run, too; and a run of no time must not be run all the time.
            Ok(ended) => stage.wait_until(started + Duration::from_nanos(ended.nanos()).max(SHORTEST)),
            Err(fault) => {
                *stage.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault.to_string());
                return;
            }
        }
    }
}

const SHORTEST: Duration = Duration::from_millis(100);

impl Stage {
    fn wait_until(&self, instant: Instant) {
        while !self.stop.load(Ordering::Relaxed) {
            let left = instant.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            std::thread::sleep(left.min(Duration::from_millis(50)));
        }
    }
}

impl Meter for PlayedMeter {
    fn source(&self) -> String {
        self.source.clone()
    }

    fn devices(&self) -> &[DeviceFacts] {
        &self.devices
    }

    fn read(&mut self, out: &mut Vec<Reading>) -> Result<(), MeterError> {
        if let Some(why) = self.stage.fault.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Err(MeterError::Broken { source_name: self.source.clone(), why });
        }
        let (now, samples) = self.stage.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        out.clear();
        for device in &self.devices {
            let sample = samples.get(device.index as usize).copied().unwrap_or_default();
            let at = SimTime::from_nanos(u64::try_from(now).unwrap_or(0));
            let mut reading = simulated::reading(device.index, at, &sample.into());
            (reading.begun, reading.ended) = (unix_nanos(), unix_nanos());
            out.push(reading);
        }
        for (reading, before) in out.iter_mut().zip(&self.before) {
            reading.age_from(before);
        }
        self.before.clone_from(out);
        Ok(())
    }
}

/// The scenario's telemetry, slowed down to the wall clock and shown to the stage. No scenario can name it.
#[derive(Debug, Serialize)]
struct Played {
    inner: Box<dyn TelemetrySpec>,
    #[serde(skip)]
    stage: Arc<Stage>,
}

impl TelemetrySpec for Played {
    fn typetag_name(&self) -> &'static str {
        self.inner.typetag_name()
    }

    fn typetag_deserialize(&self) {}

    fn period(&self) -> SimDuration {
        self.inner.period()
    }

    fn build(&self, gpus: usize, seed: u64) -> Result<Box<dyn TelemetrySource>, TelemetryError> {
        let inner = self.inner.build(gpus, seed)?;
        Ok(Box::new(PlayedSource { inner, stage: Arc::clone(&self.stage), started: None }))
    }

    fn prescribes_temperature(&self) -> bool {
        self.inner.prescribes_temperature()
    }

    fn warning(&self) -> Option<&'static str> {
        self.inner.warning()
    }
}

struct PlayedSource {
    inner: Box<dyn TelemetrySource>,
    stage: Arc<Stage>,
    /// When the first poll happened.
    started: Option<Instant>,
}

impl TelemetrySource for PlayedSource {
    fn sample(&mut self, now: SimTime, truth: &[Truth], out: &mut [Sample]) -> Result<(), TelemetryError> {
        let started = *self.started.get_or_insert_with(Instant::now);
        self.stage.wait_until(started + Duration::from_nanos(now.nanos()));
        self.inner.sample(now, truth, out)?;
        *self.stage.seen.lock().unwrap_or_else(PoisonError::into_inner) = (unix_nanos(), out.to_vec());
        if self.stage.stop.load(Ordering::Relaxed) {
            return Err(TelemetryError::Failed("nobody looks on any more".to_owned()));
        }
        Ok(())
    }

    fn save(&self) -> Vec<u8> {
        self.inner.save()
    }

    fn load(&mut self, state: &[u8]) -> Result<(), TelemetryError> {
        self.inner.load(state)
    }
}

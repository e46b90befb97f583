//! A live comparison from its scenario to its folder: every router at every point, one after the other.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use isotherm_core::load::{Load, LoadShape};
use isotherm_core::scenario::Scenario;
use isotherm_recording::{DeviceFacts, Meter, Reading};

use super::clock::Clock;
use super::decide;
use super::model::{Model, ModelMeter};
use super::monitor::{Monitor, Sink};
use super::record::{self, Ending, LiveRecord, LiveRun, LoadRecord};
use super::run::{Bench, TOLD};
use crate::fault::Fault;
use crate::scenario_file::ScenarioFile;

/// Name of the load and of the meter that are a model.
pub const MODEL: &str = "model";

/// What a live comparison is made of.
pub struct Session {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Length of each run (s).
    pub seconds: f64,
    /// Rest before each (s).
    pub rest: f64,
    /// Devices of load and meter, one a GPU of the scenario.
    pub devices: Vec<u32>,
    /// Time between two polls (s); the scenario's where not given.
    pub period: Option<f64>,
    /// Where everything is written.
    pub folder: PathBuf,
    /// Set to end early.
    pub stop: Arc<AtomicBool>,
}

/// What executes the work of a world, and what reads the GPUs meanwhile.
pub struct Equipment {
    /// The load.
    pub load: Box<dyn Load>,
    /// Its name and options; devices are filled in.
    pub named: LoadRecord,
    /// The meter, where there is one.
    pub meter: Option<Box<dyn Meter>>,
}

/// Makes the recorder of a run from its folder, the name of the meter, the time between two polls (s) and the devices; `None` for no recording.
pub type RecorderOf<'a> = dyn FnMut(&Path, &str, f64, &[DeviceFacts]) -> Result<Option<Sink>, Fault> + 'a;

/// Told of what happens, for whoever waits.
pub trait Progress {
    /// A run begins: its rest first.
    fn begins(&mut self, run: &str) {
        let _ = run;
    }
    /// A run is over.
    fn ended(&mut self, run: &LiveRun) {
        let _ = run;
    }
}

/// Tells nobody.
impl Progress for () {}

/// The layer that a load is asked to execute.
///
/// # Errors
/// [`Fault::Scenario`] where the scenario does not say what a layer is, or asks for what no load does.
pub fn shape(scenario: &Scenario, devices: &[u32]) -> Result<LoadShape, Fault> {
    let Some(layer) = &scenario.costs.layer else {
        return Err(Fault::Scenario(
            "error: costs: a live run executes the layer of `[costs.layer]`, and there is none\n  = help: use `kind = \"device\"` with `layer = { d_model = 4096, d_ff = 14336 }`".to_owned(),
        ));
    };
    if layer.tensor_parallel != 1 {
        return Err(Fault::Scenario(format!(
            "error: costs.layer.tensor_parallel: experts spread over {} GPUs cannot be executed live\n  = help: set it to 1",
            layer.tensor_parallel
        )));
    }
    let gpus = scenario.hardware.gpus as usize;
    if devices.len() != gpus {
        return Err(Fault::Usage(format!(
            "the scenario has {gpus} GPUs and {} devices are given\n  = help: for example --devices {}",
            devices.len(),
            (0..gpus).map(|gpu| gpu.to_string()).collect::<Vec<_>>().join(",")
        )));
    }
    Ok(LoadShape {
        devices: devices.to_vec(),
        experts: scenario.model.experts,
        top_k: scenario.model.top_k,
        d_model: layer.d_model,
        d_ff: layer.d_ff,
        matrices: layer.matrices,
    })
}

/// The modelled GPUs of a scenario as load and, if asked for, meter.
///
/// # Errors
/// [`Fault::Scenario`] with what the scenario lacks.
pub fn modelled(scenario: &Scenario, clock: Arc<dyn Clock>, metered: bool) -> Result<Equipment, Fault> {
    let model = Model::of(scenario, clock).map_err(|why| Fault::Scenario(format!("error: --load model: {why}")))?;
    let meter = metered.then(|| Box::new(ModelMeter::of(&model)) as Box<dyn Meter>);
    let named = LoadRecord { name: MODEL.to_owned(), simulated: true, ..LoadRecord::default() };
    Ok(Equipment { load: Box::new(model), named, meter })
}

impl Session {
    /// Runs every router of every world. `equip` is asked for load and meter when a world needs another layer or other hardware than the one before;
    /// `recorder` for a recorder of every run.
    ///
    /// # Errors
    /// [`Fault`] if nothing can be run or written. What ends a run early is in the record.
    pub fn run(
        &self,
        file: &ScenarioFile,
        equip: &mut dyn FnMut(&Scenario) -> Result<Equipment, Fault>,
        recorder: &mut RecorderOf<'_>,
        progress: &mut dyn Progress,
    ) -> Result<LiveRecord, Fault> {
        decide::check_all(file)?;
        record::keep_scenario(&self.folder, file)?;
        let mut kept: Option<LiveRecord> = None;
        for world in 0..file.plan.worlds.len() {
            let scenario = &file.plan.worlds[world].scenario;
            let Equipment { mut load, named, meter } = equip(scenario)?;
            let recording = Switch::default();
            let period = self.period.unwrap_or_else(|| scenario.telemetry.period().seconds());
            let monitor = meter
                .map(|meter| Monitor::start(&*self.clock, meter, &self.devices, period, Some(recording.sink())))
                .transpose()
                .map_err(Fault::Input)?;
            let record = kept.get_or_insert_with(|| self.begun(file, &named, &*load, monitor.as_ref(), period));
            for variant in 0..file.plan.worlds[world].variants.len() {
                if self.stop.load(Ordering::Relaxed) {
                    break;
                }
                let label = &file.plan.worlds[world].variants[variant].label;
                let name = format!("{:02}-{}", record.runs.len() + 1, plain(label));
                let folder = self.folder.join(&name);
                std::fs::create_dir_all(&folder).map_err(|error| Fault::unwritable(&folder, error))?;
                if let Some(monitor) = &monitor {
                    recording.to(recorder(&folder, monitor.source(), period, monitor.facts())?);
                }
                progress.begins(label);
                let mut bench = Bench {
                    file,
                    clock: &*self.clock,
                    monitor: monitor.as_ref(),
                    load: &mut *load,
                    seconds: self.seconds,
                    rest: self.rest,
                    stop: &self.stop,
                };
                let run = LiveRun { folder: name, ..bench.run(world, variant, &folder)? };
                recording.to(None);
                progress.ended(&run);
                let failed = matches!(run.ending, Ending::Failed(_));
                record.runs.push(run);
                record.write(&self.folder)?;
                if failed {
                    // What has lost a device is not asked again.
                    return Ok(record.clone());
                }
            }
        }
        kept.ok_or_else(|| Fault::Internal("a plan without worlds".to_owned()))
    }

    fn begun(
        &self,
        file: &ScenarioFile,
        named: &LoadRecord,
        load: &dyn Load,
        monitor: Option<&Monitor>,
        period: f64,
    ) -> LiveRecord {
        let scenario = &file.plan.worlds[0].scenario;
        LiveRecord {
            live_version: record::VERSION,
            isotherm: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: scenario.name.clone(),
            scenario_hash: file.hash.clone(),
            seed: scenario.seed,
            load: LoadRecord { devices: load.devices().to_vec(), ..named.clone() },
            source: monitor.map_or("none", Monitor::source).to_owned(),
            period_ms: 1e3 * period,
            facts: monitor.map(|monitor| monitor.facts().to_vec()).unwrap_or_default(),
            started: self.clock.now(),
            told: TOLD.to_owned(),
            runs: Vec::new(),
        }
    }
}

/// A name as part of a folder's.
fn plain(label: &str) -> String {
    label.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect()
}

/// Hands every poll to the recorder of the run in hand.
#[derive(Clone, Default)]
struct Switch(Arc<std::sync::Mutex<Option<Sink>>>);

impl Switch {
    fn sink(&self) -> Sink {
        let held = Arc::clone(&self.0);
        Box::new(move |readings: &[Reading]| {
            match held.lock().unwrap_or_else(std::sync::PoisonError::into_inner).as_mut() {
                Some(sink) => sink(readings),
                None => Ok(()),
            }
        })
    }

    /// From now on to this one; the one before is closed.
    fn to(&self, sink: Option<Sink>) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = sink;
    }
}

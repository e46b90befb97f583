//! What a live run leaves in its folder, and how it is read back.
//!
//! | file | what it holds |
//! |---|---|
//! | `live.json` | the scenario's hash, the devices, and what every router measured; written anew after each |
//! | `scenario.resolved.toml` | the scenario with all defaults |
//! | `NN-router/decisions.jsonl` | what the router saw, decided and was told, a line a batch and layer |
//! | `NN-router/batches.csv` | times of every batch |
//! | `NN-router/telemetry.csv.gz` | every poll of the meter, from the rest before the run on |

use std::path::{Path, PathBuf};

use isotherm_core::scenario::AxisValue;
use isotherm_recording::DeviceFacts;
use serde::{Deserialize, Serialize};

use super::measured::GpuMeasured;
use crate::fault::Fault;
use crate::results::write_atomically;
use crate::scenario_file::ScenarioFile;

/// Version of `live.json`.
pub const VERSION: u32 = 1;
const RECORD: &str = "live.json";
const SCENARIO: &str = "scenario.resolved.toml";

/// A live comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiveRecord {
    /// Version of this record.
    pub live_version: u32,
    /// Version of isotherm.
    pub isotherm: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Hash of the scenario and of the data files it names.
    pub scenario_hash: String,
    /// Seed of the tokens.
    pub seed: u64,
    /// What executed the work.
    pub load: LoadRecord,
    /// Where readings come from; `none` where nothing was read.
    pub source: String,
    /// Time between two polls (ms).
    pub period_ms: f64,
    /// The GPUs, as the meter knows them.
    pub facts: Vec<DeviceFacts>,
    /// When it began (ns, Unix time).
    pub started: i64,
    /// What energies per expert, which routers were told, are made of.
    pub told: String,
    /// Every router at every point, in the order in which they ran.
    pub runs: Vec<LiveRun>,
}

/// What executed the work.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadRecord {
    /// Its name.
    pub name: String,
    /// Options, as JSON.
    pub options: String,
    /// The devices, as it calls them.
    pub devices: Vec<String>,
    /// Whether no device did anything: times and readings are a model's.
    pub simulated: bool,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// After its time.
    Complete,
    /// By Ctrl-C.
    Interrupted,
    /// A device, the load, the meter or the router failed.
    Failed(String),
}

/// One GPU before a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Idle {
    /// Temperature of the die (degC).
    pub die_degc: Option<f64>,
    /// Temperature of the memory (degC).
    pub memory_degc: Option<f64>,
    /// Power (W).
    pub watts: Option<f64>,
}

/// Times of the executed layers (s).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LayerTimes {
    /// Mean.
    pub mean: f64,
    /// Median.
    pub p50: f64,
    /// 99th percentile.
    pub p99: f64,
}

/// One router at one point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiveRun {
    /// Position of its world in the plan.
    pub world: usize,
    /// Position of its router in the world.
    pub variant: usize,
    /// The router's name.
    pub router: String,
    /// Values of the swept keys.
    pub point: Vec<AxisValue>,
    /// Its folder.
    pub folder: String,
    /// How it ended.
    pub ending: Ending,
    /// Batches done.
    pub batches: u32,
    /// Layers executed in them.
    pub layers: u64,
    /// Tokens in them.
    pub tokens: u64,
    /// From the first routing to the end of the last layer (s).
    pub wall_seconds: f64,
    /// Its beginning (ns, Unix time).
    pub began: i64,
    /// Each GPU at rest just before.
    pub idle: Vec<Idle>,
    /// Each GPU during the run.
    pub gpus: Vec<GpuMeasured>,
    /// Time from the start of a layer until its slowest GPU was done.
    pub layer: LayerTimes,
    /// Time between layers in which GPUs had no work, a routing (s).
    pub host_seconds_per_routing: f64,
    /// Share of the run in which each GPU worked.
    pub busy: Vec<f64>,
    /// Share of the assignments that each GPU served.
    pub share: Vec<f64>,
    /// 1 - retained share of the gate's mass, mean over tokens.
    pub mass_regret: f64,
    /// Total variation between the combine weights and the gate's, mean over tokens.
    pub combine_weight_tv: f64,
    /// Fingerprint of all decisions.
    pub routing: String,
}

impl LiveRun {
    /// Energy of all GPUs (J), by the counters where all have one, else by their power readings.
    #[must_use]
    pub fn joules(&self) -> Option<f64> {
        let sum = |of: fn(&GpuMeasured) -> Option<f64>| self.gpus.iter().map(of).sum::<Option<f64>>();
        (!self.gpus.is_empty()).then_some(())?;
        sum(|gpu| gpu.counter_joules).or_else(|| sum(GpuMeasured::joules))
    }

    /// Energy of all GPUs per token (J).
    #[must_use]
    pub fn joules_per_token(&self) -> Option<f64> {
        Some(self.joules()? / self.tokens as f64).filter(|joules| joules.is_finite())
    }

    /// The router and where it stands in the sweep, for people.
    #[must_use]
    pub fn label(&self) -> String {
        let point: Vec<String> = self.point.iter().map(|at| format!("{} = {}", at.axis, at.value)).collect();
        if point.is_empty() { self.router.clone() } else { format!("{}, {}", self.router, point.join(", ")) }
    }
}

impl LiveRecord {
    /// Writes the record whole.
    ///
    /// # Errors
    /// [`Fault::Unwritable`].
    pub fn write(&self, folder: &Path) -> Result<(), Fault> {
        let text = serde_json::to_string_pretty(self).map_err(|error| Fault::Internal(error.to_string()))?;
        write_atomically(&folder.join(RECORD), (text + "\n").as_bytes(), false)
    }

    /// Reads the record of a folder.
    ///
    /// # Errors
    /// [`Fault::Input`].
    pub fn read(folder: &Path) -> Result<Self, Fault> {
        let path = folder.join(RECORD);
        let text = std::fs::read_to_string(&path).map_err(|error| {
            Fault::Input(format!(
                "cannot read {}: {error}\n  = help: give the folder that `isotherm live run` has written",
                path.display()
            ))
        })?;
        let record: Self = serde_json::from_str(&text)
            .map_err(|error| Fault::Input(format!("{} is no record of a live run: {error}", path.display())))?;
        if record.live_version != VERSION {
            return Err(Fault::Input(format!(
                "{} is of version {}, this isotherm reads {VERSION}",
                path.display(),
                record.live_version
            )));
        }
        Ok(record)
    }

    /// Reads the scenario that the record is of.
    ///
    /// # Errors
    /// [`Fault::Input`] if it is not the one that was run: it or a data file of it has changed.
    pub fn scenario_of(&self, folder: &Path, libraries: &[PathBuf]) -> Result<ScenarioFile, Fault> {
        let file = ScenarioFile::read_with(&folder.join(SCENARIO), &[], libraries)?;
        if file.hash != self.scenario_hash {
            return Err(Fault::Input(format!(
                "{} or a file that it names has changed since the run, or another version of isotherm made it: hash {} instead of {}\n  = help: paths in it start from the directory in which `isotherm live run` was started",
                folder.join(SCENARIO).display(),
                file.hash,
                self.scenario_hash
            )));
        }
        Ok(file)
    }
}

/// Keeps the scenario beside the record.
///
/// # Errors
/// [`Fault::Unwritable`].
pub(super) fn keep_scenario(folder: &Path, file: &ScenarioFile) -> Result<(), Fault> {
    write_atomically(&folder.join(SCENARIO), file.resolved.as_bytes(), false)
}

/// Whether a folder holds a record.
#[must_use]
pub fn is_record(folder: &Path) -> bool {
    folder.join(RECORD).exists()
}

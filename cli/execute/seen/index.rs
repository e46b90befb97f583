//! `telemetry/runs.json`: which runs of a results folder have a record.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use isotherm_core::input::InputError;
use isotherm_core::time::SimDuration;
use serde::{Deserialize, Serialize};

use crate::execute::Lag;
use crate::fault::Fault;
use crate::results::write_atomically;

/// The folder in a results folder that holds what live runs saw.
pub(crate) const FOLDER: &str = "telemetry";

const FORMAT: &str = "isotherm-live-runs";
const VERSION: u32 = 1;

/// A run that has a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeenRun {
    /// Its id, and the name of its record.
    pub run_id: String,
    /// Name of its router.
    pub router: String,
    /// Sweep point, `key=value` separated by spaces.
    pub point: String,
    /// Its seed.
    pub seed: u64,
    /// Time between two polls.
    pub period: SimDuration,
    /// Number of GPUs.
    pub gpus: u32,
    /// When it began (ns, Unix time).
    pub started_unix_ns: i64,
    /// How late it was; absent where it did not come to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag: Option<Lag>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Contents {
    format: String,
    version: u32,
    runs: Vec<SeenRun>,
}

/// The index of a results folder that is being written.
pub(super) struct Index {
    folder: PathBuf,
    runs: Vec<SeenRun>,
}

/// Where the index of a results folder is.
pub(crate) fn runs_file(results: &Path) -> PathBuf {
    results.join(FOLDER).join("runs.json")
}

/// The runs of an index.
///
/// # Errors
/// What is wrong with the file.
pub(crate) fn read(path: &Path) -> Result<Vec<SeenRun>, InputError> {
    let fault = |found: String| {
        let expected = "expected `telemetry/runs.json` of the results folder of a live run";
        InputError::new(path.display().to_string(), found, expected)
    };
    let text = std::fs::read_to_string(path).map_err(|error| fault(format!("cannot be read ({error})")))?;
    let contents: Contents =
        serde_json::from_str(&text).map_err(|error| fault(format!("is no such file ({error})")))?;
    if (contents.format.as_str(), contents.version) != (FORMAT, VERSION) {
        let found =
            format!("is `{}` in version {}, not `{FORMAT}` in version {VERSION}", contents.format, contents.version);
        return Err(fault(found));
    }
    if contents.runs.is_empty() {
        return Err(fault("names no run".to_owned()));
    }
    Ok(contents.runs)
}

/// Unix time now (ns); 0 before 1970.
pub(super) fn unix_nanos() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

impl Index {
    /// The index of a results folder: a new one, unless this start continues an earlier one.
    pub(super) fn open(results: &Path, continues: bool) -> Result<Self, Fault> {
        let folder = results.join(FOLDER);
        std::fs::create_dir_all(&folder).map_err(|error| Fault::unwritable(&folder, error))?;
        // An index that cannot be read is of no use to anybody.
        let runs = if continues { read(&runs_file(results)).unwrap_or_default() } else { Vec::new() };
        Ok(Self { folder, runs })
    }

    /// Where the record of a run is.
    pub(super) fn record(&self, run_id: &str) -> PathBuf {
        record_beside(&self.folder, run_id)
    }

    /// Takes in a run, in the place of what was known of it.
    pub(super) fn put(&mut self, run: SeenRun) -> Result<(), Fault> {
        let name = |run: &SeenRun| (run.router.clone(), run.point.clone(), run.seed);
        self.runs.retain(|known| name(known) != name(&run));
        self.runs.push(run);
        self.write()
    }

    /// Notes that a run has come to its end.
    pub(super) fn finished(&mut self, run_id: &str, lag: Lag) -> Result<(), Fault> {
        if let Some(run) = self.runs.iter_mut().find(|known| known.run_id == run_id) {
            run.lag = Some(lag);
        }
        self.write()
    }

    fn write(&self) -> Result<(), Fault> {
        let contents = Contents { format: FORMAT.to_owned(), version: VERSION, runs: self.runs.clone() };
        let text = serde_json::to_string_pretty(&contents).map_err(|error| Fault::Internal(error.to_string()))?;
        write_atomically(&self.folder.join("runs.json"), format!("{text}\n").as_bytes(), false)
    }
}

/// The record of a run whose index is in `folder`.
pub(super) fn record_beside(folder: &Path, run_id: &str) -> PathBuf {
    folder.join(format!("{run_id}.csv"))
}

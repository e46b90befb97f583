//! The results folder: made, checked, continued and filled without ever holding half a file.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Overview, SUMMARY_VERSION, summary_reader};
use crate::execute::{Lag, seen};
use crate::fault::Fault;
use crate::scenario_file::{ScenarioFile, UsedPlugin};

/// What tells that a folder is complete.
pub(super) const SUMMARY: &str = "summary.json";
/// The table that a summary can be made of.
pub(super) const RUNS: &str = "runs.parquet";
const PARTIAL: &str = ".unfinished";

/// A folder that can be written to.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

/// What a folder held before.
#[derive(Debug)]
pub enum Existing {
    /// Nothing of ours, or runs of an interrupted comparison.
    Open,
    /// Complete results of the same scenario in an older format.
    Outdated,
    /// Complete results of the same scenario with another build of a plugin.
    OtherPlugins,
    /// Complete results of the same scenario.
    Complete(Box<Overview>),
}

/// The part of a summary that every format has.
#[derive(Debug, Deserialize)]
struct Identity {
    schema_version: u32,
    scenario_hash: String,
    #[serde(default)]
    plugins: Vec<UsedPlugin>,
}

impl Identity {
    /// Whether the plugins are those of `file`, by their contents.
    fn has_plugins_of(&self, file: &ScenarioFile) -> bool {
        self.plugins.len() == file.plugins.len()
            && self.plugins.iter().zip(&file.plugins).all(|(before, now)| before.is_same(now))
    }
}

/// The only file with the wall clock in it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Timing {
    /// From the start of the program's work to the end of the last run (s).
    pub simulate_seconds: f64,
    /// Threads used.
    pub threads: usize,
    /// Runs simulated; those taken over from an earlier start do not count.
    pub runs: usize,
    /// Tokens routed by them.
    pub tokens: u64,
    /// How late live runs were; absent where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag: Option<Lag>,
}

impl Folder {
    /// Makes the folder and tries to write in it, before anything is computed that could be lost.
    ///
    /// # Errors
    /// [`Fault::Unwritable`], [`Fault::Occupied`] if it holds complete results of another scenario and `force` is not given.
    pub fn open(path: &Path, file: &ScenarioFile, force: bool) -> Result<(Self, Existing), Fault> {
        std::fs::create_dir_all(path).map_err(|error| Fault::unwritable(path, error))?;
        tempfile::Builder::new()
            .prefix(".probe")
            .tempfile_in(path)
            .and_then(|mut probe| probe.write_all(b"probe"))
            .map_err(|error| Fault::unwritable(path, error))?;
        let folder = Self { path: path.to_owned() };
        let existing = match summary_reader::read_part::<Identity>(&folder.summary_path()) {
            _ if force => Existing::Open,
            None => Existing::Open,
            Some(identity) if identity.scenario_hash != file.hash => return Err(Fault::Occupied(path.to_owned())),
            Some(identity) if identity.schema_version != SUMMARY_VERSION => Existing::Outdated,
            Some(identity) if !identity.has_plugins_of(file) => Existing::OtherPlugins,
            Some(_) => Overview::read(&folder.summary_path())
                .map_or(Existing::Open, |overview| Existing::Complete(Box::new(overview))),
        };
        if force || matches!(existing, Existing::Outdated | Existing::OtherPlugins) {
            remove_if_there(&folder.path.join(SUMMARY))?;
        }
        if force {
            folder.discard_unfinished()?;
            // A replay has its records in another folder, which the command has made sure of.
            remove_folder_if_there(&folder.path.join(seen::FOLDER))?;
        }
        Ok((folder, existing))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the summary of complete results is.
    #[must_use]
    pub fn summary_path(&self) -> PathBuf {
        self.path.join(SUMMARY)
    }

    /// Where an interrupted start has left what it finished.
    #[must_use]
    pub fn unfinished(&self) -> PathBuf {
        self.path.join(PARTIAL)
    }

    /// Removes what an interrupted start has left.
    ///
    /// # Errors
    /// [`Fault::Unwritable`].
    pub fn discard_unfinished(&self) -> Result<(), Fault> {
        remove_folder_if_there(&self.unfinished())
    }
}

fn remove_folder_if_there(path: &Path) -> Result<(), Fault> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Fault::unwritable(path, error)),
        _ => Ok(()),
    }
}

/// Removes a file that may be there.
pub(super) fn remove_if_there(path: &Path) -> Result<(), Fault> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Fault::unwritable(path, error)),
        _ => Ok(()),
    }
}

/// As all JSON files are written.
pub(super) fn json(value: &impl Serialize) -> Result<Vec<u8>, Fault> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|error| Fault::Internal(error.to_string()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Writes a file under another name in the same folder and renames it; with `durable`, flushed to the disk before.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8], durable: bool) -> Result<(), Fault> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".writing").tempfile_in(folder)?;
        file.write_all(bytes)?;
        if durable {
            file.as_file().sync_data()?;
        }
        // A temporary file is private; results are for everybody whom the folder lets in.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
        }
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error| Fault::unwritable(path, error))
}

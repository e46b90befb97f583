//! Scenario files: the only place where a scenario, its device profile and the paths in it meet the file system.

mod draft;
mod files;
pub(crate) mod libraries;
#[cfg(feature = "wasm")]
mod modules;
mod resolved;
mod sweep_file;
mod telemetry;

use std::path::{Path, PathBuf};

use isotherm_core::scenario::Plan;

use draft::{Draft, Identity};
pub use libraries::UsedPlugin;
pub use sweep_file::SweepFile;
pub use telemetry::TelemetryFlag;

use crate::exit;
use crate::fault::Fault;

/// A scenario that has been read and found in order, with everything that identifies its results.
#[derive(Debug)]
pub struct ScenarioFile {
    /// What is to be simulated.
    pub plan: Plan,
    /// The scenario with the assignments of the command line and the device profile in it, paths as they are opened.
    pub resolved: String,
    /// Data files it names, with the SHA-256 of their contents, in the order in which they are named.
    pub data_files: Vec<DataFile>,
    /// Plugin libraries it has used, by the first name that it has used of each.
    pub plugins: Vec<UsedPlugin>,
    /// SHA-256 over the resolved scenario, the data files and the version of isotherm: equal hashes and the same plugins mean equal results.
    pub hash: String,
}

/// What the command line says about a scenario, beside its file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Overrides<'a> {
    /// Telemetry in the place of the scenario's.
    pub telemetry: Option<&'a TelemetryFlag>,
    /// Assignments `key=value`, applied after it in their order.
    pub set: &'a [String],
    /// Plugin libraries that may be used, beside those that are found.
    pub libraries: &'a [PathBuf],
}

/// A file a scenario names.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DataFile {
    /// The path as it is opened.
    pub path: String,
    /// SHA-256 of its contents.
    pub sha256: String,
}

impl ScenarioFile {
    /// Reads a scenario file and the device profile it names, with `--set` assignments applied.
    ///
    /// # Errors
    /// [`Fault::Unreadable`] if it cannot be read, [`Fault::Scenario`] with all faults of its text.
    pub fn read(path: &Path, assignments: &[String]) -> Result<Self, Fault> {
        Self::read_with(path, assignments, &[])
    }

    /// [`ScenarioFile::read`] with plugin libraries that may be used, beside those that are found.
    ///
    /// # Errors
    /// As [`ScenarioFile::read`], and [`Fault::Input`] for a library of these that cannot be used.
    pub fn read_with(path: &Path, assignments: &[String], libraries: &[PathBuf]) -> Result<Self, Fault> {
        Self::read_as(path, &Overrides { set: assignments, libraries, ..Overrides::default() })
    }

    /// [`ScenarioFile::read`] with everything that a command line can say.
    ///
    /// # Errors
    /// As [`ScenarioFile::read_with`].
    pub fn read_as(path: &Path, overrides: &Overrides<'_>) -> Result<Self, Fault> {
        let (text, folder) = text_of(path)?;
        Self::from_source(&path.display().to_string(), &text, &folder, overrides, Some(path))
    }

    /// [`ScenarioFile::read_as`] for sweeps of any size: no world is kept, and only the first is checked.
    ///
    /// # Errors
    /// As [`ScenarioFile::read_as`], but not for what only later worlds get wrong: [`SweepFile::part`] says that.
    pub fn read_lazily(path: &Path, overrides: &Overrides<'_>) -> Result<SweepFile, Fault> {
        let (text, folder) = text_of(path)?;
        SweepFile::of(Draft::of(&path.display().to_string(), &text, &folder, overrides, Some(path))?)
    }

    /// [`ScenarioFile::read_lazily`] for a text in memory; relative paths in it start from `folder`.
    ///
    /// # Errors
    /// As [`ScenarioFile::read_lazily`].
    pub fn lazily_from_text(
        name: &str,
        text: &str,
        folder: &Path,
        overrides: &Overrides<'_>,
    ) -> Result<SweepFile, Fault> {
        SweepFile::of(Draft::of(name, text, folder, overrides, None)?)
    }

    /// The same for a text in memory; relative paths in it start from `folder`.
    ///
    /// # Errors
    /// As [`ScenarioFile::read`].
    pub fn from_text(name: &str, text: &str, folder: &Path, assignments: &[String]) -> Result<Self, Fault> {
        Self::from_text_as(name, text, folder, &Overrides { set: assignments, ..Overrides::default() })
    }

    /// [`ScenarioFile::from_text`] with everything that a command line can say.
    ///
    /// # Errors
    /// As [`ScenarioFile::read_with`].
    pub fn from_text_as(name: &str, text: &str, folder: &Path, overrides: &Overrides<'_>) -> Result<Self, Fault> {
        Self::from_source(name, text, folder, overrides, None)
    }

    fn from_source(
        name: &str,
        text: &str,
        folder: &Path,
        overrides: &Overrides<'_>,
        scenario: Option<&Path>,
    ) -> Result<Self, Fault> {
        let draft = Draft::of(name, text, folder, overrides, scenario)?;
        let plan = draft.read(|tree, plugins| Plan::read_with(tree, plugins))?;
        let Some(world) = plan.worlds.first() else { return Err(Fault::Internal("a plan without worlds".to_owned())) };
        let Identity { resolved, data_files, plugins, hash } = draft.identity(world)?;
        Ok(Self { plan, resolved, data_files, plugins, hash })
    }
}

/// First hexadecimal form of a digest.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A scenario's text, and the folder it is in.
fn text_of(path: &Path) -> Result<(String, PathBuf), Fault> {
    let help = "give the path of a scenario file, for example scenarios/classic.toml";
    let bytes = std::fs::read(path).map_err(|source| Fault::Unreadable {
        path: path.to_owned(),
        source,
        help,
        code: exit::SCENARIO,
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Fault::Scenario(format!("error: {} is not text: byte {at} is not UTF-8\n  = help: {help}", path.display()))
    })?;
    Ok((text, path.parent().unwrap_or(Path::new("")).to_owned()))
}

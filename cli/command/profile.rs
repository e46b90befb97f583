//! `isotherm profile`: device profiles from recordings, against recordings, and for the eye.

mod check;
mod fit;
mod fit_layers;
mod show;
mod table;

use std::path::Path;

use isotherm_calibration::recording::Recording;
use isotherm_calibration::series::Series;
use isotherm_core::hardware::{Cooling, DeviceProfile};
use serde::Serialize;

use crate::args::Profile;
use crate::exit::{self, Code};
use crate::fault::Fault;

/// Does what the subcommand says.
pub(super) fn run(command: &Profile) -> Result<Code, Fault> {
    match command {
        Profile::Fit(options) => fit::run(options),
        Profile::FitLayers(options) => fit_layers::run(options),
        Profile::Check(options) => check::run(options),
        Profile::Show(options) => show::run(options),
    }
}

/// Reads a device profile.
pub(super) fn read_profile(path: &Path) -> Result<DeviceProfile, Fault> {
    let text = std::fs::read_to_string(path).map_err(|source| Fault::Unreadable {
        path: path.to_owned(),
        source,
        help: "give the path of a device profile, for example scenarios/hardware/h200-sxm.toml",
        code: exit::INPUT,
    })?;
    let profile: DeviceProfile = toml::from_str(&text).map_err(|error| {
        Fault::Input(format!("{} is not a device profile\n{error}  = help: see docs/PROFILES.md", path.display()))
    })?;
    profile.check().map_err(|fault| Fault::Input(format!("{}: {fault}", path.display())))?;
    Ok(profile)
}

/// A section `[hardware.cooling]` in a file of its own.
pub(super) fn read_cooling(path: &Path) -> Result<Cooling, Fault> {
    let text = std::fs::read_to_string(path).map_err(|source| Fault::Unreadable {
        path: path.to_owned(),
        source,
        help: "give the path of a cooling, for example scenarios/hardware/hgx-h200-8-air.toml",
        code: exit::INPUT,
    })?;
    toml::from_str(&text).map_err(|error| {
        let example = "streams = [[1, 0]]\nstream_w_per_k = 130.0";
        Fault::Input(format!(
            "{} is no cooling\n{error}  = help: see docs/SCENARIOS.md\n  = example: {example}",
            path.display()
        ))
    })
}

/// The GPUs of a recording; what is odd about it goes to standard error.
fn read_series(path: &Path) -> Result<Vec<Series>, Fault> {
    let recording = Recording::open(&path.display().to_string()).map_err(|fault| Fault::Input(fault.to_string()))?;
    series_of(&recording)
}

fn series_of(recording: &Recording) -> Result<Vec<Series>, Fault> {
    for note in &recording.notes {
        tell!("note: {}: {note}", recording.file);
    }
    let (series, faults) = Series::all(recording);
    if series.is_empty() {
        return Err(Fault::Input(faults.join("\n")));
    }
    for fault in faults {
        tell!("note: left out: {fault}");
    }
    for series in &series {
        for note in &series.notes {
            tell!("note: {}: {note}", series.label());
        }
    }
    Ok(series)
}

pub(super) fn json(value: &impl Serialize) -> Result<String, Fault> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Fault::Internal(error.to_string()))?;
    Ok(text + "\n")
}

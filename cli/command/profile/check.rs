//! `isotherm profile check`: a profile against what was measured.

use std::path::Path;

use isotherm_calibration::plot;
use isotherm_calibration::recording::{self, Recording};
use isotherm_calibration::thermal::check::{self, TrackCheck};
use isotherm_core::hardware::DeviceProfile;
use serde::Serialize;

use super::table;
use crate::args::ProfileCheck;
use crate::exit::{self, Code};
use crate::fault::Fault;

/// What a data file holds, by its content: names lie.
enum Data {
    /// Telemetry of one or more GPUs.
    Recording(Recording),
}

/// The result as a program reads it.
#[derive(Serialize)]
struct Report<'a> {
    profile: &'a str,
    tracks: &'a [TrackCheck],
}

/// Compares, prints, and draws.
pub(super) fn run(options: &ProfileCheck) -> Result<Code, Fault> {
    let profile = super::read_profile(&options.profile)?;
    let mut tracks = Vec::new();
    for path in &options.data {
        match recognise(path)? {
            Data::Recording(recording) => tracks.extend(check_recording(&profile, &options.profile, &recording)?),
        }
    }
    let text = if options.json {
        super::json(&Report { profile: &profile.name, tracks: &tracks })?
    } else {
        format!("{}\n\n{}{}", profile.name, table::errors(&tracks), table::rest(&tracks))
    };
    super::super::print(&text);
    if let Some(path) = &options.plot {
        super::write_whole(path, &plot::svg(&profile.name, &tracks))?;
        eprintln!("plot in {}", path.display());
    }
    Ok(exit::SUCCESS)
}

fn recognise(path: &Path) -> Result<Data, Fault> {
    let file = path.display().to_string();
    let text = recording::text_of(&file).map_err(|fault| Fault::Input(fault.to_string()))?;
    if Recording::recognises(&text) {
        return Recording::open(&file).map(Data::Recording).map_err(|fault| Fault::Input(fault.to_string()));
    }
    Err(Fault::Input(format!(
        "{file}: this is no recording; expected a CSV whose first line has the columns `t_s` and `temp_c`, for example \
         \"t_s,gpu,power_mw,energy_mj,temp_c,mem_temp_c\""
    )))
}

fn check_recording(profile: &DeviceProfile, path: &Path, recording: &Recording) -> Result<Vec<TrackCheck>, Fault> {
    let series = super::series_of(recording)?;
    let checked = series.iter().map(|series| check::track(profile, series));
    checked.collect::<Result<_, _>>().map_err(|fault| Fault::Input(format!("{}: {fault}", path.display())))
}

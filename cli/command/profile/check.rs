//! `isotherm profile check`: a profile against what was measured.

use std::path::Path;

use isotherm_calibration::recording::Recording;
use isotherm_calibration::series::upstream;
use isotherm_calibration::thermal::check::{self, TrackCheck};
use isotherm_calibration::{kernels, plot};
use isotherm_core::hardware::{Cooling, DeviceProfile};
use serde::Serialize;

use super::table;
use crate::args::ProfileCheck;
use crate::exit::{self, Code};
use crate::fault::Fault;
use crate::output_file::write_whole;

/// What a data file holds, by its content: names lie.
enum Data {
    /// Telemetry of one or more GPUs.
    Recording(Recording),
    /// Measured kernels, or the phases of a recording.
    Layers(kernels::Report),
}

/// The result as a program reads it.
#[derive(Serialize)]
struct Report<'a> {
    profile: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tracks: &'a [TrackCheck],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    layers: &'a [LayerCheck],
}

/// A check of layers, with the file they are from.
#[derive(Serialize)]
struct LayerCheck {
    file: String,
    #[serde(flatten)]
    report: kernels::Report,
}

/// Compares, prints, and draws.
pub(super) fn run(options: &ProfileCheck) -> Result<Code, Fault> {
    let profile = super::read_profile(&options.profile)?;
    let cooling = options.cooling.as_deref().map(super::read_cooling).transpose()?;
    let (mut tracks, mut layers, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    for path in &options.data {
        let checked = recognise(&profile, path).and_then(|data| {
            match data {
                Data::Recording(recording) => {
                    tracks.extend(check_recording(&profile, cooling.as_ref(), path, &recording)?)
                }
                Data::Layers(report) => layers.push(LayerCheck { file: path.display().to_string(), report }),
            }
            Ok(())
        });
        // A file that cannot be used hides no other: they are printed first.
        faults.extend(checked.err());
    }
    if tracks.is_empty() && layers.is_empty() {
        return faults.into_iter().next().map_or(Ok(exit::SUCCESS), Err);
    }
    let text = if options.json {
        super::json(&Report { profile: &profile.name, tracks: &tracks, layers: &layers })?
    } else {
        text(&profile, &tracks, &layers)
    };
    super::super::print(&text)?;
    if let Some(path) = options.plot.as_ref().filter(|_| !tracks.is_empty()) {
        write_whole(path, plot::svg(&profile.name, &tracks))?;
        tell!("plot in {}", path.display());
    }
    if options.plot.is_some() && tracks.is_empty() {
        tell!("note: nothing is drawn: no file is a recording of temperatures");
    }
    let mut faults = faults.into_iter();
    let first = faults.next();
    for fault in faults {
        tell!("{fault}");
    }
    first.map_or(Ok(exit::SUCCESS), Err)
}

/// What people read: recordings first, then layers file by file.
fn text(profile: &DeviceProfile, tracks: &[TrackCheck], layers: &[LayerCheck]) -> String {
    let mut text = format!("{}\n", profile.name);
    if !tracks.is_empty() {
        text.push_str(&format!("\n{}{}", table::errors(tracks), table::rest(tracks)));
    }
    for check in layers {
        text.push_str(&format!("\n{}\n{}", check.file, check.report));
    }
    text
}

fn recognise(profile: &DeviceProfile, path: &Path) -> Result<Data, Fault> {
    let file = path.display().to_string();
    let is_recording = Recording::recognises(&file).map_err(|fault| Fault::Input(fault.to_string()))?;
    if let Ok(Some(_)) = kernels::recognise(path) {
        return kernels::run(profile, path).map(Data::Layers).map_err(Fault::Input);
    }
    if is_recording {
        return Recording::open(&file).map(Data::Recording).map_err(|fault| Fault::Input(fault.to_string()));
    }
    Err(Fault::Input(format!(
        "{file}: neither a recording (CSV whose first line has the columns `t_s` and `temp_c`, for example \
         \"t_s,gpu,power_mw,energy_mj,temp_c,mem_temp_c\") nor measured kernels (CSV with `moe_dtype`, `num_experts`, \
         `latency`) nor the phases of a recording (JSON with `phases` or `moe`)"
    )))
}

fn check_recording(
    profile: &DeviceProfile,
    cooling: Option<&Cooling>,
    path: &Path,
    recording: &Recording,
) -> Result<Vec<TrackCheck>, Fault> {
    let mut series = super::series_of(recording)?;
    if let Some(cooling) = cooling {
        upstream(&mut series, &cooling.streams);
    }
    let predicted = kernels::clock_at_cap(profile);
    let mut tracks = Vec::new();
    for series in &series {
        let mut track = check::track(profile, series, cooling.and_then(|cooling| cooling.stream_w_per_k))
            .map_err(|fault| Fault::Input(format!("{}: {fault}", path.display())))?;
        if let Some(clock) = &mut track.clock_at_cap {
            clock.predicted_mhz = predicted;
        }
        tracks.push(track);
    }
    Ok(tracks)
}

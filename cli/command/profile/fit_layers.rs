//! `isotherm profile fit-layers`: recorded layers in, the time and energy part of a profile out.

use isotherm_calibration::kernels::{LayerFit, PhaseReport, check_phases, fit_layers, read_phases};
use isotherm_core::hardware::{Basis, Origin};
use serde::Serialize;

use crate::args::ProfileFitLayers;
use crate::exit::{self, Code};
use crate::fault::Fault;
use crate::output_file::write_whole;

/// The result as a program reads it.
#[derive(Serialize)]
struct Report<'a> {
    fit: &'a LayerFit,
    checks: &'a [PhaseReport],
}

/// Fits, prints, and writes the profile.
pub(super) fn run(options: &ProfileFitLayers) -> Result<Code, Fault> {
    if options.output.exists() && !options.force {
        return Err(Fault::Exists { path: options.output.clone(), option: "-o" });
    }
    let from = super::read_profile(&options.from)?;
    let input = |fault: &dyn std::fmt::Display| Fault::Input(fault.to_string());
    let recordings: Result<Vec<_>, Fault> =
        options.phases.iter().map(|path| read_phases(path).map_err(|fault| input(&fault))).collect();
    let recordings = recordings?;
    for (path, phases) in options.phases.iter().zip(&recordings) {
        for note in &phases.notes {
            tell!("note: {}: {note}", path.display());
        }
    }
    let mut fit = fit_layers(&from, &recordings).map_err(|fault| input(&fault))?;
    for (key, value, relative) in &fit.numbers {
        let half_width = value * relative;
        // At its bound, or where nothing depends on it, a number has no width.
        let is_known = half_width.is_finite();
        let told = if is_known { "" } else { "; the layers do not tell it" };
        let note = format!("{} layers of {}, closed loop{told}", fit.layers, names(options));
        // A number of a list is not a key of its own.
        let key = key.split(['[', ' ']).next().unwrap_or(key).to_owned();
        let plus_minus = (key != "clock.voltage" && is_known).then_some(half_width);
        fit.profile.origin.insert(key, Origin { basis: Basis::Fitted, plus_minus, note });
    }
    let checks: Result<Vec<PhaseReport>, Fault> =
        recordings.iter().map(|phases| check_phases(&fit.profile, phases).map_err(|fault| input(&fault))).collect();
    let checks = checks?;
    let text = if options.json { super::json(&Report { fit: &fit, checks: &checks })? } else { summary(&fit, &checks) };
    super::super::print(&text)?;
    let body = toml::to_string(&fit.profile).map_err(|error| Fault::Internal(error.to_string()))?;
    write_whole(&options.output, format!("# Layers fitted by `isotherm profile fit-layers`.\n{body}"))?;
    tell!("profile in {}", options.output.display());
    Ok(exit::SUCCESS)
}

/// The names of the files, without their folders.
fn names(options: &ProfileFitLayers) -> String {
    let stems = options.phases.iter().filter_map(|path| path.file_stem());
    stems.map(|stem| stem.to_string_lossy().into_owned()).collect::<Vec<_>>().join(", ")
}

fn summary(fit: &LayerFit, checks: &[PhaseReport]) -> String {
    let mut text = String::from("parameter                                       value   95 % interval\n");
    for (key, value, relative) in &fit.numbers {
        text.push_str(&format!("{key:<41} {value:>11.4e}   +- {:.0} %\n", 100.0 * relative));
    }
    text.push_str("\nlayer                           time ms   model   error    energy J   model   error\n");
    for layer in checks.iter().flat_map(|check| &check.layers) {
        text.push_str(&format!(
            "{:<30} {:>8.3} {:>7.3} {:>6.1} %  {:>8.4} {:>7.4} {:>6.1} %\n",
            layer.name,
            1e3 * layer.seconds,
            1e3 * layer.predicted_seconds,
            100.0 * layer.time_error,
            layer.joules,
            layer.predicted_joules,
            100.0 * layer.energy_error
        ));
    }
    let worst = |of: fn(&PhaseReport) -> f64| 100.0 * checks.iter().map(of).fold(0.0, f64::max);
    text.push_str(&format!(
        "\n{} layers; off by at most {:.1} % in time and {:.1} % in energy\n",
        fit.layers,
        worst(|check| check.worst_time),
        worst(|check| check.worst_energy)
    ));
    text
}

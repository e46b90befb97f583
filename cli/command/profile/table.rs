//! Tables of temperature errors.

use isotherm_calibration::thermal::check::{Errors, Size, TrackCheck};

/// The errors of every GPU of every recording, one line for each sensor and way of treating the ambient.
pub(super) fn errors(tracks: &[TrackCheck]) -> String {
    let mut text = String::from(
        "error, model - measured (K)                     continuous loads              aliased loads\n\
         recording        sensor ambient           RMSE   p95    max   bias      RMSE   p95    max\n",
    );
    for track in tracks {
        let name = track.file.rsplit(['/', '\\']).next().unwrap_or(&track.file);
        let name = name.trim_end_matches(".gz").trim_end_matches(".csv");
        for (label, errors) in [("first 10 s alone", &track.ambient_alone), ("with slow drift", &track.with_drift)] {
            text.push_str(&lines(&format!("{name} GPU {}", track.gpu), label, errors));
        }
    }
    text
}

fn lines(name: &str, label: &str, errors: &Errors) -> String {
    let sensors = [("GPU", Some(&errors.gpu)), ("HBM", errors.hbm.as_ref())];
    let mut text = String::new();
    for (sensor, errors) in sensors {
        let Some(errors) = errors else { continue };
        let full = |size: Size| format!("{:6.2} {:5.2} {:6.2} {:+6.2}", size.rmse, size.p95, size.max, size.bias);
        let short = |size: Size| format!("{:6.2} {:5.2} {:6.2}", size.rmse, size.p95, size.max);
        let continuous = errors.continuous.map_or(format!("{:>26}", "none"), full);
        let aliased = errors.aliased.map_or(format!("{:>19}", "none"), short);
        text.push_str(&format!("{name:<16} {sensor:<6} {label:<16} {continuous}    {aliased}\n"));
    }
    text
}

/// Ambient, energy and clock of every GPU.
pub(super) fn rest(tracks: &[TrackCheck]) -> String {
    let mut text = String::new();
    for track in tracks {
        let name = track.file.rsplit(['/', '\\']).next().unwrap_or(&track.file);
        text.push_str(&format!("\n{name} GPU {} ({:.0} s)\n", track.gpu, track.seconds));
        let source = if track.memory_power_is_measured { "measured" } else { "by the profile's law" };
        text.push_str(&format!("  memory power   {source}\n"));
        let knots: Vec<String> = track.with_drift.ambient.iter().map(|(_, celsius)| format!("{celsius:.1}")).collect();
        text.push_str(&format!("  ambient        {} degC, knots at least 60 s apart\n", knots.join(" ")));
        if let Some(energy) = track.energy {
            text.push_str(&format!(
                "  energy         {:.1} kJ by the counter, {:.1} kJ by the mean power ({:+.2} %)\n",
                energy.counter_j / 1e3,
                energy.mean_power_j / 1e3,
                energy.error_percent
            ));
        }
        if let Some(clock) = track.clock_at_cap {
            let predicted = clock.predicted_mhz.map_or("not predicted by this profile".to_owned(), |mhz| {
                format!("predicted {mhz:.0} MHz ({:+.1} %)", 100.0 * (mhz / clock.measured_mhz - 1.0))
            });
            text.push_str(&format!("  clock at cap   {:.0} MHz, {predicted}\n", clock.measured_mhz));
        }
    }
    text
}

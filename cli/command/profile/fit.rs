//! `isotherm profile fit`: recordings in, a device profile out.

use std::sync::atomic::Ordering;

use isotherm_calibration::plot;
use isotherm_calibration::series::upstream;
use isotherm_calibration::thermal::fit::{self, Fit, Options};

use super::table;
use crate::args::ProfileFit;
use crate::exit::{self, Code};
use crate::fault::Fault;
use crate::output_file::write_whole;

/// Fits, prints, and writes the profile and its plot.
pub(super) fn run(options: &ProfileFit) -> Result<Code, Fault> {
    if options.output.exists() && !options.force {
        return Err(Fault::Exists { path: options.output.clone(), option: "-o" });
    }
    let from = options.from.as_deref().map(super::read_profile).transpose()?;
    let mut series = Vec::new();
    for path in &options.traces {
        series.extend(super::read_series(path)?);
    }
    let recorded: Vec<u32> = series.iter().map(|series| series.gpu).collect();
    if let Some(absent) = options.gpu.iter().find(|gpu| !recorded.contains(gpu)) {
        return Err(Fault::Usage(format!("--gpu: no recording has a GPU {absent}; there are {recorded:?}")));
    }
    if let Some(absent) = options.stream.iter().flat_map(|stream| &stream.0).find(|gpu| !recorded.contains(gpu)) {
        return Err(Fault::Usage(format!("--stream: no recording has a GPU {absent}; there are {recorded:?}")));
    }
    upstream(&mut series, &options.stream.iter().map(|stream| stream.0.clone()).collect::<Vec<_>>());
    series.retain(|series| options.gpu.is_empty() || options.gpu.contains(&series.gpu));
    if !options.stream.is_empty() && series.iter().all(|series| series.upstream.is_empty()) {
        let why = "--stream: no GPU that is fitted stands behind another; the upstream one comes first, for example 1,0 with --gpu 0";
        return Err(Fault::Usage(why.to_owned()));
    }
    let stop = super::super::run::interruption();
    let proceed = || !stop.load(Ordering::Relaxed);
    let settings = Options {
        from: from.as_ref(),
        nodes: options.nodes.map(usize::from),
        hold: &options.hold,
        steady_ambient: options.steady_ambient,
    };
    let fit = match fit::fit(&series, &settings, &proceed) {
        Ok(fit) => fit,
        Err(_) if stop.load(Ordering::Relaxed) => {
            tell!("interrupted; nothing is written");
            return Ok(exit::INTERRUPTED);
        }
        Err(fault) => return Err(Fault::Input(fault)),
    };
    let text = if options.json { super::json(&fit)? } else { summary(&fit) };
    super::super::print(&text)?;
    write_whole(&options.output, &profile_text(&fit)?)?;
    tell!("profile in {}", options.output.display());
    if let Some(path) = &options.plot {
        write_whole(path, plot::svg(&fit.profile.name, &fit.checks))?;
        tell!("plot in {}", path.display());
    }
    Ok(exit::SUCCESS)
}

/// The profile as TOML, with its fit error on top.
fn profile_text(fit: &Fit) -> Result<String, Fault> {
    let mut text =
        String::from("# Fitted by `isotherm profile fit`; how well, on the recordings it was fitted to:\n#\n");
    for line in table::errors(&fit.checks).lines() {
        text.push_str(format!("# {line}").trim_end());
        text.push('\n');
    }
    for note in &fit.notes {
        text.push_str(&format!("# note: {note}\n"));
    }
    text.push('\n');
    let body = toml::to_string(&fit.profile).map_err(|error| Fault::Internal(error.to_string()))?;
    Ok(text + &body)
}

fn summary(fit: &Fit) -> String {
    let mut text = String::new();
    if !fit.orders.is_empty() {
        text.push_str("held-out segments, RMSE (K)      ambient refitted   ambient carried over\n");
        text.push_str("nodes  recording                   GPU    HBM          GPU    HBM\n");
    }
    let number = |value: Option<f64>| value.map_or("   -  ".to_owned(), |value| format!("{value:6.2}"));
    for order in &fit.orders {
        for held in &order.by_recording {
            text.push_str(&format!(
                "{:>3}{}   {:<24} {} {}       {} {}\n",
                order.nodes,
                if order.chosen { "*" } else { " " },
                held.recording,
                number(held.gpu_rmse),
                number(held.hbm_rmse),
                number(held.gpu_rmse_ambient_carried),
                number(held.hbm_rmse_ambient_carried)
            ));
        }
    }
    text.push_str("\nparameter                            value   95 % interval\n");
    for parameter in &fit.parameters {
        let interval = parameter.plus_minus.map_or("not fitted".to_owned(), |half| format!("+- {half:.3}"));
        let value = format!("{:.3} {}", parameter.value, parameter.unit);
        text.push_str(&format!("{:<32} {value:>14}   {interval}\n", parameter.key));
    }
    let constants: Vec<String> = fit.time_constants.iter().map(|tau| format!("{tau:.2} s")).collect();
    text.push_str(&format!("time constants: {}\n\n", constants.join(", ")));
    text.push_str(&table::errors(&fit.checks));
    text.push_str(&table::rest(&fit.checks));
    if !fit.notes.is_empty() {
        text.push('\n');
    }
    for note in &fit.notes {
        text.push_str(&format!("note: {note}\n"));
    }
    text
}

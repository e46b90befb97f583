//! `isotherm sweep plan`: resolve once, check everything, cut into chunks.

use std::fmt::Write;

use crate::args::SweepPlan as Options;
use crate::exit::{self, Code};
use crate::fault::Fault;
use crate::scenario_file::Overrides;
use crate::slurm::script::quoted;
use crate::sweep::{Cut, PlanFolder, Points, SweepPlan};

/// Freezes the plan and prints it.
pub(super) fn run(options: &Options) -> Result<Code, Fault> {
    let overrides = Overrides { telemetry: None, set: &options.set, libraries: &options.libraries.files };
    let points = Points::read(&options.scenario, &overrides)?;
    let here = std::env::current_dir()
        .map_err(|error| Fault::Input(format!("the current directory cannot be found: {error}")))?;
    let cut = match (options.chunks, options.points_per_task) {
        (Some(chunks), _) => Cut::Chunks(chunks as usize),
        (None, Some(size)) => Cut::PointsPerTask(size as usize),
        (None, None) => Cut::Fit,
    };
    let plan = SweepPlan::of(&points, cut, here)?;
    let (folder, new) = PlanFolder::freeze(&options.folder, plan, &points.file().frozen)?;
    if !new {
        tell!("{} holds this plan already", options.folder.display());
    }
    let text = if options.json { super::json(&folder.plan)? } else { table(&folder.plan, &quoted(&options.folder)?) };
    crate::command::print(&text)?;
    Ok(exit::SUCCESS)
}

/// The plan for people.
fn table(plan: &SweepPlan, folder: &dyn std::fmt::Display) -> String {
    let mut text = String::new();
    let mut line = |what: &str, value: String| {
        // A string takes everything.
        let _ = writeln!(text, "{what:12}{value}");
    };
    line("scenario", format!("{} ({})", plan.scenario, &plan.scenario_hash[..16.min(plan.scenario_hash.len())]));
    for axis in &plan.axes {
        line("axis", format!("{} = {}", axis.key, values(&axis.values)));
    }
    line("points", format!("{} ({} at their seeds)", plan.points, super::counted(plan.worlds, "world")));
    line("runs", plan.work.runs.to_string());
    let sizes = (plan.points / plan.chunks, plan.points.div_ceil(plan.chunks));
    let of = if sizes.0 == sizes.1 { sizes.0.to_string() } else { format!("{} or {}", sizes.0, sizes.1) };
    line("chunks", format!("{} of {of} points", plan.chunks));
    line("work", format!("{} batches, {} tokens", plan.work.batches, plan.work.tokens));
    let each = plan.work.core_seconds / plan.chunks as f64;
    line("estimate", format!("some {} of one core, {} a chunk", long(plan.work.core_seconds), long(each)));
    let _ = writeln!(
        text,
        "\nDo it here with `isotherm sweep work {folder} --all`, a part of it anywhere with `isotherm sweep work {folder} --chunk N`\n(N from 0 to {}), then `isotherm sweep merge {folder}`.",
        plan.chunks - 1
    );
    text
}

/// Values of an axis, the first and the last of many.
fn values(values: &[String]) -> String {
    const SHOWN: usize = 8;
    if values.len() <= SHOWN {
        return values.join(", ");
    }
    let (first, last) = (&values[..SHOWN - 2], &values[values.len() - 1]);
    format!("{}, ..., {last} ({} values)", first.join(", "), values.len())
}

/// A length of time as people say it.
fn long(seconds: f64) -> String {
    match seconds {
        ..90.0 => format!("{seconds:.2} s"),
        ..5400.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3600.0),
    }
}

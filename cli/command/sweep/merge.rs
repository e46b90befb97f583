//! `isotherm sweep merge`: one results folder of all tasks, and what is missing where it is not complete.

use std::time::Instant;

use super::counted;
use crate::args::SweepMerge;
use crate::exit::{self, Code};
use crate::fault::Fault;
use crate::results::{Folder, Summary, Timing};
use crate::statistics::Interval;
use crate::sweep::{self, PlanFolder, Survey};
use crate::table;

/// Puts together what there is, if that is enough.
pub(super) fn run(options: &SweepMerge) -> Result<Code, Fault> {
    let started = Instant::now();
    let out = options.out.as_deref().map(std::path::absolute).transpose();
    let out = out.map_err(|error| Fault::Usage(format!("--out: {error}")))?;
    let folder = PlanFolder::open(&options.folder)?;
    let survey = Survey::of(&folder)?;
    let missing = survey.open_points(&folder.plan);
    if !missing.is_empty() {
        eprintln!(
            "{} of {} are missing: {missing}\n  = help: do them with `isotherm sweep work {} --chunk {}`",
            missing.count(),
            counted(folder.plan.points, "point"),
            options.folder.display(),
            survey.open_chunks().as_argument()
        );
        if !(options.partial || options.report) {
            return Ok(exit::INCOMPLETE);
        }
    }
    let points = folder.points_of_results()?;
    let name = if missing.is_empty() { "results" } else { "results-partial" };
    let path = out.unwrap_or_else(|| folder.path.join(name));
    let (results, _) = Folder::open(&path, points.file(), options.force)?;
    let merged = sweep::merge(&folder, &points, &survey, Interval::requested(options.bootstrap))?;
    let tokens = merged.finished.iter().filter_map(|f| f.outcome.as_ref().ok()).map(|r| r.tokens()).sum();
    let (runs, simulate_seconds) = (merged.finished.len(), started.elapsed().as_secs_f64());
    let timing = Timing { simulate_seconds, threads: 1, runs, tokens, lag: None };
    results.write(points.file(), &merged.finished, &merged.summary, &timing, options.csv)?;
    eprintln!("{} merged into {}", counted(folder.plan.points - missing.count(), "point"), path.display());
    show(&merged.summary, options)?;
    Ok(match (missing.is_empty(), merged.summary.failures.is_empty()) {
        (false, _) => exit::INCOMPLETE,
        (true, false) => exit::RUN,
        (true, true) => exit::SUCCESS,
    })
}

fn show(summary: &Summary, options: &SweepMerge) -> Result<(), Fault> {
    if options.json {
        return crate::command::print(&super::json(summary)?);
    }
    if options.report { crate::command::print(&table::render(summary)) } else { Ok(()) }
}

//! `isotherm sweep merge`: one results folder of all tasks, and what is missing where it is not complete.

use std::time::Instant;

use super::counted;
use crate::args::SweepMerge;
use crate::command::comparison::{self, Form};
use crate::exit::{self, Code};
use crate::fault::Fault;
use crate::results::{Folder, ResultsWriter, Timing, WriteOptions};
use crate::slurm::script::quoted;
use crate::statistics::Interval;
use crate::sweep::{self, PlanFolder, Survey};

/// Puts together what there is, if that is enough.
pub(super) fn run(options: &SweepMerge) -> Result<Code, Fault> {
    let started = Instant::now();
    let out = options.out.as_deref().map(std::path::absolute).transpose();
    let out = out.map_err(|error| Fault::Usage(format!("--out: {error}")))?;
    let folder = PlanFolder::open(&options.folder)?;
    let survey = Survey::of(&folder)?;
    let missing = survey.open_points(&folder.plan);
    if !missing.is_empty() {
        tell!(
            "{} of {} are missing: {missing}\n  = help: do them with `isotherm sweep work {} --chunk {}`",
            missing.count(),
            counted(folder.plan.points, "point"),
            quoted(&options.folder)?,
            survey.open_chunks().as_argument()
        );
        if !(options.partial || options.report) {
            return Ok(exit::INCOMPLETE);
        }
    }
    let points = folder.points_of_results()?;
    let name = if missing.is_empty() { "results" } else { "results-partial" };
    let path = out.unwrap_or_else(|| folder.path.join(name));
    let first = points.worlds_of(0..1)?;
    let (results, _) = Folder::open(&path, &first, options.force)?;
    let how = WriteOptions { interval: Interval::requested(options.bootstrap), with_csv: options.csv };
    let mut writer = ResultsWriter::begin(&results, &first, how)?;
    let merged = sweep::merge(&folder, &points, &survey, &mut writer)?;
    let simulate_seconds = started.elapsed().as_secs_f64();
    let timing = Timing { simulate_seconds, threads: 1, runs: merged.runs, tokens: merged.tokens, lag: None };
    let overview = writer.finish(&timing)?;
    tell!("{} merged into {}", counted(folder.plan.points - missing.count(), "point"), path.display());
    if options.json {
        comparison::show(results.path(), Form::Json)?;
    } else if options.report {
        comparison::show(results.path(), Form::Text)?;
    }
    Ok(match (missing.is_empty(), overview.failure_count) {
        (false, _) => exit::INCOMPLETE,
        (true, 0) => exit::SUCCESS,
        (true, _) => exit::RUN,
    })
}

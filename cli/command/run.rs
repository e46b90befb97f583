//! `isotherm run`: scenarios in, tables and results folders out.

mod live;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use crate::args::{Common, Run};
use crate::execute::{self, Comparison, Outcome, Watch};
use crate::exit::{self, Code};
use crate::fault::Fault;
use crate::progress::Progress;
use crate::results::{Existing, Folder, Overview, Timing, WriteOptions};
use crate::scenario_file::{Overrides, ScenarioFile};
use crate::statistics::Interval;
use crate::table;

/// Runs every scenario in its turn. All are read and checked before the first one runs.
pub(super) fn run(options: &Run) -> Result<Code, Fault> {
    let libraries = &options.libraries.files;
    let overrides = Overrides { telemetry: options.telemetry.as_ref(), set: &options.set, libraries };
    let files: Vec<ScenarioFile> =
        (options.scenarios.iter()).map(|path| ScenarioFile::read_as(path, &overrides)).collect::<Result<_, _>>()?;
    let mut code = exit::SUCCESS;
    for (file, path) in files.iter().zip(folders(&files, options)?) {
        let outcome = compare(file, &path, &options.common)?;
        if outcome != exit::SUCCESS {
            code = outcome;
        }
    }
    Ok(code)
}

/// The results folder of each scenario; two scenarios must not share one.
fn folders(files: &[ScenarioFile], options: &Run) -> Result<Vec<PathBuf>, Fault> {
    let names: Vec<&str> = files.iter().map(|file| file.plan.worlds[0].scenario.name.as_str()).collect();
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            return Err(Fault::Usage(format!(
                "two scenarios are called `{name}` and would share a results folder; run them one by one"
            )));
        }
    }
    Ok(names
        .iter()
        .map(|name| match &options.out {
            None => Path::new("results").join(match &options.telemetry {
                None => (*name).to_owned(),
                Some(telemetry) => format!("{name}-{}", telemetry.kind().replace('/', "-")),
            }),
            Some(out) if files.len() == 1 => out.clone(),
            Some(out) => out.join(name),
        })
        .collect())
}

/// Runs one comparison, or what is left of it, and prints its table.
pub(super) fn compare(file: &ScenarioFile, path: &Path, common: &Common) -> Result<Code, Fault> {
    let comparison = Comparison::prepare(file)?.recording_in(path);
    live::keeps_its_records(file, path)?;
    let (folder, existing) = Folder::open(path, file, common.force)?;
    match existing {
        Existing::Open => {}
        Existing::Outdated => say(common, &format!("{} is of an older isotherm; running it again", path.display())),
        Existing::OtherPlugins => {
            say(common, &format!("a plugin has changed since {} was written; running it again", path.display()));
        }
        Existing::Complete(summary) => {
            if let Some(summary) = complete(file, &comparison, &folder, *summary, common)? {
                return show(&summary, &folder, common);
            }
        }
    }
    let threads =
        common.threads.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| Fault::Internal(format!("cannot start {threads} threads: {error}")))?;
    let started = Instant::now();
    let (runs, simulated) = pool.install(|| simulate(file, &comparison, &folder, common))?;
    let tokens = runs.iter().filter_map(|(_, outcome)| outcome.as_ref().ok()).map(|record| record.tokens()).sum();
    let simulate_seconds = started.elapsed().as_secs_f64();
    let timing = Timing { simulate_seconds, threads, runs: simulated, tokens, lag: None };
    let options = WriteOptions { interval: Interval::requested(common.bootstrap), with_csv: common.csv };
    let overview = folder.write(file, runs, &timing, options)?;
    say(common, &format!("{} runs in {:.2} s; results in {}", simulated, timing.simulate_seconds, path.display()));
    show(&overview, &folder, common)
}

/// The summary of complete results, with the intervals asked for: they decide no run, so the kept runs are summarised again.
/// `None` if the runs cannot be read any more.
fn complete(
    file: &ScenarioFile,
    comparison: &Comparison<'_>,
    folder: &Folder,
    summary: Overview,
    common: &Common,
) -> Result<Option<Overview>, Fault> {
    let (interval, path) = (Interval::requested(common.bootstrap), folder.path().display());
    if summary.head.interval == interval {
        say(common, &format!("{path} is complete; nothing to run (--force runs it again)"));
        return Ok(Some(summary));
    }
    match folder.summarise_again(file, comparison.runs(), interval)? {
        Ok(summary) => {
            say(common, &format!("{path} is complete; its runs are summarised again, with other intervals"));
            Ok(Some(summary))
        }
        Err(why) => {
            say(common, &format!("{path} cannot be summarised again ({why}); running it again"));
            Ok(None)
        }
    }
}

/// Simulates what an earlier start has not finished; returns all runs, and how many were simulated.
fn simulate(
    file: &ScenarioFile,
    comparison: &Comparison<'_>,
    folder: &Folder,
    common: &Common,
) -> Result<(Vec<(execute::Run, Outcome)>, usize), Fault> {
    let runs = comparison.runs();
    let known = folder.unfinished(runs);
    let taken_over = known.iter().flatten().count();
    if taken_over > 0 {
        say(common, &format!("continuing: {taken_over} of {} runs are already finished", runs.len()));
    }
    if let Some(time) = comparison.live_time(&known) {
        say(common, &live::announcement(&time));
    }
    let name = &file.plan.worlds[0].scenario.name;
    let watch = Keeper {
        progress: Progress::new(name, comparison.total_batches(), common.quiet),
        folder,
        // One group has nothing to be continued between, unless its runs go one by one.
        keeps: file.plan.worlds.iter().map(|world| world.scenario.seeds as usize).sum::<usize>() > 1
            || file.plan.worlds.iter().any(|world| world.scenario.telemetry.is_live()),
    };
    let stop = interruption();
    let outcomes = comparison.run(known, &watch, &stop)?;
    watch.progress.finish();
    if stop.load(Ordering::Relaxed) && outcomes.iter().any(Option::is_none) {
        let finished = outcomes.iter().flatten().count();
        return Err(Fault::Interrupted { finished, total: runs.len(), folder: folder.path().to_owned() });
    }
    let simulated = runs.len() - taken_over;
    Ok((comparison.with_outcomes(outcomes)?, simulated))
}

/// Moves the bar and keeps finished runs.
struct Keeper<'a> {
    progress: Progress,
    folder: &'a Folder,
    keeps: bool,
}

impl Watch for Keeper<'_> {
    fn batches_done(&self, batches: u64) {
        self.progress.advance(batches);
    }

    fn keep(&self, runs: &[(&execute::Run, &Outcome)]) -> Result<(), Fault> {
        if self.keeps { self.folder.keep(runs) } else { Ok(()) }
    }
}

/// A flag that the first Ctrl-C sets; the second one ends the program at once.
pub(super) fn interruption() -> Arc<AtomicBool> {
    static STOP: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    let stop = STOP.get_or_init(|| {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        // Without a handler Ctrl-C ends the program at once, and finished runs are still kept.
        let _ = ctrlc::set_handler(move || {
            if flag.swap(true, Ordering::Relaxed) {
                std::process::exit(i32::from(exit::INTERRUPTED.get()));
            }
            eprintln!("stopping when the batches in hand are done; Ctrl-C again stops at once");
        });
        stop
    });
    Arc::clone(stop)
}

fn say(common: &Common, text: &str) {
    if !common.quiet {
        eprintln!("{text}");
    }
}

/// Prints the table, or the summary as JSON, on standard output.
fn show(overview: &Overview, folder: &Folder, common: &Common) -> Result<Code, Fault> {
    let path = folder.summary_path();
    if common.json {
        // The file itself, which may be larger than memory.
        super::print_all(&mut std::fs::File::open(&path).map_err(|error| Fault::unwritable(&path, error))?)?;
    } else {
        super::print(&table::render(overview, &path))?;
    }
    Ok(if overview.failure_count == 0 { exit::SUCCESS } else { exit::RUN })
}

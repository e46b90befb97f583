//! `isotherm run`: scenarios in, tables and results folders out.

mod live;
mod simulated;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::comparison::{self, Form};
use crate::args::{Common, ProfileForm, Run};
use crate::execute::{Comparison, Ledger, Part, TimeSpent, WallClock, time};
use crate::exit::{self, Code};
use crate::fault::Fault;
use crate::results::{Existing, Folder, Overview};
use crate::scenario_file::{Overrides, ScenarioFile, SweepFile};
use crate::statistics::Interval;
use crate::sweep::{Points, Work};

/// Runs every scenario in its turn. All are read and checked before the first one runs.
pub(super) fn run(options: &Run) -> Result<Code, Fault> {
    let libraries = &options.libraries.files;
    let overrides = Overrides { telemetry: options.telemetry.as_ref(), set: &options.set, libraries };
    let mut scenarios = Vec::new();
    for path in &options.scenarios {
        scenarios.push(Scenario::of(|| ScenarioFile::read_lazily(path, &overrides))?);
    }
    let mut code = exit::SUCCESS;
    for (scenario, path) in scenarios.iter().zip(folders(&scenarios, options)?) {
        let outcome = compare(scenario, &path, &options.common)?;
        if outcome != exit::SUCCESS {
            code = outcome;
        }
    }
    Ok(code)
}

/// A scenario whose points were all found in order.
pub(super) struct Scenario {
    points: Points,
    work: Work,
    /// The first world, which says what all say of themselves.
    first: ScenarioFile,
    /// What reading and checking it took.
    read_in: Duration,
}

impl Scenario {
    /// Reads a scenario and checks every point of it.
    pub(super) fn of(read: impl FnOnce() -> Result<SweepFile, Fault>) -> Result<Self, Fault> {
        let began = Instant::now();
        let points = Points::of(read()?)?;
        let work = Work::of(&points)?;
        Ok(Self { first: points.worlds_of(0..1)?, points, work, read_in: began.elapsed() })
    }

    fn name(&self) -> &str {
        &self.first.plan.worlds[0].scenario.name
    }

    /// All of it, for what needs all at once.
    fn whole(&self) -> Result<ScenarioFile, Fault> {
        self.points.worlds_of(0..self.points.worlds())
    }
}

/// The results folder of each scenario; two scenarios must not share one.
fn folders(scenarios: &[Scenario], options: &Run) -> Result<Vec<PathBuf>, Fault> {
    let names: Vec<&str> = scenarios.iter().map(Scenario::name).collect();
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
            Some(out) if scenarios.len() == 1 => out.clone(),
            Some(out) => out.join(name),
        })
        .collect())
}

/// Runs one comparison, or what is left of it, and prints its table.
pub(super) fn compare(scenario: &Scenario, path: &Path, common: &Common) -> Result<Code, Fault> {
    live::keeps_its_records(&scenario.first, path)?;
    if scenario.work.live && common.profile.is_some() {
        return Err(Fault::Usage(
            "--profile says where the time of simulated runs goes, and runs with live telemetry wait for the clock; leave it out, or name a simulated source".to_owned(),
        ));
    }
    let (folder, existing) = Folder::open(path, &scenario.first, common.force)?;
    match existing {
        Existing::Open => {}
        Existing::Outdated => say(common, &format!("{} is of an older isotherm; running it again", path.display())),
        Existing::OtherPlugins => {
            say(common, &format!("a plugin has changed since {} was written; running it again", path.display()));
        }
        Existing::Complete(summary) => {
            if let Some(summary) = complete(scenario, &folder, *summary, common)? {
                if common.profile.is_some() {
                    tell!("nothing was simulated: there is no profile (--force runs it again)");
                }
                return show(&summary, &folder, common);
            }
        }
    }
    if scenario.work.live {
        return show(&live::run(&scenario.whole()?, &folder, common)?, &folder, common);
    }
    let ledger = common.profile.map(|_| Ledger::new(Arc::new(WallClock::default())));
    let overview =
        simulated::simulate(&scenario.points, &scenario.work, &scenario.first, &folder, common, ledger.as_ref())?;
    let code = time(ledger.as_ref(), Part::Output, || show(&overview, &folder, common))?;
    if let (Some(ledger), Some(form)) = (ledger, common.profile) {
        tell_spent(&ledger.spent(scenario.read_in, threads(common)), form)?;
    }
    Ok(code)
}

fn tell_spent(spent: &TimeSpent, form: ProfileForm) -> Result<(), Fault> {
    match form {
        ProfileForm::Text => tell!("{}", spent.to_string().trim_end()),
        ProfileForm::Json => {
            tell!("{}", serde_json::to_string(spent).map_err(|error| Fault::Internal(error.to_string()))?);
        }
    }
    Ok(())
}

/// The summary of complete results, with the intervals asked for: they decide no run, so the kept runs are summarised again.
/// `None` if the runs cannot be read any more.
fn complete(
    scenario: &Scenario,
    folder: &Folder,
    summary: Overview,
    common: &Common,
) -> Result<Option<Overview>, Fault> {
    let (interval, path) = (Interval::requested(common.bootstrap), folder.path().display());
    if summary.head.interval == interval {
        say(common, &format!("{path} is complete; nothing to run (--force runs it again)"));
        return Ok(Some(summary));
    }
    let whole = scenario.whole()?;
    let listed = Comparison::list_points(&whole, &(0..usize::MAX))?;
    match folder.summarise_again(&whole, listed.runs(), interval)? {
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

/// Threads to use.
fn threads(common: &Common) -> usize {
    common.threads.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from)
}

/// So many threads.
pub(super) fn pool(threads: usize) -> Result<rayon::ThreadPool, Fault> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| Fault::Internal(format!("cannot start {threads} threads: {error}")))
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
            tell!("stopping when the batches in hand are done; Ctrl-C again stops at once");
        });
        stop
    });
    Arc::clone(stop)
}

fn say(common: &Common, text: &str) {
    if !common.quiet {
        tell!("{text}");
    }
}

/// Prints the table, or the summary as JSON, on standard output; then the page, if it is wanted.
fn show(overview: &Overview, folder: &Folder, common: &Common) -> Result<Code, Fault> {
    comparison::show(folder.path(), if common.json { Form::Json } else { Form::Text })?;
    super::report::after_run(folder.path(), common.report, common.quiet)?;
    Ok(if overview.failure_count == 0 { exit::SUCCESS } else { exit::RUN })
}

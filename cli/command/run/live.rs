//! Runs with live telemetry: one after the other, by the clock, and each kept as soon as it is over.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::say;
use super::simulated::WORK;
use crate::args::Common;
use crate::execute::{Comparison, LiveTime, Outcome, Run, Watch, seen};
use crate::fault::Fault;
use crate::progress::Progress;
use crate::results::{Folder, Overview, ResultsWriter, Timing, WriteOptions};
use crate::scenario_file::ScenarioFile;
use crate::statistics::Interval;
use crate::sweep::{Journals, Keeper};

/// Runs what an earlier start has not finished, and writes everything.
pub(super) fn run(file: &ScenarioFile, folder: &Folder, common: &Common) -> Result<Overview, Fault> {
    let comparison = Comparison::prepare(file)?.recording_in(folder.path());
    let (started, runs) = (Instant::now(), comparison.runs());
    let journals = Journals::read(&folder.unfinished(), WORK);
    let known: Vec<_> = runs.iter().map(|run| journals.record(run)).collect();
    let taken_over = known.iter().flatten().count();
    if taken_over > 0 {
        say(common, &format!("continuing: {taken_over} of {} runs are already finished", runs.len()));
    }
    if let Some(time) = comparison.live_time(&known) {
        say(common, &announcement(&time));
    }
    let name = &file.plan.worlds[0].scenario.name;
    let watch = Watching {
        progress: Progress::new(name, comparison.total_batches(), common.quiet),
        keeper: Keeper::new(folder.unfinished(), WORK),
    };
    let (stop, threads) = (super::interruption(), super::threads(common));
    let outcomes = super::pool(threads)?.install(|| comparison.run(known, &watch, &stop))?;
    watch.progress.finish();
    watch.keeper.sync()?;
    if stop.load(Ordering::Relaxed) && outcomes.iter().any(Option::is_none) {
        let finished = outcomes.iter().flatten().count();
        return Err(Fault::Interrupted { finished, total: runs.len(), folder: folder.path().to_owned() });
    }
    let done = comparison.with_outcomes(outcomes)?;
    let tokens = done.iter().filter_map(|(_, run)| run.as_ref().ok()).map(|record| record.tokens()).sum();
    let (simulate_seconds, simulated) = (started.elapsed().as_secs_f64(), runs.len() - taken_over);
    let options = WriteOptions { interval: Interval::requested(common.bootstrap), with_csv: common.csv };
    let mut writer = ResultsWriter::begin(folder, file, options)?;
    writer.add(file, 0, done)?;
    let timing = Timing { simulate_seconds, threads, runs: simulated, tokens, lag: None };
    let overview = writer.finish(&timing)?;
    folder.discard_unfinished()?;
    say(common, &format!("{simulated} runs in {simulate_seconds:.2} s; results in {}", folder.path().display()));
    Ok(overview)
}

/// Moves the bar and keeps finished runs.
struct Watching {
    progress: Progress,
    keeper: Keeper,
}

impl Watch for Watching {
    fn batches_done(&self, batches: u64) {
        self.progress.advance(batches);
    }

    fn keep(&self, runs: &[(&Run, &Outcome)]) -> Result<(), Fault> {
        // Nobody asks these journals for points.
        self.keeper.keep(|_| 0, runs)
    }
}

/// Said before live runs begin.
fn announcement(time: &LiveTime) -> String {
    let runs = if time.runs == 1 { "1 run".to_owned() } else { format!("{} runs, one after the other,", time.runs) };
    let long = match time.at_least {
        Some(time) => format!("this takes {}, until the last batches have arrived, and their work", spoken(time)),
        None => "each takes as long as the work of its batches".to_owned(),
    };
    format!("live telemetry: {runs} by the clock; {long}. Ctrl-C keeps the runs that are finished")
}

/// A length of time as people say it.
fn spoken(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        ..120.0 => format!("{seconds:.1} s"),
        ..7200.0 => format!("{:.0} min {:.0} s", (seconds / 60.0).floor(), (seconds % 60.0).floor()),
        _ => format!("{:.0} h {:.0} min", (seconds / 3600.0).floor(), (seconds / 60.0 % 60.0).floor()),
    }
}

/// A folder is emptied of records before it is filled anew: those that a scenario plays have to be in another one.
pub(super) fn keeps_its_records(file: &ScenarioFile, results: &Path) -> Result<(), Fault> {
    let Ok(records) = std::fs::canonicalize(results.join(seen::FOLDER)) else { return Ok(()) };
    let inside = |path: &str| std::fs::canonicalize(path).is_ok_and(|path| path.starts_with(&records));
    if file.data_files.iter().any(|data| inside(&data.path)) {
        return Err(Fault::Usage(format!(
            "the scenario plays records that are in {}, where its results would replace them\n  = help: choose another folder with --out",
            results.display()
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_it_takes_is_said_where_the_arrivals_say_so() {
        let said = |runs, at_least| announcement(&LiveTime { runs, at_least });
        let seconds = |s| Some(Duration::from_secs(s));
        assert!(
            said(1, seconds(90)).starts_with("live telemetry: 1 run by the clock; this takes 90.0 s, until the last")
        );
        assert!(
            said(3, seconds(185)).contains("3 runs, one after the other, by the clock; this takes 3 min 5 s, until")
        );
        assert!(said(3, seconds(7_500)).contains("this takes 2 h 5 min, until"));
        assert!(said(2, None).contains("each takes as long as the work of its batches"));
    }
}

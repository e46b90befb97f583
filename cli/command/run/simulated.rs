//! Simulating a scenario into its results folder, point by point: what is finished is kept, and nothing else is in memory.

use std::time::Instant;

use super::say;
use crate::args::Common;
use crate::execute::{Ledger, Part, time};
use crate::fault::Fault;
use crate::progress::Progress;
use crate::results::{Folder, Overview, ResultsWriter, Timing, WriteOptions};
use crate::scenario_file::ScenarioFile;
use crate::statistics::Interval;
use crate::sweep::{Journals, Keeper, Points, Signals, Simulator, Work};

/// The name of the work in the journals of a results folder.
pub(super) const WORK: &str = "run";

/// Simulates what an earlier start has not finished, and writes everything. `first` holds the first world.
pub(super) fn simulate(
    points: &Points,
    work: &Work,
    first: &ScenarioFile,
    folder: &Folder,
    common: &Common,
    ledger: Option<&Ledger>,
) -> Result<Overview, Fault> {
    let started = Instant::now();
    let known = Journals::read(&folder.unfinished(), WORK);
    if known.succeeded() > 0 {
        say(common, &format!("continuing: {} of {} runs are already finished", known.succeeded(), work.runs));
    }
    let progress = Progress::new(&first.plan.worlds[0].scenario.name, work.batches, common.quiet);
    let keeper = Keeper::new(folder.unfinished(), WORK);
    let signals = Signals::of(super::interruption());
    let simulator = Simulator {
        points,
        known: &known,
        // One point has nothing to be continued between.
        keeper: (points.count() > 1).then_some(&keeper),
        signals: &signals,
        batches_done: &|batches| progress.advance(batches),
        ledger,
    };
    let options = WriteOptions { interval: Interval::requested(common.bootstrap), with_csv: common.csv };
    let mut writer = ResultsWriter::begin(folder, first, options)?;
    let (mut runs, mut tokens) = (0, 0);
    let threads = super::threads(common);
    let complete = super::pool(threads)?.install(|| {
        simulator.run(0..points.count(), |done| {
            runs += done.simulated_runs;
            tokens += done.runs.iter().filter_map(|(_, run)| run.as_ref().ok()).map(|run| run.tokens()).sum::<u64>();
            time(ledger, Part::Output, || writer.add(&done.part.file, done.part.world, done.runs))
        })
    })?;
    progress.finish();
    if !complete {
        keeper.sync()?;
        let finished = Journals::read(&folder.unfinished(), WORK).succeeded();
        return Err(Fault::Interrupted { finished, total: work.runs as usize, folder: folder.path().to_owned() });
    }
    let simulate_seconds = started.elapsed().as_secs_f64();
    let timing = Timing { simulate_seconds, threads, runs, tokens, lag: None };
    let overview = time(ledger, Part::Output, || writer.finish(&timing))?;
    folder.discard_unfinished()?;
    say(common, &format!("{runs} runs in {simulate_seconds:.2} s; results in {}", folder.path().display()));
    Ok(overview)
}

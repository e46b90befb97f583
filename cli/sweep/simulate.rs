//! Simulating points in their order, many at a time: what earlier starts have kept is taken over, what is new is kept as it comes.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rayon::prelude::*;

use super::journal::{Journal, Journals};
use super::kept::{self, Heading};
use super::{Asked, Part, Points, Signals};
use crate::execute::{Comparison, Ledger, Outcome, Part as OfWork, PointOutcome, Run, Watch, time};
use crate::fault::Fault;

/// Points that are simulated together at first, for each thread; more when they are fast.
const POINTS_PER_THREAD: usize = 4;
/// Points in memory at a time, at most.
const MOST_AT_ONCE: usize = 1024;
/// What points that are simulated together should take at least: less, and threads wait for each other too often.
const LONG_ENOUGH: Duration = Duration::from_millis(250);

/// Whoever simulates points, on the current rayon pool.
pub(crate) struct Simulator<'a> {
    /// All points.
    pub(crate) points: &'a Points,
    /// What earlier starts have kept.
    pub(crate) known: &'a Journals,
    /// What keeps those that are new, if anything has to.
    pub(crate) keeper: Option<&'a Keeper>,
    /// Requests to end.
    pub(crate) signals: &'a Signals,
    /// Told of every few batches that are done.
    pub(crate) batches_done: &'a (dyn Fn(u64) + Sync),
    /// Where to write down what takes how long.
    pub(crate) ledger: Option<&'a Ledger>,
}

/// Points of one world that are over.
pub(crate) struct DonePart {
    /// The points.
    pub(crate) part: Part,
    /// Their runs, point after point.
    pub(crate) runs: Vec<(Run, Outcome)>,
    /// How many of the points were not kept before.
    pub(crate) simulated: usize,
    /// How many of the runs were not.
    pub(crate) simulated_runs: usize,
}

impl Simulator<'_> {
    /// Simulates these points and gives them to `take` in their order. False if a request to end came before the last of them.
    ///
    /// # Errors
    /// [`Fault`] if this machine cannot go on, or of `take`. A point that fails is given to it like any other.
    pub(crate) fn run(
        &self,
        points: Range<usize>,
        mut take: impl FnMut(DonePart) -> Result<(), Fault>,
    ) -> Result<bool, Fault> {
        let mut at = points.start;
        let mut at_once = POINTS_PER_THREAD * rayon::current_num_threads();
        while at < points.end {
            let some = at..points.end.min(at + at_once);
            at = some.end;
            let began = Instant::now();
            for done in self.together(some) {
                match done? {
                    Some(done) => take(done)?,
                    None => return Ok(false),
                }
            }
            if began.elapsed() < LONG_ENOUGH {
                at_once = (2 * at_once).min(MOST_AT_ONCE);
            }
        }
        Ok(true)
    }

    fn together(&self, points: Range<usize>) -> Vec<Result<Option<DonePart>, Fault>> {
        let worlds: Vec<_> = self.points.by_world(points).collect();
        let part = |world, seeds| time(self.ledger, OfWork::Scenario, || self.points.part(world, seeds));
        worlds.into_par_iter().map(|(world, seeds)| self.part(part(world, seeds)?)).collect()
    }

    fn part(&self, part: Part) -> Result<Option<DonePart>, Fault> {
        // Every world was looked at when the sweep was planned.
        let comparison = Comparison::list_points(&part.file, &part.local)?;
        let records: Vec<_> = comparison.runs().iter().map(|run| self.known.record(run)).collect();
        let simulated_runs = records.iter().filter(|record| record.is_none()).count();
        let simulated = comparison.points().filter(|runs| records[runs.clone()].iter().any(Option::is_none)).count();
        let ends =
            comparison.run_points(records, &OfPart { part: &part, simulator: self }, self.signals.interrupted())?;
        let mut outcomes = Vec::with_capacity(comparison.runs().len());
        for (end, runs) in ends.into_iter().zip(comparison.points()) {
            let Some(of_point) = settled(end, runs.len())? else { return Ok(None) };
            outcomes.extend(of_point);
        }
        let runs = comparison.runs().iter().cloned().zip(outcomes).collect();
        Ok(Some(DonePart { part, runs, simulated, simulated_runs }))
    }
}

/// What came of each run of a point: a point that cannot go on has failed as a whole. `None` if it was stopped.
///
/// # Errors
/// What is a fault of this machine or of the files on it, and not of the point.
fn settled(end: PointOutcome, runs: usize) -> Result<Option<Vec<Outcome>>, Fault> {
    match end {
        Ok(outcomes) => Ok(outcomes.into_iter().collect()),
        Err(Fault::Runs(message) | Fault::Scenario(message)) => Ok(Some(vec![Err(message); runs])),
        Err(fault) => Err(fault),
    }
}

/// Keeps runs in a journal, which begins with the first of them.
#[derive(Debug)]
pub(crate) struct Keeper {
    folder: PathBuf,
    work: String,
    journal: Mutex<Option<Arc<Journal>>>,
}

impl Keeper {
    /// A keeper of the work called `work`.
    pub(crate) fn new(folder: PathBuf, work: &str) -> Self {
        Self { folder, work: work.to_owned(), journal: Mutex::default() }
    }

    /// Keeps runs of one point.
    ///
    /// # Errors
    /// [`Fault::Unwritable`].
    pub(crate) fn keep(&self, point: impl Fn(&Run) -> usize, runs: &[(&Run, &Outcome)]) -> Result<(), Fault> {
        if runs.is_empty() {
            return Ok(());
        }
        let entries: Vec<Vec<u8>> = runs
            .iter()
            .map(|(run, outcome)| kept::seal(&Heading::of(point(run), run, outcome)?, outcome))
            .collect::<Result<_, Fault>>()?;
        self.journal()?.append(entries.iter().map(Vec::as_slice))
    }

    fn journal(&self) -> Result<Arc<Journal>, Fault> {
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(journal) = &*journal {
            return Ok(Arc::clone(journal));
        }
        let begun = Arc::new(Journal::begin(&self.folder, &self.work)?);
        Ok(Arc::clone(journal.insert(begun)))
    }

    /// Waits until everything is on the disk.
    ///
    /// # Errors
    /// [`Fault::Unwritable`].
    pub(crate) fn sync(&self) -> Result<(), Fault> {
        let journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        journal.as_ref().map_or(Ok(()), |journal| journal.sync())
    }
}

/// Watches one part, which knows the points of its runs.
struct OfPart<'a> {
    part: &'a Part,
    simulator: &'a Simulator<'a>,
}

impl Watch for OfPart<'_> {
    fn batches_done(&self, batches: u64) {
        (self.simulator.batches_done)(batches);
    }

    fn ledger(&self) -> Option<&Ledger> {
        self.simulator.ledger
    }

    fn may_begin(&self) -> bool {
        self.simulator.signals.asked() == Asked::Nothing
    }

    fn keep(&self, runs: &[(&Run, &Outcome)]) -> Result<(), Fault> {
        let Some(keeper) = self.simulator.keeper else { return Ok(()) };
        keeper.keep(|run| self.part.point_of(run), runs)
    }
}

//! Doing a chunk: what is missing is simulated, kept point by point, and packed into the shard as it goes.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rayon::prelude::*;

use super::journal::{self, Journal, Journals};
use super::kept::{self, Heading};
use super::shard::{self, Found, ShardWriter};
use super::{Asked, Part, PlanFolder, Points, Signals, SweepPlan};
use crate::execute::{Comparison, Outcome, PointOutcome, Run, Watch};
use crate::fault::Fault;
use crate::results::{Finished, measure};

/// Points that are simulated together at first, for each thread; more when they are fast.
const POINTS_PER_THREAD: usize = 4;
/// Points in memory at a time, at most.
const MOST_AT_ONCE: usize = 1024;
/// What points that are simulated together should take at least: less, and threads wait for each other too often.
const LONG_ENOUGH: Duration = Duration::from_millis(250);

/// What came of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChunkEnd {
    /// It was done before; how many of its points failed.
    Already(usize),
    /// It is done.
    Done {
        /// Points simulated now; the others were kept by an earlier start.
        simulated: usize,
        /// Points that failed.
        failed: usize,
    },
    /// It was stopped between two points.
    Stopped {
        /// Points that are kept.
        kept: usize,
    },
}

/// Whoever does chunks of a plan, on the current rayon pool.
pub(crate) struct Worker<'a> {
    folder: &'a PlanFolder,
    points: &'a Points,
    signals: &'a Signals,
    /// Told how many points of the chunk are done, now and then.
    progress: &'a (dyn Fn(usize) + Sync),
}

impl<'a> Worker<'a> {
    /// A worker on these points.
    pub(crate) fn new(
        folder: &'a PlanFolder,
        points: &'a Points,
        signals: &'a Signals,
        progress: &'a (dyn Fn(usize) + Sync),
    ) -> Self {
        Self { folder, points, signals, progress }
    }

    /// Does a chunk, or what is left of it.
    ///
    /// # Errors
    /// [`Fault`] if this machine cannot go on; what was finished is kept. A point that fails is a row of the shard.
    pub(crate) fn chunk(&self, chunk: usize) -> Result<ChunkEnd, Fault> {
        if let Some(failed) = self.done(chunk)? {
            journal::discard(&self.folder.journals(), &SweepPlan::chunk_name(chunk))?;
            return Ok(ChunkEnd::Already(failed));
        }
        match self.work(chunk) {
            // A twin may have finished and cleared away what this worker was writing to.
            Err(fault @ Fault::Unwritable { .. }) => self.done(chunk)?.map(ChunkEnd::Already).ok_or(fault),
            end => end,
        }
    }

    /// The number of failed points of a chunk that is done.
    fn done(&self, chunk: usize) -> Result<Option<usize>, Fault> {
        let shards = shard::list(&self.folder.tasks())?;
        let paths: &[PathBuf] = shards.get(&chunk).map_or(&[], Vec::as_slice);
        Ok(match shard::find(&self.folder.plan, chunk, paths)? {
            Found::Whole(info) => Some(info.failed),
            Found::Nothing | Found::Damaged(..) => None,
        })
    }

    fn work(&self, chunk: usize) -> Result<ChunkEnd, Fault> {
        let (tasks, journals) = (self.folder.tasks(), self.folder.journals());
        let name = SweepPlan::chunk_name(chunk);
        let known = Journals::read(&journals, &name);
        let keeper =
            Keeper { folder: journals.clone(), work: name.clone(), journal: OnceLock::new(), signals: self.signals };
        let mut shard = ShardWriter::begin(&tasks, &self.folder.plan, chunk)?;
        let points = self.folder.plan.chunk(chunk);
        let (mut at, mut simulated) = (points.start, 0);
        let mut at_once = POINTS_PER_THREAD * rayon::current_num_threads();
        while at < points.end {
            let some = at..points.end.min(at + at_once);
            let began = Instant::now();
            let Some(new) = self.some(some.clone(), &known, &keeper, &mut shard)? else {
                keeper.sync()?;
                let (kept, _) = Journals::read(&journals, &name).points();
                return Ok(ChunkEnd::Stopped { kept: kept.len() });
            };
            simulated += new;
            at = some.end;
            (self.progress)(at - points.start);
            if began.elapsed() < LONG_ENOUGH {
                at_once = (2 * at_once).min(MOST_AT_ONCE);
            }
        }
        let (path, failed) = shard.finish()?;
        shard::clear(&tasks, chunk, &path);
        journal::discard(&journals, &name)?;
        Ok(ChunkEnd::Done { simulated, failed })
    }

    /// Simulates some points and appends them to the shard; answers how many were not known. `None` if it was stopped.
    fn some(
        &self,
        points: Range<usize>,
        known: &Journals,
        keeper: &Keeper<'_>,
        shard: &mut ShardWriter<'_>,
    ) -> Result<Option<usize>, Fault> {
        let worlds = self.points.by_world(points);
        let done: Vec<Result<Option<DonePart>, Fault>> = worlds
            .into_par_iter()
            .map(|(world, seeds)| {
                let part = self.points.part(world, seeds)?;
                self.part(part, known, keeper)
            })
            .collect();
        let mut simulated = 0;
        for done in done {
            let Some(done) = done? else { return Ok(None) };
            simulated += done.simulated;
            shard.add(&done.part, &done.finished)?;
        }
        Ok(Some(simulated))
    }

    fn part(&self, part: Part, known: &Journals, keeper: &Keeper<'_>) -> Result<Option<DonePart>, Fault> {
        let comparison = Comparison::prepare_points(&part.file, &part.local)?;
        let records: Vec<_> = comparison.runs().iter().map(|run| known.record(run)).collect();
        let simulated = comparison.points().filter(|runs| records[runs.clone()].iter().any(Option::is_none)).count();
        let watch = PartKeeper { part: &part, keeper };
        let ends = comparison.run_points(records, &watch, self.signals.interrupted())?;
        let mut outcomes = Vec::with_capacity(comparison.runs().len());
        for (end, runs) in ends.into_iter().zip(comparison.points()) {
            let Some(of_point) = settled(end, runs.len())? else { return Ok(None) };
            outcomes.extend(of_point);
        }
        let finished = measure(&part.file, comparison.runs(), outcomes);
        Ok(Some(DonePart { part, finished, simulated }))
    }
}

/// Points of one world that are over.
struct DonePart {
    part: Part,
    finished: Vec<Finished>,
    simulated: usize,
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

/// Keeps points of a chunk in a journal, which begins with the first of them.
struct Keeper<'a> {
    folder: PathBuf,
    work: String,
    journal: OnceLock<Journal>,
    signals: &'a Signals,
}

impl Keeper<'_> {
    fn journal(&self) -> Result<&Journal, Fault> {
        if let Some(journal) = self.journal.get() {
            return Ok(journal);
        }
        let journal = Journal::begin(&self.folder, &self.work)?;
        // Whoever comes second leaves an empty journal, which goes away with the others.
        Ok(self.journal.get_or_init(|| journal))
    }

    fn sync(&self) -> Result<(), Fault> {
        self.journal.get().map_or(Ok(()), Journal::sync)
    }
}

/// The same for one part, which knows the points of its runs.
struct PartKeeper<'a> {
    part: &'a Part,
    keeper: &'a Keeper<'a>,
}

impl Watch for PartKeeper<'_> {
    fn may_begin(&self) -> bool {
        self.keeper.signals.asked() == Asked::Nothing
    }

    fn keep(&self, runs: &[(&Run, &Outcome)]) -> Result<(), Fault> {
        if runs.is_empty() {
            return Ok(());
        }
        let entries: Vec<Vec<u8>> = runs
            .iter()
            .map(|(run, outcome)| kept::seal(&Heading::of(self.part.point_of(run), run, outcome)?, outcome))
            .collect::<Result<_, Fault>>()?;
        self.keeper.journal()?.append(entries.iter().map(Vec::as_slice))
    }
}

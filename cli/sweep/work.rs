//! Doing a chunk: what is missing is simulated, kept point by point, and packed into the shard as it goes.

use std::path::PathBuf;

use super::journal::{self, Journals};
use super::shard::{self, Found, ShardWriter};
use super::simulate::{Keeper, Simulator};
use super::{PlanFolder, Points, Signals, SweepPlan};
use crate::fault::Fault;

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
        if let Some(end) = self.already(chunk)? {
            return Ok(end);
        }
        match self.work(chunk) {
            // A twin may have finished and cleared away what this worker was writing to.
            Err(fault @ Fault::Unwritable { .. }) => self.already(chunk)?.ok_or(fault),
            end => end,
        }
    }

    /// The end of a chunk that is done; what is still there of its journals is needed no more.
    fn already(&self, chunk: usize) -> Result<Option<ChunkEnd>, Fault> {
        let Some(failed) = self.done(chunk)? else { return Ok(None) };
        journal::discard(&self.folder.journals(), &SweepPlan::chunk_name(chunk))?;
        Ok(Some(ChunkEnd::Already(failed)))
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
        let keeper = Keeper::new(journals.clone(), &name);
        let mut shard = ShardWriter::begin(&tasks, &self.folder.plan, chunk)?;
        let simulator = Simulator {
            points: self.points,
            known: &known,
            keeper: Some(&keeper),
            signals: self.signals,
            batches_done: &|_| {},
            ledger: None,
        };
        let (mut simulated, points) = (0, self.folder.plan.chunk(chunk));
        let first = points.start;
        let complete = simulator.run(points, |done| {
            simulated += done.simulated;
            shard.add(&done.part, done.runs)?;
            (self.progress)(done.part.points.end - first);
            Ok(())
        })?;
        if !complete {
            keeper.sync()?;
            let (kept, _) = Journals::read(&journals, &name).points();
            return Ok(ChunkEnd::Stopped { kept: kept.len() });
        }
        let (path, failed) = shard.finish()?;
        shard::clear(&tasks, chunk, &path);
        journal::discard(&journals, &name)?;
        Ok(ChunkEnd::Done { simulated, failed })
    }
}

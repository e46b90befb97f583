//! What there is of a sweep: every chunk, as its files tell.

use std::path::PathBuf;

use rayon::prelude::*;

use super::journal::Journals;
use super::shard::{self, Found, ShardInfo};
use super::{PlanFolder, Ranges, SweepPlan};
use crate::fault::Fault;

/// What there is of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChunkState {
    /// Its shard is in place.
    Done(ShardInfo),
    /// A worker has begun it; whether that worker still runs, no file can tell.
    Begun {
        /// Points that are kept.
        kept: usize,
        /// Those of them that failed; whoever goes on tries them again.
        failed: usize,
    },
    /// Its shard cannot be used, and why.
    Damaged(PathBuf, String),
    /// Nothing.
    Missing,
}

/// All chunks in their order.
#[derive(Debug)]
pub(crate) struct Survey {
    /// What there is of each.
    pub(crate) chunks: Vec<ChunkState>,
}

impl Survey {
    /// Looks at every file of a plan, contents included.
    ///
    /// # Errors
    /// [`Fault::Input`] for shards of another sweep and for a folder that cannot be read.
    pub(crate) fn of(folder: &PlanFolder) -> Result<Self, Fault> {
        let shards = shard::list(&folder.tasks())?;
        if let Some((chunk, paths)) = shards.range(folder.plan.chunks..).next() {
            return Err(Fault::Input(format!(
                "{} is of chunk {chunk}, and the plan has {} chunks\n  = help: results of different sweeps are not mixed; move that file away",
                paths[0].display(),
                folder.plan.chunks
            )));
        }
        let state = |chunk| -> Result<ChunkState, Fault> {
            let paths: &[PathBuf] = shards.get(&chunk).map_or(&[], Vec::as_slice);
            match shard::find(&folder.plan, chunk, paths)? {
                Found::Whole(info) => return Ok(ChunkState::Done(info)),
                Found::Damaged(path, why) => return Ok(ChunkState::Damaged(path, why)),
                Found::Nothing => {}
            }
            let journals = Journals::read(&folder.journals(), &SweepPlan::chunk_name(chunk));
            if journals.is_none() {
                return Ok(ChunkState::Missing);
            }
            let (kept, failed) = journals.points();
            Ok(ChunkState::Begun { kept: kept.len(), failed: failed.len() })
        };
        Ok(Self { chunks: (0..folder.plan.chunks).into_par_iter().map(state).collect::<Result<_, Fault>>()? })
    }

    /// The chunks that are done.
    pub(crate) fn done(&self) -> impl Iterator<Item = &ShardInfo> {
        self.chunks.iter().filter_map(|state| match state {
            ChunkState::Done(info) => Some(info),
            _ => None,
        })
    }

    /// Chunks that are still to do, whatever there is of them.
    pub(crate) fn open_chunks(&self) -> Ranges {
        let open = |(_, state): &(usize, &ChunkState)| !matches!(state, ChunkState::Done(_));
        self.chunks.iter().enumerate().filter(open).map(|(chunk, _)| chunk).collect()
    }

    /// Their points.
    pub(crate) fn open_points(&self, plan: &SweepPlan) -> Ranges {
        let mut points = Ranges::default();
        for (chunk, state) in self.chunks.iter().enumerate() {
            if !matches!(state, ChunkState::Done(_)) {
                points.push(plan.chunk(chunk));
            }
        }
        points
    }

    /// Failed points of chunks that are done.
    pub(crate) fn failed(&self) -> usize {
        self.done().map(|info| info.failed).sum()
    }
}

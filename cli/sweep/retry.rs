//! Failed points back to what is still to do: everything else of their chunks is kept.

use super::journal::Journal;
use super::kept;
use super::shard::{self, Records};
use super::{PlanFolder, Ranges, Survey, SweepPlan};
use crate::fault::Fault;

/// What a retry has put back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PutBack {
    /// Failed points.
    pub(crate) points: usize,
    /// The chunks that have to be done again for them.
    pub(crate) chunks: Ranges,
}

/// Opens the chunks that have failed points again. Runs that did not fail go into a journal first, and only then the shard goes away:
/// whenever this is ended, nothing is lost.
///
/// # Errors
/// [`Fault::Input`] for a shard that cannot be read, [`Fault::Unwritable`].
pub(crate) fn retry(folder: &PlanFolder, survey: &Survey) -> Result<PutBack, Fault> {
    let mut put_back = PutBack::default();
    let shards = shard::list(&folder.tasks())?;
    for (chunk, state) in survey.chunks.iter().enumerate() {
        let super::ChunkState::Done(info) = state else { continue };
        if info.failed == 0 {
            continue;
        }
        let unreadable = |why: String| Fault::Input(format!("{} cannot be read: {why}", info.path.display()));
        let journal = Journal::begin(&folder.journals(), &SweepPlan::chunk_name(chunk))?;
        for record in Records::open(&info.path).map_err(unreadable)? {
            let (heading, outcome) = record.map_err(unreadable)?;
            if outcome.is_ok() {
                journal.append([kept::seal(&heading, &outcome)?.as_slice()])?;
            }
        }
        journal.sync()?;
        for path in shards.get(&chunk).into_iter().flatten() {
            std::fs::remove_file(path).map_err(|error| Fault::unwritable(path, error))?;
        }
        put_back.points += info.failed;
        put_back.chunks.push(chunk..chunk + 1);
    }
    Ok(put_back)
}

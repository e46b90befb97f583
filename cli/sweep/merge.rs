//! One result of many shards: points in their order, whoever did them, one shard open at a time.

use super::shard::Records;
use super::{ChunkState, Part, PlanFolder, Points, Survey, kept};
use crate::execute::{Comparison, Outcome, Run};
use crate::fault::Fault;
use crate::results::ResultsWriter;

/// What went into a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Merged {
    /// Runs.
    pub(crate) runs: usize,
    /// Tokens of those that did not fail.
    pub(crate) tokens: u64,
}

/// Gives the runs of all chunks that are done to `results`; those of other chunks are left out.
///
/// # Errors
/// [`Fault::Input`] for a shard that does not hold what the plan says, [`Fault::Unwritable`].
pub(crate) fn merge(
    folder: &PlanFolder,
    points: &Points,
    survey: &Survey,
    results: &mut ResultsWriter,
) -> Result<Merged, Fault> {
    let mut merged = Merged::default();
    for (chunk, state) in survey.chunks.iter().enumerate() {
        let ChunkState::Done(info) = state else { continue };
        let wrong = |why: String| {
            Fault::Input(format!(
                "{} cannot be merged: {why}\n  = help: remove it and do the chunk again with `isotherm sweep work {} --chunk {chunk}`",
                info.path.display(),
                folder.path.display()
            ))
        };
        let mut records = Records::open(&info.path).map_err(wrong)?;
        for (world, seeds) in points.by_world(folder.plan.chunk(chunk)) {
            let part = points.part(world, seeds)?;
            let listed = Comparison::list_points(&part.file, &part.local)?;
            for of_point in listed.points() {
                let runs = listed.runs()[of_point].iter().map(|run| {
                    let outcome = outcome(&mut records, &part, run)?.map_err(wrong)?;
                    Ok((run.clone(), outcome))
                });
                let runs: Vec<(Run, Outcome)> = runs.collect::<Result<_, Fault>>()?;
                merged.runs += runs.len();
                merged.tokens +=
                    runs.iter().filter_map(|(_, run)| run.as_ref().ok()).map(|record| record.tokens()).sum::<u64>();
                results.add(&part.file, part.world, runs)?;
            }
        }
        if records.next().is_some() {
            return Err(wrong("it has more runs than its points".to_owned()));
        }
    }
    Ok(merged)
}

/// The next record, which has to be that of `run`. The inner error says why it is not.
fn outcome(records: &mut Records, part: &Part, run: &Run) -> Result<Result<Outcome, String>, Fault> {
    let (point, key) = (part.point_of(run), kept::key(run)?);
    Ok(match records.next() {
        None => Err(format!("it ends before point {point}")),
        Some(Err(why)) => Err(why),
        Some(Ok((heading, outcome))) if (heading.point, heading.run) == (point as u64, key) => Ok(outcome),
        Some(Ok((heading, _))) => Err(format!(
            "it holds run {:016x} of point {} where run {} of point {point} should be",
            heading.run, heading.point, run.id
        )),
    })
}

//! One result of many shards: points in their order, whoever did them.

use super::shard::Records;
use super::{ChunkState, Part, PlanFolder, Points, Survey, kept};
use crate::execute::{Comparison, Outcome, Run};
use crate::fault::Fault;
use crate::results::{Finished, Summary, measure};
use crate::statistics::Interval;

/// What came of a merge.
pub(crate) struct Merged {
    /// The runs, in the order of the plan; those of missing points are left out.
    pub(crate) finished: Vec<Finished>,
    /// Means and intervals over seeds.
    pub(crate) summary: Summary,
}

/// Reads the shards of all chunks that are done.
///
/// # Errors
/// [`Fault::Input`] for a shard that does not hold what the plan says.
pub(crate) fn merge(
    folder: &PlanFolder,
    points: &Points,
    survey: &Survey,
    interval: Interval,
) -> Result<Merged, Fault> {
    let (mut runs, mut outcomes) = (Vec::new(), Vec::new());
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
            for run in listed.runs() {
                outcomes.push(outcome(&mut records, &part, run)?.map_err(wrong)?);
            }
            runs.extend_from_slice(listed.runs());
        }
        if records.next().is_some() {
            return Err(wrong("it has more runs than its points".to_owned()));
        }
    }
    let file = points.file();
    let finished = measure(file, &runs, outcomes);
    let measured: Vec<_> = finished.iter().map(Finished::measured).collect();
    let mut summary = Summary::of(file, &measured, interval);
    summary.frontier = crate::results::mean_frontiers(file, &finished);
    Ok(Merged { finished, summary })
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

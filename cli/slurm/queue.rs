//! What of a sweep waits or runs, as `squeue` says it. One question for all tasks, none of them needs accounting.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::ask::ask;
use super::submitted::Submission;
use crate::sweep::Ranges;

/// How long the controller may think about its queue.
const PATIENCE: Duration = Duration::from_secs(30);

/// A task that SLURM has in its queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued {
    /// The job of its array.
    pub job: String,
    /// SLURM's word for its state: `RUNNING`, `PENDING`, `COMPLETING`.
    pub state: String,
    /// Why it is where it is: the nodes it runs on, or the reason for which it waits (`Resources`, `BeginTime`).
    pub reason: String,
}

impl Queued {
    /// Whether it is being worked on now.
    #[must_use]
    pub fn runs(&self) -> bool {
        matches!(self.state.as_str(), "RUNNING" | "COMPLETING" | "STAGE_OUT" | "SIGNALING")
    }
}

/// Chunks that SLURM has, for people and programs.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct InQueue {
    /// Chunks that tasks work on now.
    pub(crate) running: Ranges,
    /// Chunks whose tasks wait.
    pub(crate) waiting: Ranges,
    /// Why they wait, in SLURM's words.
    pub(crate) reasons: BTreeSet<String>,
    /// Jobs of them all.
    pub(crate) jobs: BTreeSet<String>,
}

impl InQueue {
    /// What SLURM has of these.
    pub(crate) fn of(chunks: &BTreeMap<usize, Queued>) -> Self {
        let mut queue = Self::default();
        for (&chunk, task) in chunks {
            queue.jobs.insert(task.job.clone());
            if task.runs() {
                queue.running.push(chunk..chunk + 1);
            } else {
                queue.waiting.push(chunk..chunk + 1);
                queue.reasons.insert(task.reason.trim_matches(['(', ')']).to_owned());
            }
        }
        queue
    }
}

/// The chunks that are queued or running, of everything that was submitted for a plan. Where two jobs have one chunk, the one that runs.
///
/// # Errors
/// One sentence that says why `squeue` gave no answer; on a machine without SLURM there is none.
pub fn chunks(submissions: &[Submission]) -> Result<BTreeMap<usize, Queued>, String> {
    let arrays: BTreeMap<&str, usize> =
        submissions.iter().filter_map(|s| s.first_chunk.map(|first| (s.job.as_str(), first))).collect();
    if arrays.is_empty() {
        return Ok(BTreeMap::new());
    }
    let jobs = arrays.keys().copied().collect::<Vec<_>>().join(",");
    let arguments = ["--noheader", "--array", "--jobs", &jobs, "--format", FORMAT].map(str::to_owned);
    let answer = ask("squeue", &arguments, Path::new("."), PATIENCE).map_err(|silence| silence.explain("squeue"))?;
    // A job that SLURM has forgotten is no longer in the queue: squeue refuses to speak of it if it is asked for no other.
    if !answer.accepted && !answer.err.contains("Invalid job id") {
        return Err(format!("`squeue` says: {}", answer.err.trim()));
    }
    Ok(read(&answer.out, &arrays))
}

/// Array job, index, state, reason; only the last one may have blanks in it.
const FORMAT: &str = "%F|%K|%T|%R";

fn read(text: &str, arrays: &BTreeMap<&str, usize>) -> BTreeMap<usize, Queued> {
    let mut chunks: BTreeMap<usize, Queued> = BTreeMap::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.trim().splitn(4, '|').collect();
        let [job, index, state, reason] = fields[..] else { continue };
        let (Some(first), Ok(index)) = (arrays.get(job), index.parse::<usize>()) else { continue };
        let task = Queued { job: job.to_owned(), state: state.to_owned(), reason: reason.to_owned() };
        let known = chunks.get(&(first + index));
        if known.is_none_or(|known| !known.runs()) {
            chunks.insert(first + index, task);
        }
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_chunks_counted_from_the_first_of_their_array() {
        let arrays = BTreeMap::from([("12", 0), ("13", 1001)]);
        let text = "12|0|RUNNING|node1\n12|3|PENDING|(BeginTime)\n13|2|PENDING|(Nodes required for job are DOWN)\n\
            99|0|RUNNING|node9\n14|N/A|PENDING|(Dependency)\n13|0|COMPLETING|node2\n13|0|PENDING|(Resources)\n";
        let chunks = read(text, &arrays);
        assert_eq!(chunks.keys().copied().collect::<Vec<_>>(), [0, 3, 1001, 1003]);
        assert!(chunks[&0].runs() && !chunks[&3].runs());
        assert_eq!(chunks[&1003].reason, "(Nodes required for job are DOWN)");
        assert_eq!(chunks[&1001].state, "COMPLETING");
        let queue = InQueue::of(&chunks);
        assert_eq!(
            (queue.running.as_argument(), queue.waiting.as_argument()),
            ("0,1001".to_owned(), "3,1003".to_owned())
        );
        assert_eq!(queue.reasons.into_iter().collect::<Vec<_>>(), ["BeginTime", "Nodes required for job are DOWN"]);
        assert_eq!(queue.jobs.into_iter().collect::<Vec<_>>(), ["12", "13"]);
    }
}

//! A task near its time limit puts itself back into the queue: SLURM does not, whatever `--requeue` says.
//!
//! Only the signal before the limit (USR1) is a reason. TERM comes from `scancel` too, and a job that its owner has cancelled must not
//! come back; where TERM announces that a task makes room for a more urgent one, SLURM queues it again by itself.

use std::path::Path;
use std::time::Duration;

use super::ask::ask;

/// How long the controller may think: what is left before the limit is needed by the point in hand.
const PATIENCE: Duration = Duration::from_secs(20);

/// What came of asking for another start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requeued {
    /// SLURM will start the task again.
    Yes,
    /// There is no task: nobody runs this under SLURM.
    NoTask,
    /// The job is cancelled, or has been started elsewhere since this node was lost: it is not this process's to move.
    NotOurs,
    /// SLURM was asked and did not do it; its words.
    Refused(String),
}

/// Queues the task that this process belongs to again.
#[must_use]
pub fn own_task() -> Requeued {
    let Ok(job) = std::env::var("SLURM_JOB_ID") else { return Requeued::NoTask };
    let starts = std::env::var("SLURM_RESTART_COUNT").ok().and_then(|count| count.parse().ok()).unwrap_or(0);
    match scontrol(&["--oneliner", "show", "job", &job]) {
        Err(words) => Requeued::Refused(words),
        Ok(shown) if !is_this_start(&shown, starts) => Requeued::NotOurs,
        Ok(_) => scontrol(&["requeue", &job]).map_or_else(Requeued::Refused, |_| Requeued::Yes),
    }
}

fn scontrol(arguments: &[&str]) -> Result<String, String> {
    let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
    match ask("scontrol", &arguments, Path::new("."), PATIENCE) {
        Err(silence) => Err(silence.explain("scontrol")),
        Ok(answer) if answer.accepted => Ok(answer.out),
        Ok(answer) => Err(answer.err.trim().to_owned()),
    }
}

/// Whether the job runs, and for as many times as this process knows of. Time that is up may already be told.
fn is_this_start(shown: &str, starts: u32) -> bool {
    let field = |key: &str| {
        let mut pairs = shown.split_whitespace().filter_map(|pair| pair.split_once('='));
        pairs.find(|(name, _)| *name == key).map(|(_, value)| value)
    };
    matches!(field("JobState"), Some("RUNNING" | "TIMEOUT"))
        && field("Restarts").is_some_and(|count| count.parse() == Ok(starts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_start_that_slurm_knows_of_is_queued_again() {
        let shown = |state: &str, restarts: u32| {
            format!(
                "JobId=7 ArrayJobId=4 ArrayTaskId=3 JobName=a JobState={state} Reason=None Requeue=1 Restarts={restarts} BatchFlag=1\n"
            )
        };
        assert!(is_this_start(&shown("RUNNING", 0), 0));
        assert!(is_this_start(&shown("RUNNING", 2), 2));
        assert!(!is_this_start(&shown("RUNNING", 1), 0), "its twin runs elsewhere");
        for state in ["CANCELLED", "PENDING", "COMPLETED", "PREEMPTED"] {
            assert!(!is_this_start(&shown(state, 0), 0), "{state}");
        }
        assert!(!is_this_start("slurm_load_jobs error", 0));
    }
}

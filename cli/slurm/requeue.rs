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
    let variable = |name: &str| std::env::var(name).ok();
    let Some(job) = name_of(variable) else { return Requeued::NoTask };
    let starts = variable("SLURM_RESTART_COUNT").and_then(|count| count.parse().ok()).unwrap_or(0);
    match scontrol(&["--oneliner", "show", "job", &job]) {
        Err(words) => Requeued::Refused(words),
        Ok(shown) if !is_this_start(&shown, starts) => Requeued::NotOurs,
        Ok(_) => scontrol(&["requeue", &job]).map_or_else(Requeued::Refused, |_| Requeued::Yes),
    }
}

/// The name of the job that this process belongs to. One task of every array has the number of the array itself for its `SLURM_JOB_ID`, and
/// by that name all others would be started again too.
fn name_of(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    match (variable("SLURM_ARRAY_JOB_ID"), variable("SLURM_ARRAY_TASK_ID")) {
        (Some(array), Some(task)) => Some(format!("{array}_{task}")),
        _ => variable("SLURM_JOB_ID"),
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
    fn a_task_is_not_named_as_its_array() {
        let job = |set: &[(&str, &str)]| {
            let set: std::collections::BTreeMap<&str, &str> = set.iter().copied().collect();
            name_of(|name| set.get(name).map(ToString::to_string))
        };
        let array = [("SLURM_JOB_ID", "1"), ("SLURM_ARRAY_JOB_ID", "1"), ("SLURM_ARRAY_TASK_ID", "19")];
        assert_eq!(job(&array), Some("1_19".to_owned()));
        assert_eq!(job(&[("SLURM_JOB_ID", "7")]), Some("7".to_owned()));
        assert_eq!(job(&[]), None);
    }

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

//! Giving a sweep to SLURM: the array or arrays, then the merge job that waits for them.
//!
//! Every job is written down as soon as SLURM has it. When a later one is refused, nothing is taken back: tasks that run lose nothing, and
//! the same command submits what is missing.

use std::path::Path;
use std::time::Duration;

use super::ask::{Answer, ask};
use super::job::Job;
use super::script::{self, LOGS, MERGE, TASKS};
use super::submitted::{self, Submission};
use crate::fault::Fault;

/// `sbatch` asks a busy controller again for two minutes before it gives up.
const PATIENCE: Duration = Duration::from_secs(180);

/// What SLURM has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// The job of each array.
    pub arrays: Vec<String>,
    /// The job that merges.
    pub merge: String,
}

/// Writes the scripts into the folder of the plan, and the folder for what tasks print.
///
/// # Errors
/// [`Fault::Unwritable`], [`Fault::Usage`] as [`script::tasks`].
pub fn write(job: &Job) -> Result<(), Fault> {
    let logs = job.plan.join(LOGS);
    std::fs::create_dir_all(&logs).map_err(|error| Fault::unwritable(&logs, error))?;
    for (name, text) in [(TASKS, script::tasks(job)?), (MERGE, script::merge(job)?)] {
        let path = job.plan.join(name);
        std::fs::write(&path, text).map_err(|error| Fault::unwritable(&path, error))?;
    }
    Ok(())
}

/// Submits the arrays of a job whose scripts are written, and the merge job behind them and behind `earlier` jobs of the same plan.
///
/// # Errors
/// [`Fault::Unavailable`] if `sbatch` is missing, silent or refuses; the message says what is in the queue nevertheless.
pub fn submit(job: &Job, earlier: &[String]) -> Result<Submitted, Fault> {
    let mut arrays = Vec::new();
    for (position, array) in job.arrays.iter().enumerate() {
        let id = sbatch(&job.plan, &array_arguments(job, position), &accepted(&arrays))?;
        let line = Submission { job: id.clone(), first_chunk: Some(array.first), indices: array.indices() };
        write_down(&job.plan, &line);
        arrays.push(id);
    }
    let mut arguments =
        vec![format!("--dependency={}:{}", job.after.dependency(), [&arrays, earlier].concat().join(":"))];
    if job.after == super::After::Ok {
        // Without this the job would wait for ever when a task fails.
        arguments.push("--kill-on-invalid-dep=yes".to_owned());
    }
    arguments.push(MERGE.to_owned());
    let merge = sbatch(&job.plan, &arguments, &accepted(&arrays))?;
    write_down(&job.plan, &Submission { job: merge.clone(), first_chunk: None, indices: String::new() });
    Ok(Submitted { arrays, merge })
}

/// Asks SLURM when the arrays would start, without submitting them; its words.
///
/// # Errors
/// As [`submit`].
pub fn test_only(job: &Job) -> Result<String, Fault> {
    let mut words = String::new();
    for position in 0..job.arrays.len() {
        let arguments = [vec!["--test-only".to_owned()], array_arguments(job, position)].concat();
        let answer = answer(&job.plan, &arguments, NOTHING)?;
        words += &(answer.out + &answer.err);
    }
    Ok(words)
}

/// The first array is what the script says; the others differ from it in their indices and their first chunk.
fn array_arguments(job: &Job, position: usize) -> Vec<String> {
    let array = &job.arrays[position];
    if position == 0 {
        return vec![TASKS.to_owned()];
    }
    vec![format!("--array={}", script::indices(job, array)), TASKS.to_owned(), array.first.to_string()]
}

/// One submission; the number of its job.
fn sbatch(plan: &Path, arguments: &[String], so_far: &str) -> Result<String, Fault> {
    let answer = answer(plan, &[vec!["--parsable".to_owned()], arguments.to_vec()].concat(), so_far)?;
    // `123`, or `123;cluster`.
    let id = answer.out.trim().split(';').next().unwrap_or_default();
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(unavailable(
            &format!("expected a job number from `sbatch`, found `{}`", answer.out.trim()),
            so_far,
        ));
    }
    // Warnings of a site, about a limit or a price, are for the user.
    if !answer.err.trim().is_empty() {
        tell!("{}", answer.err.trim());
    }
    Ok(id.to_owned())
}

fn answer(plan: &Path, arguments: &[String], so_far: &str) -> Result<Answer, Fault> {
    let answer = ask("sbatch", arguments, plan, PATIENCE)
        .map_err(|silence| unavailable(&format!("{} (SLURM)", silence.explain("sbatch")), so_far))?;
    if answer.accepted {
        return Ok(answer);
    }
    let said = if answer.err.trim().is_empty() { "no reason was given" } else { answer.err.trim() };
    Err(unavailable(&format!("SLURM has refused the job: {said}{}", advice(said)), so_far))
}

/// What to do about the refusals that users meet most.
fn advice(said: &str) -> &'static str {
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(&["MaxSubmit", "MaxJob", "unable to accept job", "job submit limit"]) {
        "\n  = help: fewer tasks fit under this limit: plan with more points a task, --points-per-task"
    } else if has(&["job array", "MaxArraySize"]) {
        "\n  = help: plan with more points a task, --points-per-task"
    } else if has(&["time limit", "TimeLimit"]) {
        "\n  = help: choose a shorter --time: a task that reaches its limit saves its points and queues again"
    } else if has(&["account", "qos", "QOS"]) {
        "\n  = help: choose with --account and --qos what you may use"
    } else if has(&["partition"]) {
        "\n  = help: `sinfo -s` lists partitions; choose one with --partition"
    } else {
        ""
    }
}

const NOTHING: &str = "nothing was submitted; the plan is kept";

/// What a fault says of the jobs before it.
fn accepted(arrays: &[String]) -> String {
    if arrays.is_empty() {
        return NOTHING.to_owned();
    }
    format!("job {} is in the queue and goes on; the same command submits the rest", arrays.join(", "))
}

fn unavailable(what: &str, so_far: &str) -> Fault {
    Fault::Unavailable(format!("{what}\n  = note: {so_far}"))
}

/// The queue has the job already: a list that cannot be written is worth a warning and no more.
fn write_down(plan: &Path, submission: &Submission) {
    if let Err(error) = submitted::add(plan, submission) {
        let path = plan.join(submitted::FILE);
        tell!("warning: job {} cannot be written to {}: {error}", submission.job, path.display());
    }
}

/// The lines that submit the arrays by hand, in the folder of the plan.
#[must_use]
pub fn by_hand(job: &Job) -> Vec<String> {
    (0..job.arrays.len()).map(|position| format!("sbatch {}", array_arguments(job, position).join(" "))).collect()
}

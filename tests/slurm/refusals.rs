//! Bad input and bad days of `sweep submit`: one clear message each, and nothing lost. SLURM's programs are scripts here.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use isotherm::slurm::submitted;
use tempfile::TempDir;

use crate::lab::{PROGRAM, blink, said};

/// A login node with false programs of SLURM, or with none.
struct Login {
    folder: TempDir,
}

impl Login {
    fn new(programs: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        for (name, body) in programs {
            let path = bin.join(name);
            std::fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        std::fs::write(folder.path().join("small.toml"), blink("small", 6)).unwrap();
        Self { folder }
    }

    fn here(&self) -> &Path {
        self.folder.path()
    }

    /// `sweep submit --slurm` with these arguments: exit code, standard output, standard error.
    fn submit(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(PROGRAM);
        command.args(["sweep", "submit", "--slurm"]).args(arguments).current_dir(self.here());
        said(command.env("PATH", self.here().join("bin")))
    }
}

const LIMITS: (&str, &str) = ("scontrol", "echo 'MaxArraySize = 1001'; echo 'MaxJobCount = 10000'");
const NO_QUEUE: (&str, &str) = ("squeue", "exit 0");

#[test]
fn without_slurm_the_plan_is_kept_and_the_other_ways_are_named() {
    let login = Login::new(&[]);
    let (code, _, err) = login.submit(&["small.toml", "--out", "plan"]);
    assert_eq!(code, 7, "{err}");
    assert!(err.contains("there is no `sbatch` on the PATH") && err.contains("nothing was submitted"), "{err}");
    assert!(login.here().join("plan/plan.json").exists() && login.here().join("plan/submit.sh").exists());
}

#[test]
fn a_dry_run_prints_the_script_and_writes_nothing() {
    let login = Login::new(&[]);
    let (code, out, err) =
        login.submit(&["small.toml", "--out", "plan", "--points-per-task", "2", "--dry-run", "--time", "4:00:00"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("#!/bin/bash\n") && out.contains("#SBATCH --array=0-2\n"), "{out}");
    assert!(
        out.contains("#SBATCH --time=4:00:00\n") && out.trim_end().lines().last().unwrap().starts_with("exec "),
        "{out}"
    );
    assert!(!login.here().join("plan").exists());
}

#[test]
fn a_refusal_is_passed_on_with_advice() {
    for (said, advice) in [
        ("sbatch: error: invalid partition specified: nope", "sinfo -s"),
        ("sbatch: error: Batch job submission failed: Invalid job array specification", "--points-per-task"),
        (
            "sbatch: error: AssocMaxSubmitJobLimit\nsbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)",
            "--points-per-task",
        ),
        (
            "sbatch: error: Batch job submission failed: Requested time limit is invalid (missing or exceeds some limit)",
            "--time",
        ),
        (
            "sbatch: error: Batch job submission failed: Invalid account or account/partition combination specified",
            "--account",
        ),
    ] {
        let login = Login::new(&[
            LIMITS,
            NO_QUEUE,
            ("sbatch", &format!("while read -r line; do echo \"$line\" >&2; done <<'END'\n{said}\nEND\nexit 1")),
        ]);
        let (code, out, err) = login.submit(&["small.toml", "--out", "plan"]);
        assert_eq!((code, out.as_str()), (7, ""), "{err}");
        assert!(err.contains(said) && err.contains(advice) && err.contains("nothing was submitted"), "{err}");
        assert_eq!(submitted::read(&login.here().join("plan")).unwrap(), []);
    }
}

/// The first job is taken and the second one is not.
const TIRED: &str = r#"[ -e taken ] && { echo "sbatch: error: no more today" >&2; exit 1; }
: >taken; echo "17;cluster""#;

#[test]
fn what_was_taken_before_a_refusal_is_not_lost() {
    let login = Login::new(&[LIMITS, NO_QUEUE, ("sbatch", TIRED)]);
    let (code, _, err) = login.submit(&["small.toml", "--out", "plan"]);
    assert_eq!(code, 7, "{err}");
    assert!(err.contains("no more today") && err.contains("job 17 is in the queue"), "{err}");
    let jobs = submitted::read(&login.here().join("plan")).unwrap();
    assert_eq!(jobs.iter().map(|job| (job.job.as_str(), job.first_chunk)).collect::<Vec<_>>(), [("17", Some(0))]);
}

#[test]
fn an_answer_that_is_no_job_number_is_no_success() {
    let login = Login::new(&[LIMITS, NO_QUEUE, ("sbatch", "echo 'Submitted, thank you'")]);
    let (code, _, err) = login.submit(&["small.toml", "--out", "plan"]);
    assert!(code == 7 && err.contains("expected a job number") && err.contains("Submitted, thank you"), "{err}");
}

#[test]
fn chunks_adapt_to_the_limits_of_the_cluster() {
    for (limits, array) in
        [("echo 'MaxArraySize = 3'", "0-2"), ("echo 'MaxArraySize = 1001'; echo 'MaxJobCount = 3'", "0-1")]
    {
        let login = Login::new(&[("scontrol", limits), NO_QUEUE, ("sbatch", "echo 5")]);
        let (code, _, err) = login.submit(&["small.toml", "--out", "plan", "--points-per-task", "1"]);
        assert!(code == 0 && err.contains("tasks"), "{err}");
        assert_eq!(submitted::read(&login.here().join("plan")).unwrap()[0].indices, array);
    }
    let login = Login::new(&[("scontrol", "echo 'MaxArraySize = 0'"), NO_QUEUE, ("sbatch", "echo 5")]);
    let (code, _, err) = login.submit(&["small.toml", "--out", "plan"]);
    assert!(code == 7 && err.contains("MaxArraySize"), "{err}");
}

#[test]
fn what_waits_or_runs_is_not_submitted_again_but_waited_for() {
    let queue = ("squeue", "echo '17|0|RUNNING|node1'; echo '17|4|PENDING|(Resources)'");
    let sbatch = ("sbatch", "echo \"$@\" >>calls; [ -e taken ] && { echo 18; exit 0; }; : >taken; echo 17");
    let login = Login::new(&[LIMITS, queue, sbatch]);
    let (code, _, err) = login.submit(&["small.toml", "--out", "plan"]);
    assert_eq!(code, 0, "{err}");
    let (code, out, err) = login.submit(&["plan"]);
    assert!(code == 0 && out.contains("18"), "{out}{err}");
    let jobs = submitted::read(&login.here().join("plan")).unwrap();
    assert_eq!(jobs[2].indices, "1-3,5");
    let calls = std::fs::read_to_string(login.here().join("plan/calls")).unwrap();
    assert!(calls.lines().last().unwrap().contains("--dependency=afterany:18:17"), "{calls}");
}

#[test]
fn arguments_that_no_script_can_hold_are_refused_at_once() {
    let login = Login::new(&[]);
    for (arguments, word) in [
        (["--partition", "a b"], "cannot be in a value of an #SBATCH line"),
        (["--extra", "rm -rf"], "expected an option of sbatch"),
        (["--extra", "--array=0-9"], "follow from the plan"),
        (["--env", "1=2"], "expected NAME=VALUE"),
        (["--slurm-options", "none.toml"], "none.toml"),
    ] {
        let (code, _, err) = login.submit(&[&["small.toml", "--out", "plan"], &arguments[..]].concat());
        assert!(code == 2 && err.contains(word), "{code} {err}");
    }
    assert!(!login.here().join("plan").exists());
    let mut without = Command::new(PROGRAM);
    let (code, _, err) = said(without.args(["sweep", "submit", "small.toml"]).current_dir(login.here()));
    assert!(code == 2 && err.contains("--slurm"), "{err}");
    let (code, _, err) = login.submit(&["nothing-here"]);
    assert!(code == 3 && err.contains("nothing-here"), "{code} {err}");
}

/// Logs are on the disk that is full, too: what went wrong must not become a panic about the log.
#[test]
fn a_log_that_takes_no_line_changes_no_exit_code() {
    let login = Login::new(&[LIMITS, NO_QUEUE, ("sbatch", "exit 1")]);
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for (arguments, expected) in [
        (&["sweep", "work", "nothing-here", "--chunk", "0"][..], 4),
        (&["sweep", "submit", "small.toml", "--slurm", "--out", "plan"], 7),
        (&["sweep", "work", "plan", "--chunk", "0"], 0),
        (&["run", "small.toml", "--set", "model.top_k=9"], 3),
    ] {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).current_dir(login.here()).env("PATH", login.here().join("bin")).stderr(full());
        assert_eq!(command.status().unwrap().code(), Some(expected), "{arguments:?}");
    }
}

/// shellcheck knows what a shell would make of it; it is not everywhere.
#[test]
fn the_script_is_clean() {
    let login = Login::new(&[]);
    let arguments = [
        "small.toml",
        "--dry-run",
        "--out",
        "it's a plan",
        "--env",
        "A=b c",
        "--setup",
        "date",
        "--extra",
        "#SBATCH --mail-type=END",
    ];
    let (code, out, err) = login.submit(&arguments);
    assert_eq!(code, 0, "{err}");
    let path = login.here().join("script.sh");
    std::fs::write(&path, out).unwrap();
    match Command::new("shellcheck").arg(&path).output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout)),
        Err(_) => crate::lab::announce("there is no shellcheck: the script is not looked at"),
    }
}

//! The scripts that SLURM runs. They end in `exec`, so that the signal before the time limit reaches isotherm and not a shell.

use std::fmt::Write;
use std::path::Path;

use super::array::Array;
use super::job::Job;
use crate::fault::Fault;

/// The script of the array, in the folder of the plan.
pub const TASKS: &str = "submit.sh";
/// The script of the job that merges.
pub const MERGE: &str = "merge.sh";
/// What tasks print, in the folder of the plan.
pub const LOGS: &str = "logs";
/// How long before its limit a task is told, in seconds.
const SIGNAL_BEFORE: u32 = 120;

/// What a task of an array does. An argument is the chunk of index 0, where it is not the first array.
///
/// # Errors
/// [`Fault::Usage`] for a path that no shell script can hold.
pub fn tasks(job: &Job) -> Result<String, Fault> {
    let mut text = head(job, "one chunk of a sweep a task", TASKS);
    let Some(array) = job.arrays.first() else { return Err(Fault::Internal("no task to submit".to_owned())) };
    directive(&mut text, &format!("--array={}", indices(job, array)));
    directive(&mut text, &format!("--output={LOGS}/%A_%a.out"));
    directive(&mut text, &format!("--cpus-per-task={}", job.request.cpus.unwrap_or(1)));
    directive(&mut text, &format!("--signal=B:USR1@{}", job.request.signal_before.unwrap_or(SIGNAL_BEFORE)));
    resources(&mut text, job);
    surroundings(&mut text, job)?;
    let _ = writeln!(
        text,
        "exec {} sweep work {} --chunk \"$((SLURM_ARRAY_TASK_ID + ${{1:-{}}}))\" --threads {}",
        quoted(&job.program)?,
        quoted(&job.plan)?,
        array.first,
        job.request.cpus.unwrap_or(1),
    );
    Ok(text)
}

/// What is done when the tasks are.
///
/// # Errors
/// As [`tasks`].
pub fn merge(job: &Job) -> Result<String, Fault> {
    let mut text = head(job, "tasks to results, with the table at the end", MERGE);
    directive(&mut text, &format!("--output={LOGS}/merge_%j.out"));
    directive(&mut text, "--cpus-per-task=1");
    resources(&mut text, job);
    surroundings(&mut text, job)?;
    let _ = writeln!(text, "exec {} sweep merge {} --report", quoted(&job.program)?, quoted(&job.plan)?);
    Ok(text)
}

/// The indices of an array, and how many of them may run at a time.
pub(super) fn indices(job: &Job, array: &Array) -> String {
    let throttle = job.request.concurrency.map_or_else(String::new, |most| format!("%{most}"));
    array.indices() + &throttle
}

fn head(job: &Job, what: &str, file: &str) -> String {
    let mut text = format!(
        "#!/bin/bash\n# Written by isotherm {}: {what}. By hand: sbatch {file}, in this folder.\n",
        env!("CARGO_PKG_VERSION")
    );
    directive(&mut text, &format!("--job-name={}", plain(&job.name)));
    text
}

/// What tasks and merge are given alike.
fn resources(text: &mut String, job: &Job) {
    // A log that is written anew at every start would lose why the one before ended.
    for option in ["--open-mode=append", "--requeue", "--nodes=1", "--ntasks=1"] {
        directive(text, option);
    }
    let request = &job.request;
    for (option, value) in [
        ("partition", &request.partition),
        ("time", &request.time),
        ("account", &request.account),
        ("qos", &request.qos),
        ("mem", &request.mem),
        ("constraint", &request.constraint),
        ("reservation", &request.reservation),
    ] {
        if let Some(value) = value {
            directive(text, &format!("--{option}={}", value.as_str()));
        }
    }
    for line in &request.extra {
        directive(text, line.as_str());
    }
}

fn surroundings(text: &mut String, job: &Job) -> Result<(), Fault> {
    let request = &job.request;
    if request.setup.is_empty() {
        text.push_str("set -eu\n");
    } else {
        // What sites put into `module` or `conda` often reads variables that are not set.
        let _ = writeln!(text, "set -e\n{}\nset -u", request.setup.join("\n"));
    }
    for variable in &request.env {
        let _ = writeln!(text, "export {}={}", variable.name, quoted_text(&variable.value)?);
    }
    Ok(())
}

fn directive(text: &mut String, option: &str) {
    let _ = writeln!(text, "#SBATCH {option}");
}

/// A name as a word: it goes to lists of jobs, where blanks and quotes only hurt.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' }).collect()
}

/// A path as one word for the shell.
pub(crate) fn quoted(path: &Path) -> Result<String, Fault> {
    let text = path.to_str().ok_or_else(|| {
        Fault::Usage(format!("{} is not UTF-8, so no script can name it\n  = help: use another folder", path.display()))
    })?;
    quoted_text(text)
}

/// One word for the shell, whatever is in it.
fn quoted_text(text: &str) -> Result<String, Fault> {
    shlex::try_quote(text)
        .map(std::borrow::Cow::into_owned)
        .map_err(|error| Fault::Usage(format!("{text:?} cannot be in a script: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slurm::{After, Request};

    fn job() -> Job {
        Job {
            name: "classic".to_owned(),
            program: "/opt/bin/isotherm".into(),
            plan: "/scratch/classic".into(),
            arrays: Array::split(&[0, 1, 2, 5], 1001),
            request: Request::default(),
            after: After::Any,
        }
    }

    #[test]
    fn the_script_of_a_plain_sweep() {
        let version = env!("CARGO_PKG_VERSION");
        let expected = format!(
            "#!/bin/bash
# Written by isotherm {version}: one chunk of a sweep a task. By hand: sbatch submit.sh, in this folder.
#SBATCH --job-name=classic
#SBATCH --array=0-2,5
#SBATCH --output=logs/%A_%a.out
#SBATCH --cpus-per-task=1
#SBATCH --signal=B:USR1@120
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --nodes=1
#SBATCH --ntasks=1
set -eu
exec /opt/bin/isotherm sweep work /scratch/classic --chunk \"$((SLURM_ARRAY_TASK_ID + ${{1:-0}}))\" --threads 1
"
        );
        assert_eq!(tasks(&job()).unwrap(), expected);
    }

    #[test]
    fn everything_that_can_be_asked_for() {
        let request = Request {
            partition: Some("short".parse().unwrap()),
            time: Some("4:00:00".parse().unwrap()),
            account: Some("p1".parse().unwrap()),
            qos: Some("high".parse().unwrap()),
            mem: Some("2G".parse().unwrap()),
            cpus: Some(4),
            constraint: Some("[a|b]".parse().unwrap()),
            reservation: Some("friday".parse().unwrap()),
            concurrency: Some(50),
            signal_before: Some(300),
            extra: vec!["#SBATCH --mail-type=END".parse().unwrap()],
            setup: vec!["module load gcc".to_owned(), "ulimit -c 0".to_owned()],
            env: vec!["NOTE=it's $HOME".parse().unwrap()],
        };
        let job = Job { name: "a b's".to_owned(), request, ..job() };
        let version = env!("CARGO_PKG_VERSION");
        let common = "#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --partition=short
#SBATCH --time=4:00:00
#SBATCH --account=p1
#SBATCH --qos=high
#SBATCH --mem=2G
#SBATCH --constraint=[a|b]
#SBATCH --reservation=friday
#SBATCH --mail-type=END
set -e
module load gcc
ulimit -c 0
set -u
export NOTE=\"it's \"'$HOME'
";
        let array = format!(
            "#!/bin/bash
# Written by isotherm {version}: one chunk of a sweep a task. By hand: sbatch submit.sh, in this folder.
#SBATCH --job-name=a_b_s
#SBATCH --array=0-2,5%50
#SBATCH --output=logs/%A_%a.out
#SBATCH --cpus-per-task=4
#SBATCH --signal=B:USR1@300
{common}exec /opt/bin/isotherm sweep work /scratch/classic --chunk \"$((SLURM_ARRAY_TASK_ID + ${{1:-0}}))\" --threads 4
"
        );
        assert_eq!(tasks(&job).unwrap(), array);
        let end = format!(
            "#!/bin/bash
# Written by isotherm {version}: tasks to results, with the table at the end. By hand: sbatch merge.sh, in this folder.
#SBATCH --job-name=a_b_s
#SBATCH --output=logs/merge_%j.out
#SBATCH --cpus-per-task=1
{common}exec /opt/bin/isotherm sweep merge /scratch/classic --report
"
        );
        assert_eq!(merge(&job).unwrap(), end);
    }

    /// A shell is asked what it makes of paths that were chosen to hurt.
    #[cfg(unix)]
    #[test]
    fn hostile_paths_reach_the_program_as_they_are() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let nasty = folder.path().join("a b'c\"d $HOME `id` \\ ; #é *");
        std::fs::create_dir(&nasty).unwrap();
        let program = nasty.join("print all");
        std::fs::write(&program, "#!/bin/sh\nprintf '<%s>' \"$V\" \"$@\"\n").unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let value = "x'y\"z $(touch pwned)\nnext";
        let request = Request { env: vec![format!("V={value}").parse().unwrap()], ..Request::default() };
        let job = Job { program, plan: nasty.clone(), request, ..job() };
        let script = folder.path().join("script");
        std::fs::write(&script, tasks(&job).unwrap()).unwrap();
        let output = std::process::Command::new("bash")
            .args([script.as_os_str(), "1000".as_ref()])
            .env("SLURM_ARRAY_TASK_ID", "3")
            .current_dir(folder.path())
            .output()
            .unwrap();
        let plan = nasty.display();
        let expected = format!("<{value}><sweep><work><{plan}><--chunk><1003><--threads><1>");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected, "{}", String::from_utf8_lossy(&output.stderr));
        assert!(!folder.path().join("pwned").exists());
    }

    #[test]
    fn a_path_with_a_zero_byte_is_refused() {
        let fault = tasks(&Job { plan: "/a\0b".into(), ..job() }).unwrap_err();
        assert!(fault.to_string().contains("cannot be in a script"), "{fault}");
    }
}

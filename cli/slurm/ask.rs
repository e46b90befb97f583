//! Running SLURM's programs: their answer, or in one sentence why there is none.
//!
//! A controller that is down keeps its clients waiting for minutes, so every question has a time limit. Output goes to files and not
//! through pipes, which a full answer would block.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// What a program of SLURM wrote, whether or not it was content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) accepted: bool,
    pub(super) out: String,
    pub(super) err: String,
}

/// Why a program of SLURM gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// It is not on the PATH.
    Missing,
    /// It cannot be started, or its output cannot be kept; what the system says.
    Broken(String),
    /// It did not end within its time, and was killed.
    Late(Duration),
}

impl Silence {
    /// The reason in words, for the program of this name.
    pub(super) fn explain(&self, program: &str) -> String {
        match self {
            Self::Missing => format!("there is no `{program}` on the PATH"),
            Self::Broken(error) => format!("`{program}` cannot be run: {error}"),
            Self::Late(limit) => {
                format!("`{program}` gave no answer within {} s: is the controller up?", limit.as_secs())
            }
        }
    }
}

/// Runs a program in a folder and waits for at most `limit`.
pub(super) fn ask(program: &str, arguments: &[String], folder: &Path, limit: Duration) -> Result<Answer, Silence> {
    let broken = |error: io::Error| Silence::Broken(error.to_string());
    let (mut out, mut err) = (tempfile::tempfile().map_err(broken)?, tempfile::tempfile().map_err(broken)?);
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    command.stdout(out.try_clone().map_err(broken)?).stderr(err.try_clone().map_err(broken)?);
    let mut child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Silence::Missing,
        _ => broken(error),
    })?;
    let Some(status) = wait(&mut child, limit).map_err(broken)? else {
        child.kill().and_then(|()| child.wait()).map_err(broken)?;
        return Err(Silence::Late(limit));
    };
    let text = |file: &mut File| -> Result<String, Silence> { all_of(file).map_err(broken) };
    Ok(Answer { accepted: status.success(), out: text(&mut out)?, err: text(&mut err)? })
}

/// Waits for a child; `None` when its time is over.
fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() >= limit {
            return Ok(None);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

fn all_of(file: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Result<Answer, Silence> {
        ask("sh", &["-c".to_owned(), script.to_owned()], Path::new("."), limit)
    }

    #[test]
    fn answers_and_refusals_are_both_answers() {
        let long = Duration::from_secs(60);
        let answer = shell("echo 12; echo careful >&2", long).unwrap();
        assert_eq!(answer, Answer { accepted: true, out: "12\n".to_owned(), err: "careful\n".to_owned() });
        assert!(!shell("exit 1", long).unwrap().accepted);
        // More than a pipe holds.
        assert_eq!(shell("head -c 300000 /dev/zero", long).unwrap().out.len(), 300_000);
    }

    #[test]
    fn silence_has_its_reason() {
        let late = shell("exec sleep 1000", Duration::from_millis(50)).unwrap_err();
        assert_eq!(late, Silence::Late(Duration::from_millis(50)));
        let none = ask("no-such-program", &[], Path::new("."), Duration::from_secs(1)).unwrap_err();
        assert_eq!(none.explain("no-such-program"), "there is no `no-such-program` on the PATH");
    }
}

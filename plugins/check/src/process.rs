//! One process of one case, seen from outside: started, waited for, and killed when its time is over.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::verdict::{Outcome, Verdict};

/// How the reason of a case begins that was ended by its time limit.
pub(crate) const HUNG: &str = "did not end within";

/// Runs a command to its end and says what came out.
///
/// Its output goes to files: a pipe could be held open by what the plugin leaves running.
pub(crate) fn verdict_of(command: &mut Command, limit: Duration) -> io::Result<Verdict> {
    let (mut output, mut words) = (tempfile::tempfile()?, tempfile::tempfile()?);
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(words.try_clone()?);
    let mut child = command.spawn()?;
    let Some(status) = wait(&mut child, limit)? else {
        child.kill()?;
        child.wait()?;
        return Ok(Verdict::fail(format!("{HUNG} {} s", limit.as_secs_f64())));
    };
    let verdict = Verdict::last_in(&all_of(&mut output)?);
    let words = String::from_utf8_lossy(&all_of(&mut words)?).trim().to_owned();
    Ok(judge(status, verdict, words.lines().last().unwrap_or_default()))
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

fn all_of(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What a process that has ended has come to; `words` are the last that it wrote to its standard error.
fn judge(status: ExitStatus, verdict: Option<Verdict>, words: &str) -> Verdict {
    let with_words =
        |what: String| Verdict::fail(if words.is_empty() { what } else { format!("{what}; its last words: {words}") });
    match (status.signal(), status.code(), verdict) {
        (Some(signal), _, Some(Verdict { outcome: Outcome::Fail, reason, .. })) => {
            Verdict::fail(format!("{}: {reason}", signal_name(signal)))
        }
        (Some(signal), _, Some(_)) => with_words(format!("{} after the case had ended", signal_name(signal))),
        (Some(signal), _, None) => with_words(signal_name(signal)),
        (None, Some(0), Some(verdict)) => verdict,
        (None, code, _) => {
            let code = code.map_or_else(String::new, |code| format!(" with exit status {code}"));
            with_words(format!("ended the process{code} before the case had ended"))
        }
    }
}

fn signal_name(signal: i32) -> String {
    match signal {
        libc::SIGSEGV => "SIGSEGV (memory that may not be touched)".to_owned(),
        libc::SIGBUS => "SIGBUS (memory that is not there)".to_owned(),
        libc::SIGABRT => "SIGABRT (abort)".to_owned(),
        libc::SIGFPE => "SIGFPE (arithmetic)".to_owned(),
        libc::SIGILL => "SIGILL (illegal instruction)".to_owned(),
        libc::SIGTRAP => "SIGTRAP (trap)".to_owned(),
        libc::SIGKILL => "SIGKILL (killed)".to_owned(),
        libc::SIGSYS => "SIGSYS (forbidden system call)".to_owned(),
        other => format!("signal {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Verdict {
        verdict_of(Command::new("sh").args(["-c", script]), limit).unwrap()
    }

    #[test]
    fn ends_are_told_apart() {
        let long = Duration::from_secs(60);
        let pass = Verdict { outcome: Outcome::Pass, reason: String::new(), digest: Some("d".to_owned()) };
        assert_eq!(shell(&format!("echo noise; echo '{}'", pass.line().trim()), long), pass);
        assert_eq!(shell("exit 0", long).reason, "ended the process with exit status 0 before the case had ended");
        assert_eq!(shell("echo because >&2; kill -ABRT $$", long).reason, "SIGABRT (abort); its last words: because");
        let after = shell(&format!("echo '{}'; kill -SEGV $$", pass.line().trim()), long);
        assert_eq!(after.reason, "SIGSEGV (memory that may not be touched) after the case had ended");
        let said = Verdict::fail("wrote").line();
        assert_eq!(
            shell(&format!("echo '{}'; kill -BUS $$", said.trim()), long).reason,
            "SIGBUS (memory that is not there): wrote"
        );
    }

    #[test]
    fn what_does_not_end_is_killed() {
        let verdict = shell("exec sleep 1000", Duration::from_millis(50));
        assert_eq!(verdict, Verdict::fail("did not end within 0.05 s"));
    }
}

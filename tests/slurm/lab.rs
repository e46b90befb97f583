//! What the tests share: the program, its words, and waiting that ends.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_isotherm");

/// Runs the program in a folder.
pub(crate) fn isotherm(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).current_dir(folder);
    command
}

/// Exit code, standard output and standard error of a command.
pub(crate) fn said(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let utf8 = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap_or(-1), utf8(stdout), utf8(stderr))
}

/// Standard output of a command that must do well.
pub(crate) fn out_of(command: &mut Command) -> String {
    let (code, out, err) = said(command);
    assert_eq!(code, 0, "{command:?}\n{out}\n{err}");
    out
}

/// A sweep of a blink: a world at so many seeds, its router beside the baseline.
pub(crate) fn blink(name: &str, seeds: u32) -> String {
    format!(
        "schema_version = 1
name = \"{name}\"
seeds = {seeds}
model = {{ experts = 4, top_k = 1 }}
workload = {{ kind = \"gaussian\", sigma = 1.0 }}
arrivals = {{ kind = \"closed-loop\", batches = 3, tokens = 32 }}
costs = {{ kind = \"table\", hot = [3], cold_joules = 0.5, hot_joules = 2.0 }}
hardware = {{ gpus = 4 }}
telemetry = {{ kind = \"fixed\", temperatures = [\"0 degC\", \"0 degC\", \"0 degC\", \"70 degC\"] }}
router = [{{ kind = \"energy-penalty\", lambda = 0.5 }}]
"
    )
}

/// Asks until there is an answer; after `seconds`, fails with what the test knows.
pub(crate) fn until<T>(
    seconds: u64,
    what: &str,
    mut ask: impl FnMut() -> Option<T>,
    known: impl FnOnce() -> String,
) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < Duration::from_secs(seconds), "not within {seconds} s: {what}\n{}", known());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A line that is shown even when the test passes.
pub(crate) fn announce(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// One cluster at a time: the virtual nodes of all share the cores.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

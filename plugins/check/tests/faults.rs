//! Tests of the tests: libraries with planted faults must fail the cases that are about them, and good ones must pass all.
//!
//! This program is what the checker starts again for every case, so it brings its own `main`. With a word as argument it checks only the
//! libraries whose names contain it, and `--show` prints all reports; `--library FILE [NAME=OPTIONS]...` checks any other one.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use isotherm_plugin_check::{Outcome, Plan, Report, run, run_case};

/// The word that leads a child to its case.
const CHILD: &str = "check-one";

/// Files of `tests/fixtures/plugins/faults` and the cases that must find the fault; none for what is good.
const LIBRARIES: &[(&str, &[&str])] = &[
    ("good_assignment", &[]),
    ("good_scores", &[]),
    ("good_prices", &[]),
    ("out_of_bounds_write", &["bounds-after", "answers"]),
    ("read_before_start", &["bounds-before"]),
    ("read_past_end", &["bounds-after"]),
    ("use_after_destroy", &["freed-memory"]),
    ("use_after_free", &["freed-memory"]),
    ("double_free", &["freed-memory"]),
    ("global_state", &["independent", "repeatable"]),
    ("clock", &["repeatable"]),
    ("random", &["repeatable"]),
    ("unwritten_memory", &["repeatable"]),
    ("nan_output", &["extreme-logits"]),
    ("duplicate_expert", &["answers"]),
    ("one_too_few", &["answers"]),
    ("one_too_many", &["answers"]),
    ("wrong_counts", &["answers"]),
    ("leak_per_create", &["leak-per-instance"]),
    ("leak_per_route", &["leak-per-call"]),
    ("panic", &["answers", "after-panic"]),
    ("panic_then_state", &["answers"]),
    ("aborting", &["panic-mode"]),
    ("aborting_allowed", &[]),
    ("aborts", &["no-tokens"]),
    ("exits", &["extreme-logits"]),
    ("infinite_loop", &["extreme-logits"]),
    ("writes_input", &["read-only-inputs"]),
    ("keeps_pointer", &["read-only-inputs"]),
    ("floating_point", &["floating-point"]),
    ("floating_point_at_load", &["floating-point"]),
    ("small_table", &["opens"]),
    ("ignores_host_size", &["older-host"]),
    ("trusts_later_host", &["newer-host"]),
    ("ignores_major", &["other-major"]),
    ("lying_schema", &["schema"]),
    ("refuses_default", &["schema"]),
    ("crash_on_restore", &["hostile-state"]),
    ("accepts_cut_state", &["hostile-state"]),
    ("forgets_state", &["save-restore"]),
    ("stray_thread", &["stray-threads"]),
    ("other_label", &["opens"]),
    ("good_telemetry", &[]),
    ("sample_from_tomorrow", &["answers"]),
    ("samples_past_end", &["bounds-after"]),
    ("source_shares_state", &["independent"]),
    ("no_period", &["instance"]),
    ("good_placement", &[]),
    ("homeless_expert", &["answers"]),
    ("home_on_lost", &["answers"]),
    ("placement_leaks", &["leak-per-call"]),
    ("placement_remembers", &["save-restore"]),
    ("good_load", &[]),
    ("time_without_work", &["answers"]),
    ("shares_past_end", &["bounds-after"]),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [child, file, name, case, seed] = &arguments[..]
        && child == CHILD
    {
        run_case(Path::new(file), name, case, seed.parse().expect("a seed")).expect("a case");
        return ExitCode::SUCCESS;
    }
    if let [library, file, options @ ..] = &arguments[..]
        && library == "--library"
    {
        let options = options.iter().filter_map(|pair| pair.split_once('='));
        let report =
            check("", Path::new(file), options.map(|(name, json)| (name.to_owned(), json.to_owned())).collect());
        print!("{report}");
        return ExitCode::from(u8::from(!report.is_clean()));
    }
    let show = arguments.iter().any(|argument| argument == "--show");
    let word = arguments.iter().find(|argument| !argument.starts_with("--")).map_or("", String::as_str);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut failures = Vec::new();
    for (name, complaints, report) in in_parallel(word, folder.path()) {
        println!("test {name} ... {}", if complaints.is_empty() { "ok" } else { "FAILED" });
        if show || !complaints.is_empty() {
            println!("{report}");
        }
        failures.extend(complaints);
    }
    failures.iter().for_each(|failure| println!("{failure}"));
    ExitCode::from(u8::from(!failures.is_empty()))
}

/// Name, complaints and report of every library, in the order of the list.
fn in_parallel(word: &str, folder: &Path) -> Vec<(&'static str, Vec<String>, String)> {
    let chosen: Vec<_> =
        LIBRARIES.iter().chain(&[("c-greedy", &[] as &[_])]).filter(|(name, _)| name.contains(word)).collect();
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((name, expected)) = chosen.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let report = check(name, &build(name, folder), BTreeMap::new());
                    let complaints = complaints(name, expected, &report);
                    done.lock().expect("no thread has panicked").push((*name, complaints, report.to_string()));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no thread has panicked");
    done.sort_by_key(|(name, ..)| chosen.iter().position(|(chosen, _)| chosen == name));
    done
}

fn build(name: &str, folder: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    if name == "c-greedy" {
        let mut make = Command::new("make");
        make.arg("-C").arg(root.join("plugins/examples/c-greedy"));
        make.arg(format!("BUILD={}", folder.display())).arg("CFLAGS=-O2 -Wall -Wextra -Werror -pedantic");
        assert!(make.output().expect("make is installed").status.success(), "c-greedy does not build");
        return folder.join("libc_greedy.so");
    }
    let source = name.strip_suffix("_allowed").unwrap_or(name);
    let library = folder.join(format!("{name}.so"));
    let mut compile = Command::new("cc");
    compile.args(["-std=gnu99", "-O2", "-fPIC", "-shared", "-I"]).arg(root.join("plugins/abi/include"));
    // Compilers see some of the faults themselves.
    compile.args(if name.starts_with("good") { &["-Wall", "-Wextra", "-Werror"][..] } else { &["-w"] });
    compile.arg("-o").arg(&library);
    compile.arg(root.join("tests/fixtures/plugins/faults").join(format!("{source}.c"))).args(["-lm", "-lpthread"]);
    let done = compile.output().expect("a C compiler is installed");
    assert!(done.status.success(), "{name} does not build: {}", String::from_utf8_lossy(&done.stderr));
    library
}

fn check(name: &str, library: &Path, options: BTreeMap<String, String>) -> Report {
    let mut plan = Plan::new(std::env::current_exe().expect("this program"), library);
    plan.prefix_arguments = vec![OsString::from(CHILD)];
    plan.seed = 7;
    plan.options = options;
    plan.allow_abort = name == "aborting_allowed";
    // Nothing takes long but the planted loop, of which only the end is awaited.
    plan.limit = Duration::from_secs(if name == "infinite_loop" { 2 } else { 120 });
    run(&plan).expect("the library can be checked")
}

/// What is wrong with a report.
fn complaints(name: &str, expected: &[&str], report: &Report) -> Vec<String> {
    let failed: BTreeSet<_> = report.results.iter().filter(|r| r.outcome == Outcome::Fail).map(|r| r.case).collect();
    if expected.is_empty() {
        return failed.iter().map(|case| format!("{name} is good but fails `{case}`")).collect();
    }
    if name == "aborts"
        && let Some(complaint) = replayed(report)
    {
        return vec![complaint];
    }
    let missed = expected.iter().filter(|case| !failed.contains(*case));
    missed.map(|case| format!("{name} passes `{case}`, which should find it; it fails {failed:?}")).collect()
}

/// What is wrong with the command that a report gives to see a failure again: it must end in the same way.
fn replayed(report: &Report) -> Option<String> {
    let failed = report.results.iter().find(|result| result.outcome == Outcome::Fail)?;
    let ended = Command::new("sh").args(["-c", &format!("exec {}", failed.replay)]).output().expect("a shell").status;
    let signal = std::os::unix::process::ExitStatusExt::signal(&ended);
    (!failed.reason.starts_with("SIGABRT") || signal != Some(libc::SIGABRT))
        .then(|| format!("{}: {}, but again it ends with {ended}", failed.replay, failed.reason))
}

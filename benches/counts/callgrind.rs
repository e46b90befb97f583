//! One case under callgrind, and the number of instructions that it says.

use std::path::Path;
use std::process::Command;

/// The argument with which this program runs one case instead of comparing all.
pub(crate) const ONE: &str = "--one";

/// Everything that is counted happens in here. Callgrind collects between entering and leaving a function of this name, so that
/// preparing a case costs nothing; its name must not be that of anything else.
#[inline(never)]
pub(crate) fn counted_section<R>(work: impl FnOnce() -> R) -> R {
    std::hint::black_box(work())
}

/// Why nothing can be counted here, if so.
pub(crate) fn absent() -> Option<String> {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        return Some("the counts are those of x86-64 Linux".to_owned());
    }
    if !has_avx2() {
        return Some("this processor has no AVX2, which valgrind cannot make up".to_owned());
    }
    match Command::new("valgrind").arg("--version").output() {
        Ok(output) if output.status.success() => None,
        _ => Some("there is no valgrind (apt-get install valgrind)".to_owned()),
    }
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx2() -> bool {
    false
}

/// Whether the processor is the one that the counts are of: with AVX2, without AVX-512.
///
/// # Errors
/// What it is instead.
#[cfg(target_arch = "x86_64")]
pub(crate) fn as_expected() -> Result<(), String> {
    if is_x86_feature_detected!("avx512f") {
        return Err(format!("{ONE}: AVX-512 is on, so this does not run under valgrind, or under one that is too new"));
    }
    if has_avx2() { Ok(()) } else { Err(format!("{ONE}: this valgrind has no AVX2")) }
}

/// As on x86-64, where there is something to expect.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn as_expected() -> Result<(), String> {
    Err(format!("{ONE}: the counts are those of x86-64"))
}

/// Instructions of a case.
///
/// # Errors
/// What valgrind or the case complained of.
pub(crate) fn count(name: &str) -> Result<u64, String> {
    let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let out = folder.path().join("callgrind.out");
    let program = std::env::current_exe().map_err(|error| format!("this program cannot be found: {error}"))?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--toggle-collect=*counted_section*"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(program)
        .args([ONE, name])
        // Libraries of matrix products ask for it; what is counted runs on one thread.
        .env("RAYON_NUM_THREADS", "1")
        .output()
        .map_err(|error| format!("valgrind cannot be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    total(&out).map_err(|error| format!("{name}: {error}"))
}

/// The sum in callgrind's output; a case that collected nothing is a fault of the case.
fn total(path: &Path) -> Result<u64, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("no output of callgrind: {error}"))?;
    let found = text.lines().find_map(|line| line.strip_prefix("totals: ").or_else(|| line.strip_prefix("summary: ")));
    match found.and_then(|number| number.trim().parse().ok()) {
        Some(0) | None => Err("callgrind has counted nothing".to_owned()),
        Some(count) => Ok(count),
    }
}

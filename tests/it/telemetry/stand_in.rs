//! The commands against the stand-in for NVIDIA's library: two H200s that are none.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use isotherm_recording::{Recording, Signal};
use serde_json::Value;

use super::{await_bytes, start};
use crate::lab::{announce, isotherm, root, text};

/// Compiles the stand-in, once; none, with a message, where there is no C compiler.
fn built() -> Option<&'static Path> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let build = || {
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
        if Command::new(&compiler).arg("--version").output().is_err() {
            announce(&format!("skipped: there is no C compiler `{compiler}` to build the stand-in with"));
            return None;
        }
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("libnvidia-ml-commands.so");
        let script = root().join("plugins/nvml/tests/stand_in/build.sh");
        let output = Command::new("sh").arg(script).arg(&library).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(library)
    };
    BUILT.get_or_init(build).as_deref()
}

/// A copy of the library in `folder` that plays `script`; its state is its own.
fn playing(folder: &Path, script: &str) -> Option<String> {
    let library = folder.join("libnvidia-ml.so");
    std::fs::copy(built()?, &library).unwrap();
    std::fs::write(folder.join("libnvidia-ml.so.script"), script).unwrap();
    Some(library.display().to_string())
}

/// Power, temperature and counters that move and agree.
fn moving() -> String {
    std::fs::read_to_string(root().join("plugins/nvml/tests/stand_in/moving.script")).unwrap()
}

#[test]
fn devices_tells_limits_refreshes_and_what_is_not_given() {
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = playing(folder.path(), &(moving() + "gpu 1 field 82 no_permission\n")) else { return };
    let (code, out, err) = text(&isotherm(folder.path(), &["telemetry", "devices", "--nvml-library", &library]));
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    for words in
        ["nvml: 2 devices", "NVIDIA H200", "700 W", "95 degC", "580.", "100 ms", "no permission", "signals of GPU 1"]
    {
        assert!(out.contains(words), "{words} in\n{out}");
    }
    let named = Command::new(env!("CARGO_BIN_EXE_isotherm"))
        .args(["telemetry", "devices", "--quick"])
        .env("ISOTHERM_NVML_LIBRARY", &library)
        .output()
        .unwrap();
    assert_eq!(text(&named).0, 0, "the variable names the library, too");
}

#[test]
fn a_gpu_that_is_lost_is_an_event_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = playing(folder.path(), &moving()) else { return };
    let arguments =
        ["telemetry", "record", "--nvml-library", &library, "--quick", "-o", "a.csv", "--rate", "50", "--json"];
    let child = start(folder.path(), &arguments);
    let file = folder.path().join("a.csv");
    await_bytes(&file, 20_000);
    let next = folder.path().join("next");
    std::fs::write(&next, moving() + "gpu 1 all lost\n").unwrap();
    std::fs::rename(&next, folder.path().join("libnvidia-ml.so.script")).unwrap();
    let size = std::fs::metadata(&file).unwrap().len();
    await_bytes(&file, size + 20_000);
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let (code, out, err) = text(&child.wait_with_output().unwrap());
    assert_eq!(code, 130, "{err}");
    assert_eq!(err.lines().collect::<Vec<_>>(), ["GPU 1 is lost: it does not answer any more; the others go on"]);
    let summary: Value = serde_json::from_str(&out).unwrap();
    let [first, second] = [0, 1].map(|device| &summary["devices"][device]);
    assert_eq!((first["losses"].as_u64(), second["losses"].as_u64()), (Some(0), Some(1)));
    assert!(second["lost_rows"].as_u64() > Some(0), "{out}");
    assert_eq!(first["rows"].as_u64(), summary["rows"].as_u64().map(|rows| rows / 2), "{out}");
}

#[test]
fn the_exporter_offers_what_the_driver_gives() {
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = playing(folder.path(), "gpus 2\ngpu 1 power 431000\n") else { return };
    let exporter = super::exported::Exporter::start(folder.path(), &["--nvml-library", &library]);
    let page = exporter.scrape();
    assert!(page.contains("DCGM_FI_DEV_POWER_USAGE{gpu=\"1\"") && page.contains("431.000000"), "{page}");
    assert!(page.contains("Hostname=") && !page.contains("simulated"), "{page}");
}

/// The promise for long runs: memory that stays flat, and nothing lost. `ISOTHERM_LONG_RUN=30min` is the promise's own length.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "takes as long as it says: ISOTHERM_LONG_RUN, 1 min if it is not set"]
fn a_long_recording_keeps_its_memory_flat_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = playing(folder.path(), &moving()) else { return };
    let length = std::env::var("ISOTHERM_LONG_RUN").unwrap_or_else(|_| "1min".to_owned());
    let arguments = [
        "telemetry",
        "record",
        "--nvml-library",
        &library,
        "-o",
        "a.csv.gz",
        "--rate",
        "50",
        "--rotate",
        "10min",
        "--json",
    ];
    let mut child = start(folder.path(), &[&arguments[..], &["--duration", &length]].concat());
    let mut resident = Vec::new();
    while child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_secs(5));
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        resident.extend(line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok()));
    }
    let (code, out, err) = text(&child.wait_with_output().unwrap());
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    // The first look is at a program that has only just begun.
    let (low, high) = (resident[1..].iter().min().unwrap(), resident[1..].iter().max().unwrap());
    announce(&format!("resident memory {low} to {high} kB; {out}"));
    assert!(high - low < 5 * 1024, "{resident:?}");
    let summary: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&summary["polls_failed"], &summary["polls_unwritten"]), (&Value::from(0), &Value::from(0)));
    // The first file opens all of them.
    let first = folder.path().join("a.csv.gz");
    let recording = Recording::open(first.to_str().unwrap()).unwrap();
    assert!(recording.tracks.iter().all(|track| track.column(Signal::Energy).is_some()));
    let written = recording.tracks.iter().map(|track| track.times.len() as u64).sum::<u64>();
    assert_eq!(Some(written), summary["rows"].as_u64(), "what was polled is what can be read");
}

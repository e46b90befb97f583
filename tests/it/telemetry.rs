//! `isotherm telemetry` as a user meets it, on a machine that may have no GPU.

mod dashboard;
mod exported;
mod recorded;
mod stand_in;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::lab::{isotherm, text};

/// Starts the program with its output kept.
fn start(folder: &Path, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_isotherm"))
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits, for a minute at most, until a file is as long as it should be.
fn await_bytes(file: &Path, bytes: u64) {
    let patience = Instant::now() + Duration::from_secs(60);
    while std::fs::metadata(file).map_or(0, |data| data.len()) < bytes {
        assert!(Instant::now() < patience, "{} does not grow", file.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A library that is none stands for a driver that is not there, also on a machine that has one.
const NO_DRIVER: [&str; 2] = ["--nvml-library", "/nowhere/libnvidia-ml.so"];

#[test]
fn without_a_driver_devices_says_why_and_what_else_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, err) = text(&isotherm(folder.path(), &[&["telemetry", "devices"], &NO_DRIVER[..]].concat()));
    assert_eq!((code, err.as_str()), (7, ""), "{out}");
    assert!(out.starts_with("nvml: not available (cannot load /nowhere/libnvidia-ml.so"), "{out}");
    assert!(out.contains("--source dcgm=URL") && out.contains("--source synthetic"), "{out}");

    let (code, out, _) =
        text(&isotherm(folder.path(), &[&["telemetry", "devices", "--json"], &NO_DRIVER[..]].concat()));
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &json["available"]), (7, &Value::Bool(false)));
}

#[test]
fn without_a_driver_nothing_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [&["telemetry", "record", "-o", "a.csv", "--duration", "1s"], &NO_DRIVER[..]].concat();
    let (code, out, err) = text(&isotherm(folder.path(), &arguments));
    assert_eq!((code, out.as_str()), (7, ""));
    assert!(err.starts_with("error: nvml: not available ("), "{err}");
    assert!(!folder.path().join("a.csv").exists());
}

#[test]
fn devices_lists_limits_and_measured_refreshes() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, err) = text(&isotherm(folder.path(), &["telemetry", "devices", "--source", "synthetic", "--json"]));
    assert_eq!(code, 0, "{err}");
    let json: Value = serde_json::from_str(&out).unwrap();
    let devices = json["devices"].as_array().unwrap();
    assert_eq!(devices.len(), 2);
    assert_eq!(devices[0]["power_limit_w"], 700.0);
    // The simulated counter moves every 100 ms; a busy machine may poll late, so only the order of size is asked for.
    let refresh = devices[0]["signals"]["energy"]["refresh_ms"].as_f64().unwrap();
    assert!((80.0..=400.0).contains(&refresh), "{refresh}");
    assert_eq!(devices[0]["missing"]["memory_power_mean"], "unsupported");

    let arguments = ["telemetry", "devices", "--source", "synthetic", "--quick", "--devices", "1"];
    let (code, out, err) = text(&isotherm(folder.path(), &arguments));
    assert_eq!(code, 0, "{err}");
    for word in ["synthetic (simulated): 1 device", "simulated H200", "700 W", "not measured", "unsupported"] {
        assert!(out.contains(word), "{word} in\n{out}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_an_example() {
    let folder = tempfile::tempdir().unwrap();
    let refused: [(&[&str], &str); 9] = [
        (&["record", "--source", "nvidia"], "dcgm=http://127.0.0.1:9400/metrics"),
        (&["record", "--rate", "0"], "for example 20"),
        (&["record", "--duration", "5"], "\"250 ms\""),
        (&["record", "--duration", "0s"], "for example 5min"),
        (&["record", "--rotate", "1kB"], "for example 100MB"),
        (&["record", "--source", "synthetic", "--devices", "0,7"], "no device 7; it has 0,1"),
        (&["record", "--source", "synthetic", "--quick", "-o", "a.txt"], ".csv.gz"),
        (&["export", "--listen", "here"], "--listen"),
        (&["watch", "--source", "synthetic"], "--once"),
    ];
    for (arguments, expected) in refused {
        let (code, out, err) = text(&isotherm(folder.path(), &[&["telemetry"], arguments].concat()));
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}: {err}");
        assert!(err.contains(expected), "{arguments:?}: {err}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
}

//! `--profile` says where the time went and changes nothing.

use std::path::Path;

use serde_json::Value;

use crate::lab::{isotherm, text};

const ARGUMENTS: [&str; 6] = ["experiment", "--num-batches", "6", "--source", "logits", "--quiet"];

fn results(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap()
}

fn seconds(parts: &Value) -> f64 {
    parts.as_array().unwrap().iter().map(|part| part["seconds"].as_f64().unwrap()).sum()
}

#[test]
fn a_profile_adds_up_and_changes_no_byte() {
    let folder = tempfile::tempdir().unwrap();
    let run = |more: &[&str]| text(&isotherm(folder.path(), &[&ARGUMENTS, more].concat()));
    let (plain, profiled) = (run(&["--output-dir", "plain"]), run(&["--output-dir", "profiled", "--profile=json"]));
    assert_eq!((plain.0, profiled.0), (0, 0), "{}", profiled.2);
    assert_eq!(plain.1, profiled.1, "the table is the same");
    for name in ["summary.json", "runs.parquet", "series.parquet", "scenario.resolved.toml"] {
        let of = |out: &str| results(&folder.path().join(out), name);
        assert!(of("plain") == of("profiled"), "{name}");
    }
    let spent: Value = serde_json::from_str(profiled.2.trim()).unwrap();
    let all = spent["thread_seconds"].as_f64().unwrap();
    assert!((seconds(&spent["parts"]) / all - 1.0).abs() < 1e-6, "{spent}");
    let parts = spent["parts"].as_array().unwrap();
    let events = parts.iter().find(|part| part["name"] == "events").unwrap();
    let kinds = events["parts"].as_array().unwrap();
    let dispatch = kinds.iter().find(|kind| kind["name"] == "dispatch").unwrap();
    assert_eq!(dispatch["number"], 6 * 11, "every batch of every run");
    assert!(dispatch["parts"].as_array().unwrap().iter().any(|part| part["name"] == "router: route"), "{dispatch}");
}

#[test]
fn a_profile_for_people_is_a_table_after_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, err) = text(&isotherm(folder.path(), &[&ARGUMENTS[..], &["--profile"]].concat()));
    assert_eq!(code, 0, "{err}");
    for words in ["where the time went", "token stream", "dispatch", "queue and engine", "output"] {
        assert!(err.contains(words), "{words} in\n{err}");
    }
    let (code, _, err) = text(&isotherm(folder.path(), &[&ARGUMENTS[..], &["--profile"]].concat()));
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("nothing was simulated"), "{err}");
}

#[test]
fn a_form_that_does_not_exist_and_a_live_run_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, err) = text(&isotherm(folder.path(), &[&ARGUMENTS[..], &["--profile=xml"]].concat()));
    assert!(code == 2 && err.contains("json"), "{code} {err}");
    let scenario = crate::lab::root().join("scenarios/classic.toml");
    let arguments = ["run", scenario.to_str().unwrap(), "--telemetry", "nvml", "--profile"];
    let (code, _, err) = text(&isotherm(folder.path(), &arguments));
    assert!(code == 2 && err.contains("wait for the clock"), "{code} {err}");
}

//! Recordings: whole, interrupted, killed, rotated.

use std::path::Path;
use std::process::Command;

use isotherm_recording::{Recording, Signal};
use serde_json::Value;

use super::{await_bytes, start};
use crate::lab::{isotherm, text};

/// Arguments that record simulated devices into `file`.
fn record<'a>(file: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["telemetry", "record", "--source", "synthetic", "--quick", "-o", file], more].concat()
}

fn open(path: &Path) -> Recording {
    Recording::open(path.to_str().unwrap()).unwrap_or_else(|fault| panic!("{fault}"))
}

#[test]
fn every_format_holds_what_was_polled() {
    let folder = tempfile::tempdir().unwrap();
    for file in ["a.csv", "a.csv.gz", "a.parquet"] {
        let arguments = record(file, &["--rate", "50", "--duration", "1s", "--json"]);
        let (code, out, err) = text(&isotherm(folder.path(), &arguments));
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        let summary: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(summary["files"], serde_json::json!([file]));
        // On a busy machine polls are dropped; none is lost without being counted, or made up.
        let number = |key: &str| summary[key].as_u64().unwrap();
        assert_eq!(number("polls_due"), 50, "{out}");
        assert_eq!(number("rows"), 2 * (50 - number("polls_dropped")), "{out}");
        let recording = open(&folder.path().join(file));
        assert_eq!(recording.tracks.len(), 2);
        for track in &recording.tracks {
            assert_eq!(2 * track.times.len() as u64, number("rows"), "{file}");
            assert!(track.times.is_sorted(), "{file}");
            let counter = track.column(Signal::Energy).unwrap();
            assert!(counter.is_sorted() && counter[0] < counter[counter.len() - 1], "{file}");
        }
    }
}

#[test]
fn an_existing_file_is_kept_unless_asked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.csv");
    std::fs::write(&file, "precious").unwrap();
    let (code, out, err) = text(&isotherm(folder.path(), &record("a.csv", &["--duration", "100ms"])));
    assert_eq!((code, out.as_str()), (5, ""));
    assert!(err.contains("a.csv") && err.contains("--force"), "{err}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
    let (code, _, err) = text(&isotherm(folder.path(), &record("a.csv", &["--duration", "100ms", "--force"])));
    assert_eq!(code, 0, "{err}");
    assert!(!open(&file).tracks.is_empty());
}

#[test]
fn rotated_files_are_all_named_and_readable() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = record("a.csv", &["--rate", "100", "--duration", "2500ms", "--rotate", "1s", "--json"]);
    let (code, out, err) = text(&isotherm(folder.path(), &arguments));
    assert_eq!(code, 0, "{err}");
    let summary: Value = serde_json::from_str(&out).unwrap();
    let files: Vec<&str> = summary["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap()).collect();
    assert!(files.len() >= 2, "{files:?}");
    for file in &files {
        assert!(folder.path().join(file).is_file(), "{file}");
    }
    // The first file opens all of them.
    assert_eq!(rows(&folder.path().join(files[0])) as u64, summary["rows"].as_u64().unwrap());
}

fn rows(file: &Path) -> usize {
    open(file).tracks.iter().map(|track| track.times.len()).sum()
}

#[cfg(unix)]
#[test]
fn a_killed_recording_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = start(folder.path(), &record("a.csv", &["--rate", "100"]));
    let file = folder.path().join("a.csv");
    await_bytes(&file, 30_000);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(rows(&file) > 100);
}

#[cfg(unix)]
#[test]
fn an_interrupted_recording_is_whole_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    for (signal, file) in [("-INT", "a.parquet"), ("-TERM", "b.csv.gz")] {
        let child = start(folder.path(), &record(file, &["--rate", "100", "--json"]));
        let working = if file.ends_with("parquet") { format!("{file}.journal.csv") } else { file.to_owned() };
        await_bytes(&folder.path().join(working), 3000);
        Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        let (code, out, err) = text(&child.wait_with_output().unwrap());
        assert_eq!(code, 130, "{err}");
        let summary: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(summary["interrupted"], true);
        assert_eq!(rows(&folder.path().join(file)) as u64, summary["rows"].as_u64().unwrap(), "{file}");
    }
}

#[test]
fn the_summary_reads_well() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, err) = text(&isotherm(folder.path(), &record("a.csv", &["--duration", "1s"])));
    assert_eq!((code, err.as_str()), (0, ""));
    for words in ["1.0 s at 20 Hz, ", "  a.csv\n", "lost polls: ", " of 20 (", "GPU 1: largest gap "] {
        assert!(out.contains(words), "{words} in\n{out}");
    }
}

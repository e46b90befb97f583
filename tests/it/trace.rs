//! `isotherm trace`: what is written, under which names, and what is refused.

use std::path::Path;

use isotherm_report::results::{Column, Results, Wanted};

use crate::lab::{isotherm, root, text};

/// A small comparison with clocks, throttling and a sweep, run in `folder/out`.
fn ran(folder: &Path) {
    let scenario = root().join("scenarios/device.toml").display().to_string();
    let small = ["--set", "seeds=2", "--set", "arrivals.batches=6", "--out", "out", "--quiet"];
    let (code, _, err) = text(&isotherm(folder, &[&["run", &scenario][..], &small].concat()));
    assert_eq!(code, 0, "{err}");
}

/// What the program writes is what the report's reader expects: nothing is missing, and power adds up over both tables.
#[test]
fn a_folder_of_today_has_no_gaps_and_its_power_adds_up() {
    let folder = tempfile::tempdir().unwrap();
    ran(folder.path());
    let results = Results::open(&folder.path().join("out")).unwrap();
    assert_eq!(results.gaps, []);
    assert!(results.runs.iter().all(|run| run.row.is_some()));
    assert!(Column::ALL.iter().all(|column| results.has(*column)), "a column is not written");
    let (mut joules, mut before) = (vec![0.0; results.runs.len()], vec![0.0; results.runs.len()]);
    let wanted = Wanted::all_runs(&[Column::FinishedNs, Column::PowerW]);
    results
        .each_batch(&wanted, |run, row| {
            let at = row.value(Column::FinishedNs).unwrap() / 1e9;
            joules[run] += row.list(Column::PowerW).iter().sum::<f64>() * (at - before[run]);
            before[run] = at;
        })
        .unwrap();
    for (run, joules) in results.runs.iter().zip(joules) {
        let mean = run.metrics["power_mean_w"] * 8.0 * run.metrics["makespan_s"];
        assert!((joules - mean).abs() < 1e-5 * mean, "{joules} J and {mean} J");
    }
}

#[test]
fn both_forms_are_written_whole_and_again_the_same() {
    let folder = tempfile::tempdir().unwrap();
    ran(folder.path());
    let written = |arguments: &[&str]| {
        let (code, out, err) = text(&isotherm(folder.path(), &[&["trace", "out"][..], arguments].concat()));
        assert_eq!((code, out.as_str()), (0, ""), "{err}");
        assert!(err.contains("ui.perfetto.dev"), "{err}");
    };
    let bytes = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    written(&["-o", "a.pftrace.gz"]);
    written(&["-o", "b.pftrace.gz"]);
    assert_eq!(bytes("a.pftrace.gz"), bytes("b.pftrace.gz"));
    assert_eq!(bytes("b.pftrace.gz")[..2], [0x1f, 0x8b]);
    written(&["-o", "c.json", "--format", "chrome", "--router", "ttt", "--seed", "1"]);
    let trace: serde_json::Value = serde_json::from_slice(&bytes("c.json")).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    assert_eq!(events[0]["args"]["name"], "ttt, seed 1");
    assert_eq!(
        events.iter().filter(|event| event["name"] == "batch 5" && event["ph"] == "X").count(),
        9,
        "8 GPUs and the batch"
    );
    let left: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with('.'))
        .collect();
    assert_eq!(left, [""; 0], "something half-written is left");
}

#[test]
fn what_cannot_be_shown_or_written_is_one_message() {
    let folder = tempfile::tempdir().unwrap();
    ran(folder.path());
    let refused = |arguments: &[&str]| {
        let (code, out, err) = text(&isotherm(folder.path(), &[&["trace"][..], arguments].concat()));
        assert!(out.is_empty() && err.starts_with("error: "), "{out}{err}");
        (code, err)
    };
    let (code, err) = refused(&["nowhere", "-o", "a.json"]);
    assert!(code == 4 && err.contains("there is no such folder"), "{err}");
    let (code, err) = refused(&["out", "-o", "a.json", "--router", "nobody"]);
    assert!(code == 2 && err.contains("`ttt`"), "{err}");
    let (code, err) = refused(&["out", "-o", "out/summary.json/a.json"]);
    assert!(code == 5 && err.contains("cannot write"), "{err}");
    std::fs::remove_file(folder.path().join("out/series.parquet")).unwrap();
    let (code, err) = refused(&["out", "-o", "a.json"]);
    assert!(code == 4 && err.contains("series.parquet: it is missing"), "{err}");
    assert!(!folder.path().join("a.json").exists());
}

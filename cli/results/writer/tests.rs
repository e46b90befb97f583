use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::execute::{Comparison, Completed};
use crate::results::Summary;
use crate::scenario_file::hex;

/// Three worlds, three seeds, three routers; `more` goes to the end.
fn text(more: &str) -> String {
    format!(
        "schema_version = 1
name = \"small\"
seeds = 3
model = {{ experts = 4, top_k = 1 }}
workload = {{ kind = \"gaussian\", sigma = 1.0 }}
arrivals = {{ kind = \"closed-loop\", batches = 3, tokens = 24 }}
costs = {{ kind = \"table\", hot = [3], cold_joules = 0.5, hot_joules = 2.0 }}
hardware = {{ gpus = 4 }}
telemetry = {{ kind = \"fixed\", temperatures = [\"0 degC\", \"0 degC\", \"0 degC\", \"70 degC\"] }}
router = [{{ kind = \"baseline\" }}, {{ kind = \"energy-penalty\", lambda = 0.5 }}]
[sweep]
\"router.lambda\" = [0.1, 0.5]
\"costs.hot_joules\" = [1.0, 2.0, 4.0]
{more}"
    )
}

fn read(text: &str) -> ScenarioFile {
    ScenarioFile::from_text("small.toml", text, Path::new(""), &[]).unwrap_or_else(|fault| panic!("{fault}"))
}

/// Everything that runs, with some failures: a router, and a baseline, without which its point says nothing.
fn outcomes(comparison: &Comparison<'_>) -> Vec<Option<Outcome>> {
    let runs = comparison.runs();
    let mut outcomes = comparison.run(vec![None; runs.len()], &(), &AtomicBool::new(false)).unwrap();
    for (run, outcome) in runs.iter().zip(&mut outcomes) {
        if [(0, 1, 2), (1, 0, 1), (2, 0, 0)].contains(&(run.world, run.seed, run.variant)) {
            *outcome = Some(Err(format!("at event {}: a reason", run.world)));
        }
    }
    outcomes
}

/// The part of the plan from world `first` to `last`.
fn part(text: &str, first: usize, last: usize) -> ScenarioFile {
    let mut file = read(text);
    file.plan.worlds.truncate(last + 1);
    file.plan.worlds.drain(..first);
    file
}

/// Writes all runs, so many points a call; the files and what the table is made of.
fn written(text: &str, runs: &[(Run, Outcome)], points: usize) -> (BTreeMap<String, Vec<u8>>, Overview) {
    let (file, results) = (read(text), tempfile::tempdir().unwrap());
    let (folder, _) = Folder::open(results.path(), &file, false).unwrap();
    let options = WriteOptions { with_csv: true, ..WriteOptions::default() };
    let mut writer = ResultsWriter::begin(&folder, &file, options).unwrap();
    let all: Vec<&[(Run, Outcome)]> = runs.chunk_by(|a, b| (a.0.world, a.0.seed) == (b.0.world, b.0.seed)).collect();
    for call in all.chunks(points) {
        let (first, last) = (call[0][0].0.world, call[call.len() - 1][0].0.world);
        let mut runs: Vec<(Run, Outcome)> = call.concat();
        runs.iter_mut().for_each(|(run, _)| run.world -= first);
        writer.add(&part(text, first, last), first, runs).unwrap();
    }
    assert!(!folder.summary_path().exists(), "nothing has its name before the end");
    let timing = Timing { simulate_seconds: 0.0, threads: 1, runs: runs.len(), tokens: 0, lag: None };
    let overview = writer.finish(&timing).unwrap();
    (files(results.path()), overview)
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.file_name().unwrap().to_string_lossy().into(), std::fs::read(&path).unwrap())).collect()
}

/// What the files must be, by the way that has everything in memory.
fn expected(text: &str) -> (Vec<(Run, Outcome)>, Completed) {
    let file = read(text);
    let comparison = Comparison::prepare(&file).unwrap();
    let outcomes = outcomes(&comparison);
    (comparison.with_outcomes(outcomes.clone()).unwrap(), comparison.complete(outcomes, Interval::default()).unwrap())
}

#[test]
fn bytes_do_not_depend_on_how_calls_are_cut() {
    let layers = "[model]\nexperts = 4\ntop_k = 1\nlayers = 2\n";
    let with_layers = text("").replace("model = { experts = 4, top_k = 1 }\n", "") + layers;
    for (text, tables) in [
        (text(""), &["frontier", "runs", "series"][..]),
        // Frontiers that belong to a run, because costs move.
        (
            text("").replace("hot_joules = 2.0", "hot_joules = 2.0, leakage_per_kelvin = 0.01"),
            &["frontier", "runs", "series"],
        ),
        (text("[compare]\nbaseline = \"first-point\"\n"), &["frontier", "runs", "series"]),
        (text("[compare]\nfrontier = false\n"), &["runs", "series"]),
        (with_layers, &["frontier", "layers", "runs", "series"]),
    ] {
        let (runs, completed) = expected(&text);
        let (files, overview) = written(&text, &runs, usize::MAX);
        let mut names: Vec<String> = tables.iter().flat_map(|table| [csv_name(table), parquet_name(table)]).collect();
        names.extend([RESOLVED, folder::SUMMARY, TIMING].map(str::to_owned));
        names.sort();
        assert_eq!(files.keys().cloned().collect::<Vec<_>>(), names);
        let mut summary: Value = serde_json::from_slice(&files[folder::SUMMARY]).unwrap();
        let sums = summary.as_object_mut().unwrap().remove("tables").unwrap();
        for table in tables {
            let name = parquet_name(table);
            assert_eq!(sums[&name], hex(&Sha256::digest(&files[&name])), "{name}");
        }
        let in_memory: Value = serde_json::from_slice(&folder::json(&completed.summary).unwrap()).unwrap();
        assert_eq!(summary, in_memory);
        assert_eq!((overview.row_count, overview.failure_count), (9, 3));
        for points in [1, 2, 4] {
            assert!(written(&text, &runs, points).0 == files, "{points} points a call\n{text}");
        }
    }
}

#[test]
fn rows_say_what_they_are_made_of() {
    let (_, completed) = expected(&text("[compare]\nbaseline = \"first-point\"\n"));
    let rows = &completed.summary.rows;
    assert_eq!(rows.iter().map(|row| row.baseline).collect::<Vec<_>>(), {
        let mut baselines = [false; 9];
        baselines[0] = true;
        baselines
    });
    // Of the first world a router has failed with one seed. Its baseline stands for the others, where theirs failed, too.
    assert_eq!(rows.iter().map(|row| row.seeds).collect::<Vec<_>>(), [3, 3, 2, 3, 2, 3, 2, 3, 3]);
    let pairs = |row: &Row| row.versus_baseline.map(|versus| (versus.pairs, versus.comparisons));
    assert_eq!(pairs(&rows[0]), None);
    assert_eq!((pairs(&rows[4]), pairs(&rows[5])), (Some((2, 8)), Some((3, 8))));
    assert!(rows[2].warnings.iter().any(|warning| warning == "missing runs, failed or not done: 1 of 3 seeds"));
}

#[test]
fn what_is_out_of_order_is_refused_and_leaves_no_trace() {
    let text = text("");
    let (runs, _) = expected(&text);
    let (file, results) = (read(&text), tempfile::tempdir().unwrap());
    std::fs::write(results.path().join("runs.csv"), "of an older comparison").unwrap();
    let (folder, _) = Folder::open(results.path(), &file, false).unwrap();
    let refused = |calls: &[std::ops::Range<usize>], why: &str| {
        let mut writer = ResultsWriter::begin(&folder, &file, WriteOptions::default()).unwrap();
        let fault = calls.iter().find_map(|call| writer.add(&file, 0, runs[call.clone()].to_vec()).err()).unwrap();
        assert!(fault.to_string().contains(why), "{fault}");
        let timing = Timing { simulate_seconds: 0.0, threads: 1, runs: 0, tokens: 0, lag: None };
        assert!(writer.finish(&timing).is_err(), "half of the runs are no results");
        assert_eq!(files(results.path()).keys().collect::<Vec<_>>(), ["runs.csv"]);
    };
    refused(&[0..3, 0..3], "came twice");
    refused(&[9..12, 0..3], "after a later one");
    let half: [std::ops::Range<usize>; 1] = std::array::from_fn(|_| 0..2);
    refused(&half, "without all of its routers");
    refused(&[0..3, 4..6], "without all of its routers");
}

#[test]
fn points_that_do_not_come_are_missing() {
    let text = text("");
    let (runs, _) = expected(&text);
    // The first world without its last seed, and the last world.
    let some: Vec<(Run, Outcome)> = runs[..6].iter().chain(&runs[18..]).cloned().collect();
    let (files, overview) = written(&text, &some, 2);
    assert_eq!(overview.row_count, 6);
    let summary: Summary = serde_json::from_slice(&files["summary.json"]).unwrap();
    assert!(summary.rows[0].warnings.iter().any(|warning| warning == "missing runs, failed or not done: 1 of 3 seeds"));
}

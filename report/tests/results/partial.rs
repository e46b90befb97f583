//! Folders of which something is missing, or does not belong: what is there is shown, and what is not is said.

use std::path::Path;

use isotherm_report::results::{Column, Results, Wanted};

use crate::folder::{self, HASH, SUMMARY, Values, write};

/// A folder that lacks a file; it is there as long as the first part of the answer.
fn without(file: &str) -> (tempfile::TempDir, Results) {
    let folder = folder::whole(4, 100);
    std::fs::remove_file(folder.path().join(file)).unwrap();
    let results = Results::open(folder.path()).unwrap();
    (folder, results)
}

/// The gaps of a folder, as its reader sees them.
fn gaps(results: &Results) -> Vec<String> {
    results.gaps.iter().map(ToString::to_string).collect()
}

/// Whether one sentence about `file` says all of it.
fn says(results: &Results, file: &str, words: &[&str]) -> bool {
    results.gaps.iter().any(|gap| gap.file == file && words.iter().all(|word| gap.sentence.contains(word)))
}

fn count_rows(results: &Results) -> usize {
    let mut rows = 0;
    results.each_batch(&Wanted::all_runs(&[Column::EnergyJ]), |_, _| rows += 1).unwrap();
    rows
}

#[test]
fn without_a_summary_the_runs_are_added_up() {
    let (_folder, results) = without("summary.json");
    assert!(says(&results, "summary.json", &["missing"]), "{:?}", gaps(&results));
    assert!(says(&results, "summary.json", &["runs.parquet", "without intervals"]));
    let rows = &results.summary.rows;
    assert_eq!((rows.len(), rows[1].seeds, rows[1].point["router.lambda"].as_str()), (2, 2, "0.1"));
    let energy = rows[1].metric("energy_j").unwrap();
    assert_eq!((energy.mean, energy.interval()), (92.0, None));
    assert_eq!((rows[0].baseline, rows[1].baseline), (true, false));
    assert!(results.runs.iter().all(|run| run.row.is_some()) && count_rows(&results) == 16);
}

#[test]
fn without_runs_the_summary_is_left() {
    let (_folder, results) = without("runs.parquet");
    assert!(says(&results, "runs.parquet", &["missing"]), "{:?}", gaps(&results));
    assert_eq!((results.summary.rows.len(), results.runs.len(), count_rows(&results)), (2, 0, 0));
}

#[test]
fn without_series_or_scenario_the_numbers_are_left() {
    let (_folder, results) = without("series.parquet");
    assert!(says(&results, "series.parquet", &["missing", "over time"]), "{:?}", gaps(&results));
    assert_eq!((results.series_rows(), results.has(Column::PowerW), count_rows(&results)), (None, false, 0));
    let (_folder, results) = without("scenario.resolved.toml");
    assert!(says(&results, "scenario.resolved.toml", &["missing"]) && results.scenario.is_none());
    // Not every comparison has clocks: nothing is missing.
    assert!(without("throttling.parquet").1.gaps.is_empty());
}

fn message(path: &Path) -> String {
    Results::open(path).unwrap_err().to_string()
}

#[test]
fn what_is_no_results_folder_is_one_message() {
    let folder = tempfile::tempdir().unwrap();
    let said = message(folder.path());
    for word in
        [folder.path().to_str().unwrap(), "summary.json: it is missing", "runs.parquet: it is missing", "isotherm run"]
    {
        assert!(said.contains(word), "{said}");
    }
    assert!(message(&folder.path().join("absent")).contains("there is no such folder"));
    std::fs::write(folder.path().join("file"), "text").unwrap();
    assert!(message(&folder.path().join("file")).contains("it is a file"));
    std::fs::create_dir(folder.path().join(".unfinished")).unwrap();
    let said = message(folder.path());
    assert!(said.contains("is not finished") && said.contains("continues"), "{said}");
}

#[test]
fn a_folder_under_way_shows_what_was_there_before() {
    let folder = folder::whole(1, 100);
    std::fs::create_dir(folder.path().join(".unfinished")).unwrap();
    let results = Results::open(folder.path()).unwrap();
    assert!(says(&results, ".unfinished", &["under way"]), "{:?}", gaps(&results));
}

#[test]
fn tables_of_another_comparison_are_left_out() {
    let folder = folder::whole(1, 100);
    write(&folder.path().join("series.parquet"), &folder::series(9), "another", 100);
    let results = Results::open(folder.path()).unwrap();
    assert!(says(&results, "series.parquet", &["another comparison"]), "{:?}", gaps(&results));
    assert_eq!((count_rows(&results), results.runs.len()), (0, 4));
}

#[test]
fn another_schema_version_is_said() {
    let folder = folder::whole(1, 100);
    let summary = folder.path().join("summary.json");
    std::fs::write(&summary, SUMMARY.replace("\"schema_version\": 2", "\"schema_version\": 9")).unwrap();
    let results = Results::open(folder.path()).unwrap();
    assert!(says(&results, "summary.json", &["schema version 9", "1 to 2"]), "{:?}", gaps(&results));
    assert_eq!(results.summary.rows.len(), 2);
    // One whose rows are something else: the runs are added up instead.
    std::fs::write(&summary, "{ \"schema_version\": 9, \"rows\": { \"a\": 1 } }").unwrap();
    let results = Results::open(folder.path()).unwrap();
    assert!(says(&results, "summary.json", &["schema version 9"]), "{:?}", gaps(&results));
    assert_eq!((results.summary.rows.len(), results.summary.schema_version), (2, 0));
    // An old one, without the keys that came later.
    let old =
        SUMMARY.replace("\"schema_version\": 2", "\"schema_version\": 1").replace(", \"interval\": \"student-t\"", "");
    std::fs::write(&summary, old).unwrap();
    assert_eq!(gaps(&Results::open(folder.path()).unwrap()), [""; 0]);
}

#[test]
fn columns_may_be_missing() {
    let folder = folder::whole(1, 100);
    let mut series = folder::series(4);
    series.retain(|(name, _)| !["power_w", "energy_j"].contains(name));
    write(&folder.path().join("series.parquet"), &series, HASH, 100);
    let results = Results::open(folder.path()).unwrap();
    assert!(says(&results, "series.parquet", &["power_w", "older"]), "{:?}", gaps(&results));
    assert!(!results.has(Column::PowerW) && results.has(Column::TemperatureDegc));
    let mut rows = 0;
    let wanted = Wanted::all_runs(&[Column::PowerW, Column::EnergyJ, Column::TemperatureDegc]);
    results
        .each_batch(&wanted, |_, row| {
            rows += 1;
            assert_eq!((row.list(Column::PowerW).len(), row.value(Column::EnergyJ)), (0, None));
            assert_eq!(row.list(Column::TemperatureDegc).len(), 3);
        })
        .unwrap();
    assert_eq!(rows, 16);
    // Without ids nobody knows whose rows they are.
    series.remove(0);
    write(&folder.path().join("series.parquet"), &series, HASH, 100);
    let results = Results::open(folder.path()).unwrap();
    assert!(says(&results, "series.parquet", &["run_id"]), "{:?}", gaps(&results));
    assert_eq!(count_rows(&results), 0);
}

#[test]
fn columns_of_another_type_are_absent() {
    let folder = folder::whole(1, 100);
    let mut series = folder::series(4);
    for (name, values) in &mut series {
        if ["energy_j", "temperature_degc"].contains(name) {
            *values = Values::Text(vec!["warm".to_owned(); 16]);
        }
    }
    write(&folder.path().join("series.parquet"), &series, HASH, 100);
    let results = Results::open(folder.path()).unwrap();
    let wanted = Wanted::all_runs(&[Column::EnergyJ, Column::TemperatureDegc, Column::Batch]);
    let mut rows = 0;
    results
        .each_batch(&wanted, |_, row| {
            rows += usize::from(row.whole(Column::Batch).is_some());
            assert_eq!((row.value(Column::EnergyJ), row.list(Column::TemperatureDegc).len()), (None, 0));
        })
        .unwrap();
    assert_eq!(rows, 16);
}

#[test]
fn failed_runs_are_said_and_count_for_nothing() {
    let folder = folder::whole(1, 100);
    let mut runs = folder::runs();
    for (name, values) in &mut runs {
        match (*name, values) {
            ("error", Values::Text(errors)) => errors[3] = "the router: out of \"luck\"".to_owned(),
            ("energy_j" | "energy_savings_percent", Values::Real(numbers)) => numbers[3] = None,
            _ => {}
        }
    }
    write(&folder.path().join("runs.parquet"), &runs, HASH, 100);
    let results = Results::open(folder.path()).unwrap();
    assert!(says(&results, "runs.parquet", &["1 run failed", "out of \"luck\""]), "{:?}", gaps(&results));
    assert!(!results.runs[3].is_finished() && !results.runs[3].metrics.contains_key("energy_j"));
    std::fs::remove_file(folder.path().join("summary.json")).unwrap();
    let results = Results::open(folder.path()).unwrap();
    let row = &results.summary.rows[1];
    assert_eq!((row.seeds, row.metric("energy_j").unwrap().mean), (1, 91.0));
    assert_eq!(results.summary.failures[0].message, "the router: out of \"luck\"");
}

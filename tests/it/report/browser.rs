//! The page in the system's Chromium: what it says is what the tables say, on a wide screen and on a phone, light and dark.
//!
//! Screenshots are kept in `report-screenshots` of Cargo's folder for temporary files, for people to look at.

use std::path::{Path, PathBuf};
use std::process::Command;

use isotherm_report::results::{BatchRow, Column, Results, Wanted};
use serde_json::{Value, json};

use crate::lab::{announce, isotherm, root, text};

/// Drives a page and fails with what the driver found; skips where there is no browser to drive.
pub(super) fn drive(page: &Path, expected: &Value) {
    let driver = root().join("tests/browser");
    if let Some(missing) = missing(&driver) {
        announce(&format!("skipped, {missing}: the page {} is not opened in a browser", page.display()));
        return;
    }
    let shots = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("report-screenshots");
    std::fs::create_dir_all(&shots).unwrap();
    let name = expected["name"].as_str().unwrap();
    let file = shots.join(format!("{name}.json"));
    std::fs::write(&file, expected.to_string()).unwrap();
    let output =
        Command::new("node").arg(driver.join("check.mjs")).args([page, &file, &shots]).current_dir(&driver).output();
    let (code, out, err) = text(&output.unwrap());
    assert_eq!(code, 0, "{out}\n{err}");
    announce(out.trim_end());
}

/// What is not there for a browser to be driven.
fn missing(driver: &Path) -> Option<&'static str> {
    let runs =
        |program: &str| Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    if !runs("node") {
        Some("there is no node")
    } else if !driver.join("node_modules/playwright-core").exists() {
        Some("its packages are not installed (npm ci --prefix tests/browser)")
    } else if !["chromium", "chromium-browser", "google-chrome"].into_iter().any(runs) {
        Some("there is no Chromium")
    } else {
        None
    }
}

/// A line as the tables have it: every batch's end (s) and value, of each run at this point and of the routers that have none.
fn lines(results: &Results, point: &str, seeds: &[&str], value: &dyn Fn(&BatchRow<'_>) -> f64) -> Vec<Value> {
    let is_wanted = |run: &usize| {
        let run = &results.runs[*run];
        [point, ""].contains(&run.point.as_str()) && seeds.contains(&run.seed.as_str())
    };
    let wanted: Vec<usize> = (0..results.runs.len()).filter(is_wanted).collect();
    let mut points = vec![Vec::new(); results.runs.len()];
    let all = Wanted { columns: Column::ALL.to_vec(), runs: Some(wanted.clone()) };
    let take = |run: usize, row: &BatchRow<'_>| {
        points[run].push(json!([row.whole(Column::FinishedNs).unwrap() as f64 * 1e-9, value(row)]));
    };
    results.each_batch(&all, take).unwrap();
    let line =
        |run: usize| json!({ "name": results.runs[run].router, "seed": results.runs[run].seed, "points": points[run] });
    wanted.into_iter().map(line).collect()
}

/// Die temperatures of the first run that the page shows, at its first and its last batch.
fn floor(results: &Results, run: usize) -> Value {
    let mut all = Vec::new();
    let temperatures = Wanted::of_runs(&[Column::TemperatureDegc], &[run]);
    results.each_batch(&temperatures, |_, row| all.push(row.list(Column::TemperatureDegc).to_vec())).unwrap();
    json!({ "first": all.first(), "last": all.last() })
}

/// Runs a scenario, writes its page, and says what the tables have.
pub(super) fn expected(folder: &Path, name: &str, point: &str, seeds: &[&str]) -> Value {
    let results = Results::open(folder).unwrap();
    let lines = |value: &dyn Fn(&BatchRow<'_>) -> f64| lines(&results, point, seeds, value);
    let latency = |row: &BatchRow<'_>| {
        (row.whole(Column::FinishedNs).unwrap() - row.whole(Column::ArrivedNs).unwrap()) as f64 * 1e-9
    };
    let hottest = |row: &BatchRow<'_>| row.list(Column::TemperatureDegc).iter().copied().fold(f64::MIN, f64::max);
    json!({
        "name": name,
        "hostile": [],
        "plots": [
            { "title": "Energy of a batch", "lines": lines(&|row| row.value(Column::EnergyJ).unwrap()) },
            { "title": "Latency of a batch", "lines": lines(&latency) },
            { "title": "Hottest GPU", "lines": lines(&hottest) },
            { "title": "Power of all GPUs", "lines": lines(&|row| row.list(Column::PowerW).iter().sum()) },
        ],
        "floor": floor(&results, 0),
    })
}

fn run(scenario: &str, set: &[&str], out: &Path) {
    let set: Vec<&str> = set.iter().flat_map(|set| ["--set", set]).collect();
    let arguments =
        [&["run", scenario, "--quiet", "--report", "--out", out.to_str().unwrap()], set.as_slice()].concat();
    let (code, _, err) = text(&isotherm(root(), &arguments));
    assert_eq!(code, 0, "{err}");
}

#[test]
fn a_device_comparison_is_what_its_tables_say() {
    let folder = tempfile::tempdir().unwrap();
    run("scenarios/device.toml", &["seeds=2", "arrivals.batches=60"], folder.path());
    drive(&folder.path().join("report.html"), &expected(folder.path(), "device", "", &["0", "1"]));
}

#[test]
fn a_sweep_opens_at_the_point_of_its_answer() {
    let folder = tempfile::tempdir().unwrap();
    run("scenarios/classic.toml", &["seeds=2"], folder.path());
    // The largest price saves most.
    drive(&folder.path().join("report.html"), &expected(folder.path(), "classic", "router.lambda=1", &["0", "1"]));
}

/// So many batches are not all on the page: hovering shows both ends of what is left out.
#[test]
fn a_long_run_keeps_its_extremes() {
    let folder = tempfile::tempdir().unwrap();
    let set = [
        "seeds=1",
        "arrivals.batches=9000",
        "arrivals.tokens=64",
        "model.experts=4",
        "costs.hot=[3]",
        "hardware.gpus=4",
    ];
    let out = folder.path().join("out");
    let scenario = crate::lab::small("router = [{ kind = \"energy-penalty\", lambda = 0.5 }]");
    let file = folder.path().join("long.toml");
    std::fs::write(&file, scenario.replace("scenarios/", &format!("{}/scenarios/", root().display()))).unwrap();
    run(file.to_str().unwrap(), &set, &out);
    let mut expected = expected(&out, "long", "", &["0"]);
    expected["reduced"] = json!(true);
    // The map shows the larger value of a column, which need not be that of its first batch.
    expected["floor"] = Value::Null;
    drive(&out.join("report.html"), &expected);
}

//! The examples of docs/ANALYSIS.md run in pandas, Polars and DuckDB, and print what the tables hold.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use isotherm::results::{Row, Summary};
use isotherm::statistics::{Interval, paired};

use crate::lab::{announce, isotherm, root, text};

/// The pieces of Python of the page, each with the heading that it stands below.
fn snippets() -> Vec<(String, String)> {
    let page = std::fs::read_to_string(root().join("docs/ANALYSIS.md")).unwrap();
    let mut found = Vec::new();
    for section in page.split("\n## ").skip(1) {
        let heading = section.lines().next().unwrap();
        let pieces = section.split("```python\n").skip(1);
        found.extend(pieces.map(|piece| (heading.to_owned(), piece.split("```").next().unwrap().to_owned())));
    }
    found
}

/// What this piece of Python prints; `None`, with the reason shown, where Python or a package is missing.
fn python(code: &str, folder: &Path) -> Option<String> {
    let script = "import sys\ntry:\n    import pyarrow, pandas, polars, duckdb, scipy\nexcept ImportError as missing:\n    print(missing)\n    sys.exit(77)\n";
    let output = match Command::new("python3").args(["-c", &format!("{script}{code}")]).current_dir(folder).output() {
        Ok(output) => output,
        Err(error) => {
            announce(&format!("skipped: python3 cannot be started: {error}"));
            return None;
        }
    };
    let (status, out, err) = text(&output);
    if status == 77 {
        announce(&format!("skipped: {}; pip install duckdb pandas polars pyarrow scipy", out.trim()));
        return None;
    }
    assert_eq!(status, 0, "{code}\n{out}{err}");
    Some(out)
}

/// Small results of the scenarios that the page names.
struct Folders {
    root: tempfile::TempDir,
    summary: Summary,
    runs: Vec<BTreeMap<String, String>>,
}

impl Folders {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, batches) in [("classic", "50"), ("device", "12")] {
            let scenario = root().join(format!("scenarios/{name}.toml")).display().to_string();
            let batches = format!("arrivals.batches={batches}");
            let small = ["run", &scenario, "--set", "seeds=3", "--set", &batches, "--quiet", "--csv"];
            let (code, _, err) = text(&isotherm(folder.path(), &small));
            assert_eq!(code, 0, "{err}");
        }
        let summary = std::fs::read(folder.path().join("results/classic/summary.json")).unwrap();
        let runs = rows(&folder.path().join("results/classic/runs.csv"));
        Self { root: folder, summary: serde_json::from_slice(&summary).unwrap(), runs }
    }

    fn rows_of(&self, name: &str) -> Vec<BTreeMap<String, String>> {
        rows(&self.root.path().join("results").join(name))
    }

    /// A metric of the runs of a row, by seed.
    fn by_seed(&self, router: &str, point: &str, metric: &str) -> Vec<f64> {
        let runs = self.runs.iter().filter(|run| run["router"] == router && run["point"] == point);
        runs.map(|run| run[metric].parse().unwrap()).collect()
    }
}

fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_path(path).unwrap().deserialize().map(Result::unwrap).collect()
}

fn point(row: &Row) -> String {
    row.point.iter().map(|(axis, value)| format!("{axis}={value}")).collect::<Vec<_>>().join(" ")
}

/// The numbers in each line of a printed table that is about this router and has all of these words. A router's name may stand in the
/// first of its lines only, as pandas has it.
fn numbers(out: &str, router: &str, words: &[&str]) -> Vec<Vec<f64>> {
    let mut current = "";
    let mut found = Vec::new();
    for line in out.lines() {
        let cells: Vec<&str> = line.split(|c: char| c.is_whitespace() || "│┆:".contains(c)).collect();
        for name in ["baseline", "energy-penalty", "ttt", "price"] {
            current = if cells.contains(&name) { name } else { current };
        }
        if current == router && words.iter().all(|word| cells.contains(word)) {
            found.push(cells.iter().filter_map(|cell| cell.parse().ok()).collect());
        }
    }
    found
}

#[track_caller]
fn has(out: &str, router: &str, words: &[&str], expected: &[f64]) {
    let lines = numbers(out, router, words);
    let near = |number: &f64, expected: f64| (number - expected).abs() <= 2e-5 * expected.abs().max(0.05);
    let is_there = |line: &Vec<f64>| expected.iter().all(|value| line.iter().any(|number| near(number, *value)));
    assert!(lines.iter().any(is_there), "{router} {words:?}: {expected:?} in\n{out}");
}

#[test]
fn the_examples_of_the_page_print_what_the_tables_hold() {
    let folders = Folders::new();
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (heading, code) in snippets() {
        let Some(out) = python(&code, folders.root.path()) else { return };
        told.entry(heading).or_default().push(out);
    }
    let out = |heading: &str, at: usize| told.get(heading).and_then(|outs| outs.get(at)).unwrap().as_str();
    assert_eq!(told.values().map(Vec::len).sum::<usize>(), 16, "each example has its check below");
    for row in &folders.summary.rows {
        each_row(&folders, row, &out);
    }
    front(&folders, out("Pareto: what was saved against what was given up", 0));
    let optima = &folders.summary.frontier[0].points;
    let curve = out("Pareto: what was saved against what was given up", 1);
    assert!(curve.contains(&format!("{} rows", optima.len())), "{curve}");
    gpus(
        &folders,
        out("Temperatures and throttling, GPU by GPU", 0),
        out("Temperatures and throttling, GPU by GPU", 1),
    );
    let joined = out("Opening the tables", 3);
    let first = folders.rows_of("classic/series.csv");
    let of_batch = first.iter().filter(|batch| batch["batch"] == "0").map(|batch| &batch["energy_j"]);
    let first: Vec<f64> = of_batch.map(|joules| joules.parse().unwrap()).collect();
    // Runs are in the order of seeds, then routers, of which the first is the baseline.
    let mean = first.iter().step_by(11).sum::<f64>() / 3.0;
    has(joined, "baseline", &["0"], &[mean]);
    assert_eq!(out("Where a table is from", 0).trim(), format!("{} classic", env!("CARGO_PKG_VERSION")));
    for at in [0, 1] {
        let many = out("Many folders at once", at);
        assert!(["classic", "device"].iter().all(|folder| many.contains(folder)), "{many}");
    }
}

/// What the examples say of a row of the classic scenario.
fn each_row<'a>(folders: &Folders, row: &Row, out: &impl Fn(&str, usize) -> &'a str) {
    let (router, text, mean) = (row.router.as_str(), point(row), |metric: &str| row.metrics[metric].mean);
    let words: Vec<&str> = [text.as_str()].into_iter().filter(|text| !text.is_empty()).collect();
    let saved = row.metrics["energy_savings_percent"];
    has(out("Opening the tables", 0), router, &words, &[saved.mean]);
    has(out("Opening the tables", 1), router, &words, &[saved.mean]);
    has(out("Opening the tables", 2), router, &words, &[mean("energy_j"), 3.0]);
    has(out("Many folders at once", 0), router, &words, &[3.0, mean("energy_per_token_j")]);
    let lambda: Vec<&str> = row.point.values().map(String::as_str).collect();
    has(out("Opening the tables", 4), router, &lambda, &[saved.mean, saved.ci95.unwrap()]);
    // The second half of the batches.
    let series = folders.rows_of("classic/series.csv");
    let ours: Vec<&String> = folders
        .runs
        .iter()
        .filter(|run| run["router"] == router && run["point"] == text)
        .map(|run| &run["run_id"])
        .collect();
    let late =
        series.iter().filter(|batch| ours.contains(&&batch["run_id"]) && batch["batch"].parse::<u32>().unwrap() >= 25);
    let sum = |name: &str| late.clone().map(|batch| batch[name].parse::<f64>().unwrap()).sum::<f64>();
    has(out("Over time", 0), router, &words, &[sum("energy_j") / sum("tokens")]);
    if row.baseline {
        return;
    }
    let difference = |metric: &str| {
        let [base, ours] =
            [("baseline", ""), (router, &*text)].map(|(router, point)| folders.by_seed(router, point, metric));
        paired(&base, &ours, 0.0, Interval::StudentT).unwrap().estimate
    };
    let (latency, energy) = (difference("latency_p99_s"), difference("energy_j"));
    has(out("Paired differences with intervals", 0), router, &words, &[latency.mean, latency.ci95.unwrap(), 3.0]);
    assert_eq!(row.versus_baseline.unwrap().energy_difference_j, energy);
    // The example in SQL has the factor of ten seeds; of three it is 4.302653.
    let half = energy.ci95.unwrap() * 2.262_157 / 4.302_653;
    has(out("Paired differences with intervals", 1), router, &words, &[3.0, energy.mean, half]);
    // A line of the pivot is a lambda, a column a router.
    let lambda: f64 = row.point["router.lambda"].parse().unwrap();
    let is_line = |line: &Vec<f64>| {
        line.len() == 3 && line[0] == lambda && line[1..].iter().any(|n| (n - saved.mean).abs() < 1e-4)
    };
    let pivot = out("A sweep as a pivot", 0);
    let line = |line: &str| line.split_whitespace().filter_map(|cell| cell.parse().ok()).collect();
    assert!(pivot.lines().map(line).any(|line| is_line(&line)), "{lambda} {} in\n{pivot}", saved.mean);
}

/// The rows that no other one beats in both saving and regret.
fn front(folders: &Folders, out: &str) {
    let rows: Vec<&Row> = folders.summary.rows.iter().filter(|row| !row.baseline).collect();
    let trade = |row: &Row| (row.metrics["energy_savings_percent"].mean, row.metrics["mass_regret"].mean);
    let beats = |a: (f64, f64), b: (f64, f64)| a.0 >= b.0 && a.1 <= b.1 && a != b;
    let front: Vec<(f64, f64)> =
        rows.iter().map(|row| trade(row)).filter(|own| !rows.iter().any(|other| beats(trade(other), *own))).collect();
    let printed: Vec<Vec<f64>> =
        ["energy-penalty", "ttt"].iter().flat_map(|router| numbers(out, router, &[])).collect();
    let printed: Vec<&Vec<f64>> = printed.iter().filter(|line| line.len() == 2).collect();
    let mut different = front.clone();
    // Of equals one is shown.
    different.dedup();
    different.retain(|(saved, _)| *saved > 0.0);
    assert_eq!(printed.iter().filter(|line| line[0] > 0.0).count(), different.len(), "{different:?}\n{out}");
    for (saved, regret) in different {
        let is_it = |line: &&&Vec<f64>| (line[0] - saved).abs() < 1e-4 && (line[1] - regret).abs() < 1e-5;
        assert!(printed.iter().any(|line| is_it(&line)), "{saved} {regret} in\n{out}");
    }
}

/// Peaks and throttled time of every GPU of the device scenario.
fn gpus(folders: &Folders, duckdb: &str, polars: &str) {
    let runs = folders.rows_of("device/runs.csv");
    let router: BTreeMap<&String, &String> = runs.iter().map(|run| (&run["run_id"], &run["router"])).collect();
    let series = folders.rows_of("device/series.csv");
    let stretches = folders.rows_of("device/throttling.csv");
    for (name, word) in [("baseline", "baseline"), ("price on sampled heat", "price"), ("ttt", "ttt")] {
        for gpu in 0..8 {
            let of_gpu = series.iter().filter(|batch| router[&batch["run_id"]] == name);
            let peak = of_gpu
                .map(|batch| batch["temperature_degc"].split(' ').nth(gpu).unwrap().parse::<f64>().unwrap())
                .fold(0.0, f64::max);
            let held: Vec<f64> = stretches
                .iter()
                .filter(|stretch| router[&stretch["run_id"]] == name && stretch["gpu"] == gpu.to_string())
                .map(|stretch| stretch["until_ns"].parse::<f64>().unwrap() - stretch["from_ns"].parse::<f64>().unwrap())
                .collect();
            let seconds = held.iter().sum::<f64>() / 1e9;
            has(duckdb, word, &[&gpu.to_string()], &[peak, seconds]);
            has(polars, word, &[&gpu.to_string()], &[peak, held.len() as f64]);
        }
    }
    assert!(!stretches.is_empty() && duckdb.contains("SwPowerCap"), "{duckdb}");
}

#[test]
fn all_three_read_the_same_rows_and_the_same_provenance() {
    let folders = Folders::new();
    let check = "
import json, pyarrow.parquet
runs = pandas.read_parquet('results/classic/runs.parquet')
assert len(runs) == 33 and polars.read_parquet('results/classic/runs.parquet').height == 33
assert duckdb.sql(\"SELECT count(*) FROM 'results/classic/series.parquet'\").fetchall() == [(1650,)]
assert polars.read_parquet('results/classic/series.parquet')['usage'].list.len().unique().to_list() == [8]
assert set(runs['seed'].map(type)) == {str}
summary = json.load(open('results/classic/summary.json'))
for table in ['runs', 'series', 'frontier']:
    told = pyarrow.parquet.read_metadata(f'results/classic/{table}.parquet').metadata
    assert told[b'isotherm.scenario_hash'].decode() == summary['scenario_hash'], told
    assert told[b'isotherm.version'].decode() == summary['isotherm'], told
print('equal')
";
    assert!(python(check, folders.root.path()).is_none_or(|out| out.contains("equal")));
}

//! Opening a folder: what is there is taken, and what is not is said.

use std::path::{Path, PathBuf};

use super::error::ReadError;
use super::gap::Gap;
use super::runs;
use super::scenario::Scenario;
use super::summary::{KNOWN_VERSION, Summary};
use super::table::{Table, plain};
use super::{Column, Results, RunRow, rebuild};

const SUMMARY: &str = "summary.json";
const RUNS: &str = "runs.parquet";
const SERIES: &str = "series.parquet";
/// Tables that some comparisons have.
const OTHERS: [&str; 3] = ["throttling.parquet", "layers.parquet", "frontier.parquet"];
const SCENARIO: &str = "scenario.resolved.toml";
/// Where runs wait while a comparison is under way.
const UNFINISHED: &str = ".unfinished";

impl Results {
    /// Opens a folder that `isotherm run`, `experiment` or `sweep merge` has written, or what is left of one.
    ///
    /// # Errors
    /// If neither a summary nor runs can be read: there is nothing to show.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let mut gaps = Vec::new();
        if !path.is_dir() {
            return Err(ReadError::new(path, no_folder(path), "name a results folder, for example results/classic"));
        }
        let summary = summary(path, &mut gaps);
        let hash = summary.as_ref().map(|summary| summary.scenario_hash.as_str()).unwrap_or_default();
        let mut open = |file: &'static str, missing: Option<&str>| table(path, file, missing, hash, &mut gaps);
        let runs_table = open(RUNS, Some("single runs, and what belongs to them, cannot be shown"));
        let series = open(SERIES, Some("nothing can be shown over time"));
        let [throttling, layers, frontier] = OTHERS.map(|file| open(file, None));
        let series = series.filter(|series| is_of_runs(series, &mut gaps));
        let mut rows = runs_table.map_or_else(Vec::new, |table| read_runs(&table, &mut gaps));
        let Some(summary) = summary.or_else(|| rebuild::summary(&rows, &mut gaps)) else {
            return Err(nothing(path, &gaps));
        };
        runs::find_rows(&mut rows, &summary);
        failures(&summary, &rows, &mut gaps);
        let scenario = scenario(path, &mut gaps);
        if path.join(UNFINISHED).is_dir() {
            gaps.push(Gap::new(
                UNFINISHED,
                "a comparison is under way here, or was interrupted: what is shown is older",
            ));
        }
        Ok(Self { path: path.to_owned(), summary, runs: rows, scenario, gaps, series, throttling, layers, frontier })
    }
}

fn no_folder(path: &Path) -> &'static str {
    if path.exists() { "it is a file" } else { "there is no such folder" }
}

fn nothing(path: &Path, gaps: &[Gap]) -> ReadError {
    let is_unfinished = path.join(UNFINISHED).is_dir();
    if is_unfinished {
        let expected = "the same `isotherm run` command continues it; look again when it is done";
        return ReadError::new(path, "the comparison in it is not finished", expected);
    }
    let found: Vec<String> =
        gaps.iter().filter(|gap| [SUMMARY, RUNS].contains(&gap.file)).map(Gap::to_string).collect();
    let expected =
        "expected a folder that `isotherm run SCENARIO --out FOLDER` has written, with summary.json and runs.parquet";
    ReadError::new(path, found.join("; "), expected)
}

fn summary(folder: &Path, gaps: &mut Vec<Gap>) -> Option<Summary> {
    let text = match std::fs::read(folder.join(SUMMARY)) {
        Ok(text) => text,
        Err(error) => {
            gaps.push(Gap::new(SUMMARY, absent(&error)));
            return None;
        }
    };
    match serde_json::from_slice::<Summary>(&text) {
        Ok(summary) => {
            if !(1..=KNOWN_VERSION).contains(&summary.schema_version) {
                gaps.push(Gap::new(SUMMARY, other_version(summary.schema_version)));
            }
            Some(summary)
        }
        Err(error) => {
            let version = serde_json::from_slice::<serde_json::Value>(&text)
                .ok()
                .and_then(|value| u32::try_from(value.get("schema_version")?.as_u64()?).ok())
                .filter(|version| *version > KNOWN_VERSION);
            let sentence = version.map_or_else(|| format!("it cannot be read ({error})"), other_version);
            gaps.push(Gap::new(SUMMARY, sentence));
            None
        }
    }
}

fn other_version(version: u32) -> String {
    format!(
        "it has schema version {version} and this isotherm knows 1 to {KNOWN_VERSION}: numbers may mean something else"
    )
}

fn absent(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "it is missing".to_owned(),
        _ => format!("it cannot be read ({error})"),
    }
}

/// Opens a table. Not every comparison has every table: what its lack means is said of those that all have.
fn table(folder: &Path, file: &'static str, missing: Option<&str>, hash: &str, gaps: &mut Vec<Gap>) -> Option<Table> {
    let path: PathBuf = folder.join(file);
    if !path.exists() {
        gaps.extend(missing.map(|means| Gap::new(file, format!("it is missing: {means}"))));
        return None;
    }
    match Table::open(&path) {
        Ok(table) => {
            let other = table.scenario_hash.as_deref().filter(|own| !hash.is_empty() && *own != hash);
            if other.is_some() {
                gaps.push(Gap::new(
                    file,
                    "it belongs to another comparison than summary.json, by its scenario hash, and is left out",
                ));
                return None;
            }
            Some(table)
        }
        Err(error) => {
            gaps.push(Gap::new(file, format!("it cannot be read ({})", plain(&error))));
            None
        }
    }
}

/// Says which columns the series lack. Without ids nobody knows whose rows they are.
fn is_of_runs(series: &Table, gaps: &mut Vec<Gap>) -> bool {
    let lacks: Vec<&str> = Column::ALL.iter().map(|column| column.name()).filter(|name| !series.has(name)).collect();
    if !series.has("run_id") {
        gaps.push(Gap::new(
            SERIES,
            "it has no column `run_id`, so that nobody knows whose rows they are, and is left out",
        ));
        return false;
    }
    if !lacks.is_empty() {
        let lacks = lacks.join("`, `");
        gaps.push(Gap::new(SERIES, format!("it has no `{lacks}`: an older isotherm wrote it; run the scenario again with --force for what needs them")));
    }
    true
}

fn read_runs(table: &Table, gaps: &mut Vec<Gap>) -> Vec<RunRow> {
    runs::read(table).unwrap_or_else(|error| {
        gaps.push(Gap::new(RUNS, format!("it cannot be read ({})", error.found)));
        Vec::new()
    })
}

fn failures(summary: &Summary, runs: &[RunRow], gaps: &mut Vec<Gap>) {
    let failed = runs.iter().filter(|run| !run.is_finished()).count().max(summary.failures.len());
    if failed > 0 {
        let first = summary.failures.iter().map(|failure| failure.message.as_str());
        let first = first.chain(runs.iter().map(|run| run.error.as_str())).find(|message| !message.is_empty());
        let why = first.map_or_else(String::new, |message| format!("; the first one: {message}"));
        let runs = if failed == 1 { "1 run".to_owned() } else { format!("{failed} runs") };
        gaps.push(Gap::new(RUNS, format!("{runs} failed{why}")));
    }
}

fn scenario(folder: &Path, gaps: &mut Vec<Gap>) -> Option<Scenario> {
    let read = std::fs::read_to_string(folder.join(SCENARIO)).map_err(|error| absent(&error));
    let scenario = read.and_then(|text| Scenario::parse(text).map_err(|error| format!("it cannot be read ({error})")));
    scenario.map_err(|sentence| gaps.push(Gap::new(SCENARIO, sentence))).ok()
}

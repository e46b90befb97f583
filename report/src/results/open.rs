//! Opening a folder: what is there is taken, and what is not is said.

use std::path::{Path, PathBuf};

use super::checksum::sha256_of_file;
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
const THROTTLING: &str = "throttling.parquet";
const LAYERS: &str = "layers.parquet";
const FRONTIER: &str = "frontier.parquet";
/// Tables that some comparisons have, and what their lack means.
const OTHERS: [(&str, &str); 3] = [
    (THROTTLING, "when something held a GPU back cannot be shown"),
    (LAYERS, "layers cannot be told apart"),
    (FRONTIER, "frontiers of single seeds cannot be shown"),
];
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
        let mut open = |file: &'static str, means: &str| {
            let written = summary.as_ref().map(|summary| Written::of(summary, file)).unwrap_or_default();
            let is_expected = [RUNS, SERIES].contains(&file) || summary.as_ref().is_some_and(|s| tells_of(s, file));
            table(path, file, is_expected.then_some(means), written, &mut gaps)
        };
        let runs_table = open(RUNS, "single runs, and what belongs to them, cannot be shown");
        let series = open(SERIES, "nothing can be shown over time");
        let [throttling, layers, frontier] = OTHERS.map(|(file, means)| open(file, means));
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
            gaps.extend(summary.version_gap());
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

impl Summary {
    /// What a reader has to know of a summary of another schema version; `None` for one that this crate knows.
    #[must_use]
    pub(crate) fn version_gap(&self) -> Option<Gap> {
        let is_known = (1..=KNOWN_VERSION).contains(&self.schema_version);
        (!is_known).then(|| Gap::new(SUMMARY, other_version(self.schema_version)))
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

/// What a summary says of a table that was written with it.
#[derive(Clone, Copy, Default)]
struct Written<'a> {
    /// Hash of the scenario; empty if nothing is said.
    scenario: &'a str,
    /// SHA-256 of the file; summaries of older versions have none.
    sha256: Option<&'a str>,
}

impl<'a> Written<'a> {
    fn of(summary: &'a Summary, file: &str) -> Self {
        Self { scenario: &summary.scenario_hash, sha256: summary.tables.get(file).map(String::as_str) }
    }

    /// What is wrong with a table that could be opened. A file of another comparison is whole, but not the one that is meant.
    fn fault(self, table: &Table) -> Option<String> {
        if table.scenario_hash.as_deref().is_some_and(|own| !self.scenario.is_empty() && own != self.scenario) {
            let other = "it belongs to another comparison than summary.json, by its scenario hash, and is left out";
            return Some(other.to_owned());
        }
        let expected = self.sha256?;
        match sha256_of_file(&table.path) {
            Ok(found) if found == expected => None,
            Ok(_) => Some(DAMAGED.to_owned()),
            Err(error) => Some(absent(&error)),
        }
    }
}

/// Said of a table with other contents than were written.
const DAMAGED: &str = "it is damaged, by its checksum in summary.json, and is left out; copy it again, or run the scenario again with --force";

/// Whether a comparison with this summary had a table. Older summaries do not list them, but have what was made of them.
fn tells_of(summary: &Summary, file: &str) -> bool {
    if !summary.tables.is_empty() {
        return summary.tables.contains_key(file);
    }
    match file {
        FRONTIER => !summary.frontier.is_empty(),
        THROTTLING => summary.rows.iter().any(|row| row.metrics.contains_key("throttled_share")),
        _ => false,
    }
}

/// Opens a table. Not every comparison has every table: what its lack means is said of those that all have.
fn table(
    folder: &Path,
    file: &'static str,
    missing: Option<&str>,
    written: Written<'_>,
    gaps: &mut Vec<Gap>,
) -> Option<Table> {
    let path: PathBuf = folder.join(file);
    if !path.exists() {
        gaps.extend(missing.map(|means| Gap::new(file, format!("it is missing: {means}"))));
        return None;
    }
    match Table::open(&path) {
        Ok(table) => {
            let fault = written.fault(&table);
            let is_sound = fault.is_none();
            gaps.extend(fault.map(|fault| Gap::new(file, fault)));
            is_sound.then_some(table)
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
    let parsed = |text: String| match text.trim() {
        "" => Err("it is empty: nobody can see what was run".to_owned()),
        _ => Scenario::parse(text).map_err(|error| format!("it cannot be read ({error})")),
    };
    let scenario = read.and_then(parsed);
    scenario.map_err(|sentence| gaps.push(Gap::new(SCENARIO, sentence))).ok()
}

//! A finished results folder, read back.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::fault::Fault;
use crate::results::{SUMMARY_VERSION, StoredRuns, Summary};

/// What a folder holds.
#[derive(Debug)]
pub(super) struct ResultsFolder {
    pub(super) path: PathBuf,
    pub(super) summary: Summary,
    pub(super) runs: StoredRuns,
}

/// The part of a summary that every format has.
#[derive(Deserialize)]
struct Format {
    schema_version: u32,
}

impl ResultsFolder {
    /// Reads `summary.json` and `runs.parquet`.
    ///
    /// # Errors
    /// [`Fault::Input`]: no results folder, not finished, of another format, damaged.
    pub(super) fn open(path: &Path) -> Result<Self, Fault> {
        let fault = |what: String, help: &str| Fault::Input(format!("{} {what}\n  = help: {help}", path.display()));
        let text = match std::fs::read_to_string(path.join("summary.json")) {
            Ok(text) => text,
            Err(_) if path.join(".unfinished").is_dir() => {
                return Err(fault(
                    "is not finished: it has runs and no summary.json".to_owned(),
                    "the same `isotherm run` continues it",
                ));
            }
            Err(error) if path.is_dir() => {
                return Err(fault(format!("is no results folder: summary.json: {error}"), EXAMPLE));
            }
            Err(error) => return Err(fault(format!("is no results folder: {error}"), EXAMPLE)),
        };
        let damaged = |error: &dyn std::fmt::Display| {
            fault(format!("is no results folder: summary.json is not what isotherm writes: {error}"), EXAMPLE)
        };
        let format: Format = serde_json::from_str(&text).map_err(|error| damaged(&error))?;
        if format.schema_version != SUMMARY_VERSION {
            return Err(fault(
                format!(
                    "holds results in format {}; this isotherm reads format {SUMMARY_VERSION}",
                    format.schema_version
                ),
                "run its scenario.resolved.toml again with this isotherm",
            ));
        }
        let summary: Summary = serde_json::from_str(&text).map_err(|error| damaged(&error))?;
        let table = path.join("runs.parquet");
        let checked = StoredRuns::check(&table, summary.head.tables.get("runs.parquet"));
        let runs = checked.and_then(|()| StoredRuns::read(&table)).map_err(|error| {
            fault(format!("is damaged: runs.parquet: {error}"), "run its scenario again with --force")
        })?;
        Ok(Self { path: path.to_owned(), summary, runs })
    }

    /// Whether any run has this metric.
    pub(super) fn has(&self, metric: &str) -> bool {
        self.runs.runs.iter().any(|run| run.metrics.contains_key(metric))
    }
}

const EXAMPLE: &str = "give two folders that `isotherm run` has written, for example results/classic";

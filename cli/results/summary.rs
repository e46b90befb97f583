//! `summary.json`: means and intervals over seeds, a row per router and sweep point.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Curve, VersusBaseline};
use crate::execute::Lag;
use crate::fault::Fault;
use crate::scenario_file::{DataFile, ScenarioFile, UsedPlugin};
use crate::statistics::{Estimate, Interval};

/// Version of the format of `summary.json`. It grows when a key changes its meaning or goes away; new keys do not count.
/// Since 2, `ci95` is half the interval that `interval` names.
pub const SUMMARY_VERSION: u32 = 2;

/// The whole file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// What it says of itself.
    #[serde(flatten)]
    pub head: Head,
    /// A row per router and sweep point, in the order of the plan.
    pub rows: Vec<Row>,
    /// The least regret at every energy, means over seeds; none where energy is no sum over assignments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frontier: Vec<Curve>,
    /// Runs that failed.
    #[serde(default)]
    pub failures: Vec<Failure>,
}

/// What a summary says of itself, before its rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// Format of the file.
    pub schema_version: u32,
    /// Version of isotherm that wrote it.
    pub isotherm: String,
    /// Name of the scenario.
    pub scenario: String,
    /// SHA-256 over everything that decides the results but the plugins.
    pub scenario_hash: String,
    /// Data files the scenario named, with their hashes.
    pub data_files: Vec<DataFile>,
    /// Plugin libraries that were used, with their versions and hashes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plugins: Vec<UsedPlugin>,
    /// SHA-256 of each table by the name of its file, so that whoever reads one knows whether it is whole. None of results in memory.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tables: BTreeMap<String, String>,
    /// How intervals were found.
    #[serde(flatten)]
    pub interval: Interval,
}

/// One router at one sweep point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Name of the scenario.
    pub scenario: String,
    /// Name of the router.
    pub router: String,
    /// Whether savings are measured against this row.
    pub baseline: bool,
    /// Swept keys that reach this row, with their values as text.
    pub point: BTreeMap<String, String>,
    /// Number of seeds that finished.
    pub seeds: u32,
    /// Mean and 95 % interval of every metric that applies.
    pub metrics: BTreeMap<String, Estimate>,
    /// Its energy against the baseline's, with a p-value; absent for the baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub versus_baseline: Option<VersusBaseline>,
    /// What a reader has to know before believing the row.
    pub warnings: Vec<String>,
}

/// A run that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Id of the run.
    pub run: String,
    /// Name of the router.
    pub router: String,
    /// Seed of the run.
    pub seed: u64,
    /// What went wrong.
    pub message: String,
}

impl Head {
    /// That of a scenario, or of a part of its plan that holds the first world.
    #[must_use]
    pub fn of(file: &ScenarioFile, interval: Interval) -> Self {
        Self {
            schema_version: SUMMARY_VERSION,
            isotherm: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: file.plan.worlds.first().map_or_else(String::new, |world| world.scenario.name.clone()),
            scenario_hash: file.hash.clone(),
            data_files: file.data_files.clone(),
            plugins: file.plugins.clone(),
            tables: BTreeMap::new(),
            interval,
        }
    }

    /// What every table says of where it is from, by key.
    ///
    /// # Errors
    /// [`Fault::Internal`] if it cannot be written down.
    pub(super) fn origin(&self) -> Result<Vec<(&'static str, String)>, Fault> {
        let plugins = serde_json::to_string(&self.plugins).map_err(|error| Fault::Internal(error.to_string()))?;
        Ok(vec![
            ("schema_version", self.schema_version.to_string()),
            ("version", self.isotherm.clone()),
            ("scenario", self.scenario.clone()),
            ("scenario_hash", self.scenario_hash.clone()),
            ("plugins", plugins),
        ])
    }

    /// A summary without rows.
    pub(super) fn empty(self) -> Summary {
        Summary { head: self, rows: Vec::new(), frontier: Vec::new(), failures: Vec::new() }
    }
}

/// How a warning begins that the machine was behind the clock.
pub(super) const LATE: &str = "late: ";

impl Row {
    /// Warns where the live runs of this row were further behind the clock than the time between two polls (s).
    pub(crate) fn warn_if_late(&mut self, lag: &Lag, period_s: f64) {
        if lag.largest_s > period_s {
            self.warnings.push(format!(
                "{LATE}up to {:.3} s behind the clock, {:.4} s on the mean, with a poll every {period_s} s: polls did not happen when they should have",
                lag.largest_s, lag.mean_s
            ));
        }
    }
}

//! `summary.json`, read leniently: keys that are not there have their defaults, keys that nobody knows are passed over, and a number
//! that is none (`null`) leaves its metric out.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

/// The latest schema version whose meaning this crate knows.
pub(super) const KNOWN_VERSION: u32 = 2;

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// Version of the format; 0 where the summary was made of the runs.
    pub schema_version: u32,
    /// Version of isotherm that wrote it.
    pub isotherm: String,
    /// Name of the scenario.
    pub scenario: String,
    /// SHA-256 over everything that decides the results.
    pub scenario_hash: String,
    /// Data files the scenario named.
    pub data_files: Vec<Origin>,
    /// Plugin libraries that were used.
    pub plugins: Vec<Origin>,
    /// SHA-256 of each table by the name of its file; none in summaries of older versions.
    pub tables: BTreeMap<String, String>,
    /// How intervals were found.
    pub interval: Interval,
    /// Draws of a bootstrap.
    pub resamples: Option<u32>,
    /// A row per router and sweep point, in the order of the plan.
    pub rows: Vec<Row>,
    /// The least regret at every energy, means over seeds.
    pub frontier: Vec<Curve>,
    /// Runs that failed.
    pub failures: Vec<Failure>,
}

/// How the 95 % intervals of a summary were found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interval {
    /// Student's t.
    #[default]
    StudentT,
    /// Studentised bootstrap.
    Bootstrap,
    /// Another one, of another version.
    #[serde(untagged)]
    Other(String),
}

/// A data file or plugin that results depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Origin {
    /// Path of a data file.
    pub path: String,
    /// Package of a plugin.
    pub package: String,
    /// Version of a plugin.
    pub version: String,
    /// SHA-256 of its contents.
    pub sha256: String,
}

/// One router at one sweep point.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
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
    #[serde(deserialize_with = "estimates")]
    pub metrics: BTreeMap<String, Estimate>,
    /// Its energy against the baseline's; absent for the baseline.
    pub versus_baseline: Option<VersusBaseline>,
    /// What a reader has to know before believing the row.
    pub warnings: Vec<String>,
}

impl Row {
    /// Mean and interval of a metric; `None` where it does not apply.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<Estimate> {
        self.metrics.get(name).copied()
    }

    /// The sweep point as `runs.parquet` writes it: `key=value`, separated by spaces; empty without a sweep.
    #[must_use]
    pub fn point_text(&self) -> String {
        let pairs: Vec<String> = self.point.iter().map(|(key, value)| format!("{key}={value}")).collect();
        pairs.join(" ")
    }

    /// Whether its router sees what no real router knows.
    #[must_use]
    pub fn is_oracle(&self) -> bool {
        self.warnings.iter().any(|warning| warning.starts_with("oracle:"))
    }

    /// Whether seeds could test this row's energy against the baseline's, and found no difference.
    #[must_use]
    pub fn is_luck(&self) -> bool {
        self.versus_baseline.is_some_and(|versus| versus.p_holm.is_some() && !versus.significant)
    }
}

/// A mean over seeds and its 95 % interval; always finite.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    /// Mean over the seeds.
    pub mean: f64,
    /// Half the width of the two-sided 95 % interval; `None` where there is none (one seed).
    pub ci95: Option<f64>,
    /// Where the interval begins and ends, if it is not `mean - ci95` to `mean + ci95`: a bootstrap.
    pub bounds: Option<[f64; 2]>,
}

impl Estimate {
    /// Where the interval begins and ends, whichever way it was found.
    ///
    /// ```
    /// # use isotherm_report::results::Estimate;
    /// let student = Estimate { mean: 10.0, ci95: Some(1.0), bounds: None };
    /// assert_eq!(student.interval(), Some([9.0, 11.0]));
    /// ```
    #[must_use]
    pub fn interval(&self) -> Option<[f64; 2]> {
        self.bounds.or_else(|| self.ci95.map(|half| [self.mean - half, self.mean + half]))
    }

    /// Whether two intervals have a value in common; a mean without one is an interval of no width.
    #[must_use]
    pub fn touches(&self, other: &Self) -> bool {
        let [a, b] = [self, other].map(|estimate| estimate.interval().unwrap_or([estimate.mean; 2]));
        a[0] <= b[1] && b[0] <= a[1]
    }
}

/// An [`Estimate`] as it is written; what is no number is `null`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Written {
    mean: Option<f64>,
    ci95: Option<f64>,
    bounds: Option<[Option<f64>; 2]>,
}

impl Written {
    fn estimate(self) -> Option<Estimate> {
        let finite = |number: Option<f64>| number.filter(|number| number.is_finite());
        let bounds = self.bounds.and_then(|[low, high]| Some([finite(low)?, finite(high)?]));
        Some(Estimate { mean: finite(self.mean)?, ci95: finite(self.ci95), bounds })
    }
}

fn estimates<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Estimate>, D::Error> {
    let written = BTreeMap::<String, Option<Written>>::deserialize(deserializer)?;
    Ok(written.into_iter().filter_map(|(name, written)| Some((name, written?.estimate()?))).collect())
}

fn one_estimate<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Estimate>, D::Error> {
    Ok(Option::<Written>::deserialize(deserializer)?.and_then(Written::estimate))
}

/// A row against the baseline of its world, on the same tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct VersusBaseline {
    /// Energy of the row minus that of the baseline, paired by seed (J): negative is saved.
    #[serde(deserialize_with = "one_estimate")]
    pub energy_difference_j: Option<Estimate>,
    /// Seeds that both finished.
    pub pairs: u32,
    /// Two-sided p-value of the paired t test; absent for one pair.
    pub p_value: Option<f64>,
    /// The same after Holm's correction for all `comparisons`.
    pub p_holm: Option<f64>,
    /// Rows of the summary that were tested.
    pub comparisons: u32,
    /// Whether `p_holm` is at most 0.05.
    pub significant: bool,
}

/// The frontier of one world, mean over seeds; of one router where costs move by clock or temperature.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Curve {
    /// Name of the scenario.
    pub scenario: String,
    /// The router whose runs it belongs to; absent where it is that of all runs on the same tokens.
    pub router: Option<String>,
    /// Swept keys that reach it.
    pub point: BTreeMap<String, String>,
    /// Whether it knows costs of instants that no router can know.
    pub oracle: bool,
    /// Number of seeds.
    pub seeds: u32,
    /// The optima, by rising price.
    pub points: Vec<CurvePoint>,
}

/// An optimum: no routing has less regret at this energy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct CurvePoint {
    /// Price of a joule (1/J), in shares of a token's top-k mass.
    pub price_per_j: f64,
    /// Energy of the assignments (J).
    pub energy_j: f64,
    /// The same against the assignments of the baseline (%).
    pub energy_savings_percent: f64,
    /// Mass regret, mean over tokens.
    pub mass_regret: f64,
}

/// A run that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
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

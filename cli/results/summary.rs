//! `summary.json`: means and intervals over seeds, a row per router and sweep point.

use std::collections::BTreeMap;

use isotherm_core::cost::CostKind;
use isotherm_core::metrics::METRICS;
use isotherm_core::world::FrontierScope;
use serde::{Deserialize, Serialize};

use super::{Curve, Measured, VersusBaseline, versus};
use crate::execute::Lag;
use crate::scenario_file::{DataFile, ScenarioFile, UsedPlugin};
use crate::statistics::{Estimate, FEWEST_TO_RESAMPLE, Interval};

/// Version of the format of `summary.json`. It grows when a key changes its meaning or goes away; new keys do not count.
/// Since 2, `ci95` is half the interval that `interval` names.
pub const SUMMARY_VERSION: u32 = 2;

/// The whole file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
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
    /// How intervals were found.
    #[serde(flatten)]
    pub interval: Interval,
    /// A row per router and sweep point, in the order of the plan.
    pub rows: Vec<Row>,
    /// The least regret at every energy, means over seeds; none where energy is no sum over assignments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frontier: Vec<Curve>,
    /// Runs that failed.
    #[serde(default)]
    pub failures: Vec<Failure>,
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

impl Summary {
    /// Adds the runs up, seed by seed in their order. The frontier, which is no mean of metrics, is left to the caller.
    #[must_use]
    pub fn of(file: &ScenarioFile, measured: &[Measured<'_>], interval: Interval) -> Self {
        let mut rows = Vec::new();
        for (world_index, world) in file.plan.worlds.iter().enumerate() {
            for (variant_index, variant) in world.variants.iter().enumerate() {
                let runs = finished(measured, world_index, variant_index);
                let against = file.plan.baseline_of(world_index).filter(|row| *row != (world_index, variant_index));
                let versus_baseline =
                    against.and_then(|(world, row)| versus::energy(&runs, &finished(measured, world, row), interval));
                let metrics = METRICS
                    .iter()
                    .filter_map(|info| {
                        let values: Vec<f64> = runs.iter().filter_map(|f| f.metrics.get(info.name).copied()).collect();
                        // A metric that some seeds lack is not a mean over seeds.
                        (values.len() == runs.len())
                            .then(|| interval.estimate(&values))
                            .flatten()
                            .map(|e| (info.name.to_owned(), e))
                    })
                    .collect();
                let point =
                    world.point.iter().chain(&variant.point).map(|v| (v.axis.clone(), v.value.clone())).collect();
                rows.push(Row {
                    scenario: world.scenario.name.clone(),
                    router: variant.label.clone(),
                    baseline: file.plan.baseline_of(world_index) == Some((world_index, variant_index)),
                    point,
                    seeds: runs.len() as u32,
                    metrics,
                    versus_baseline,
                    warnings: warnings(file, world_index, variant_index, &runs, interval),
                });
            }
        }
        versus::correct(&mut rows);
        Self {
            schema_version: SUMMARY_VERSION,
            isotherm: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: file.plan.worlds.first().map_or_else(String::new, |world| world.scenario.name.clone()),
            scenario_hash: file.hash.clone(),
            data_files: file.data_files.clone(),
            plugins: file.plugins.clone(),
            interval,
            rows,
            frontier: Vec::new(),
            failures: failures(file, measured),
        }
    }

    /// Takes over from an older summary of the same runs what their metrics do not tell: frontiers, and what live runs were warned of.
    pub(super) fn take_over(&mut self, old: Self) {
        self.frontier = old.frontier;
        for (row, old) in self.rows.iter_mut().zip(old.rows) {
            row.warnings.extend(old.warnings.into_iter().filter(|warning| warning.starts_with(LATE)));
        }
    }
}

/// How a warning begins that the machine was behind the clock.
const LATE: &str = "late: ";

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

/// The runs of a row that have metrics, seed by seed.
fn finished<'a>(measured: &[Measured<'a>], world: usize, variant: usize) -> Vec<Measured<'a>> {
    let of_row = |f: &&Measured<'_>| f.run.world == world && f.run.variant == variant && !f.metrics.is_empty();
    measured.iter().filter(of_row).copied().collect()
}

/// What is to be said beside a row (DESIGN: a table that used an oracle, a fixed temperature or a constant cost says so).
fn warnings(
    file: &ScenarioFile,
    world: usize,
    variant: usize,
    runs: &[Measured<'_>],
    interval: Interval,
) -> Vec<String> {
    let seeds = runs.len();
    let (plan, scenario) = (&file.plan.worlds[world], &file.plan.worlds[world].scenario);
    let mut warnings = Vec::new();
    if plan.variants[variant].spec.uses_oracle() {
        warnings.push("oracle: this router sees true costs that no real router knows".to_owned());
    }
    if scenario.compare.frontier
        && FrontierScope::of(&scenario.costs, &scenario.change, scenario.model.experts) == FrontierScope::Oracle
    {
        warnings.push("frontier: an oracle's, with the true cost of every assignment at every instant".to_owned());
    }
    if scenario.costs.kind == CostKind::Device {
        let profile = scenario.hardware.profile.as_ref().map_or("", |profile| profile.name.as_str());
        warnings.push(format!("device model: times and energies are those of the profile `{profile}`"));
        let limits = scenario.hardware.limits();
        // A cap beside a profile without limits is held by nobody, and the row says so.
        let cap = limits.map(|limits| limits.power_cap).or(scenario.hardware.power_cap).map(|cap| cap.get());
        warnings.extend(held_back(runs, cap, scenario.hardware.gpus));
    } else if scenario.costs.leakage_per_kelvin == 0.0 {
        warnings.push("constant cost: joules per assignment are given by a table, not by a device model".to_owned());
    } else {
        warnings.push(
            "table cost: joules per assignment are given by a table and grow linearly with temperature".to_owned(),
        );
    }
    warnings.extend(infeasible(runs));
    warnings.extend(unequal_work(runs));
    if scenario.telemetry.is_live() {
        warnings.push(
            "live telemetry: the routers saw real GPUs, which the modelled work does not heat; times and energies are modelled, and only a replay of \
             its record repeats the run"
                .to_owned(),
        );
    } else if let Some(warning) = scenario.telemetry.warning() {
        warnings.push(format!("{warning}: routing does not heat anything"));
    }
    if seeds < 10 {
        warnings.push(format!("few seeds: {seeds} of the 10 that an interval should rest on"));
    }
    if interval != Interval::StudentT && seeds < FEWEST_TO_RESAMPLE {
        warnings.push(format!("no intervals: a bootstrap needs {FEWEST_TO_RESAMPLE} seeds"));
    }
    if seeds < scenario.seeds as usize {
        warnings.push(format!(
            "failed runs: {} of {} seeds are missing",
            scenario.seeds as usize - seeds,
            scenario.seeds
        ));
    }
    warnings
}

/// What the router itself found out about the limit it was to keep.
fn infeasible(runs: &[Measured<'_>]) -> Option<String> {
    let shares: Vec<f64> = runs.iter().filter_map(|f| f.metrics.get("infeasible_share").copied()).collect();
    let share = shares.iter().sum::<f64>() / shares.len().max(1) as f64;
    (share > 0.0).then(|| {
        format!(
            "infeasible: at {:.1} % of the batches the router found that no routing can hold the cap it was given; it takes throttling, less work or \
             better cooling",
            100.0 * share
        )
    })
}

/// Energies of different work cannot be compared.
fn unequal_work(runs: &[Measured<'_>]) -> Option<String> {
    let dropped: Vec<f64> = runs.iter().filter_map(|f| f.metrics.get("dropped_assignments").copied()).collect();
    let mean = dropped.iter().sum::<f64>() / dropped.len().max(1) as f64;
    (mean > 0.0).then(|| {
        format!("unequal work: {mean:.0} assignments a run were dropped, so its energy is not that of the same work")
    })
}

/// A share of throttled time above which a row says so.
const MUCH_THROTTLED: f64 = 0.05;

/// Mean power over the cap from which on the cap counts as not held: the first second of a run may be above it.
const CAP_NOT_HELD: f64 = 1.1;

/// What the governor did to these runs, where it matters.
fn held_back(runs: &[Measured<'_>], cap: Option<f64>, gpus: u32) -> Vec<String> {
    let mean = |name: &str| {
        let values: Vec<f64> = runs.iter().filter_map(|f| f.metrics.get(name).copied()).collect();
        if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
    };
    let mut said = Vec::new();
    let lost = mean("lost_gpus");
    if lost > 0.0 {
        said.push(format!(
            "lost: {lost:.1} GPUs a run reached their shutdown temperature; their work in hand was dropped"
        ));
    }
    let watts = mean("energy_j") / (mean("makespan_s") * f64::from(gpus));
    if let Some(cap) = cap.filter(|cap| watts > CAP_NOT_HELD * cap) {
        said.push(format!(
            "cap not held: {watts:.0} W a GPU on the mean against a cap of {cap:.0} W, at the lowest clock there is"
        ));
    }
    let share = mean("throttled_share");
    if share > MUCH_THROTTLED {
        let reasons = [
            ("power_cap_s", "power cap"),
            ("sw_thermal_s", "operating temperature"),
            ("hw_thermal_s", "hardware slowdown"),
        ];
        let why: Vec<&str> = reasons.iter().filter(|(name, _)| mean(name) > 0.0).map(|(_, why)| *why).collect();
        said.push(format!(
            "throttled: the GPUs were held back {:.0} % of their time ({}); this router does not keep the limits by itself",
            100.0 * share,
            why.join(", ")
        ));
    }
    said
}

fn failures(file: &ScenarioFile, measured: &[Measured<'_>]) -> Vec<Failure> {
    measured
        .iter()
        .filter_map(|f| {
            Some(Failure {
                run: f.run.id.clone(),
                router: file.plan.worlds[f.run.world].variants[f.run.variant].label.clone(),
                seed: f.run.seed,
                message: f.error?.to_owned(),
            })
        })
        .collect()
}

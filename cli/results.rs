//! What a comparison leaves in its results folder.
//!
//! | file | what it holds |
//! |---|---|
//! | `summary.json` | a row per router and sweep point: mean and interval of every metric; written last |
//! | `runs.parquet` | a row per run: every metric |
//! | `series.parquet` | a row per run and batch |
//! | `layers.parquet` | a row per run and MoE layer; only where a model has several |
//! | `frontier.parquet` | the least regret at every energy: a row per world point, seed and price, or per run where costs are its own |
//! | `throttling.parquet` | a row per stretch of time in which something held a GPU back; only where clocks are modelled |
//! | `scenario.resolved.toml` | the scenario with all defaults: run it to get the same results |
//! | `telemetry/` | what live runs saw: an index and a record for each; written as they go, and only by live runs |
//! | `timing.json` | how long it took: the only file with the wall clock in it |
//!
//! Every file but those records is written under another name, flushed and renamed, so a folder never holds half a file.

mod columns;
mod csv;
mod folder;
mod frontier;
mod measured;
mod parquet;
mod partial;
mod stored;
mod stream;
mod summary;
mod versus;

pub(crate) use columns::{Column, Values, runs as run_columns};
pub(crate) use folder::write_atomically;
pub use folder::{Existing, Folder, Timing};
pub(crate) use frontier::means as mean_frontiers;
pub use frontier::{Curve, CurvePoint};
pub use measured::Measured;
pub(crate) use parquet::{field as parquet_field, write as write_parquet};
pub use stored::{StoredRun, StoredRuns};
pub(crate) use stream::{SECTIONS as STREAM_SECTIONS, Streams};
pub use summary::{Failure, Row, SUMMARY_VERSION, Summary};
pub use versus::{SIGNIFICANT, VersusBaseline};

use std::collections::BTreeMap;

use isotherm_core::cost::CostKind;
use isotherm_core::metrics::{Reference, of_run};
use isotherm_core::record::RunRecord;

use crate::execute::{Outcome, Run};
use crate::scenario_file::ScenarioFile;

/// A run that is over, with its metrics.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Which run.
    pub run: Run,
    /// What it measured, or why it failed.
    pub outcome: Outcome,
    /// Its metrics against its baseline with the same seed; empty if it or the baseline failed.
    pub metrics: BTreeMap<&'static str, f64>,
}

/// Measures every run against the baseline on the same tokens.
pub(crate) fn measure(file: &ScenarioFile, runs: &[Run], outcomes: Vec<Outcome>) -> Vec<Finished> {
    let baselines: BTreeMap<(usize, usize, u64), &RunRecord> = runs
        .iter()
        .zip(&outcomes)
        .filter(|(run, _)| file.plan.worlds[run.world].variants[run.variant].is_baseline)
        .filter_map(|(run, outcome)| Some(((run.world, run.variant, run.seed), outcome.as_ref().ok()?)))
        .collect();
    let baseline_of = |run: &Run| {
        let (world, variant) = file.plan.baseline_of(run.world)?;
        baselines.get(&(world, variant, run.seed))
    };
    let metrics: Vec<_> = runs
        .iter()
        .zip(&outcomes)
        .map(|(run, outcome)| {
            let scenario = &file.plan.worlds[run.world].scenario;
            let (Ok(record), Some(baseline)) = (outcome, baseline_of(run)) else {
                return BTreeMap::new();
            };
            let uniform_joules = (scenario.costs.kind == CostKind::Table).then(|| {
                let (joules, _) = scenario.costs.per_expert(scenario.model.experts);
                joules.iter().sum::<f64>() / joules.len() as f64
            });
            // Of this world: the baseline of another point may have other costs.
            let own = file.plan.worlds[run.world].baseline().and_then(|own| baselines.get(&(run.world, own, run.seed)));
            let frontier = own.and_then(|own| own.frontier.as_ref());
            let reference = Reference { baseline, uniform_joules, compare: &scenario.compare, frontier };
            of_run(record, &reference)
        })
        .collect();
    runs.iter()
        .zip(outcomes)
        .zip(metrics)
        .map(|((run, outcome), metrics)| Finished { run: run.clone(), outcome, metrics })
        .collect()
}

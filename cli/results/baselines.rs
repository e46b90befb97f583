//! What runs are measured against, point by point.

use std::collections::BTreeMap;

use isotherm_core::cost::CostKind;
use isotherm_core::metrics::{Reference, of_run};
use isotherm_core::record::RunRecord;
use isotherm_core::scenario::{BaselineOf, WorldPlan};

use super::Finished;
use crate::execute::{Outcome, Run};
use crate::scenario_file::ScenarioFile;

/// Baselines that later points are measured against: those of the first world, where the scenario says `baseline = "first-point"`.
///
/// Every other point brings its own, so nothing else is kept, however long the sweep.
#[derive(Debug, Default)]
pub struct Baselines {
    first: BTreeMap<u64, RunRecord>,
}

/// The runs of one point with their metrics.
#[derive(Debug)]
pub struct MeasuredPoint {
    /// A run per router, in their order.
    pub runs: Vec<Finished>,
    /// Energy of the baseline's assignments (J), which curves are compared with; `None` if it failed.
    pub assignment_joules: Option<f64>,
}

impl Baselines {
    /// Measures the runs of one point: one world at one seed, all routers. `part` holds some worlds of the plan, the first of them at
    /// position `first_world` of the whole; positions in `runs` are those in `part`.
    ///
    /// Points of the first world come before those that are measured against them.
    pub fn measure(&mut self, part: &ScenarioFile, first_world: usize, runs: Vec<(Run, Outcome)>) -> MeasuredPoint {
        let Some((world, seed)) = runs.first().map(|(run, _)| (run.world, run.seed)) else {
            return MeasuredPoint { runs: Vec::new(), assignment_joules: None };
        };
        let plan = &part.plan.worlds[world];
        let own =
            plan.baseline().and_then(|baseline| runs.iter().find(|(run, _)| run.variant == baseline)?.1.as_ref().ok());
        let is_first = first_world + world == 0;
        if let Some(record) = own.filter(|_| is_first && may_be_asked_for(plan)) {
            // Savings are measured against its energy; its frontier is for its own point.
            self.first.insert(seed, RunRecord { frontier: None, ..record.clone() });
        }
        let baseline = match plan.scenario.compare.baseline {
            BaselineOf::FirstPoint if !is_first => self.first.get(&seed),
            _ => own,
        };
        // Of this world: the baseline of another point may have other costs.
        let frontier = own.and_then(|own| own.frontier.as_ref());
        let uniform_joules = (plan.scenario.costs.kind == CostKind::Table).then(|| {
            let (joules, _) = plan.scenario.costs.per_expert(plan.scenario.model.experts);
            joules.iter().sum::<f64>() / joules.len() as f64
        });
        let metrics = |outcome: &Outcome| {
            let (Ok(record), Some(baseline)) = (outcome, baseline) else { return BTreeMap::new() };
            of_run(record, &Reference { baseline, uniform_joules, compare: &plan.scenario.compare, frontier })
        };
        let metrics: Vec<_> = runs.iter().map(|(_, outcome)| metrics(outcome)).collect();
        let assignment_joules = baseline.map(RunRecord::assignment_joules);
        let runs = runs.into_iter().zip(metrics);
        let runs = runs.map(|((run, outcome), metrics)| Finished { run, outcome, metrics }).collect();
        MeasuredPoint { runs, assignment_joules }
    }
}

/// Whether another world may be measured against this one: where the scenario says so, or sweeps what it says.
fn may_be_asked_for(first: &WorldPlan) -> bool {
    let swept = first.point.iter().any(|value| value.axis == "compare" || value.axis.starts_with("compare."));
    swept || first.scenario.compare.baseline == BaselineOf::FirstPoint
}

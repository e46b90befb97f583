//! What routers save of the energy of assignments, which is what a frontier is about.
//!
//! The saving of a row is of all energy: idle GPUs, the router's own work and weights that move are part of it, and no choice of experts
//! changes them. A mark of that saving would lie below a frontier that it has reached.

use std::collections::BTreeMap;

use super::averages::Averages;
use crate::reference::References;
use crate::results::{Estimate, Results, RunRow};

/// Differences between the two savings (%) that are rounding.
const ROUNDING: f64 = 1e-6;

/// Savings of assignments (%) of some rows, by their places.
pub(super) struct Assignments {
    saved: BTreeMap<usize, Estimate>,
    /// The row that shows best that this is another energy than that of the table; `None` where it is the same.
    pub(super) other: Option<usize>,
}

impl Assignments {
    /// Of these rows; `None` where a run's energy of assignments, or its baseline's, is not known.
    pub(super) fn of(results: &Results, rows: &[usize]) -> Option<Self> {
        let all = &results.summary.rows;
        let references = References::of(all);
        let mut wanted: BTreeMap<usize, Vec<&RunRow>> = rows.iter().map(|row| (*row, Vec::new())).collect();
        let baselines: BTreeMap<usize, usize> =
            rows.iter().filter_map(|row| Some((*row, references.place(all.get(*row)?)?))).collect();
        wanted.extend(baselines.values().map(|row| (*row, Vec::new())));
        for run in results.runs.iter().filter(|run| run.is_finished()) {
            if let Some(of_row) = run.row.and_then(|row| wanted.get_mut(&row)) {
                of_row.push(run);
            }
        }
        let mut saved = BTreeMap::new();
        for row in rows {
            saved.insert(*row, saving(&wanted[row], &wanted[baselines.get(row)?])?);
        }
        let apart = |row: &usize| {
            let total = all[*row].metric("energy_savings_percent").map_or(0.0, |total| total.mean);
            (saved[row].mean - total).abs()
        };
        let furthest = rows.iter().copied().max_by(|a, b| apart(a).total_cmp(&apart(b)));
        let other = furthest.filter(|row| apart(row) > ROUNDING);
        Some(Self { saved, other })
    }

    /// The saving of a row.
    pub(super) fn saved(&self, row: usize) -> Option<Estimate> {
        self.saved.get(&row).copied()
    }
}

/// Mean over the seeds of what runs saved against those of the baseline on the same tokens, with Student's interval.
fn saving(runs: &[&RunRow], baseline: &[&RunRow]) -> Option<Estimate> {
    let reference: BTreeMap<(&str, &str), f64> =
        baseline.iter().filter_map(|run| Some((stream(run), joules(run)?))).collect();
    let mut average = Averages::default();
    for run in runs {
        let reference = reference.get(&stream(run)).filter(|joules| **joules > 0.0)?;
        average.add(0, 100.0 * (1.0 - joules(run)? / reference));
    }
    let mean = *average.means().first()?;
    Some(Estimate { mean: mean.mean, ci95: mean.range.map(|[low, high]| 0.5 * (high - low)), bounds: None })
}

/// Which tokens a run met.
fn stream<'a>(run: &&'a RunRow) -> (&'a str, &'a str) {
    (&run.stream_id, &run.seed)
}

/// Energy of the assignments of a run (J).
fn joules(run: &RunRow) -> Option<f64> {
    let metric = |name: &str| run.metrics.get(name).copied();
    Some(metric("cold_energy_j")? + metric("hot_energy_j")?)
}

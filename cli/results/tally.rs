//! The runs of one row on their way to means: numbers only, seed by seed.

use std::collections::BTreeMap;

use isotherm_core::metrics::METRICS;

use super::{VersusBaseline, versus};
use crate::statistics::{Estimate, Interval};

/// What is left of the runs of one router at one sweep point: eight bytes a metric and seed.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    runs: usize,
    /// By metric, as in [`METRICS`]: the values of the runs that have it, in the order of the seeds.
    values: Vec<Vec<f64>>,
    /// Energies of the seeds that both finished (J): the baseline's, this row's.
    pairs: (Vec<f64>, Vec<f64>),
}

impl Default for Tally {
    fn default() -> Self {
        Self { runs: 0, values: vec![Vec::new(); METRICS.len()], pairs: Default::default() }
    }
}

impl Tally {
    /// Takes in a run that finished, and the energy of the baseline with the same seed (J); a run without metrics failed and is none.
    pub(super) fn add(&mut self, metrics: &BTreeMap<&'static str, f64>, baseline_joules: Option<f64>) {
        if metrics.is_empty() {
            return;
        }
        self.runs += 1;
        for (values, info) in self.values.iter_mut().zip(METRICS) {
            values.extend(metrics.get(info.name));
        }
        if let (Some(first), Some(second)) = (baseline_joules, metrics.get(ENERGY)) {
            self.pairs.0.push(first);
            self.pairs.1.push(*second);
        }
    }

    /// Number of runs that finished.
    pub(super) fn len(&self) -> usize {
        self.runs
    }

    /// Mean over the runs that have the metric; 0 if none has.
    pub(super) fn mean(&self, metric: &str) -> f64 {
        let values = METRICS.iter().position(|info| info.name == metric).map_or(&[][..], |at| &self.values[at]);
        values.iter().sum::<f64>() / values.len().max(1) as f64
    }

    /// Means and intervals of all metrics. One that some seeds lack is not a mean over seeds.
    pub(super) fn estimates(&self, interval: Interval) -> BTreeMap<String, Estimate> {
        let complete = self.values.iter().zip(METRICS).filter(|(values, _)| values.len() == self.runs);
        complete.filter_map(|(values, info)| Some((info.name.to_owned(), interval.estimate(values)?))).collect()
    }

    /// Its energy against the baseline's.
    pub(super) fn versus(&self, interval: Interval) -> Option<VersusBaseline> {
        versus::energy(&self.pairs.0, &self.pairs.1, interval)
    }
}

/// The metric that rows are compared in.
pub(super) const ENERGY: &str = "energy_j";

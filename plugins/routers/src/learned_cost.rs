//! What an assignment costs, learned from feedback: the arms of `ucb` and `thompson`.

use isotherm_core::router::{Feedback, RouterError};
use serde::{Deserialize, Serialize};

use crate::belief::{require_at_least, require_length, require_share};

/// Discounted mean and spread of the joules per assignment of every expert.
///
/// One observation is the mean of a batch, J_e / n_e, of an expert that served; the others are left as they are, with less weight. At every batch all
/// that was learned before loses the share `forget`. Means and spreads only use differences, so a constant added to all costs shifts all
/// means alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LearnedCosts {
    mean: Vec<f64>,
    /// Number of observations behind the mean, discounted.
    weight: Vec<f64>,
    /// Discounted sum of squared deviations (J^2).
    squares: Vec<f64>,
    /// Batches seen, discounted.
    batches: f64,
}

/// An expert with less weight than this has been forgotten.
const FORGOTTEN: f64 = 1e-6;

impl LearnedCosts {
    pub(crate) fn new(experts: usize) -> Self {
        Self { mean: vec![0.0; experts], weight: vec![0.0; experts], squares: vec![0.0; experts], batches: 0.0 }
    }

    /// Takes the joules of a batch in.
    pub(crate) fn observe(&mut self, feedback: &Feedback<'_>, forget: f64) {
        let keep = 1.0 - forget;
        self.batches = keep * self.batches + 1.0;
        for (e, (joules, n)) in feedback.joules.iter().zip(feedback.assignments).enumerate() {
            self.weight[e] *= keep;
            self.squares[e] *= keep;
            let cost = joules / f64::from(*n);
            if *n == 0 || !cost.is_finite() {
                continue;
            }
            self.weight[e] += 1.0;
            let deviation = cost - self.mean[e];
            if self.weight[e] <= 1.0 {
                // The first of all, or of all that is remembered.
                self.mean[e] = cost;
                continue;
            }
            self.mean[e] += deviation / self.weight[e];
            self.squares[e] += deviation * (cost - self.mean[e]);
        }
    }

    /// Mean cost (J) and weight of an expert; `None` where nothing is known of it.
    pub(crate) fn of(&self, expert: usize) -> Option<(f64, f64)> {
        (self.weight[expert] > FORGOTTEN).then(|| (self.mean[expert], self.weight[expert]))
    }

    /// What is known, in the order of the experts.
    pub(crate) fn known(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        (0..self.mean.len()).filter_map(|e| self.of(e))
    }

    /// Standard deviation of an observation around the mean of its expert (J), pooled over the experts.
    pub(crate) fn spread(&self) -> f64 {
        let degrees: f64 = self.weight.iter().map(|weight| (weight - 1.0).max(0.0)).sum();
        if degrees > 0.0 { (self.squares.iter().sum::<f64>() / degrees).sqrt() } else { 0.0 }
    }

    /// Batches seen, discounted.
    pub(crate) fn batches(&self) -> f64 {
        self.batches
    }

    /// Refuses a saved state of another layer.
    pub(crate) fn require_experts(&self, experts: usize) -> Result<(), RouterError> {
        [&self.mean, &self.weight, &self.squares].iter().try_for_each(|list| require_length(list.len(), experts))
    }
}

/// The option `width` of both strategies where a scenario gives none.
pub(crate) fn width() -> f64 {
    1.0
}

/// The option `forget` of both strategies where a scenario gives none.
pub(crate) fn forget() -> f64 {
    0.05
}

/// Refuses options that both strategies have and that make no sense.
pub(crate) fn require_options(lambda: f64, width: f64, forget: f64) -> Result<(), RouterError> {
    require_at_least("lambda", lambda, 0.0, "0.5")?;
    require_at_least("width", width, 0.0, "1.0")?;
    require_share("forget", forget, "0.05")
}

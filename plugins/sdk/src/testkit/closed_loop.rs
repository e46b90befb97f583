//! A loop of batches that counts joules: does a router save, and what does it give up?

use isotherm_core::id::BatchId;
use isotherm_core::router::{Feedback, RouterError};
use isotherm_core::time::{SimDuration, SimTime};

use super::{Cluster, Instance, gate};
use crate::author::Router;

/// Batch after batch through one layer in which an assignment costs what its expert says. One GPU an expert.
///
/// It knows no heat and no waiting: `isotherm run` does. It is for asking whether a router does what it is meant to.
///
/// ```
/// use isotherm_plugin::prelude::*;
/// use isotherm_plugin::testkit::ClosedLoop;
///
/// /// Learns what an assignment costs and prices it.
/// #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
/// struct Learner { lambda: f64, #[serde(skip)] costs: Vec<f64> }
///
/// impl Router for Learner {
///     fn start(&mut self, context: &RouterContext<'_>) -> Result<(), RouterError> {
///         self.costs = vec![0.0; context.experts];
///         Ok(())
///     }
///
///     fn route(&mut self, _: &GateBatch<'_>, _: &ClusterView<'_>, out: &mut Decision<'_>) -> Result<(), RouterError> {
///         for (price, cost) in out.prices().iter_mut().zip(&self.costs) { *price = (self.lambda * cost) as f32; }
///         Ok(())
///     }
///
///     fn feedback(&mut self, feedback: &Feedback<'_>) -> Result<(), RouterError> {
///         for ((cost, joules), n) in self.costs.iter_mut().zip(feedback.joules).zip(feedback.assignments) {
///             if *n > 0 { *cost = joules / f64::from(*n); }
///         }
///         Ok(())
///     }
/// }
///
/// // Declared to be all the same, but two experts are dear; after ten batches two others.
/// let scenario = ClosedLoop::new(&[0.5, 0.5, 2.0, 2.0]).with_declared_costs(&[1.0; 4]).with_change_at(10, &[2.0, 2.0, 0.5, 0.5]);
/// let outcome = scenario.run(&Learner { lambda: 0.5, costs: Vec::new() })?;
/// assert!(outcome.saving() > 0.1 && outcome.mass_regret < 0.2, "{outcome:?}");
/// # Ok::<(), RouterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ClosedLoop {
    joules: Vec<f64>,
    declared: Option<Vec<f64>>,
    degc: Vec<f64>,
    /// From which batch on which costs hold.
    changes: Vec<(u32, Vec<f64>)>,
    batches: u32,
    tokens: usize,
    top_k: usize,
    seed: u64,
}

/// What a router has spent and given up, beside the plain top k on the same tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Energy of all batches (J).
    pub joules: f64,
    /// Energy of the plain top k (J).
    pub baseline_joules: f64,
    /// Share of the gate's mass that was given up, mean over batches.
    pub mass_regret: f64,
}

impl Outcome {
    /// Share of the baseline's energy that was saved; negative where more was spent.
    #[must_use]
    pub fn saving(&self) -> f64 {
        1.0 - self.joules / self.baseline_joules
    }
}

impl ClosedLoop {
    /// A layer with one expert for each of `joules`, what an assignment there costs (J): 20 batches of 256 tokens, top 2 (or all, of one expert).
    ///
    /// # Panics
    /// Without experts.
    #[must_use]
    pub fn new(joules: &[f64]) -> Self {
        assert!(!joules.is_empty(), "a layer has experts");
        Self {
            joules: joules.to_vec(),
            declared: None,
            degc: Vec::new(),
            changes: Vec::new(),
            batches: 20,
            tokens: 256,
            top_k: joules.len().min(2),
            seed: 0,
        }
    }

    /// With costs declared other than they are (J).
    #[must_use]
    pub fn with_declared_costs(self, joules: &[f64]) -> Self {
        Self { declared: Some(joules.to_vec()), ..self }
    }

    /// With the temperature that is read of each GPU (degC).
    #[must_use]
    pub fn with_temperatures(self, degc: &[f64]) -> Self {
        Self { degc: degc.to_vec(), ..self }
    }

    /// With other costs (J) from a batch on; what is declared stays.
    #[must_use]
    pub fn with_change_at(mut self, batch: u32, joules: &[f64]) -> Self {
        self.changes.push((batch, joules.to_vec()));
        self
    }

    /// With so many batches of so many tokens.
    #[must_use]
    pub fn with_batches(self, batches: u32, tokens: usize) -> Self {
        Self { batches, tokens, ..self }
    }

    /// With so many experts a token.
    #[must_use]
    pub fn with_top_k(self, top_k: usize) -> Self {
        Self { top_k, ..self }
    }

    /// With other tokens.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Runs a router through it.
    ///
    /// # Errors
    /// The first that the router reports.
    pub fn run<R: Router>(&self, router: &R) -> Result<Outcome, RouterError> {
        let experts = self.joules.len();
        let cluster = Cluster::new(experts, experts)
            .with_declared_costs(self.declared.as_ref().unwrap_or(&self.joules))
            .with_temperatures(&self.degc);
        let mut instance = Instance::new(router, &cluster.context(self.top_k, self.seed))?;
        let mut outcome = Outcome { joules: 0.0, baseline_joules: 0.0, mass_regret: 0.0 };
        for batch in 0..self.batches {
            let (now, id) = (SimTime::ZERO + SimDuration::from_millis(u64::from(batch)), BatchId(batch));
            let gate = gate(self.tokens, experts, self.top_k, self.seed + u64::from(batch));
            let costs = self.costs_at(batch);
            let cluster = cluster.clone().with_true_costs(costs).at(now, id);
            let routing = instance.route(&gate, &cluster.view())?;
            let joules = joules_of(&routing.counts, costs);
            outcome.joules += joules.iter().sum::<f64>();
            outcome.baseline_joules += joules_of(&gate.reference().counts, costs).iter().sum::<f64>();
            outcome.mass_regret += gate.fidelity(&routing).mass_regret / f64::from(self.batches);
            let seconds: Vec<f64> = routing.counts.iter().map(|n| 1e-6 * f64::from(*n)).collect();
            instance.feedback(&Feedback::new(now, id, &routing.counts, &joules, &seconds))?;
        }
        Ok(outcome)
    }

    fn costs_at(&self, batch: u32) -> &[f64] {
        let begun = self.changes.iter().filter(|(from, _)| *from <= batch);
        begun.max_by_key(|(from, _)| *from).map_or(&self.joules, |(_, joules)| joules)
    }
}

fn joules_of(counts: &[u32], costs: &[f64]) -> Vec<f64> {
    counts.iter().zip(costs).map(|(n, joules)| f64::from(*n) * joules).collect()
}

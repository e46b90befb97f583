//! `ttt`: an additive bias on the gate, trained at test time by one gradient step a batch.
//!
//! With p = softmax(z + b) and p0 = softmax(z), one plain gradient step per batch on
//!
//! ```text
//! L(b)    = mean_t [ lambda <p_t, c> + beta KL(p_t || p0_t) ]
//! q_e     = lambda c_e + beta b_e
//! dL/db_e = mean_t p_te (q_e - <p_t, q>)          b <- b - eta dL/db
//! c_e     <- (1 - rho) c_e + rho J_e / n_e        for experts that served
//! ```
//!
//! The costs c are not given: they start at 1 J everywhere and are learned from the energy each batch reports. The bias sums to zero
//! for ever, lambda = 0 leaves it zero exactly (the baseline, bit for bit), and for constant costs it settles at
//! -(lambda / beta) c + constant: the static penalty. It pays when costs move or are unknown. Curvature is about 1/E, so `eta`
//! from 1 to E is stable. Parameter chosen as in "Rewiring Experts on the Fly" (arXiv:2510.14853).

use isotherm_core::gate::GateBatch;
use isotherm_core::registry::Kind;
use isotherm_core::router::{ClusterView, Feedback, Router, RouterContext, RouterError, RouterSpec};
use isotherm_core::routing::{GateSummary, Probabilities, Routing, Rule, Selector};
use serde::{Deserialize, Serialize};

use crate::belief::require_at_least;

pub(crate) const KIND: Kind = Kind {
    name: "ttt",
    summary: "learns costs from feedback and trains an additive bias, one gradient step a batch",
    example: "kind = \"ttt\"\nlambda = 0.1",
};

/// Options of `ttt`.
///
/// ```
/// use isotherm_core::router::{RouterContext, RouterSpec};
/// use isotherm_routers::TestTimeTrained;
/// let context = RouterContext::new(8, 2, &[1.0; 8], 0);
/// assert!(TestTimeTrained::new(0.5).build(&context).is_ok());
/// assert!(TestTimeTrained { rho: 1.5, ..TestTimeTrained::new(0.5) }.build(&context).is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestTimeTrained {
    /// Price of a joule (nats/J).
    pub lambda: f64,
    /// Weight of the KL anchor to the unbiased gate.
    #[serde(default = "beta")]
    pub beta: f64,
    /// Step size.
    #[serde(default = "eta")]
    pub eta: f64,
    /// Weight of a new cost measurement against the old estimate.
    #[serde(default = "rho")]
    pub rho: f64,
}

fn beta() -> f64 {
    1.0
}

fn eta() -> f64 {
    1.0
}

fn rho() -> f64 {
    0.5
}

impl TestTimeTrained {
    /// A trained bias with price `lambda` and everything else at its default.
    #[must_use]
    pub fn new(lambda: f64) -> Self {
        Self { lambda, beta: beta(), eta: eta(), rho: rho() }
    }

    /// The learning state before the first batch, for `experts` experts.
    #[must_use]
    pub fn initial_state(&self, experts: usize) -> TttState {
        TttState { bias: vec![0.0; experts], costs: vec![1.0; experts], probabilities: Probabilities::default() }
    }
}

#[typetag::serde(name = "ttt")]
impl RouterSpec for TestTimeTrained {
    fn build(&self, context: &RouterContext<'_>) -> Result<Box<dyn Router>, RouterError> {
        require_at_least("lambda", self.lambda, 0.0, "0.1")?;
        require_at_least("beta", self.beta, 0.0, "1.0")?;
        require_at_least("eta", self.eta, 0.0, "1.0")?;
        require_at_least("rho", self.rho, 0.0, "0.5")?;
        if self.rho > 1.0 {
            return Err(RouterError::Option {
                option: "rho",
                message: format!("is a share between 0 and 1, found {}; for example `rho = 0.5`", self.rho),
            });
        }
        let experts = context.experts;
        Ok(Box::new(Trained {
            spec: self.clone(),
            state: self.initial_state(experts),
            price: vec![0.0; experts],
            gradient: vec![0.0; experts],
            selector: Selector::new(context.options),
        }))
    }
}

/// What `ttt` has learned: a saved router is these bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TttState {
    /// The additive bias, one per expert (nats).
    pub bias: Vec<f64>,
    /// Learned energy of an assignment, one per expert (J).
    pub costs: Vec<f64>,
    /// Biased gate probabilities of the batch whose feedback is awaited.
    pub probabilities: Probabilities,
}

impl TttState {
    /// The gradient dL/db at this state, over the batch routed last; the closed form above.
    pub fn gradient(&self, spec: &TestTimeTrained, out: &mut [f64]) {
        let q: Vec<f64> = self.costs.iter().zip(&self.bias).map(|(c, b)| spec.lambda * c + spec.beta * b).collect();
        self.probabilities.bias_gradient(&q, out);
    }

    /// The loss L(b) at this state, over the batch routed last. `gate` and `biased` describe that batch without and with the bias.
    ///
    /// The divergence needs no second pass over the tokens: ln p - ln p0 = b - (lse' - lse0).
    #[must_use]
    pub fn loss(&self, spec: &TestTimeTrained, gate: &GateBatch, biased: GateSummary) -> f64 {
        let mut mean = vec![0.0; self.bias.len()];
        self.probabilities.mean(&mut mean);
        let inner: f64 =
            mean.iter().zip(&self.costs).zip(&self.bias).map(|((p, c), b)| p * (spec.lambda * c + spec.beta * b)).sum();
        inner - spec.beta * (biased.log_sum_exp - gate.summary().log_sum_exp)
    }
}

#[derive(Debug)]
struct Trained {
    spec: TestTimeTrained,
    state: TttState,
    price: Vec<f32>,
    gradient: Vec<f64>,
    selector: Selector,
}

impl Router for Trained {
    fn route(&mut self, gate: &GateBatch, _: &ClusterView<'_>, out: &mut Routing) -> Result<(), RouterError> {
        for (price, bias) in self.price.iter_mut().zip(&self.state.bias) {
            *price = -bias as f32;
        }
        let rule = Rule::PricedLogit { price: &self.price };
        self.selector.select(gate, rule, Some(&mut self.state.probabilities), out);
        Ok(())
    }

    fn feedback(&mut self, feedback: &Feedback<'_>) -> Result<(), RouterError> {
        let rho = self.spec.rho;
        for (cost, (joules, n)) in self.state.costs.iter_mut().zip(feedback.joules.iter().zip(feedback.assignments)) {
            if *n > 0 {
                *cost = (1.0 - rho) * *cost + rho * joules / f64::from(*n);
            }
        }
        self.state.gradient(&self.spec, &mut self.gradient);
        for (bias, slope) in self.state.bias.iter_mut().zip(&self.gradient) {
            *bias -= self.spec.eta * slope;
        }
        if self.state.bias.iter().all(|b| b.is_finite()) {
            return Ok(());
        }
        Err(RouterError::Failed(format!(
            "the bias has diverged; `eta` = {} is too large a step (from 1 to the number of experts is stable at beta = 1)",
            self.spec.eta
        )))
    }

    /// Bias added in `route`; an inner product and an update per expert in `feedback`.
    fn operations_per_token(&self) -> f64 {
        6.0 * self.price.len() as f64
    }

    fn save(&self) -> Vec<u8> {
        // Plain data always serialises into memory.
        postcard::to_stdvec(&self.state).unwrap_or_default()
    }

    fn load(&mut self, state: &[u8]) -> Result<(), RouterError> {
        let state: TttState = postcard::from_bytes(state).map_err(|e| RouterError::State(e.to_string()))?;
        if state.bias.len() != self.price.len() || state.costs.len() != self.price.len() {
            return Err(RouterError::State(format!(
                "it is for {} experts, the model has {}",
                state.bias.len(),
                self.price.len()
            )));
        }
        self.state = state;
        Ok(())
    }
}

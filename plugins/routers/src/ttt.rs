//! `ttt`: an additive bias on the gate, trained at test time by one gradient step a batch.
//!
//! With p = softmax(z + b) and p0 = softmax(z), one gradient step per batch on
//!
//! ```text
//! L(b)    = mean_t [ lambda <p_t, c> + beta KL(p_t || p0_t) ]
//! q_e     = lambda c_e + beta b_e
//! dL/db_e = mean_t p_te (q_e - <p_t, q>)
//! v       <- momentum v + dL/db                    b <- b - eta v
//! c_e     <- (1 - rho) c_e + rho J_e / n_e        for experts that served
//! ```
//!
//! The costs c are not given: they start at 1 J everywhere and are learned from the energy each batch reports. The bias sums to zero
//! for ever, lambda = 0 leaves it zero exactly (the baseline, bit for bit), and for constant costs it settles at
//! -(lambda / beta) c + constant: the static penalty. It pays when costs move or are unknown. Curvature is about 1/E, so `eta`
//! from 1 to E is stable. Parameter chosen as in "Rewiring Experts on the Fly" (arXiv:2510.14853).
//!
//! Two guards. `kl_limit` bounds how far the gate may be bent: of the whole step, its half, its quarter, ... the first is taken that
//! leaves the mean KL(p || p0) at or below the limit or does not raise it; none if all fail. For the batch just served that divergence is exact,
//! without its logits ([`BiasStatistics::divergence`]); where (max b - min b)^2 / 8, which bounds the divergence of every token
//! there can be (Hoeffding's lemma), is within the limit, nothing is computed at all. `reset = N` forgets the bias, not the costs,
//! after every N batches, as Tent's episodes do.

use isotherm_core::gate::GateBatch;
use isotherm_core::registry::Kind;
use isotherm_core::router::{ClusterView, Feedback, Router, RouterContext, RouterError, RouterSpec};
use isotherm_core::routing::{BiasStatistics, GateSummary, Probabilities, Routing, Rule, Selector};
use isotherm_core::tier::Tiers;
use serde::{Deserialize, Serialize};

use crate::belief::{require_at_least, require_length, require_share};
use crate::saved;

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
/// assert!(TestTimeTrained { kl_limit: Some(0.05), ..TestTimeTrained::new(0.5) }.build(&context).is_ok());
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
    /// Share of the last step's direction that is kept (0 to 1, without 1).
    #[serde(default)]
    pub momentum: f64,
    /// Largest mean KL(p || p0) that a step may lead to (nats); no limit where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kl_limit: Option<f64>,
    /// Batches after which the bias starts anew from zero; never where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset: Option<u32>,
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
        Self { lambda, beta: beta(), eta: eta(), rho: rho(), momentum: 0.0, kl_limit: None, reset: None }
    }

    /// The learning state before the first batch, for `experts` experts.
    #[must_use]
    pub fn initial_state(&self, experts: usize) -> TttState {
        TttState {
            bias: vec![0.0; experts],
            costs: vec![1.0; experts],
            velocity: vec![0.0; experts],
            batches: 0,
            probabilities: Probabilities::default(),
        }
    }
}

#[typetag::serde(name = "ttt")]
impl RouterSpec for TestTimeTrained {
    fn build(&self, context: &RouterContext<'_>) -> Result<Box<dyn Router>, RouterError> {
        require_at_least("lambda", self.lambda, 0.0, "0.1")?;
        require_at_least("beta", self.beta, 0.0, "1.0")?;
        require_at_least("eta", self.eta, 0.0, "1.0")?;
        require_share("rho", self.rho, "0.5")?;
        require_share("momentum", self.momentum, "0.9")?;
        if self.momentum == 1.0 {
            return Err(RouterError::Option {
                option: "momentum",
                message: "1 would never forget a direction; for example `momentum = 0.9`".to_owned(),
            });
        }
        require_at_least("kl_limit", self.kl_limit.unwrap_or_default(), 0.0, "0.05")?;
        if self.reset == Some(0) {
            return Err(RouterError::Option {
                option: "reset",
                message: "must be at least one batch; leave it out for a bias that is never reset, or for example \
                          `reset = 100`"
                    .to_owned(),
            });
        }
        let experts = context.experts;
        Ok(Box::new(Trained {
            spec: self.clone(),
            state: self.initial_state(experts),
            price: vec![0.0; experts],
            gradient: vec![0.0; experts],
            q: vec![0.0; experts],
            statistics: BiasStatistics::default(),
            selector: Selector::new(context.options),
        }))
    }

    fn tiers(&self) -> Tiers {
        Tiers::ALL
    }
}

/// What `ttt` has learned: a saved router is these bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TttState {
    /// The additive bias, one per expert (nats).
    pub bias: Vec<f64>,
    /// Learned energy of an assignment, one per expert (J).
    pub costs: Vec<f64>,
    /// Direction of the last step, one per expert.
    pub velocity: Vec<f64>,
    /// Batches since the bias was zero.
    pub batches: u32,
    /// Biased gate probabilities of the batch whose feedback is awaited.
    pub probabilities: Probabilities,
}

impl TttState {
    /// The gradient dL/db at this state, over the batch routed last; the closed form above.
    pub fn gradient(&self, spec: &TestTimeTrained, out: &mut [f64]) {
        let q: Vec<f64> = self.slopes(spec).collect();
        BiasStatistics::default().gradient(&self.probabilities, &q, out);
    }

    /// q_e = lambda c_e + beta b_e.
    fn slopes(&self, spec: &TestTimeTrained) -> impl Iterator<Item = f64> {
        self.costs.iter().zip(&self.bias).map(|(c, b)| spec.lambda * c + spec.beta * b)
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
    /// The gradient, then the step.
    gradient: Vec<f64>,
    q: Vec<f64>,
    statistics: BiasStatistics,
    selector: Selector,
}

/// Halvings of a step before it is given up.
const HALVINGS: u32 = 10;

impl Trained {
    /// The price that is the bias with its sign turned.
    fn set_price(&mut self) {
        for (price, bias) in self.price.iter_mut().zip(&self.state.bias) {
            *price = -bias as f32;
        }
    }

    /// The largest part of the step in `gradient`, among 1, 1/2, 1/4, ..., that the limit allows; 0 where none does.
    fn allowed_part(&mut self) -> f64 {
        let Some(limit) = self.spec.kl_limit else { return 1.0 };
        let (kept, bias) = (&self.state.probabilities, &self.state.bias);
        let moved = bias.iter().zip(&self.gradient).map(|(bias, step)| bias + step);
        let (least, most) = moved.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
        if (most - least) * (most - least) / 8.0 <= limit {
            return 1.0;
        }
        self.q.fill(0.0);
        let limit = limit.max(self.statistics.divergence(kept, bias, &self.q));
        let mut part = 1.0;
        for _ in 0..HALVINGS {
            for (trial, step) in self.q.iter_mut().zip(&self.gradient) {
                *trial = part * step;
            }
            // Written so that a divergence that is no number fails.
            if self.statistics.divergence(kept, bias, &self.q) <= limit {
                return part;
            }
            part *= 0.5;
        }
        0.0
    }
}

impl Router for Trained {
    fn route(&mut self, gate: &GateBatch, _: &ClusterView<'_>, out: &mut Routing) -> Result<(), RouterError> {
        self.set_price();
        let rule = Rule::PricedLogit { price: &self.price };
        self.selector.select(gate, rule, Some(&mut self.state.probabilities), out);
        Ok(())
    }

    /// The probabilities kept for the gradient are those of the batch, or of the sample, that was routed by it last.
    fn rule(&mut self, _: &ClusterView<'_>) -> Result<Option<Rule<'_>>, RouterError> {
        self.set_price();
        Ok(Some(Rule::PricedLogit { price: &self.price }))
    }

    fn feedback(&mut self, feedback: &Feedback<'_>) -> Result<(), RouterError> {
        let rho = self.spec.rho;
        for (cost, (joules, n)) in self.state.costs.iter_mut().zip(feedback.joules.iter().zip(feedback.assignments)) {
            if *n > 0 {
                *cost = (1.0 - rho) * *cost + rho * joules / f64::from(*n);
            }
        }
        self.state.batches += 1;
        if self.spec.reset.is_some_and(|reset| self.state.batches >= reset) {
            self.state.bias.fill(0.0);
            self.state.velocity.fill(0.0);
            self.state.batches = 0;
            return Ok(());
        }
        self.q.clear();
        self.q.extend(self.state.slopes(&self.spec));
        self.statistics.gradient(&self.state.probabilities, &self.q, &mut self.gradient);
        if !self.gradient.iter().all(|slope| slope.is_finite()) {
            // A gate that is no number somewhere teaches nothing.
            return Ok(());
        }
        for (velocity, slope) in self.state.velocity.iter_mut().zip(&mut self.gradient) {
            *velocity = self.spec.momentum * *velocity + *slope;
            *slope = -self.spec.eta * *velocity;
        }
        let part = self.allowed_part();
        for ((bias, velocity), step) in self.state.bias.iter_mut().zip(&mut self.state.velocity).zip(&self.gradient) {
            *bias += part * step;
            *velocity *= part;
        }
        if self.state.bias.iter().all(|b| b.is_finite()) {
            return Ok(());
        }
        Err(RouterError::Failed(format!(
            "the bias has diverged; `eta` = {} is too large a step (from 1 to the number of experts is stable at beta = 1)",
            self.spec.eta
        )))
    }

    /// Bias added in `route`; an inner product and an update per expert in `feedback`. Trials of the step guard are rare and not counted.
    fn operations_per_token(&self) -> f64 {
        6.0 * self.price.len() as f64
    }

    fn save(&self) -> Vec<u8> {
        saved::bytes(&self.state)
    }

    fn load(&mut self, state: &[u8]) -> Result<(), RouterError> {
        let state: TttState = saved::read(state)?;
        for list in [&state.bias, &state.costs, &state.velocity] {
            require_length(list.len(), self.price.len())?;
        }
        self.state = state;
        Ok(())
    }
}

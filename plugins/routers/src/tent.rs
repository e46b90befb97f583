//! `tent`: the gate's entropy brought down by a bias trained at test time. A control, not a candidate.
//!
//! With p = softmax(z + b) and H_t = -sum_e p_te ln p_te, one gradient step per batch on the mean entropy, as Tent does with the scales and shifts
//! of normalisation layers (Wang et al., "Tent: fully test-time adaptation by entropy minimization", ICLR 2021):
//!
//! ```text
//! L(b)    = mean_t H_t
//! dL/db_e = mean_t -p_te (ln p_te + H_t)          b <- b - eta dL/db
//! ```
//!
//! It sharpens the gate and knows nothing of energy or temperature. It stands in a comparison to show what training a bias *as such* does:
//! a saving that `tent` has too does not come from the price. Left alone it sends everything to ever fewer experts, so it
//! starts anew every `reset` batches. `eta = 0` is the baseline, bit for bit.

use isotherm_core::gate::GateBatch;
use isotherm_core::registry::Kind;
use isotherm_core::router::{ClusterView, Feedback, Router, RouterContext, RouterError, RouterSpec};
use isotherm_core::routing::{BiasStatistics, Probabilities, Routing, Rule, Selector};
use serde::{Deserialize, Serialize};

use crate::belief::{require_at_least, require_length};
use crate::saved;

pub(crate) const KIND: Kind = Kind {
    name: "tent",
    summary: "control: trains a bias towards a sharper gate and knows nothing of energy",
    example: "kind = \"tent\"\neta = 0.5",
};

/// Options of `tent`.
///
/// ```
/// use isotherm_core::gate::GateBatch;
/// use isotherm_core::id::BatchId;
/// use isotherm_core::router::{ClusterView, Feedback, RouterContext, RouterSpec};
/// use isotherm_core::{routing::Routing, time::SimTime};
/// use isotherm_routers::Tent;
/// let mut router = Tent::new(0.5).build(&RouterContext::new(3, 1, &[1.0; 3], 0)).unwrap();
/// let gate = GateBatch::from_logits(3, 1, vec![0.2, 0.0, 0.1]);
/// let mut routing = Routing::new(3, 1);
/// let mut entropies = Vec::new();
/// for batch in 0..5 {
///     router.route(&gate, &ClusterView::empty(), &mut routing).unwrap();
///     entropies.push(routing.gate.unwrap().entropy_nats);
///     let feedback = Feedback::new(SimTime::ZERO, BatchId(batch), &routing.counts, &[0.0; 3], &[0.0; 3]);
///     router.feedback(&feedback).unwrap();
/// }
/// assert!(entropies.is_sorted_by(|a, b| a > b), "sharper and sharper: {entropies:?}");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tent {
    /// Step size.
    pub eta: f64,
    /// Batches after which the bias starts anew from zero; 0 for never.
    #[serde(default = "reset")]
    pub reset: u32,
}

fn reset() -> u32 {
    100
}

impl Tent {
    /// Steps of size `eta`, with everything else at its default.
    #[must_use]
    pub fn new(eta: f64) -> Self {
        Self { eta, reset: reset() }
    }
}

#[typetag::serde(name = "tent")]
impl RouterSpec for Tent {
    fn build(&self, context: &RouterContext<'_>) -> Result<Box<dyn Router>, RouterError> {
        require_at_least("eta", self.eta, 0.0, "0.5")?;
        let experts = context.experts;
        Ok(Box::new(Sharpened {
            spec: self.clone(),
            state: State { bias: vec![0.0; experts], batches: 0, probabilities: Probabilities::default() },
            price: vec![0.0; experts],
            gradient: vec![0.0; experts],
            statistics: BiasStatistics::default(),
            selector: Selector::new(context.options),
        }))
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct State {
    /// The additive bias, one per expert (nats).
    bias: Vec<f64>,
    /// Batches since the bias was zero.
    batches: u32,
    /// Biased gate probabilities of the batch whose feedback is awaited.
    probabilities: Probabilities,
}

#[derive(Debug)]
struct Sharpened {
    spec: Tent,
    state: State,
    price: Vec<f32>,
    gradient: Vec<f64>,
    statistics: BiasStatistics,
    selector: Selector,
}

impl Router for Sharpened {
    fn route(&mut self, gate: &GateBatch, _: &ClusterView<'_>, out: &mut Routing) -> Result<(), RouterError> {
        for (price, bias) in self.price.iter_mut().zip(&self.state.bias) {
            *price = -bias as f32;
        }
        let rule = Rule::PricedLogit { price: &self.price };
        self.selector.select(gate, rule, Some(&mut self.state.probabilities), out);
        Ok(())
    }

    fn feedback(&mut self, _: &Feedback<'_>) -> Result<(), RouterError> {
        let state = &mut self.state;
        state.batches += 1;
        if self.spec.reset > 0 && state.batches >= self.spec.reset {
            state.bias.fill(0.0);
            state.batches = 0;
            return Ok(());
        }
        self.statistics.entropy_gradient(&state.probabilities, &mut self.gradient);
        // A gate that is no number somewhere teaches nothing.
        if self.gradient.iter().all(|slope| slope.is_finite()) {
            for (bias, slope) in state.bias.iter_mut().zip(&self.gradient) {
                *bias -= self.spec.eta * slope;
            }
        }
        if state.bias.iter().all(|b| b.is_finite()) {
            return Ok(());
        }
        Err(RouterError::Failed(format!("the bias has diverged; `eta` = {} is too large a step", self.spec.eta)))
    }

    /// Bias added in `route`; a logarithm, two products and an update per expert in `feedback`.
    fn operations_per_token(&self) -> f64 {
        20.0 * self.price.len() as f64
    }

    fn save(&self) -> Vec<u8> {
        saved::bytes(&self.state)
    }

    fn load(&mut self, state: &[u8]) -> Result<(), RouterError> {
        let state: State = saved::read(state)?;
        require_length(state.bias.len(), self.price.len())?;
        self.state = state;
        Ok(())
    }
}

//! `selection-bias`: load balance without a loss, by a bias that only the selection sees.
//!
//! ```text
//! S = top-k of (s + b)          s = sigmoid(z) or softmax(z)          weights from s alone, renormalised over S
//! b_e <- b_e + gamma sign(mean load - load_e)                         after each batch
//! ```
//!
//! Auxiliary-loss-free balancing (arXiv:2408.15664) as in DeepSeek-V3 (arXiv:2412.19437); primal-dual with logarithmic regret
//! (arXiv:2512.03915). There it acts during training, with gamma = 0.001 over many thousand batches; here it is a controller at inference,
//! and short runs need larger steps. `update = "proportional"` takes (mean load - load_e) / mean load in place of the sign: it settles
//! instead of dithering by gamma.

use isotherm_core::gate::GateBatch;
use isotherm_core::registry::Kind;
use isotherm_core::router::{ClusterView, Feedback, Router, RouterContext, RouterError, RouterSpec};
use isotherm_core::routing::{Affinity, Routing, Rule, Selector};
use isotherm_core::tier::Tiers;
use serde::{Deserialize, Serialize};

use crate::belief::require_at_least;
use crate::saved;

pub(crate) const KIND: Kind = Kind {
    name: "selection-bias",
    summary: "balances the load by a bias on the scores, stepped after each batch (DeepSeek-V3)",
    example: "kind = \"selection-bias\"\ngamma = 0.01",
};

/// How far the bias moves after a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BiasUpdate {
    /// By gamma, whatever the distance.
    #[default]
    Sign,
    /// By gamma times the relative distance from the mean load: damped.
    Proportional,
}

/// Options of `selection-bias`.
///
/// ```
/// use isotherm_core::{gate::GateBatch, id::BatchId, time::SimTime, routing::Routing};
/// use isotherm_core::router::{ClusterView, Feedback, RouterContext, RouterSpec};
/// use isotherm_routers::SelectionBias;
/// let context = RouterContext::new(2, 1, &[1.0; 2], 0);
/// let mut router = SelectionBias { gamma: 0.1, ..SelectionBias::default() }.build(&context).unwrap();
/// // Everybody prefers expert 0 by 0.1 of affinity: after one batch the bias of 0.1 on each side turns the second.
/// let gate = GateBatch::from_logits(2, 1, vec![0.4, 0.0, 0.4, 0.0]);
/// let mut routing = Routing::new(2, 1);
/// router.route(&gate, &ClusterView::empty(), &mut routing).unwrap();
/// assert_eq!(routing.counts, [2, 0]);
/// router.feedback(&Feedback::new(SimTime::ZERO, BatchId(0), &routing.counts, &[2.0, 0.0], &[0.0; 2])).unwrap();
/// router.route(&gate, &ClusterView::empty(), &mut routing).unwrap();
/// assert_eq!(routing.counts, [0, 2]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelectionBias {
    /// Step (in units of the affinity). 0 keeps the choice of the baseline; with `score = "softmax"` its bytes.
    #[serde(default = "gamma")]
    pub gamma: f64,
    /// What the bias is added to, and what the chosen are weighed by.
    #[serde(default = "sigmoid")]
    pub score: Affinity,
    /// How far the bias moves.
    #[serde(default)]
    pub update: BiasUpdate,
}

fn gamma() -> f64 {
    0.01
}

fn sigmoid() -> Affinity {
    Affinity::Sigmoid
}

impl Default for SelectionBias {
    fn default() -> Self {
        Self { gamma: gamma(), score: sigmoid(), update: BiasUpdate::default() }
    }
}

#[typetag::serde(name = "selection-bias")]
impl RouterSpec for SelectionBias {
    fn build(&self, context: &RouterContext<'_>) -> Result<Box<dyn Router>, RouterError> {
        require_at_least("gamma", self.gamma, 0.0, "0.01")?;
        context.options.refuse_penalised("a bias that only the selection sees")?;
        Ok(Box::new(Biased {
            spec: self.clone(),
            bias: vec![0.0; context.experts],
            price: vec![0.0; context.experts],
            selector: Selector::new(context.options).weighing(self.score, true),
        }))
    }

    fn tiers(&self) -> Tiers {
        Tiers::ALL
    }
}

#[derive(Debug)]
struct Biased {
    spec: SelectionBias,
    bias: Vec<f64>,
    price: Vec<f32>,
    selector: Selector,
}

impl Biased {
    /// The price that is the bias with its sign turned.
    fn set_price(&mut self) {
        for (price, bias) in self.price.iter_mut().zip(&self.bias) {
            *price = -bias as f32;
        }
    }
}

impl Router for Biased {
    fn route(&mut self, gate: &GateBatch, _: &ClusterView<'_>, out: &mut Routing) -> Result<(), RouterError> {
        self.set_price();
        self.selector.select(gate, Rule::Affinity { price: &self.price }, None, out);
        Ok(())
    }

    fn rule(&mut self, _: &ClusterView<'_>) -> Result<Option<Rule<'_>>, RouterError> {
        self.set_price();
        Ok(Some(Rule::Affinity { price: &self.price }))
    }

    fn feedback(&mut self, feedback: &Feedback<'_>) -> Result<(), RouterError> {
        let total: f64 = feedback.assignments.iter().map(|n| f64::from(*n)).sum();
        let mean = total / self.bias.len() as f64;
        if mean == 0.0 {
            return Ok(());
        }
        for (bias, n) in self.bias.iter_mut().zip(feedback.assignments) {
            let short = mean - f64::from(*n);
            *bias += self.spec.gamma
                * match self.spec.update {
                    BiasUpdate::Sign if short == 0.0 => 0.0,
                    BiasUpdate::Sign => short.signum(),
                    BiasUpdate::Proportional => short / mean,
                };
        }
        Ok(())
    }

    /// An affinity and a sum per expert.
    fn operations_per_token(&self) -> f64 {
        2.0 * self.bias.len() as f64
    }

    fn save(&self) -> Vec<u8> {
        saved::bytes(&self.bias)
    }

    fn load(&mut self, state: &[u8]) -> Result<(), RouterError> {
        self.bias = saved::read_per_expert(state, self.bias.len())?;
        Ok(())
    }
}

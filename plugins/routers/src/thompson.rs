//! `thompson`: costs that nobody declared, drawn anew for every batch from what is believed about them.
//!
//! ```text
//! m_e, N_e   discounted mean and number of the observations J_e / n_e, one per batch in which e served
//! c_e      ~ Normal(m_e, width^2 s^2 / N_e)                  s pooled spread of an observation
//! c_e      ~ Normal(mean of m, width^2 (s^2 + variance of m))  where nothing is known of e
//! S        = top-k(z - lambda c)                              or, with space = "probability", top-k(p / m - lambda c)
//! ```
//!
//! Probability matching (Thompson, Biometrika 25, 1933): an expert is tried as often as it is likely to be cheap. The draws come from the named
//! stream (seed, router, layer, "thompson costs"), one per expert and batch, so a run is repeated exactly. As with `ucb`, feedback
//! is full for every expert that served, so that in large batches the posterior is narrow and the draws hardly matter; see there also for what an average
//! cost means on devices. `lambda = 0` is the baseline, bit for bit.

use isotherm_core::gate::GateBatch;
use isotherm_core::id::BatchId;
use isotherm_core::registry::Kind;
use isotherm_core::rng::{Domain, Stream};
use isotherm_core::router::{ClusterView, Feedback, Router, RouterContext, RouterError, RouterSpec};
use isotherm_core::routing::{Routing, Rule, Selector};
use isotherm_core::tier::Tiers;
use serde::{Deserialize, Serialize};

use crate::energy_penalty::Space;
use crate::learned_cost::{LearnedCosts, forget, require_options, width};
use crate::price::set_prices;
use crate::saved;

pub(crate) const KIND: Kind = Kind {
    name: "thompson",
    summary: "learns what experts cost and prices each at a draw from what it may cost",
    example: "kind = \"thompson\"\nlambda = 0.5",
};

/// Options of `thompson`.
///
/// ```
/// use isotherm_core::router::{RouterContext, RouterSpec};
/// use isotherm_routers::Thompson;
/// let context = RouterContext::new(8, 2, &[1.0; 8], 0);
/// assert!(Thompson::new(0.5).build(&context).is_ok());
/// assert!(Thompson { width: f64::NAN, ..Thompson::new(0.5) }.build(&context).is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thompson {
    /// Price of a joule (nats/J, or share of the top-k mass per J).
    pub lambda: f64,
    /// Factor on the spread of the draws; 0 believes the means.
    #[serde(default = "width")]
    pub width: f64,
    /// Share of what was learned that each batch takes away; 0 where costs never move.
    #[serde(default = "forget")]
    pub forget: f64,
    /// Which scores the price is subtracted from.
    #[serde(default)]
    pub space: Space,
}

impl Thompson {
    /// A price of `lambda` a joule, with everything else at its default.
    #[must_use]
    pub fn new(lambda: f64) -> Self {
        Self { lambda, width: width(), forget: forget(), space: Space::default() }
    }
}

#[typetag::serde(name = "thompson")]
impl RouterSpec for Thompson {
    fn build(&self, context: &RouterContext<'_>) -> Result<Box<dyn Router>, RouterError> {
        require_options(self.lambda, self.width, self.forget)?;
        self.space.require_weights(context)?;
        let experts = context.experts;
        let stream = Stream::open(context.seed, Domain::Router, u64::from(context.layer), "thompson costs");
        Ok(Box::new(Matcher {
            spec: self.clone(),
            state: State { learned: LearnedCosts::new(experts), stream },
            drawn_for: None,
            costs: vec![0.0; experts],
            price: vec![0.0; experts],
            selector: Selector::new(context.options),
        }))
    }

    fn tiers(&self) -> Tiers {
        Tiers::ALL
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct State {
    learned: LearnedCosts,
    stream: Stream,
}

#[derive(Debug)]
struct Matcher {
    spec: Thompson,
    state: State,
    /// The batch that the costs were drawn for.
    drawn_for: Option<BatchId>,
    costs: Vec<f64>,
    price: Vec<f32>,
    selector: Selector,
}

impl Matcher {
    /// Prices every expert at a draw of what an assignment there costs (J), one draw a batch.
    fn set_price(&mut self, batch: BatchId) {
        if self.drawn_for == Some(batch) {
            return;
        }
        self.drawn_for = Some(batch);
        let State { learned, stream } = &mut self.state;
        let spread = learned.spread();
        let number = learned.known().count().max(1) as f64;
        let mean = learned.known().map(|(mean, _)| mean).sum::<f64>() / number;
        let variance = learned.known().map(|(m, _)| (m - mean) * (m - mean)).sum::<f64>() / number;
        let unknown = (mean, (spread * spread + variance).sqrt());
        for (e, cost) in self.costs.iter_mut().enumerate() {
            let (mean, sd) = learned.of(e).map_or(unknown, |(mean, weight)| (mean, spread / weight.sqrt()));
            *cost = mean + self.spec.width * sd * stream.normal();
        }
        set_prices(&mut self.price, &self.costs, self.spec.lambda);
    }
}

impl Router for Matcher {
    fn route(&mut self, gate: &GateBatch, view: &ClusterView<'_>, out: &mut Routing) -> Result<(), RouterError> {
        self.set_price(view.batch);
        self.selector.select(gate, self.spec.space.rule(&self.price), None, out);
        Ok(())
    }

    fn rule(&mut self, view: &ClusterView<'_>) -> Result<Option<Rule<'_>>, RouterError> {
        self.set_price(view.batch);
        Ok(Some(self.spec.space.rule(&self.price)))
    }

    fn feedback(&mut self, feedback: &Feedback<'_>) -> Result<(), RouterError> {
        self.state.learned.observe(feedback, self.spec.forget);
        Ok(())
    }

    /// One subtraction per expert; learning and draws are per batch.
    fn operations_per_token(&self) -> f64 {
        self.price.len() as f64
    }

    fn save(&self) -> Vec<u8> {
        saved::bytes(&self.state)
    }

    fn load(&mut self, state: &[u8]) -> Result<(), RouterError> {
        let state: State = saved::read(state)?;
        state.learned.require_experts(self.price.len())?;
        self.state = state;
        self.drawn_for = None;
        Ok(())
    }
}

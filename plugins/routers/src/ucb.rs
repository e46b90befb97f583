//! `ucb`: costs that nobody declared, as arms of a bandit; an expert is priced at the lowest cost that is still plausible.
//!
//! ```text
//! m_e, N_e   discounted mean and number of the observations J_e / n_e, one per batch in which e served
//! c_e      = m_e - width s sqrt(ln(1 + t) / N_e)       s pooled spread of an observation, t discounted number of batches
//! c_e      = least of the others where nothing is known of e
//! S        = top-k(z - lambda c)                        or, with space = "probability", top-k(p / m - lambda c)
//! ```
//!
//! Optimism in the face of uncertainty: for a cost the hopeful bound is the lower one (UCB1 of Auer et al., Machine Learning 47, 2002, with the
//! discount of Garivier and Moulines, arXiv:0805.3415). GreenServ chooses whole models that way (arXiv:2601.17551). Feedback is full for every expert that
//! served at least one token, which in a large batch is every expert, in every batch: then there is little to explore, and the learned costs are
//! those of `ttt`. It matters in small batches and at high `lambda`, where an expert once found expensive is not tried again. Joules per assignment of the
//! device model fall with the load of an expert (its weights are read once a batch): the learned cost is an average, not what one more
//! token costs, and so favours the busy. `lambda = 0` is the baseline, bit for bit.

use isotherm_core::gate::GateBatch;
use isotherm_core::registry::Kind;
use isotherm_core::router::{ClusterView, Feedback, Router, RouterContext, RouterError, RouterSpec};
use isotherm_core::routing::{Routing, Rule, Selector};
use isotherm_core::tier::Tiers;
use serde::{Deserialize, Serialize};

use crate::energy_penalty::Space;
use crate::learned_cost::{LearnedCosts, forget, require_options, width};
use crate::price::set_prices;
use crate::saved;

pub(crate) const KIND: Kind = Kind {
    name: "ucb",
    summary: "learns what experts cost and prices each at the least it may cost (optimism)",
    example: "kind = \"ucb\"\nlambda = 0.5",
};

/// Options of `ucb`.
///
/// ```
/// use isotherm_core::router::{RouterContext, RouterSpec};
/// use isotherm_routers::Ucb;
/// let context = RouterContext::new(8, 2, &[1.0; 8], 0);
/// assert!(Ucb::new(0.5).build(&context).is_ok());
/// assert!(Ucb { forget: 1.5, ..Ucb::new(0.5) }.build(&context).is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ucb {
    /// Price of a joule (nats/J, or share of the top-k mass per J).
    pub lambda: f64,
    /// Width of the bound; 0 believes the means.
    #[serde(default = "width")]
    pub width: f64,
    /// Share of what was learned that each batch takes away; 0 where costs never move.
    #[serde(default = "forget")]
    pub forget: f64,
    /// Which scores the price is subtracted from.
    #[serde(default)]
    pub space: Space,
}

impl Ucb {
    /// A price of `lambda` a joule, with everything else at its default.
    #[must_use]
    pub fn new(lambda: f64) -> Self {
        Self { lambda, width: width(), forget: forget(), space: Space::default() }
    }
}

#[typetag::serde(name = "ucb")]
impl RouterSpec for Ucb {
    fn build(&self, context: &RouterContext<'_>) -> Result<Box<dyn Router>, RouterError> {
        require_options(self.lambda, self.width, self.forget)?;
        self.space.require_weights(context)?;
        let experts = context.experts;
        Ok(Box::new(Optimist {
            spec: self.clone(),
            learned: LearnedCosts::new(experts),
            costs: vec![0.0; experts],
            price: vec![0.0; experts],
            selector: Selector::new(context.options),
        }))
    }

    fn tiers(&self) -> Tiers {
        Tiers::ALL
    }
}

#[derive(Debug)]
struct Optimist {
    spec: Ucb,
    learned: LearnedCosts,
    costs: Vec<f64>,
    price: Vec<f32>,
    selector: Selector,
}

impl Optimist {
    /// Prices every expert at the least that an assignment there may cost (J).
    fn set_price(&mut self) {
        let scale = self.spec.width * self.learned.spread() * libm::sqrt(libm::log1p(self.learned.batches()));
        let bound = |(mean, weight): (f64, f64)| mean - scale / weight.sqrt();
        let least = self.learned.known().map(bound).reduce(f64::min).unwrap_or(0.0);
        for (e, cost) in self.costs.iter_mut().enumerate() {
            *cost = self.learned.of(e).map_or(least, bound);
        }
        set_prices(&mut self.price, &self.costs, self.spec.lambda);
    }
}

impl Router for Optimist {
    fn route(&mut self, gate: &GateBatch, _: &ClusterView<'_>, out: &mut Routing) -> Result<(), RouterError> {
        self.set_price();
        self.selector.select(gate, self.spec.space.rule(&self.price), None, out);
        Ok(())
    }

    fn rule(&mut self, _: &ClusterView<'_>) -> Result<Option<Rule<'_>>, RouterError> {
        self.set_price();
        Ok(Some(self.spec.space.rule(&self.price)))
    }

    fn feedback(&mut self, feedback: &Feedback<'_>) -> Result<(), RouterError> {
        self.learned.observe(feedback, self.spec.forget);
        Ok(())
    }

    /// One subtraction per expert; learning is per batch.
    fn operations_per_token(&self) -> f64 {
        self.price.len() as f64
    }

    fn save(&self) -> Vec<u8> {
        saved::bytes(&self.learned)
    }

    fn load(&mut self, state: &[u8]) -> Result<(), RouterError> {
        let learned: LearnedCosts = saved::read(state)?;
        learned.require_experts(self.price.len())?;
        self.learned = learned;
        Ok(())
    }
}

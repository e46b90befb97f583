//! `dual-ascent`: holds the mean energy of an assignment at a cap, by a price that is learned.
//!
//! ```text
//! S  = top-k of (p / m - mu c)                    m = mass of the token's unpenalised top k
//! mu <- clip(mu + eta (J / n - cap), 0, mu_max)   after each batch of J joules and n assignments
//! ```
//!
//! Subgradient ascent on the dual of "most gate mass under a cap on mean cost": for a given mu the rule is the exact minimiser of the
//! Lagrangian (`energy-penalty` with `space = "probability"`), and J / n - cap is a subgradient in mu. Where `energy-penalty` is told a
//! price and gets some saving, this is told the saving and finds the price. The balancing variants with damping are
//! arXiv:2502.15451 and its peers; see `selection-bias`. A cap below the cheapest k experts cannot be held: mu then rises to `mu_max`.

use isotherm_core::gate::GateBatch;
use isotherm_core::registry::Kind;
use isotherm_core::router::{ClusterView, Feedback, Router, RouterContext, RouterError, RouterSpec};
use isotherm_core::routing::{Routing, Rule, Selector};
use isotherm_core::tier::Tiers;
use serde::{Deserialize, Serialize};

use crate::belief::{CostBelief, reference_degc, require_at_least, require_costs};
use crate::energy_penalty::Space;
use crate::price::set_prices;
use crate::saved;

pub(crate) const KIND: Kind = Kind {
    name: "dual-ascent",
    summary: "finds the price of a joule that holds the mean energy of an assignment at a cap",
    example: "kind = \"dual-ascent\"\ncap = 0.7",
};

/// Options of `dual-ascent`.
///
/// ```
/// use isotherm_core::{gate::GateBatch, id::BatchId, time::SimTime, routing::Routing};
/// use isotherm_core::router::{ClusterView, Feedback, RouterContext, RouterSpec};
/// use isotherm_routers::DualAscent;
/// let costs = [0.5, 2.0];
/// let context = RouterContext::new(2, 1, &costs, 0);
/// let mut router = DualAscent { eta: 1.0, ..DualAscent::new(1.0) }.build(&context).unwrap();
/// let gate = GateBatch::from_logits(2, 1, vec![0.0, 1.0]);
/// let view = ClusterView::empty().with_declared_costs(&costs);
/// let mut routing = Routing::new(2, 1);
/// router.route(&gate, &view, &mut routing).unwrap();
/// assert_eq!(routing.experts, [1], "no price yet");
/// // 2 J an assignment where 1 J is the cap: the price becomes 1 per joule, and expert 1 costs 1.5 J more.
/// router.feedback(&Feedback::new(SimTime::ZERO, BatchId(0), &[0, 1], &[0.0, 2.0], &[0.0; 2])).unwrap();
/// router.route(&gate, &view, &mut routing).unwrap();
/// assert_eq!(routing.experts, [0]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DualAscent {
    /// Most energy of an assignment, mean over a batch (J).
    pub cap: f64,
    /// Step size (1/J^2). 0 is the baseline, bit for bit.
    #[serde(default = "eta")]
    pub eta: f64,
    /// Largest price (1/J): reached where the cap cannot be held.
    #[serde(default = "mu_max")]
    pub mu_max: f64,
    /// Where the costs c come from.
    #[serde(default)]
    pub costs: CostBelief,
    /// With `costs = "sampled"`: growth of the cost per kelvin above the reference (1/K).
    #[serde(default)]
    pub leakage_per_kelvin: f64,
    /// With `costs = "sampled"`: temperature at which the declared costs hold (degC).
    #[serde(default = "reference_degc")]
    pub reference_degc: f64,
}

fn eta() -> f64 {
    0.1
}

fn mu_max() -> f64 {
    10.0
}

impl DualAscent {
    /// A cap in joules an assignment, with everything else at its default.
    #[must_use]
    pub fn new(cap: f64) -> Self {
        Self {
            cap,
            eta: eta(),
            mu_max: mu_max(),
            costs: CostBelief::default(),
            leakage_per_kelvin: 0.0,
            reference_degc: reference_degc(),
        }
    }
}

#[typetag::serde(name = "dual-ascent")]
impl RouterSpec for DualAscent {
    fn build(&self, context: &RouterContext<'_>) -> Result<Box<dyn Router>, RouterError> {
        require_at_least("cap", self.cap, 0.0, "0.7")?;
        require_at_least("eta", self.eta, 0.0, "0.1")?;
        require_at_least("mu_max", self.mu_max, 0.0, "10.0")?;
        require_at_least("leakage_per_kelvin", self.leakage_per_kelvin, 0.0, "0.01")?;
        require_at_least("reference_degc", self.reference_degc, -273.15, "60.0")?;
        require_costs(context)?;
        Space::Probability.require_weights(context)?;
        Ok(Box::new(Ascending {
            spec: self.clone(),
            mu: 0.0,
            costs: vec![0.0; context.experts],
            price: vec![0.0; context.experts],
            selector: Selector::new(context.options),
        }))
    }

    fn uses_oracle(&self) -> bool {
        self.costs == CostBelief::Oracle
    }

    fn tiers(&self) -> Tiers {
        Tiers::ALL
    }
}

#[derive(Debug)]
struct Ascending {
    spec: DualAscent,
    /// Price of a joule (share of the top-k mass per J).
    mu: f64,
    costs: Vec<f64>,
    price: Vec<f32>,
    selector: Selector,
}

impl Ascending {
    /// The price of every expert at the price of a joule now.
    fn set_price(&mut self, view: &ClusterView<'_>) -> Result<(), RouterError> {
        let spec = &self.spec;
        spec.costs.read(view, spec.leakage_per_kelvin, spec.reference_degc, &mut self.costs)?;
        set_prices(&mut self.price, &self.costs, self.mu);
        Ok(())
    }
}

impl Router for Ascending {
    fn route(&mut self, gate: &GateBatch, view: &ClusterView<'_>, out: &mut Routing) -> Result<(), RouterError> {
        self.set_price(view)?;
        self.selector.select(gate, Rule::Probability { price: &self.price }, None, out);
        Ok(())
    }

    fn rule(&mut self, view: &ClusterView<'_>) -> Result<Option<Rule<'_>>, RouterError> {
        self.set_price(view)?;
        Ok(Some(Rule::Probability { price: &self.price }))
    }

    fn feedback(&mut self, feedback: &Feedback<'_>) -> Result<(), RouterError> {
        let assignments: f64 = feedback.assignments.iter().map(|n| f64::from(*n)).sum();
        let joules: f64 = feedback.joules.iter().sum();
        if assignments > 0.0 && joules.is_finite() {
            let excess = joules / assignments - self.spec.cap;
            self.mu = (self.mu + self.spec.eta * excess).clamp(0.0, self.spec.mu_max);
        }
        Ok(())
    }

    /// One subtraction per expert.
    fn operations_per_token(&self) -> f64 {
        self.price.len() as f64
    }

    fn save(&self) -> Vec<u8> {
        saved::bytes_of_layer(self.price.len(), self.mu)
    }

    fn load(&mut self, state: &[u8]) -> Result<(), RouterError> {
        let mu: f64 = saved::read_of_layer(state, self.price.len())?;
        if !(mu.is_finite() && mu >= 0.0) {
            return Err(RouterError::State(format!("a price must be a finite number of at least 0, found {mu}")));
        }
        self.mu = mu;
        Ok(())
    }
}

//! `energy-penalty`: a price on every expert, proportional to what an assignment there costs.
//!
//! In logit space (the classic experiment) S = top-k(z - lambda scale c). In probability space S = top-k(p / m - lambda scale c)
//! with m the mass of the token's unpenalised top-k: objective and constraint are sums over tokens and experts, so this is
//! the exact Lagrangian rule of least energy for a retained gate mass, and no rule gives less regret at its energy.

use isotherm_core::gate::GateBatch;
use isotherm_core::registry::Kind;
use isotherm_core::router::{ClusterView, Router, RouterContext, RouterError, RouterSpec};
use isotherm_core::routing::{Routing, Rule, Selector};
use isotherm_core::tier::Tiers;
use serde::{Deserialize, Serialize};

use crate::belief::{CostBelief, reference_degc, require_at_least, require_costs};
use crate::price::set_prices;

pub(crate) const KIND: Kind = Kind {
    name: "energy-penalty",
    summary: "subtracts lambda x cost from every expert's score before the top-k",
    example: "kind = \"energy-penalty\"\nlambda = 0.1",
};

/// Which scores the price is subtracted from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Space {
    /// The gate's logits.
    #[default]
    Logit,
    /// Probabilities relative to the token's top-k mass. Weights always come from the unpenalised gate.
    Probability,
}

impl Space {
    /// The rule that subtracts `price` in this space.
    pub(crate) fn rule(self, price: &[f32]) -> Rule<'_> {
        match self {
            Self::Logit => Rule::PricedLogit { price },
            Self::Probability => Rule::Probability { price },
        }
    }

    /// Refuses combine weights that a price in this space does not give.
    pub(crate) fn require_weights(self, context: &RouterContext<'_>) -> Result<(), RouterError> {
        match self {
            Self::Logit => Ok(()),
            Self::Probability => context.options.refuse_penalised("a price in probability space"),
        }
    }
}

/// How costs are scaled before they become prices. Adding a constant to all costs never changes a routing (INV-11) but would
/// change `mean`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Normalise {
    /// Joules, as they are.
    #[default]
    None,
    /// Divided by their mean.
    Mean,
    /// Divided by the difference between largest and smallest: lambda is then the log-odds given up between them.
    Span,
}

/// Options of `energy-penalty`.
///
/// ```
/// use isotherm_core::{gate::GateBatch, router::{ClusterView, RouterContext, RouterSpec}, routing::Routing};
/// use isotherm_routers::EnergyPenalty;
/// let costs = [0.5, 2.0];
/// let context = RouterContext::new(2, 1, &costs, 0);
/// let mut router = EnergyPenalty::new(1.0).build(&context).unwrap();
/// // Expert 1 leads by 1.0 nats, but its assignment costs 1.5 J more.
/// let gate = GateBatch::from_logits(2, 1, vec![0.0, 1.0]);
/// let mut routing = Routing::new(2, 1);
/// router.route(&gate, &ClusterView::empty().with_declared_costs(&costs), &mut routing).unwrap();
/// assert_eq!(routing.experts, [0]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnergyPenalty {
    /// Price of a joule [nats/J in logit space]; 0 is the baseline, bit for bit.
    pub lambda: f64,
    /// Factor on lambda. The original document favoured 0.001, which does next to nothing.
    #[serde(default = "one")]
    pub scale: f64,
    /// Which scores the price is subtracted from.
    #[serde(default)]
    pub space: Space,
    /// Scaling of the costs.
    #[serde(default)]
    pub normalise: Normalise,
    /// Where the costs come from.
    #[serde(default)]
    pub costs: CostBelief,
    /// With `costs = "sampled"`: growth of the cost per kelvin above the reference (1/K).
    #[serde(default)]
    pub leakage_per_kelvin: f64,
    /// With `costs = "sampled"`: temperature at which the declared costs hold (degC).
    #[serde(default = "reference_degc")]
    pub reference_degc: f64,
}

fn one() -> f64 {
    1.0
}

impl EnergyPenalty {
    /// A penalty of `lambda` per declared joule in logit space, with everything else at its default.
    #[must_use]
    pub fn new(lambda: f64) -> Self {
        Self {
            lambda,
            scale: one(),
            space: Space::default(),
            normalise: Normalise::default(),
            costs: CostBelief::default(),
            leakage_per_kelvin: 0.0,
            reference_degc: reference_degc(),
        }
    }
}

#[typetag::serde(name = "energy-penalty")]
impl RouterSpec for EnergyPenalty {
    fn build(&self, context: &RouterContext<'_>) -> Result<Box<dyn Router>, RouterError> {
        require_at_least("lambda", self.lambda, 0.0, "0.1")?;
        require_at_least("scale", self.scale, 0.0, "1.0")?;
        require_at_least("leakage_per_kelvin", self.leakage_per_kelvin, 0.0, "0.01")?;
        require_costs(context)?;
        self.space.require_weights(context)?;
        let experts = context.experts;
        Ok(Box::new(Penalised {
            spec: self.clone(),
            costs: vec![0.0; experts],
            price: vec![0.0; experts],
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
struct Penalised {
    spec: EnergyPenalty,
    costs: Vec<f64>,
    price: Vec<f32>,
    selector: Selector,
}

impl Penalised {
    /// The price that the costs of this view make.
    fn set_price(&mut self, view: &ClusterView<'_>) -> Result<(), RouterError> {
        let spec = &self.spec;
        spec.costs.read(view, spec.leakage_per_kelvin, spec.reference_degc, &mut self.costs)?;
        let factor = spec.lambda * spec.scale / spec.normalise.unit(&self.costs);
        set_prices(&mut self.price, &self.costs, factor);
        Ok(())
    }
}

impl Router for Penalised {
    fn route(&mut self, gate: &GateBatch, view: &ClusterView<'_>, out: &mut Routing) -> Result<(), RouterError> {
        self.set_price(view)?;
        self.selector.select(gate, self.spec.space.rule(&self.price), None, out);
        Ok(())
    }

    fn rule(&mut self, view: &ClusterView<'_>) -> Result<Option<Rule<'_>>, RouterError> {
        self.set_price(view)?;
        Ok(Some(self.spec.space.rule(&self.price)))
    }

    /// One subtraction per expert.
    fn operations_per_token(&self) -> f64 {
        self.price.len() as f64
    }
}

impl Normalise {
    /// What costs are divided by; 1 where they do not differ.
    fn unit(self, costs: &[f64]) -> f64 {
        let unit = match self {
            Self::None => 1.0,
            Self::Mean => costs.iter().sum::<f64>() / costs.len() as f64,
            Self::Span => {
                let (least, most) =
                    costs.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), c| (a.min(*c), b.max(*c)));
                most - least
            }
        };
        if unit > 0.0 { unit } else { 1.0 }
    }
}

//! Prices of GPUs become prices of experts.

use isotherm_core::gate::GateBatch;
use isotherm_core::id::ExpertId;
use isotherm_core::router::{ClusterView, RouterContext};
use isotherm_core::routing::{Routing, Rule, Selector};

use crate::energy_penalty::Space;
use crate::price::set_prices;

/// Routes by prices per GPU.
///
/// The price of an expert is the mean over its copies: the copies of an expert share its assignments evenly, so one assignment loads each of n
/// copies with 1/n. The least copy would be the right price only if the router chose the copy.
#[derive(Debug)]
pub(crate) struct PricedGpus {
    space: Space,
    /// Per expert, before the smallest is taken off.
    raw: Vec<f64>,
    price: Vec<f32>,
    selector: Selector,
}

impl PricedGpus {
    pub(crate) fn new(space: Space, context: &RouterContext<'_>) -> Self {
        let experts = context.experts;
        Self { space, raw: vec![0.0; experts], price: vec![0.0; experts], selector: Selector::new(context.options) }
    }

    /// The rule that `prices`, one per GPU, make. Only differences route: the smallest price of an expert is taken off.
    pub(crate) fn rule(&mut self, prices: &[f64], view: &ClusterView<'_>) -> Rule<'_> {
        for (e, raw) in self.raw.iter_mut().enumerate() {
            *raw = view.expert_mean(ExpertId(e as u32), |gpu| prices.get(gpu).copied()).unwrap_or(0.0);
        }
        set_prices(&mut self.price, &self.raw, 1.0);
        self.space.rule(&self.price)
    }

    /// Routes by that rule.
    pub(crate) fn route(&mut self, prices: &[f64], gate: &GateBatch, view: &ClusterView<'_>, out: &mut Routing) {
        self.rule(prices, view);
        self.selector.select(gate, self.space.rule(&self.price), None, out);
    }

    /// Number of experts, for saved states: prices of GPUs of another layer mean nothing here.
    pub(crate) fn experts(&self) -> usize {
        self.price.len()
    }

    /// One subtraction per expert.
    pub(crate) fn operations_per_token(&self) -> f64 {
        self.price.len() as f64
    }
}

/// The largest price where the scenario gives none: of a token's whole top-k mass, or five nats.
pub(crate) fn default_max_price(space: Space) -> f64 {
    match space {
        Space::Logit => 5.0,
        Space::Probability => 1.0,
    }
}

/// The time constant that default gains are made from (s): of the profile, or this where there is none.
pub(crate) fn time_constant(context: &RouterContext<'_>) -> f64 {
    const WITHOUT_PROFILE: f64 = 10.0;
    context.thermal.map_or(WITHOUT_PROFILE, |thermal| thermal.time_constant_s)
}

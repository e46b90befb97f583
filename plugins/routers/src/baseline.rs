//! `baseline`: the gate alone, as the common models have it.
//!
//! S = top-k of the logits z, weights = softmax of z over S (Mixtral, arXiv:2401.04088: the same as softmax over all experts,
//! renormalised over S). Every saving is measured against this router, without options, on the same tokens.
//!
//! Options make it the gate of other models:
//!
//! ```text
//! score = "sigmoid"        s_e = 1 / (1 + e^-z_e), weights s over its sum over S        DeepSeek-V3, arXiv:2412.19437
//! renormalise = false      weights are p (or s) itself; a row sums to less than 1       Switch, arXiv:2101.03961; Qwen1.5-MoE
//! capacity = 1.25          an expert serves at most ceil(1.25 T k / E) assignments     Switch, GShard: see `Drop`
//! nodes = { groups, limit} experts of at most `limit` of the groups, see `Nodes`        DeepSeek-V3
//! ```

use isotherm_core::gate::GateBatch;
use isotherm_core::registry::Kind;
use isotherm_core::router::{ClusterView, Router, RouterContext, RouterError, RouterSpec};
use isotherm_core::routing::{Affinity, Routing, Rule, Selector};
use isotherm_core::tier::Tiers;
use serde::{Deserialize, Serialize};

use crate::capacity::{Drop, Dropper};
use crate::nodes::{NodeLimit, Nodes};

pub(crate) const KIND: Kind = Kind {
    name: "baseline",
    summary: "top-k of the gate, no price: what every saving is measured against",
    example: "kind = \"baseline\"",
};

/// Options of `baseline`; without any it is the reference.
///
/// ```
/// use isotherm_core::{gate::GateBatch, router::{ClusterView, RouterContext, RouterSpec}, routing::{DROPPED, Routing}};
/// use isotherm_routers::Baseline;
/// let context = RouterContext::new(3, 2, &[1.0; 3], 0);
/// let gate = GateBatch::from_logits(3, 2, vec![0.0, 2.0, 1.0, 0.0, 3.0, 1.0]);
/// let mut routing = Routing::new(3, 2);
/// Baseline::default().build(&context).unwrap().route(&gate, &ClusterView::empty(), &mut routing).unwrap();
/// assert_eq!(routing.experts, [1, 2, 1, 2]);
///
/// // Four assignments over three experts with a capacity factor of 0.5 would be one each; below 1 it is refused.
/// assert!(Baseline { capacity: Some(0.5), ..Baseline::default() }.build(&context).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// What the gate makes of its logits.
    #[serde(default)]
    pub score: Affinity,
    /// Whether the weights of the chosen are scaled to sum to 1. Without, a row sums to the gate's mass of what was chosen, and
    /// `combine_weight_tv` against the reference holds the missing mass too.
    #[serde(default = "yes")]
    pub renormalise: bool,
    /// Capacity factor, at least 1: an expert serves at most ceil(capacity T k / E) assignments of a batch, the others are dropped and
    /// counted. What is left of a token's weights is renormalised (unless `renormalise = false`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<f64>,
    /// Which assignments an expert beyond its capacity drops.
    #[serde(default)]
    pub drop: Drop,
    /// Node-limited routing: each token's experts are within few groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<Nodes>,
}

fn yes() -> bool {
    true
}

impl Default for Baseline {
    fn default() -> Self {
        Self { score: Affinity::Softmax, renormalise: true, capacity: None, drop: Drop::default(), nodes: None }
    }
}

#[typetag::serde(name = "baseline")]
impl RouterSpec for Baseline {
    fn build(&self, context: &RouterContext<'_>) -> Result<Box<dyn Router>, RouterError> {
        if self.score == Affinity::Sigmoid || !self.renormalise {
            context.options.refuse_penalised("a gate that does not weigh by the softmax of its logits")?;
        }
        let capacity = self.capacity.map(|factor| Dropper::new(factor, self.drop, self.renormalise)).transpose()?;
        if capacity.is_some() && context.options.floor > 0 {
            return Err(RouterError::Option {
                option: "floor",
                message: "experts beyond their `capacity` drop what a floor would keep; leave out one of the two, \
                          for example `floor = 0`"
                    .to_owned(),
            });
        }
        Ok(Box::new(TopK {
            selector: Selector::new(context.options).weighing(self.score, self.renormalise),
            capacity,
            nodes: self.nodes.map(|nodes| NodeLimit::new(nodes, self.score, context)).transpose()?,
            experts: context.experts as f64,
            top_k: context.top_k as f64,
        }))
    }

    fn is_reference(&self) -> bool {
        *self == Self::default()
    }

    /// A capacity is shared by the tokens of a batch, and groups of experts compete for each by sums that are no price.
    fn tiers(&self) -> Tiers {
        if self.capacity.is_some() || self.nodes.is_some() { Tiers::TOKEN } else { Tiers::ALL }
    }
}

#[derive(Debug)]
struct TopK {
    selector: Selector,
    capacity: Option<Dropper>,
    nodes: Option<NodeLimit>,
    experts: f64,
    top_k: f64,
}

impl Router for TopK {
    fn route(&mut self, gate: &GateBatch, _: &ClusterView<'_>, out: &mut Routing) -> Result<(), RouterError> {
        let rule = self.nodes.as_mut().map_or(Rule::Logit, |nodes| Rule::Given { scores: nodes.mask(gate) });
        self.selector.select(gate, rule, None, out);
        if let Some(capacity) = &mut self.capacity {
            capacity.drop_surplus(gate, out);
        }
        Ok(())
    }

    fn rule(&mut self, _: &ClusterView<'_>) -> Result<Option<Rule<'_>>, RouterError> {
        Ok((self.capacity.is_none() && self.nodes.is_none()).then_some(Rule::Logit))
    }

    /// A comparison per expert where groups compete, and per assignment where experts have a capacity.
    fn operations_per_token(&self) -> f64 {
        let groups = if self.nodes.is_some() { 2.0 * self.experts } else { 0.0 };
        groups + if self.capacity.is_some() { 2.0 * self.top_k } else { 0.0 }
    }
}

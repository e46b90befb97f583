//! `sinkhorn`: a balanced assignment as prices, from entropic optimal transport.
//!
//! ```text
//! plan = u K v, K = e^(z / epsilon), rows sum to 1/T, columns to target_e           `Transport`
//! S_t  = top-k of plan_t = top-k of (z_t + epsilon ln v)                            price_e = -epsilon ln v_e
//! ```
//!
//! The plan's row factor u changes no order within a token, so the balanced choice is an additive price on the logits like any other,
//! found for this batch instead of learned over many. BASE layers (arXiv:2103.16716) solve the assignment exactly with epsilon -> 0 in
//! training; Sinkhorn routing with top-k per row is selective Sinkhorn (arXiv:2511.08972). Weights come from the gate.
//!
//! Columns of the plan hit their targets; the top k of its rows only nearly: an expert that is second choice of many gets
//! more, or less, than its column says. Not causal within a batch: the price depends on all of its tokens.

use isotherm_core::gate::GateBatch;
use isotherm_core::registry::Kind;
use isotherm_core::router::{ClusterView, Router, RouterContext, RouterError, RouterSpec};
use isotherm_core::routing::{Routing, Rule, Selector};
use isotherm_core::simd;
use serde::{Deserialize, Serialize};

use crate::belief::require_at_least;
use crate::expert_choice::limit_degc;
use crate::shares::Shares;
use crate::transport::Transport;

pub(crate) const KIND: Kind = Kind {
    name: "sinkhorn",
    summary: "prices that balance this batch, evenly or by thermal headroom (optimal transport)",
    example: "kind = \"sinkhorn\"\ntargets = \"uniform\"",
};

/// Options of `sinkhorn`.
///
/// ```
/// use isotherm_core::{gate::GateBatch, router::{ClusterView, RouterContext, RouterSpec}, routing::Routing};
/// use isotherm_routers::Sinkhorn;
/// let context = RouterContext::new(2, 1, &[1.0; 2], 0);
/// let mut router = Sinkhorn::default().build(&context).unwrap();
/// // All four tokens prefer expert 0; the two that prefer it least go to expert 1.
/// let gate = GateBatch::from_logits(2, 1, vec![1.0, 0.0, 3.0, 0.0, 2.0, 0.0, 0.5, 0.0]);
/// let mut routing = Routing::new(2, 1);
/// router.route(&gate, &ClusterView::empty(), &mut routing).unwrap();
/// assert_eq!(routing.experts, [1, 0, 0, 1]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sinkhorn {
    /// Smoothness (nats): small is a hard assignment and needs more iterations.
    #[serde(default = "one")]
    pub epsilon: f64,
    /// Most iterations; 0 is the baseline, bit for bit.
    #[serde(default = "iterations")]
    pub iterations: u32,
    /// Iterations stop when no expert's share is off its target by more than this part of it; 0 stops only when nothing
    /// moves any more.
    #[serde(default)]
    pub tolerance: f64,
    /// The shares experts should get.
    #[serde(default)]
    pub targets: Shares,
    /// With `targets = "headroom"`: the temperature at which a GPU has none left (degC).
    #[serde(default = "limit_degc")]
    pub limit_degc: f64,
}

fn one() -> f64 {
    1.0
}

fn iterations() -> u32 {
    20
}

impl Default for Sinkhorn {
    fn default() -> Self {
        Self {
            epsilon: one(),
            iterations: iterations(),
            tolerance: 0.0,
            targets: Shares::default(),
            limit_degc: limit_degc(),
        }
    }
}

#[typetag::serde(name = "sinkhorn")]
impl RouterSpec for Sinkhorn {
    fn build(&self, context: &RouterContext<'_>) -> Result<Box<dyn Router>, RouterError> {
        // Below, e^(z / epsilon) is 0 or 1 in single precision for all but the closest logits.
        require_at_least("epsilon", self.epsilon, 0.01, "1.0")?;
        require_at_least("tolerance", self.tolerance, 0.0, "0.01")?;
        require_at_least("limit_degc", self.limit_degc, -273.15, "85.0")?;
        self.targets.check("targets", context.experts)?;
        Ok(Box::new(Balanced {
            spec: self.clone(),
            targets: vec![0.0; context.experts],
            price: vec![0.0; context.experts],
            transport: Transport::default(),
            selector: Selector::new(context.options),
        }))
    }
}

#[derive(Debug)]
struct Balanced {
    spec: Sinkhorn,
    targets: Vec<f64>,
    price: Vec<f32>,
    transport: Transport,
    selector: Selector,
}

impl Router for Balanced {
    fn route(&mut self, gate: &GateBatch, view: &ClusterView<'_>, out: &mut Routing) -> Result<(), RouterError> {
        let spec = &self.spec;
        spec.targets.now(view, spec.limit_degc, &mut self.targets);
        self.transport.solve(gate, spec.epsilon, &self.targets, spec.iterations, spec.tolerance);
        for (price, v) in self.price.iter_mut().zip(self.transport.columns()) {
            *price = -(spec.epsilon as f32) * simd::ln(*v as f32);
        }
        // Only differences route.
        let least = self.price.iter().copied().fold(f32::INFINITY, f32::min);
        self.price.iter_mut().for_each(|price| *price -= least);
        self.selector.select(gate, Rule::PricedLogit { price: &self.price }, None, out);
        Ok(())
    }

    /// Two products and two sums per expert and iteration, some twenty for the exponential, and the price.
    fn operations_per_token(&self) -> f64 {
        (4.0 * f64::from(self.spec.iterations) + 21.0) * self.price.len() as f64
    }
}

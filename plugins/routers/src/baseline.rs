//! `baseline`: the gate alone.
//!
//! S = top-k of the logits z, weights = softmax of z over S (Mixtral, arXiv:2401.04088: the same as softmax over all experts,
//! renormalised over S). Every saving is measured against this router on the same tokens.

use isotherm_core::gate::GateBatch;
use isotherm_core::registry::Kind;
use isotherm_core::router::{ClusterView, Router, RouterContext, RouterError, RouterSpec};
use isotherm_core::routing::{Routing, Rule, Selector};
use serde::{Deserialize, Serialize};

pub(crate) const KIND: Kind = Kind {
    name: "baseline",
    summary: "top-k of the gate, no price: what every saving is measured against",
    example: "kind = \"baseline\"",
};

/// Top-k of the gate; has no options.
///
/// ```
/// use isotherm_core::{gate::GateBatch, router::{ClusterView, RouterContext, RouterSpec}, routing::Routing};
/// use isotherm_routers::Baseline;
/// let context = RouterContext::new(3, 2, &[1.0; 3], 0);
/// let mut router = Baseline {}.build(&context).unwrap();
/// let gate = GateBatch::from_logits(3, 2, vec![0.0, 2.0, 1.0]);
/// let mut routing = Routing::new(3, 2);
/// router.route(&gate, &ClusterView::empty(), &mut routing).unwrap();
/// assert_eq!(routing.experts, [1, 2]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {}

#[typetag::serde(name = "baseline")]
impl RouterSpec for Baseline {
    fn build(&self, context: &RouterContext<'_>) -> Result<Box<dyn Router>, RouterError> {
        Ok(Box::new(TopK { selector: Selector::new(context.options) }))
    }

    fn is_reference(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct TopK {
    selector: Selector,
}

impl Router for TopK {
    fn route(&mut self, gate: &GateBatch, _: &ClusterView<'_>, out: &mut Routing) -> Result<(), RouterError> {
        self.selector.select(gate, Rule::Logit, None, out);
        Ok(())
    }
}

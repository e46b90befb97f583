//! `prescribed`: sends assignments where a published table says they went, and ignores the gate.
//!
//! It exists to put other people's usage counts through our accounting: with the published 1,730 cold and 830 hot
//! assignments it reproduces their joules, and shows which baseline their percentage was taken against. Each token goes to the k experts
//! with the most assignments left, equal numbers to the lower index.

use isotherm_core::gate::GateBatch;
use isotherm_core::registry::Kind;
use isotherm_core::router::{ClusterView, Router, RouterContext, RouterError, RouterSpec};
use isotherm_core::routing::Routing;
use serde::{Deserialize, Serialize};

use crate::saved;

pub(crate) const KIND: Kind = Kind {
    name: "prescribed",
    summary: "reproduces given usage counts; ignores the gate (for checking published numbers)",
    example: "kind = \"prescribed\"\nusage = [320, 320, 320, 320, 320, 320, 320, 320]",
};

/// Options of `prescribed`.
///
/// ```
/// use isotherm_core::{gate::GateBatch, router::{ClusterView, RouterContext, RouterSpec}, routing::Routing};
/// use isotherm_routers::Prescribed;
/// let context = RouterContext::new(3, 1, &[1.0; 3], 0);
/// let mut router = Prescribed { usage: vec![1, 0, 3] }.build(&context).unwrap();
/// let gate = GateBatch::from_logits(3, 1, vec![0.0; 12]);
/// let mut routing = Routing::new(3, 1);
/// router.route(&gate, &ClusterView::empty(), &mut routing).unwrap();
/// assert_eq!(routing.counts, [1, 0, 3]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prescribed {
    /// Assignments per expert over the whole run.
    pub usage: Vec<u64>,
}

#[typetag::serde(name = "prescribed")]
impl RouterSpec for Prescribed {
    fn build(&self, context: &RouterContext<'_>) -> Result<Box<dyn Router>, RouterError> {
        context.options.refuse_all("a router that ignores the gate")?;
        if self.usage.len() == context.experts {
            return Ok(Box::new(Quota { left: self.usage.clone(), order: (0..context.experts).collect() }));
        }
        Err(RouterError::Option {
            option: "usage",
            message: format!(
                "has {} entries, expected one for each of the {} experts",
                self.usage.len(),
                context.experts
            ),
        })
    }
}

#[derive(Debug)]
struct Quota {
    left: Vec<u64>,
    /// Experts by falling rest; sorted anew for every token.
    order: Vec<usize>,
}

impl Router for Quota {
    fn route(&mut self, gate: &GateBatch, _: &ClusterView<'_>, out: &mut Routing) -> Result<(), RouterError> {
        out.reset(gate.tokens());
        let k = out.top_k();
        for row in out.experts.chunks_exact_mut(k) {
            self.order.sort_unstable_by_key(|e| (std::cmp::Reverse(self.left[*e]), *e));
            for (slot, &expert) in row.iter_mut().zip(&self.order) {
                self.left[expert] = self.left[expert].checked_sub(1).ok_or_else(|| {
                    RouterError::Failed(
                        "`usage` is used up before the workload ends; its sum must be tokens x top_k".to_owned(),
                    )
                })?;
                *slot = expert as u32;
            }
        }
        out.weights.fill(1.0 / k as f32);
        out.count();
        Ok(())
    }

    fn save(&self) -> Vec<u8> {
        saved::bytes(&self.left)
    }

    fn load(&mut self, state: &[u8]) -> Result<(), RouterError> {
        let left: Vec<u64> = saved::read(state)?;
        if left.len() != self.left.len() {
            let (found, expected) = (left.len(), self.left.len());
            return Err(RouterError::State(format!("it is for {found} experts, the model has {expected}")));
        }
        self.left = left;
        Ok(())
    }
}

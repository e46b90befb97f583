//! Node-limited routing: a token's experts are within few groups of experts, so that it travels to few nodes.

use isotherm_core::gate::GateBatch;
use isotherm_core::router::{RouterContext, RouterError};
use isotherm_core::routing::Affinity;
use isotherm_core::simd::{exp_nonpositive, sigmoid};
use serde::{Deserialize, Serialize};

/// Node-limited routing of DeepSeek-V3 (arXiv:2412.19437, 2.1.2).
///
/// Experts 0 to E/groups - 1 are the first group, and so on: with a contiguous placement, a node. The score of a group is the sum of its
/// ceil(k / limit) largest affinities; the token's top k are taken within the `limit` groups of largest score, of equal
/// ones the lower index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nodes {
    /// Groups of experts; divides their number.
    pub groups: u32,
    /// Groups a token may go to.
    pub limit: u32,
}

impl Nodes {
    fn check(self, experts: usize, top_k: usize) -> Result<(), RouterError> {
        let fault = |message: String| {
            Err(RouterError::Option {
                option: "nodes",
                message: format!(
                    "{message}; for example, for 256 experts and top-8, `nodes = {{ groups = 8, limit = 4 }}`"
                ),
            })
        };
        let (groups, limit) = (self.groups as usize, self.limit as usize);
        if groups == 0 || !experts.is_multiple_of(groups) {
            return fault(format!("{experts} experts cannot be divided into {groups} groups of one size"));
        }
        if !(1..=groups).contains(&limit) {
            return fault(format!("a token may go to 1 to {groups} groups, found `limit = {limit}`"));
        }
        if limit * (experts / groups) < top_k {
            return fault(format!("{limit} groups of {} experts do not hold the {top_k} of a token", experts / groups));
        }
        Ok(())
    }
}

/// Scores with the experts of all other groups masked; owns its buffers.
#[derive(Clone, Debug)]
pub(crate) struct NodeLimit {
    nodes: Nodes,
    affinity: Affinity,
    /// Affinities that make up the score of a group.
    counted: usize,
    scores: Vec<f32>,
    groups: Vec<(f32, u32)>,
    best: Vec<f32>,
}

impl NodeLimit {
    pub(crate) fn new(nodes: Nodes, affinity: Affinity, context: &RouterContext<'_>) -> Result<Self, RouterError> {
        nodes.check(context.experts, context.top_k)?;
        let counted = context.top_k.div_ceil(nodes.limit as usize);
        Ok(Self { nodes, affinity, counted, scores: Vec::new(), groups: Vec::new(), best: Vec::new() })
    }

    /// The logits of `gate`, with `f32::MIN` where a token may not go.
    pub(crate) fn mask(&mut self, gate: &GateBatch) -> &[f32] {
        let (experts, size) = (gate.experts(), gate.experts() / self.nodes.groups as usize);
        self.scores.clear();
        self.scores.extend_from_slice(gate.logits());
        for row in self.scores.chunks_exact_mut(experts) {
            let most = row.iter().copied().fold(f32::MIN, f32::max);
            self.groups.clear();
            for (group, logits) in row.chunks_exact(size).enumerate() {
                let score = group_score(logits, most, self.affinity, self.counted, &mut self.best);
                self.groups.push((score, group as u32));
            }
            self.groups.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            for (_, group) in &self.groups[self.nodes.limit as usize..] {
                row[*group as usize * size..][..size].fill(f32::MIN);
            }
        }
        &self.scores
    }
}

/// Sum of the `counted` largest affinities (all of them in a smaller group). The softmax's divisor is the same for all groups of a token
/// and left out.
fn group_score(logits: &[f32], most: f32, affinity: Affinity, counted: usize, best: &mut Vec<f32>) -> f32 {
    best.clear();
    best.resize(counted.min(logits.len()), f32::NEG_INFINITY);
    for &logit in logits {
        let mut carried = logit;
        for place in best.iter_mut() {
            let larger = carried.max(*place);
            carried = carried.min(*place);
            *place = larger;
        }
    }
    let affinity = |z: f32| match affinity {
        Affinity::Softmax => exp_nonpositive(z - most),
        Affinity::Sigmoid => sigmoid(z),
    };
    best.iter().map(|z| affinity(*z)).sum()
}

//! `expert-choice`: experts choose tokens.
//!
//! ```text
//! p = softmax(z)          expert e takes its C_e tokens of largest p_te          C_e = ceil(capacity T k share_e)
//! ```
//!
//! Zhou et al., arXiv:2202.09368. The load is exactly what it is meant to be, evenly or by thermal headroom, and the tokens pay: one may be
//! taken by fewer than k experts, or by more. A routing has k places a token: it keeps its k best of the experts that took it,
//! and places that stay empty are dropped and counted. Compare its energy at equal work: with drops it has done less. Not causal
//! either: which tokens an expert takes depends on all tokens of the batch, so it suits prefill and batches, not decoding.
//!
//! Weights are p renormalised over the experts of the token; a token that nobody took has none. With `floor` an expert takes all tokens
//! that have it among their first, beyond its capacity if need be.

use isotherm_core::gate::GateBatch;
use isotherm_core::registry::Kind;
use isotherm_core::router::{ClusterView, Router, RouterContext, RouterError, RouterSpec};
use isotherm_core::routing::{DROPPED, Probabilities, Routing};
use isotherm_core::simd;
use serde::{Deserialize, Serialize};

use crate::belief::require_at_least;
use crate::capacity::{require_capacity, share_of};
use crate::shares::Shares;

pub(crate) const KIND: Kind = Kind {
    name: "expert-choice",
    summary: "experts choose their best tokens: exact loads, some tokens with fewer experts",
    example: "kind = \"expert-choice\"\ncapacity = 1.0",
};

/// Options of `expert-choice`.
///
/// ```
/// use isotherm_core::{gate::GateBatch, router::{ClusterView, RouterContext, RouterSpec}, routing::{DROPPED, Routing}};
/// use isotherm_routers::ExpertChoice;
/// let context = RouterContext::new(2, 1, &[1.0; 2], 0);
/// let mut router = ExpertChoice::default().build(&context).unwrap();
/// // Both tokens want expert 0, which may take one: it takes the one that wants it more.
/// let gate = GateBatch::from_logits(2, 1, vec![1.0, 0.0, 3.0, 0.0]);
/// let mut routing = Routing::new(2, 1);
/// router.route(&gate, &ClusterView::empty(), &mut routing).unwrap();
/// assert_eq!(routing.experts, [1, 0]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpertChoice {
    /// Capacity factor, at least 1: 1 gives experts as much work in all as k per token makes. The paper's factor is `capacity` k.
    #[serde(default = "one")]
    pub capacity: f64,
    /// How the work is shared between experts.
    #[serde(default)]
    pub shares: Shares,
    /// With `shares = "headroom"`: the temperature at which a GPU has none left (degC).
    #[serde(default = "limit_degc")]
    pub limit_degc: f64,
}

fn one() -> f64 {
    1.0
}

pub(crate) fn limit_degc() -> f64 {
    85.0
}

impl Default for ExpertChoice {
    fn default() -> Self {
        Self { capacity: one(), shares: Shares::default(), limit_degc: limit_degc() }
    }
}

#[typetag::serde(name = "expert-choice")]
impl RouterSpec for ExpertChoice {
    fn build(&self, context: &RouterContext<'_>) -> Result<Box<dyn Router>, RouterError> {
        require_capacity(self.capacity)?;
        require_at_least("limit_degc", self.limit_degc, -273.15, "85.0")?;
        self.shares.check("shares", context.experts)?;
        context.options.refuse_penalised("expert choice")?;
        if context.options.similarity.is_some() {
            return Err(RouterError::Option {
                option: "similarity",
                message: "no token replaces one expert by another where experts choose; leave it out, or use a router \
                          that puts a price on experts, for example `kind = \"sinkhorn\"`"
                    .to_owned(),
            });
        }
        Ok(Box::new(Choosing {
            spec: self.clone(),
            floor: context.options.floor as usize,
            shares: vec![0.0; context.experts],
            probabilities: Probabilities::default(),
            column: Vec::new(),
            taken: Vec::new(),
        }))
    }
}

#[derive(Debug)]
struct Choosing {
    spec: ExpertChoice,
    floor: usize,
    shares: Vec<f64>,
    probabilities: Probabilities,
    column: Vec<f32>,
    /// Tokens that an expert takes.
    taken: Vec<u32>,
}

impl Router for Choosing {
    fn route(&mut self, gate: &GateBatch, view: &ClusterView<'_>, out: &mut Routing) -> Result<(), RouterError> {
        self.probabilities.describe(gate);
        out.reset(gate.tokens());
        out.gate = Some(gate.summary());
        let (tokens, k) = (gate.tokens(), out.top_k());
        out.experts.fill(DROPPED);
        out.weights.fill(0.0);
        self.spec.shares.now(view, self.spec.limit_degc, &mut self.shares);
        for (expert, share) in self.shares.iter().enumerate() {
            self.probabilities.column(expert, &mut self.column);
            let kept = lift_floor(gate, expert, self.floor, &mut self.column);
            let capacity = share_of(self.spec.capacity, tokens, k, *share).max(kept);
            choose_tokens(&self.column, capacity, &mut self.taken);
            for token in &self.taken {
                insert(out, *token as usize, expert as u32, self.column[*token as usize]);
            }
        }
        finish(out);
        Ok(())
    }

    /// Some thirty comparisons to find which tokens are taken, per token and expert.
    fn operations_per_token(&self) -> f64 {
        32.0 * self.shares.len() as f64
    }
}

/// Lifts tokens that have `expert` on their floor above all others; returns their number.
fn lift_floor(gate: &GateBatch, expert: usize, floor: usize, column: &mut [f32]) -> usize {
    if floor == 0 {
        return 0;
    }
    let mut kept = 0;
    for (own, p) in gate.reference().experts.chunks_exact(gate.reference().top_k()).zip(column) {
        if own[..floor].contains(&(expert as u32)) {
            *p += KEPT;
            kept += 1;
        }
    }
    kept
}

/// What lifts a kept token above any probability.
const KEPT: f32 = 2.0;

/// The token of every expert choice: `tokens_of_experts(p, C)[e]` are the C_e tokens of largest p_te by falling p, of equal ones the lower
/// index. The pure selection, before a token has room for k of them.
///
/// ```
/// use isotherm_core::{gate::GateBatch, routing::Probabilities};
/// let gate = GateBatch::from_logits(2, 1, vec![1.0, 0.0, 3.0, 0.0, 2.0, 0.0]);
/// let mut probabilities = Probabilities::default();
/// probabilities.describe(&gate);
/// assert_eq!(isotherm_routers::tokens_of_experts(&probabilities, &[2, 1]), [vec![1, 2], vec![0]]);
/// ```
#[must_use]
pub fn tokens_of_experts(probabilities: &Probabilities, capacity: &[usize]) -> Vec<Vec<u32>> {
    let mut column = Vec::new();
    let choose = |(expert, capacity): (usize, &usize)| {
        let mut tokens = Vec::new();
        probabilities.column(expert, &mut column);
        choose_tokens(&column, *capacity, &mut tokens);
        tokens.sort_by(|a, b| column[*b as usize].total_cmp(&column[*a as usize]));
        tokens
    };
    capacity.iter().enumerate().map(choose).collect()
}

/// Replaces `taken` by the `capacity` tokens of largest score, in token order; of equal scores the lower token is taken.
///
/// Scores are not negative, so their bits are ordered as they are, and the smallest score taken is found bit by bit: a count over all tokens
/// for each bit, many tokens at a time. No token is moved.
fn choose_tokens(scores: &[f32], capacity: usize, taken: &mut Vec<u32>) {
    let capacity = capacity.min(scores.len());
    taken.clear();
    // One more than needed: every token is written, and stays if it is taken.
    taken.resize(capacity + 1, 0);
    if capacity > 0 {
        let (least, mut equals) = threshold(scores, capacity);
        let mut number = 0;
        for (token, score) in scores.iter().enumerate() {
            let bits = score.to_bits();
            let is_equal = bits == least && equals > 0;
            equals -= usize::from(is_equal);
            taken[number] = token as u32;
            number += usize::from(bits > least || is_equal);
        }
    }
    taken.truncate(capacity);
}

/// Bits of the `capacity`-th largest score, and how many of those equal to it are among the `capacity` largest.
fn threshold(scores: &[f32], capacity: usize) -> (u32, usize) {
    simd::dispatch(
        #[inline(always)]
        || {
            let mut least = 0;
            // No score reaches 4, so the first two bits are clear.
            for bit in (0..=30).rev() {
                let candidate: u32 = least | 1 << bit;
                let number = at_least(scores, candidate);
                if number >= capacity as u32 {
                    least = candidate;
                }
                if number == capacity as u32 {
                    break;
                }
            }
            let above = at_least(scores, least + 1) as usize;
            (least, capacity.saturating_sub(above))
        },
    )
}

#[inline(always)]
fn at_least(scores: &[f32], bits: u32) -> u32 {
    let mut number = 0;
    for score in scores {
        number += u32::from(score.to_bits() >= bits);
    }
    number
}

/// Gives the token this expert if it is among its k best so far; experts come by rising index. Until the end, weights are scores.
fn insert(out: &mut Routing, token: usize, expert: u32, score: f32) {
    let k = out.top_k();
    let experts = &mut out.experts[token * k..][..k];
    let scores = &mut out.weights[token * k..][..k];
    // Strictly greater: an equal score stays behind the lower index that came first.
    if experts[k - 1] != DROPPED && score <= scores[k - 1] {
        return;
    }
    let mut place = k - 1;
    while place > 0 && (experts[place - 1] == DROPPED || score > scores[place - 1]) {
        (experts[place], scores[place]) = (experts[place - 1], scores[place - 1]);
        place -= 1;
    }
    (experts[place], scores[place]) = (expert, score);
}

/// Scores become weights, and assignments are counted.
fn finish(out: &mut Routing) {
    let k = out.top_k();
    for (weights, experts) in out.weights.chunks_exact_mut(k).zip(out.experts.chunks_exact(k)) {
        let mut sum = 0.0;
        for weight in weights.iter_mut() {
            *weight -= if *weight >= KEPT { KEPT } else { 0.0 };
            sum += *weight;
        }
        let taken = experts.iter().filter(|expert| **expert != DROPPED).count() as f32;
        for (weight, expert) in weights.iter_mut().zip(experts) {
            *weight = match *expert {
                DROPPED => 0.0,
                _ if sum > 0.0 => *weight / sum,
                _ => 1.0 / taken,
            };
        }
    }
    out.count();
}

#[cfg(test)]
mod tests {
    use isotherm_core::rng::fill_standard_normal;

    use super::*;

    #[test]
    fn the_threshold_takes_what_a_full_sort_takes() {
        let mut scores = vec![0.0; 301];
        fill_standard_normal([1, 2], 0, &mut scores);
        // Many ties, zeros, and scores on a floor.
        scores.iter_mut().for_each(|score| *score = (score.abs() * 8.0).floor() / 8.0 % 1.0);
        scores[17] += KEPT;
        for capacity in [0, 1, 2, 7, 100, 299, 300, 301, 400] {
            let mut order: Vec<usize> = (0..scores.len()).collect();
            order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
            let mut expected = order[..capacity.min(scores.len())].to_vec();
            expected.sort_unstable();
            let mut taken = Vec::new();
            choose_tokens(&scores, capacity, &mut taken);
            assert_eq!(taken.iter().map(|token| *token as usize).collect::<Vec<_>>(), expected, "{capacity}");
        }
    }
}

//! Experts that serve no more than their capacity, and what they drop.

use isotherm_core::gate::GateBatch;
use isotherm_core::router::RouterError;
use isotherm_core::routing::{DROPPED, Routing};
use serde::{Deserialize, Serialize};

/// Which assignments an expert drops when it has more than its capacity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Drop {
    /// Those with the lowest gate probability, of equal ones the later token's (batch-prioritised routing, arXiv:2106.05974; the default
    /// of Megatron-Core).
    #[default]
    Probability,
    /// Those that come last: first choices of all tokens come before second choices, and within a choice tokens in their order
    /// (GShard, arXiv:2006.16668; Switch, arXiv:2101.03961).
    Position,
}

/// Assignments that one of `experts` experts may serve: ceil(factor T k / E), at most all tokens.
///
/// ```
/// use isotherm_routers::capacity_of;
/// assert_eq!(capacity_of(1.25, 2048, 8, 64), 320);
/// assert_eq!(capacity_of(1.0, 10, 1, 3), 4);
/// ```
#[must_use]
pub fn capacity_of(factor: f64, tokens: usize, top_k: usize, experts: usize) -> usize {
    share_of(factor, tokens, top_k, 1.0 / experts as f64)
}

/// ceil(factor T k share), at most all tokens; a product that is whole but for rounding counts as whole.
pub(crate) fn share_of(factor: f64, tokens: usize, top_k: usize, share: f64) -> usize {
    let product = factor * (tokens * top_k) as f64 * share;
    ((product - 1e-9 * product.max(1.0)).ceil().max(0.0) as usize).min(tokens)
}

/// Refuses a capacity factor that cannot serve what an even split would bring.
pub(crate) fn require_capacity(factor: f64) -> Result<(), RouterError> {
    if factor.is_finite() && factor >= 1.0 {
        return Ok(());
    }
    Err(RouterError::Option {
        option: "capacity",
        message: format!(
            "is a factor on the even share of an expert and must be a finite number of at least 1, found {factor}; \
             for example `capacity = 1.25`"
        ),
    })
}

/// Drops what is beyond capacity; owns its buffers.
#[derive(Clone, Debug)]
pub(crate) struct Dropper {
    factor: f64,
    drop: Drop,
    renormalise: bool,
    /// Assignment slots, expert after expert: rank of its claim and slot.
    claims: Vec<(u64, u32)>,
    /// Where each expert's claims end.
    ends: Vec<u32>,
}

impl Dropper {
    pub(crate) fn new(factor: f64, drop: Drop, renormalise: bool) -> Result<Self, RouterError> {
        require_capacity(factor)?;
        Ok(Self { factor, drop, renormalise, claims: Vec::new(), ends: Vec::new() })
    }

    /// Replaces assignments beyond capacity by [`DROPPED`] with weight 0, and scales what is left of their tokens' weights to sum to 1.
    /// A token that has lost all of its experts keeps weights of 0.
    pub(crate) fn drop_surplus(&mut self, gate: &GateBatch, out: &mut Routing) {
        let (k, tokens, experts) = (out.top_k(), out.tokens(), gate.experts());
        let capacity = capacity_of(self.factor, tokens, k, experts);
        if out.counts.iter().all(|count| *count as usize <= capacity) {
            return;
        }
        self.sort_by_expert(gate, out, tokens);
        let mut first = 0;
        for (expert, end) in self.ends.iter().enumerate() {
            let claims = &mut self.claims[first..*end as usize];
            first = *end as usize;
            if claims.len() <= capacity {
                continue;
            }
            claims.select_nth_unstable(capacity - 1);
            for (_, slot) in &claims[capacity..] {
                out.experts[*slot as usize] = DROPPED;
                out.weights[*slot as usize] = 0.0;
            }
            out.counts[expert] = capacity as u32;
        }
        if self.renormalise {
            renormalise_dropped(out, k);
        }
    }

    /// Counting sort of all slots by expert; the lower the rank, the better the claim.
    fn sort_by_expert(&mut self, gate: &GateBatch, out: &Routing, tokens: usize) {
        let k = out.top_k();
        self.claims.clear();
        self.claims.resize(out.experts.len(), (0, 0));
        self.ends.clear();
        let mut next = 0;
        for count in &out.counts {
            self.ends.push(next);
            next += count;
        }
        for (slot, &expert) in out.experts.iter().enumerate() {
            let (token, place) = (slot / k, slot % k);
            let rank = match self.drop {
                // The bits of numbers that are not negative are ordered as they are.
                Drop::Probability => u64::from(!gate.probability(token, expert as usize).to_bits()),
                Drop::Position => (place * tokens + token) as u64,
            };
            let at = &mut self.ends[expert as usize];
            self.claims[*at as usize] = (rank, slot as u32);
            *at += 1;
        }
    }
}

fn renormalise_dropped(out: &mut Routing, k: usize) {
    for (row, weights) in out.experts.chunks_exact(k).zip(out.weights.chunks_exact_mut(k)) {
        if !row.contains(&DROPPED) {
            continue;
        }
        let sum: f32 = weights.iter().sum();
        if sum > 0.0 {
            weights.iter_mut().for_each(|weight| *weight /= sum);
        } else {
            // What is left weighs nothing by itself: even shares.
            let left = row.iter().filter(|expert| **expert != DROPPED).count().max(1) as f32;
            for (weight, expert) in weights.iter_mut().zip(row) {
                *weight = if *expert == DROPPED { 0.0 } else { 1.0 / left };
            }
        }
    }
}

//! Routing: the buffers a decision is written to, and the fused kernel that most strategies need.
//!
//! "Add a price to every expert, then take the top k" is one pass over the logits: see [`Selector`].

mod churn;
mod general;
mod options;
mod probabilities;
mod rule;
mod select;
mod tile;
mod top;
mod trained;
mod weights;

pub use options::{Combine, RoutingOptions, Similarity};
pub use probabilities::Probabilities;
pub use rule::{Affinity, Rule};
pub use select::Selector;
pub use trained::BiasStatistics;

use thiserror::Error;

use crate::buffer::Buffer;

/// An assignment slot that no expert serves: the token was dropped there.
pub const DROPPED: u32 = u32::MAX;

/// Which experts serve each token of a batch, and with which weight.
///
/// Row `t` holds the `top_k` experts of token `t` in order of falling score, equal scores by rising index; what a floor keeps comes
/// first. Buffers are reused from batch to batch.
///
/// ```
/// use isotherm_core::routing::Routing;
/// let mut routing = Routing::new(8, 2);
/// routing.reset(1);
/// routing.experts.copy_from_slice(&[3, 5]);
/// routing.weights.copy_from_slice(&[0.75, 0.25]);
/// routing.count();
/// assert_eq!(routing.counts, [0, 0, 0, 1, 0, 1, 0, 0]);
/// assert!(routing.check().is_ok());
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Routing<'a> {
    top_k: usize,
    /// Chosen experts, `tokens x top_k`, row after row; [`DROPPED`] where none.
    pub experts: Buffer<'a, u32>,
    /// Combine weights, `tokens x top_k`, row after row; each row sums to 1 over what was not dropped.
    pub weights: Buffer<'a, f32>,
    /// Assignments per expert.
    pub counts: Buffer<'a, u32>,
    /// What the router's own gate distribution looked like, where it has one.
    pub gate: Option<GateSummary>,
}

/// Means over the tokens of a batch, of the distribution a router selected from.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GateSummary {
    /// Entropy over all experts (nats).
    pub entropy_nats: f64,
    /// log of the sum of exponentials of the scores.
    pub log_sum_exp: f64,
    /// KL divergence (nats) from the unpenalised gate to this distribution; `None` where the router has none of its own. A
    /// router that hands changed logits to the kernel as if they were the gate's sets it itself, or to `None`.
    pub kl_nats: Option<f64>,
}

/// What is wrong with a routing: a router broke its contract, which ends its run (INV-1).
#[derive(Clone, Debug, Error, PartialEq)]
pub enum RoutingFault {
    /// A buffer has the wrong length.
    #[error("{what} holds {found} entries, expected {expected}")]
    Length {
        /// Which buffer.
        what: &'static str,
        /// Entries found.
        found: usize,
        /// Entries expected.
        expected: usize,
    },
    /// An index past the last expert.
    #[error("token {token} goes to expert {expert}, but there are {experts}")]
    NoSuchExpert {
        /// The token.
        token: usize,
        /// The expert it names.
        expert: u32,
        /// Number of experts.
        experts: usize,
    },
    /// One token twice at the same expert.
    #[error("token {token} goes to expert {expert} twice")]
    Twice {
        /// The token.
        token: usize,
        /// The expert.
        expert: u32,
    },
    /// A weight that is negative or not a number.
    #[error("token {token} has the combine weight {weight}")]
    Weight {
        /// The token.
        token: usize,
        /// The weight.
        weight: f32,
    },
    /// `counts` does not match `experts`.
    #[error("expert {expert} is counted {counted} times but chosen {chosen} times")]
    Count {
        /// The expert.
        expert: usize,
        /// What `counts` says.
        counted: u32,
        /// What `experts` says.
        chosen: u32,
    },
}

impl<'a> Routing<'a> {
    /// A routing in buffers that somebody else holds: `tokens x top_k` experts and weights, one count per expert. Those lent for writing are
    /// written to in place.
    ///
    /// ```
    /// use isotherm_core::routing::Routing;
    /// let (mut experts, mut weights, mut counts) = ([0; 2], [0.0; 2], [0; 4]);
    /// let mut routing = Routing::lent(2, &mut experts[..], &mut weights[..], &mut counts[..]);
    /// routing.reset(1);
    /// routing.experts.copy_from_slice(&[3, 1]);
    /// routing.count();
    /// assert_eq!((experts, counts), ([3, 1], [0, 1, 0, 1]));
    /// ```
    #[must_use]
    pub fn lent(
        top_k: usize,
        experts: impl Into<Buffer<'a, u32>>,
        weights: impl Into<Buffer<'a, f32>>,
        counts: impl Into<Buffer<'a, u32>>,
    ) -> Self {
        Self { top_k, experts: experts.into(), weights: weights.into(), counts: counts.into(), gate: None }
    }

    /// Empty buffers for `experts` experts and `top_k` assignments a token.
    #[must_use]
    pub fn new(experts: usize, top_k: usize) -> Self {
        Self { top_k, counts: vec![0; experts].into(), ..Self::default() }
    }

    /// Assignments a token makes.
    #[must_use]
    pub fn top_k(&self) -> usize {
        self.top_k
    }

    /// Tokens the buffers hold.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.experts.len() / self.top_k.max(1)
    }

    /// Makes room for `tokens` tokens and zeroes the counts; a router calls this first. The contents of `experts` and
    /// `weights` are unspecified afterwards.
    #[inline]
    pub fn reset(&mut self, tokens: usize) {
        self.experts.resize(tokens * self.top_k, DROPPED);
        self.weights.resize(tokens * self.top_k, 0.0);
        self.counts.fill(0);
        self.gate = None;
    }

    /// Sets `counts` from `experts`. The [`Selector`] counts on the way and needs no call.
    pub fn count(&mut self) {
        self.counts.fill(0);
        for &expert in &self.experts {
            if let Some(count) = self.counts.get_mut(expert as usize) {
                *count += 1;
            }
        }
    }

    /// Assignments that no expert serves.
    #[must_use]
    pub fn dropped(&self) -> usize {
        self.experts.len() - self.counts.iter().map(|c| *c as usize).sum::<usize>()
    }

    /// How much of its set a token does not share with the token before it: mean over consecutive tokens of
    /// `|S_t xor S_(t-1)| / 2k`, 0 for equal sets and 1 for sets without a common expert; `None` below two tokens.
    ///
    /// Sets drawn by chance give 1 - k/E. What was dropped is in no set.
    ///
    /// ```
    /// use isotherm_core::routing::Routing;
    /// let mut routing = Routing::new(8, 2);
    /// routing.reset(3);
    /// routing.experts.copy_from_slice(&[3, 5, 5, 3, 5, 0]);
    /// // The second token keeps the set of the first, the third changes one expert of two.
    /// assert_eq!(routing.churn(), Some(0.25));
    /// ```
    #[must_use]
    pub fn churn(&self) -> Option<f64> {
        churn::of(self.top_k, self.counts.len(), &self.experts)
    }

    /// Verifies the contract of a router (INV-1): every token routed exactly `top_k` times, each time to another existing
    /// expert, or counted as dropped.
    ///
    /// # Errors
    /// The first fault found.
    pub fn check(&self) -> Result<(), RoutingFault> {
        self.check_with(&mut Vec::new())
    }

    /// [`Routing::check`] for who asks often: `chosen` is scratch, whatever was in it.
    ///
    /// # Errors
    /// As [`Routing::check`].
    pub fn check_with(&self, chosen: &mut Vec<u32>) -> Result<(), RoutingFault> {
        chosen.clear();
        chosen.resize(self.counts.len(), 0);
        if self.weights.len() != self.experts.len() {
            let (found, expected) = (self.weights.len(), self.experts.len());
            return Err(RoutingFault::Length { what: "weights", found, expected });
        }
        // Written so that NaN fails.
        if let Some(at) = self.weights.iter().position(|w| !(0.0..=f32::MAX).contains(w)) {
            return Err(RoutingFault::Weight { token: at / self.top_k, weight: self.weights[at] });
        }
        // Row lengths that the compiler knows are checked in registers.
        match self.top_k {
            1 => self.check_rows(self.experts.as_chunks::<1>().0.iter(), chosen),
            2 => self.check_rows(self.experts.as_chunks::<2>().0.iter(), chosen),
            4 => self.check_rows(self.experts.as_chunks::<4>().0.iter(), chosen),
            8 => self.check_rows(self.experts.as_chunks::<8>().0.iter(), chosen),
            k => self.check_rows(self.experts.chunks_exact(k), chosen),
        }
    }

    /// `chosen` holds a zero per expert.
    fn check_rows<R: AsRef<[u32]>>(
        &self,
        rows: impl Iterator<Item = R>,
        chosen: &mut [u32],
    ) -> Result<(), RoutingFault> {
        let experts = self.counts.len();
        for (token, row) in rows.enumerate() {
            let row = row.as_ref();
            for (slot, &expert) in row.iter().enumerate() {
                match chosen.get_mut(expert as usize) {
                    Some(count) => *count += 1,
                    None if expert == DROPPED => continue,
                    None => return Err(RoutingFault::NoSuchExpert { token, expert, experts }),
                }
                if row[..slot].contains(&expert) {
                    return Err(RoutingFault::Twice { token, expert });
                }
            }
        }
        match chosen.iter().zip(&self.counts).position(|(chosen, counted)| chosen != counted) {
            None => Ok(()),
            Some(expert) => Err(RoutingFault::Count { expert, counted: self.counts[expert], chosen: chosen[expert] }),
        }
    }
}

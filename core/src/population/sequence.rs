//! Tokens of one sequence that resemble each other.
//!
//! Every sequence has a subset of its own, drawn from the law of all tokens; each of its tokens takes that with probability sqrt(rho) and
//! draws one for itself otherwise. Two tokens of a sequence then choose an expert together as the correlation rho says, for every expert, and
//! a single token follows the law as before.

use super::Stream;
use super::binomial::{Bits, Chance};
use super::subset::Subsets;
use crate::tier::TierSpec;

/// How tokens of a batch belong together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sequences {
    /// Tokens of a sequence in a batch, at least 2.
    length: u32,
    /// Pairwise correlation, above 0.
    correlation: f64,
}

impl Sequences {
    /// The sequences of a tier; `None` where tokens are independent.
    pub(super) fn of(tier: &TierSpec) -> Option<Self> {
        let (length, correlation) = (tier.sequence?, tier.correlation?);
        (length > 1 && correlation > 0.0).then_some(Self { length, correlation })
    }

    /// Variance of a count relative to that of independent tokens: 1 + (L - 1) rho, less where the last sequence is shorter.
    pub(super) fn inflation(self, tokens: u32) -> f64 {
        let (whole, rest) = (f64::from(tokens / self.length), f64::from(tokens % self.length));
        let length = f64::from(self.length);
        let pairs = whole * length * (length - 1.0) + rest * (rest - 1.0).max(0.0);
        1.0 + self.correlation * pairs / f64::from(tokens.max(1))
    }

    /// Draws the counts of `tokens` tokens.
    pub(super) fn draw(self, subsets: &mut Subsets, tokens: u32, stream: &mut Stream, out: &mut [u32]) {
        out.fill(0);
        let bits = &mut Bits::new(stream);
        let share = Chance::new(self.correlation.sqrt());
        let mut independent = 0;
        let mut left = tokens;
        while left > 0 {
            let length = left.min(self.length);
            let alike = bits.binomial(length, share);
            if alike > 0 {
                subsets.add(1, alike, bits, out);
            }
            independent += length - alike;
            left -= length;
        }
        subsets.add(independent, 1, bits, out);
    }
}

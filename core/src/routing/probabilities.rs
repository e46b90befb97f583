//! Probabilities of a whole batch, kept for routers that learn from them.

use serde::{Deserialize, Serialize};

use super::tile;
use crate::gate::GateBatch;
use crate::simd::{self, LANES, Lanes, one_by_one, splat};

/// The softmax of the selection scores of a whole batch, kept for a learning router.
///
/// Opaque tiles of sixteen tokens; lanes past the last token are zero, so sums over all lanes are sums over tokens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Probabilities {
    pub(crate) experts: usize,
    pub(crate) tokens: usize,
    pub(super) tiles: Vec<Lanes>,
}

impl Probabilities {
    /// Tokens held.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.tokens
    }

    /// Probability of one expert for one token; `None` past the last of either.
    #[must_use]
    pub fn get(&self, token: usize, expert: usize) -> Option<f32> {
        if token >= self.tokens || expert >= self.experts {
            return None;
        }
        self.tiles.get(token / LANES * self.experts + expert).map(|row| row[token % LANES])
    }

    /// The probabilities of one expert, token after token: replaces the contents of `out`.
    ///
    /// # Panics
    /// If there is no such expert.
    pub fn column(&self, expert: usize, out: &mut Vec<f32>) {
        assert!(expert < self.experts, "there are {} experts", self.experts);
        out.resize(self.tokens.next_multiple_of(LANES), 0.0);
        let rows = self.tiles.iter().skip(expert).step_by(self.experts);
        for (out, row) in out.as_chunks_mut::<LANES>().0.iter_mut().zip(rows) {
            *out = **row;
        }
        out.truncate(self.tokens);
    }

    /// Replaces the contents by the unpenalised probabilities of `gate`: what [`Rule::Logit`](super::Rule::Logit) keeps, without a choice.
    ///
    /// ```
    /// use isotherm_core::{gate::GateBatch, routing::Probabilities};
    /// let mut probabilities = Probabilities::default();
    /// probabilities.describe(&GateBatch::from_logits(2, 1, vec![0.0, 0.0]));
    /// assert_eq!(probabilities.get(0, 1), Some(0.5));
    /// ```
    pub fn describe(&mut self, gate: &GateBatch) {
        let experts = gate.experts();
        self.reset(gate.tokens(), experts);
        simd::dispatch(
            #[inline(always)]
            || {
                let blocks = gate.logits().chunks(LANES * experts);
                for (tile, logits) in self.tiles.chunks_exact_mut(experts).zip(blocks) {
                    tile::load(logits, experts, tile);
                    let most = tile::max(tile);
                    let inverse = inverse(&tile::exponentiate(tile, &most).exp);
                    for e in 0..experts {
                        let row = &mut tile[one_by_one(e)];
                        *row = product(row, &inverse);
                    }
                    clear_missing(tile, logits.len() / experts);
                }
            },
        );
    }

    /// Mean probability of each expert over the batch.
    pub fn mean(&self, out: &mut [f64]) {
        out.fill(0.0);
        for tiles in self.tiles.chunks_exact(self.experts.max(1)) {
            add_lanes(tiles, out);
        }
        scale_to_mean(out, self.tokens);
    }

    pub(super) fn reset(&mut self, tokens: usize, experts: usize) {
        self.tokens = tokens;
        self.experts = experts;
        self.tiles.resize(tokens.div_ceil(LANES) * experts, splat(0.0));
    }
}

#[inline(always)]
pub(super) fn add_lanes(rows: &[Lanes], out: &mut [f64]) {
    for (row, out) in rows.iter().zip(out) {
        *out += row.iter().map(|x| f64::from(*x)).sum::<f64>();
    }
}

pub(super) fn scale_to_mean(out: &mut [f64], tokens: usize) {
    for out in out {
        *out /= tokens.max(1) as f64;
    }
}

/// Exponentials over their sums, written where they are kept; lanes past the last token become 0, so that sums over lanes are sums
/// over tokens.
#[inline(always)]
pub(super) fn normalise(exponentials: &[Lanes], sum: &Lanes, lanes: usize, out: &mut [Lanes]) {
    let (inverse, exponentials) = (inverse(sum), &exponentials[..out.len()]);
    for e in 0..out.len() {
        let e = one_by_one(e);
        out[e] = product(&exponentials[e], &inverse);
    }
    clear_missing(out, lanes);
}

#[inline(always)]
fn clear_missing(tile: &mut [Lanes], lanes: usize) {
    if lanes < LANES {
        for row in tile {
            row[lanes..].fill(0.0);
        }
    }
}

#[inline(always)]
fn product(a: &Lanes, b: &Lanes) -> Lanes {
    let mut out = splat(0.0);
    for l in 0..LANES {
        out[l] = a[l] * b[l];
    }
    out
}

/// A division a token in place of one an expert: it takes as long as ten products.
#[inline(always)]
pub(super) fn inverse(values: &Lanes) -> Lanes {
    let mut out = splat(0.0);
    for l in 0..LANES {
        out[l] = 1.0 / values[l];
    }
    out
}

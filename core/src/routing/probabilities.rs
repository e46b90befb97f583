//! Probabilities of a whole batch, kept for routers that learn from them.

use serde::{Deserialize, Serialize};

use super::tile::{LANES, Lanes};
use crate::simd;

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

    /// The gradient of the mean over tokens of `<p, q>` with respect to an additive bias on the scores:
    /// `out_e = mean_t p_te (q_e - <p_t, q>)`. Sums run in f64 over blocks, in a fixed order.
    pub fn bias_gradient(&self, q: &[f64], out: &mut [f64]) {
        let q: Vec<f32> = q.iter().map(|q| *q as f32).collect();
        out.fill(0.0);
        simd::dispatch(
            #[inline(always)]
            || {
                let mut block = vec![[0.0; LANES]; self.experts];
                for tiles in self.tiles.chunks(self.experts * TILES_A_BLOCK) {
                    block.fill([0.0; LANES]);
                    for tile in tiles.chunks_exact(self.experts) {
                        accumulate_gradient(tile, &q, &mut block);
                    }
                    add_lanes(&block, out);
                }
            },
        );
        scale_to_mean(out, self.tokens);
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
        self.tiles.resize(tokens.div_ceil(LANES) * experts, [0.0; LANES]);
    }
}

/// Tiles summed in f32 before they are added to an f64.
const TILES_A_BLOCK: usize = 16;

#[inline(always)]
fn accumulate_gradient(tile: &[Lanes], q: &[f32], block: &mut [Lanes]) {
    let mut mean = [0.0; LANES];
    for (p, q) in tile.iter().zip(q) {
        for l in 0..LANES {
            mean[l] += p[l] * q;
        }
    }
    for ((p, q), sum) in tile.iter().zip(q).zip(block) {
        for l in 0..LANES {
            sum[l] += p[l] * (q - mean[l]);
        }
    }
}

fn add_lanes(rows: &[Lanes], out: &mut [f64]) {
    for (row, out) in rows.iter().zip(out) {
        *out += row.iter().map(|x| f64::from(*x)).sum::<f64>();
    }
}

fn scale_to_mean(out: &mut [f64], tokens: usize) {
    for out in out {
        *out /= tokens.max(1) as f64;
    }
}

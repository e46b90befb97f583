//! Probabilities of a whole batch, kept for routers that learn from them.

use serde::{Deserialize, Serialize};

use super::tile::{LANES, Lanes};

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
        out.clear();
        for row in self.tiles.iter().skip(expert).step_by(self.experts) {
            out.extend_from_slice(row);
        }
        out.truncate(self.tokens);
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

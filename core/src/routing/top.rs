//! The k best experts of sixteen tokens at a time.
//!
//! An insertion network: each expert is compared with each place, without branches, and the places it beats move down by one. Written in
//! explicit vectors: whether all places of plain loops stay in registers is the compiler's mood, and all of the speed (measured: 1.5 times as
//! long with AVX-512 and twice with AVX2 at 8 of 64 experts, when they do not).

use pulp::{Simd, WithSimd};

use crate::simd::{self, Aligned, LANES, Lanes, splat};

/// The k best of all rows of `scores` in every lane, by falling score, equal scores by rising index. `best` and `index` have k rows.
#[inline]
pub(super) fn best_of(scores: &[Lanes], best: &mut [Lanes], index: &mut [Aligned<u32>]) {
    simd::vectors(Top { scores, best, index });
}

struct Top<'a> {
    scores: &'a [Lanes],
    best: &'a mut [Lanes],
    index: &'a mut [Aligned<u32>],
}

impl WithSimd for Top<'_> {
    type Output = ();

    /// The k of common models are known to the compiler.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.best.len() {
            1 => self.of::<S, 1>(simd),
            2 => self.of::<S, 2>(simd),
            4 => self.of::<S, 4>(simd),
            6 => self.of::<S, 6>(simd),
            8 => self.of::<S, 8>(simd),
            _ => self.of_any(simd),
        }
    }
}

impl Top<'_> {
    /// All places of the tokens of a register stay in registers; then come the next tokens.
    #[inline(always)]
    fn of<S: Simd, const K: usize>(self, simd: S) {
        for column in 0..LANES / S::F32_LANES {
            let (mut best, mut index) = ([simd.splat_f32s(f32::NEG_INFINITY); K], [simd.splat_u32s(u32::MAX); K]);
            for (expert, row) in self.scores.iter().enumerate() {
                let (score, who) = (S::as_simd_f32s(&row[..]).0[column], simd.splat_u32s(expert as u32));
                // Strictly greater: an equal score stays behind the lower index that came first.
                let mut wins = simd.greater_than_f32s(score, best[K - 1]);
                // From the last place up, so that what moves down is still there.
                for place in (1..K).rev() {
                    let above = simd.greater_than_f32s(score, best[place - 1]);
                    let moved = simd.select_f32s(above, best[place - 1], score);
                    best[place] = simd.select_f32s(wins, moved, best[place]);
                    let moved = simd.select_u32s(above, index[place - 1], who);
                    index[place] = simd.select_u32s(wins, moved, index[place]);
                    wins = above;
                }
                best[0] = simd.select_f32s(wins, score, best[0]);
                index[0] = simd.select_u32s(wins, who, index[0]);
            }
            for place in 0..K {
                S::as_mut_simd_f32s(&mut self.best[place][..]).0[column] = best[place];
                S::as_mut_simd_u32s(&mut self.index[place][..]).0[column] = index[place];
            }
        }
    }

    /// As [`Top::of`], with places in memory: each takes the better of what it has and what the place above has left.
    #[inline(always)]
    fn of_any<S: Simd>(self, simd: S) {
        self.best.fill(splat(f32::NEG_INFINITY));
        self.index.fill(splat(u32::MAX));
        for column in 0..LANES / S::F32_LANES {
            for (expert, row) in self.scores.iter().enumerate() {
                let new = S::as_simd_f32s(&row[..]).0[column];
                let (mut score, mut who) = (new, simd.splat_u32s(expert as u32));
                for (best, index) in self.best.iter_mut().zip(self.index.iter_mut()) {
                    let best = &mut S::as_mut_simd_f32s(&mut best[..]).0[column];
                    let index = &mut S::as_mut_simd_u32s(&mut index[..]).0[column];
                    // The new score, not the one pushed down by it: from its place on it beats everyone.
                    let wins = simd.greater_than_f32s(new, *best);
                    (*best, score) = (simd.select_f32s(wins, score, *best), simd.select_f32s(wins, *best, score));
                    (*index, who) = (simd.select_u32s(wins, who, *index), simd.select_u32s(wins, *index, who));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::simd::Level;

    proptest! {
        /// Against sorting, with few different scores, so that many are equal.
        #[test]
        fn the_best_are_those_of_sorting(
            rows in prop::collection::vec(prop::array::uniform16(-3_i8..3), 1..40),
            share in 0.0_f64..1.0,
        ) {
            let scores: Vec<Lanes> = rows.iter().map(|row| {
                let mut lanes = splat(0.0);
                lanes.iter_mut().zip(row).for_each(|(lane, score)| *lane = f32::from(*score));
                lanes
            }).collect();
            let k = 1 + ((rows.len() - 1) as f64 * share) as usize;
            for level in Level::available() {
                let (mut best, mut index) = (vec![splat(0.0); k], vec![splat(0); k]);
                level.force(|| best_of(&scores, &mut best, &mut index));
                for lane in 0..LANES {
                    let mut sorted: Vec<usize> = (0..scores.len()).collect();
                    sorted.sort_by(|a, b| scores[*b][lane].total_cmp(&scores[*a][lane]));
                    for place in 0..k {
                        prop_assert_eq!(index[place][lane] as usize, sorted[place], "{} {}", level, k);
                        prop_assert_eq!(best[place][lane], scores[sorted[place]][lane]);
                    }
                }
            }
        }
    }
}

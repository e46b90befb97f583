//! Combine weights of the kept experts, sixteen tokens at a time.

use super::tile;
use crate::simd;
use crate::simd::{Aligned, LANES, Lanes, splat};

/// Softmax of the selected scores, which are sorted: the first is the largest.
#[inline(always)]
pub(super) fn combine(best: &mut [Lanes]) {
    let most = best[0];
    softmax_against(best, &most);
}

/// Softmax of selected values in any order.
#[inline(always)]
pub(super) fn combine_unordered(values: &mut [Lanes]) {
    let most = tile::max(values);
    softmax_against(values, &most);
}

#[inline(always)]
fn softmax_against(values: &mut [Lanes], most: &Lanes) {
    let mut sum = splat(0.0);
    for row in values.iter_mut() {
        for l in 0..LANES {
            row[l] = simd::exp_nonpositive(row[l] - most[l]);
            sum[l] += row[l];
        }
    }
    for row in values {
        for l in 0..LANES {
            row[l] /= sum[l];
        }
    }
}

/// The values of the kept experts, from rows of tokens.
#[inline(always)]
pub(super) fn gather(rows: &[f32], experts: usize, index: &[Aligned<u32>], lanes: usize, to: &mut [Lanes]) {
    let index = &index[..to.len()];
    for lane in 0..lanes {
        let row = &rows[lane * experts..][..experts];
        for place in 0..to.len() {
            to[place][lane] = row[index[place][lane] as usize];
        }
    }
}

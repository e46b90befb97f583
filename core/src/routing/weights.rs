//! Combine weights of the kept experts, sixteen tokens at a time.

use super::tile::{self, LANES, Lanes};
use crate::simd;

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
    let mut sum = [0.0; LANES];
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
pub(super) fn gather(rows: &[f32], experts: usize, index: &[[u32; LANES]], lanes: usize, to: &mut [Lanes]) {
    for (to, index) in to.iter_mut().zip(index) {
        *to = [0.0; LANES];
        for l in 0..lanes {
            to[l] = rows[l * experts + index[l] as usize];
        }
    }
}

/// 1 / (1 + e^-z) without overflow.
#[inline(always)]
pub(super) fn sigmoid(z: f32) -> f32 {
    let e = simd::exp_nonpositive(-z.abs());
    let numerator = if z >= 0.0 { 1.0 } else { e };
    numerator / (1.0 + e)
}

/// ln of [`sigmoid`], which stays apart from others where the sigmoid itself has underflowed.
#[inline(always)]
pub(super) fn log_sigmoid(z: f32) -> f32 {
    let e = simd::exp_nonpositive(-z.abs());
    let least = if z < 0.0 { z } else { 0.0 };
    least - simd::ln(1.0 + e)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sigmoids_agree_with_libm_and_are_numbers_everywhere() {
        for step in -2000..2000 {
            let z = step as f32 * 0.05;
            let expected = 1.0 / (1.0 + (-f64::from(z)).exp());
            assert!((f64::from(sigmoid(z)) - expected).abs() <= 2e-7, "{z}");
            assert!((f64::from(log_sigmoid(z)) - expected.ln()).abs() <= 3e-7 * expected.ln().abs().max(1.0), "{z}");
        }
        for z in [f32::MIN, f32::MAX, -0.0] {
            assert!((0.0..=1.0).contains(&sigmoid(z)) && log_sigmoid(z) <= 0.0 && log_sigmoid(z).is_finite());
        }
    }
}

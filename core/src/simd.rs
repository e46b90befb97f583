//! Vector code without `unsafe`: run-time choice of the instruction set, and elementary functions that vectorise.
//!
//! The functions are written with separate multiplications and additions and without branches. The compiler can
//! widen them to any vector length, and every length gives the same bytes.

mod lanes;
mod level;

pub use lanes::{Aligned, LANES, Lanes, one_by_one, splat};
pub use level::Level;

/// Runs `work` compiled for the best instruction set of this processor (AVX-512, AVX2, NEON, ...), or for the one that
/// [`Level::force`] asks for.
///
/// Only code that is inlined into the closure benefits, so the helpers it calls, and the closures it hands to them, are
/// `#[inline(always)]`, and loops over lanes are written out.
#[inline]
pub fn dispatch<R>(work: impl FnOnce() -> R) -> R {
    level::run(level::Once(work))
}

/// Runs `work` with the vectors of the instruction set that [`dispatch`] would take.
#[inline]
pub(crate) fn vectors<W: pulp::WithSimd>(work: W) -> W::Output {
    level::run(work)
}

/// e^x for x <= 0 (x in nats); relative error below 2e-7, 0 below -87.
///
/// Range reduction to |r| <= ln(2)/2 and the Cephes `expf` polynomial.
#[inline(always)]
#[must_use]
pub fn exp_nonpositive(x: f32) -> f32 {
    // Adding and subtracting 1.5 * 2^23 rounds to the nearest whole number without a call.
    const ROUNDER: f32 = 12_582_912.0;
    let clamped = if x > -87.0 { x } else { -87.0 };
    let shifted = clamped * core::f32::consts::LOG2_E + ROUNDER;
    let whole = shifted - ROUNDER;
    let r = (clamped - whole * 0.693_359_4) - whole * -2.121_944_4e-4;
    let tail = ((((1.987_569_1e-4 * r + 1.398_199_9e-3) * r + 8.333_452e-3) * r + 4.166_579_6e-2) * r + 1.666_666_5e-1)
        * r
        + 0.5;
    let mantissa = tail * r * r + r + 1.0;
    let exponent = shifted.to_bits().wrapping_sub(ROUNDER.to_bits()).wrapping_add(127) << 23;
    let value = mantissa * f32::from_bits(exponent);
    if x > -87.0 { value } else { 0.0 }
}

/// Natural logarithm of a normal positive number; relative error below 2e-7 (Cephes `logf`).
#[inline(always)]
#[must_use]
pub fn ln(x: f32) -> f32 {
    // Mantissa in [sqrt(1/2), sqrt(2)), exponent to match.
    let bits = x.to_bits().wrapping_sub(0x3f35_04f3);
    let exponent = (bits as i32 >> 23) as f32;
    let m = f32::from_bits((bits & 0x007f_ffff).wrapping_add(0x3f35_04f3)) - 1.0;
    let square = m * m;
    let polynomial = ((((((((7.037_684e-2 * m - 1.151_461e-1) * m + 1.167_699_9e-1) * m - 1.242_014_1e-1) * m
        + 1.424_932_3e-1)
        * m
        - 1.666_805_8e-1)
        * m
        + 2.000_071_5e-1)
        * m
        - 2.499_999_4e-1)
        * m
        + 3.333_333e-1)
        * m
        * square;
    let low = polynomial + exponent * -2.121_944_4e-4 - 0.5 * square;
    (m + low) + exponent * 0.693_359_4
}

/// 1 / (1 + e^-z) without overflow.
#[inline(always)]
#[must_use]
pub fn sigmoid(z: f32) -> f32 {
    let e = exp_nonpositive(-z.abs());
    let numerator = if z >= 0.0 { 1.0 } else { e };
    numerator / (1.0 + e)
}

/// ln of [`sigmoid`], which stays apart from others where the sigmoid itself has underflowed.
#[inline(always)]
#[must_use]
pub fn log_sigmoid(z: f32) -> f32 {
    let e = exp_nonpositive(-z.abs());
    let least = if z < 0.0 { z } else { 0.0 };
    least - ln(1.0 + e)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_agrees_with_libm() {
        assert_eq!(exp_nonpositive(0.0), 1.0);
        assert_eq!(exp_nonpositive(-1000.0), 0.0);
        assert_eq!(exp_nonpositive(f32::NEG_INFINITY), 0.0);
        for step in 0..87_000 {
            let x = -(step as f32) / 1000.0;
            let expected = f64::from(x).exp();
            assert!((f64::from(exp_nonpositive(x)) / expected - 1.0).abs() < 2e-7, "{x}");
        }
    }

    #[test]
    fn ln_agrees_with_libm() {
        for step in 1..200_000 {
            for x in [step as f32 / 200_000.0, step as f32 * 1e-9, step as f32 * 3.7] {
                let expected = f64::from(x).ln();
                assert!((f64::from(ln(x)) - expected).abs() <= 2e-7 * expected.abs().max(1.0), "{x}");
            }
        }
    }

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

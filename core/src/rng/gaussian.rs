//! Bulk standard normal deviates: Box-Muller over sixteen counters at once.
//!
//! Hidden states need some 1e8 deviates a scenario, which is why this is a vector kernel and not a loop over
//! [`super::Stream::normal`]. Multiplications and additions are kept apart (no fused operation), so every
//! processor gives the same bytes whatever the width of its vectors.

use pulp::{Simd, WithSimd};

// Counters side by side decide which deviate comes from which counter: their number is fixed.
use super::philox::{LANES, philox_lanes};
use crate::simd;

/// Deviates that are drawn at once; a fill may be entered at any multiple of it ([`fill_standard_normal_from`]).
// A counter gives two pairs.
pub const ROUND: usize = 4 * LANES;

type Lanes = [f32; LANES];

/// Fills `out` with independent N(0, 1) deviates of the stream `key`, starting at counter `block * 2^32`.
///
/// The same (key, block) gives the same deviates; different blocks never overlap as long as one fill asks for fewer
/// than 2^34 deviates. A shorter `out` gets a prefix of a longer one's deviates. Deviates reach 6.66 in magnitude.
///
/// ```
/// use isotherm_core::rng::fill_standard_normal;
/// let (mut long, mut short) = ([0.0; 100], [0.0; 7]);
/// fill_standard_normal([1, 2], 9, &mut long);
/// fill_standard_normal([1, 2], 9, &mut short);
/// assert_eq!(long[..7], short);
/// ```
pub fn fill_standard_normal(key: [u32; 2], block: u64, out: &mut [f32]) {
    fill_standard_normal_from(key, block, 0, out);
}

/// What [`fill_standard_normal`] would write from its deviate `first` on: a long fill in parts.
///
/// ```
/// use isotherm_core::rng::{ROUND, fill_standard_normal, fill_standard_normal_from};
/// let (mut whole, mut rest) = ([0.0; 3 * ROUND], [0.0; ROUND]);
/// fill_standard_normal([1, 2], 9, &mut whole);
/// fill_standard_normal_from([1, 2], 9, 2 * ROUND, &mut rest);
/// assert_eq!(whole[2 * ROUND..], rest);
/// ```
///
/// # Panics
/// If `first` is no multiple of [`ROUND`].
pub fn fill_standard_normal_from(key: [u32; 2], block: u64, first: usize, out: &mut [f32]) {
    assert!(first.is_multiple_of(ROUND), "a fill is entered between two rounds");
    simd::vectors(Fill { key, block, first: first / ROUND * LANES, out });
}

struct Fill<'a> {
    key: [u32; 2],
    block: u64,
    /// The first counter.
    first: usize,
    out: &'a mut [f32],
}

impl WithSimd for Fill<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for (round, chunk) in self.out.chunks_mut(ROUND).enumerate() {
            let deviates = normal_round(simd, self.key, self.block, (self.first + round * LANES) as u32);
            chunk.copy_from_slice(&deviates.as_flattened()[..chunk.len()]);
        }
    }
}

/// The deviates of `LANES` consecutive counters.
#[inline(always)]
#[expect(
    clippy::needless_range_loop,
    reason = "iterators are not always inlined into the code for the instruction set"
)]
fn normal_round<S: Simd>(simd: S, key: [u32; 2], block: u64, first: u32) -> [Lanes; 4] {
    let mut counters = [[0; LANES], [0; LANES], [block as u32; LANES], [(block >> 32) as u32; LANES]];
    for lane in 0..LANES {
        counters[0][lane] = first.wrapping_add(lane as u32);
    }
    let bits = philox_lanes(simd, &counters, key);
    let mut out = [[0.0; LANES]; 4];
    for pair in 0..2 {
        for lane in 0..LANES {
            let radius = (-2.0 * simd::ln(open_unit(bits[2 * pair][lane]))).sqrt();
            let (sine, cosine) = turn(bits[2 * pair + 1][lane]);
            out[2 * pair][lane] = radius * cosine;
            out[2 * pair + 1][lane] = radius * sine;
        }
    }
    out
}

/// A uniform deviate in (0, 1] from 31 bits; small values keep their relative resolution.
#[inline(always)]
fn open_unit(bits: u32) -> f32 {
    ((bits >> 1) as i32 as f32 + 0.5) * (1.0 / 2_147_483_648.0)
}

/// Sine and cosine of a uniformly random angle: two bits choose the quadrant, thirty the angle in it.
#[inline(always)]
fn turn(bits: u32) -> (f32, f32) {
    let angle = (bits << 2) as i32 as f32 * (core::f32::consts::FRAC_PI_2 / 4_294_967_296.0);
    let square = angle * angle;
    // Minimax polynomials on [-pi/4, pi/4] (Cephes sinf, cosf).
    let sine = ((-1.951_529_6e-4 * square + 8.332_161e-3) * square - 1.666_665_5e-1) * square * angle + angle;
    let cosine =
        ((2.443_315_7e-5 * square - 1.388_731_6e-3) * square + 4.166_664_6e-2) * square * square - 0.5 * square + 1.0;
    let quarter = bits >> 30;
    let (sine, cosine) = if quarter & 1 == 0 { (sine, cosine) } else { (cosine, -sine) };
    if quarter & 2 == 0 { (sine, cosine) } else { (-sine, -cosine) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kolmogorov-Smirnov distance against the normal distribution function.
    #[test]
    fn deviates_follow_the_normal_distribution() {
        let n = 400_000;
        let mut sample = vec![0.0_f32; n];
        fill_standard_normal([0xfeed, 0xbeef], 3, &mut sample);
        sample.sort_by(f32::total_cmp);
        let distance = sample
            .iter()
            .enumerate()
            .map(|(rank, &x)| {
                let expected = 0.5 * libm::erfc(-f64::from(x) / core::f64::consts::SQRT_2);
                (expected - rank as f64 / n as f64).abs().max((expected - (rank + 1) as f64 / n as f64).abs())
            })
            .fold(0.0, f64::max);
        // 1.95 / sqrt(n) is the critical value at 0.1 %.
        assert!(distance < 1.95 / (n as f64).sqrt(), "{distance}");
    }

    #[test]
    fn sine_and_cosine_lie_on_the_circle_and_agree_with_libm() {
        for step in 0..10_000_u32 {
            let bits = step.wrapping_mul(429_497);
            let (sine, cosine) = turn(bits);
            let quarter = f64::from(bits >> 30);
            let rest = f64::from((bits << 2) as i32) / 4_294_967_296.0;
            let angle = core::f64::consts::FRAC_PI_2 * (quarter + rest);
            assert!((f64::from(sine) - angle.sin()).abs() < 2e-7, "{bits}");
            assert!((f64::from(cosine) - angle.cos()).abs() < 2e-7, "{bits}");
        }
    }

    #[test]
    fn neighbours_are_uncorrelated() {
        let n = 1 << 18;
        let mut sample = vec![0.0_f32; n];
        fill_standard_normal([5, 6], 0, &mut sample);
        for lag in [1, 16, 32, 48, 64, 512] {
            let sum: f64 = sample.iter().zip(&sample[lag..]).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            let correlation = sum / (n - lag) as f64;
            assert!(correlation.abs() < 5.0 / (n as f64).sqrt(), "lag {lag}: {correlation}");
        }
    }
}

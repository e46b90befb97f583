//! Sixteen tokens side by side: expert after expert, lane after lane, so that every step is one vector operation.

use pulp::{Simd, WithSimd};

use crate::simd::{self, LANES, Lanes, exp_nonpositive, ln, one_by_one, splat};

// Loops over lanes are written out: what `map` and `from_fn` of arrays call is not always inlined into code for another instruction set
// than the program's, and then works on one lane at a time.

/// Copies the logits of up to `LANES` tokens into `tile[expert][lane]`; missing lanes repeat the first token.
///
/// Eight at a time, so that the compiler writes them one by one: a whole row at once becomes scatters (measured with AVX-512: 1.6 times as long).
#[inline(always)]
pub(super) fn load(logits: &[f32], experts: usize, tile: &mut [Lanes]) {
    const AT_A_TIME: usize = 8;
    let (tokens, tile) = (logits.len() / experts, &mut tile[..experts]);
    for lane in 0..LANES {
        let token = if lane < tokens { lane } else { 0 };
        let row = &logits[token * experts..][..experts];
        let mut first = 0;
        while first + AT_A_TIME <= experts {
            let (row, tile) = (&row[first..][..AT_A_TIME], &mut tile[first..][..AT_A_TIME]);
            for e in 0..AT_A_TIME {
                tile[e][lane] = row[e];
            }
            first = one_by_one(first + AT_A_TIME);
        }
        for e in first..experts {
            tile[e][lane] = row[e];
        }
    }
}

#[inline(always)]
pub(super) fn max(tile: &[Lanes]) -> Lanes {
    let mut most = tile[0];
    for row in &tile[1..] {
        for l in 0..LANES {
            most[l] = if row[l] > most[l] { row[l] } else { most[l] };
        }
    }
    most
}

/// Sums of a softmax: of the exponentials, and of exponentials times exponents (for the entropy).
#[derive(Clone, Copy, Debug)]
pub(super) struct ExpSums {
    pub(super) exp: Lanes,
    pub(super) exp_times_exponent: Lanes,
}

/// Replaces every score by e^(score - most) and sums on the way.
#[inline(always)]
pub(super) fn exponentiate(tile: &mut [Lanes], most: &Lanes) -> ExpSums {
    let mut sums = ExpSums { exp: splat(0.0), exp_times_exponent: splat(0.0) };
    for row in tile {
        for l in 0..LANES {
            let exponent = row[l] - most[l];
            let e = exp_nonpositive(exponent);
            // exponent may be -inf with e = 0: their product must be 0.
            let finite = if exponent > -87.0 { exponent } else { -87.0 };
            sums.exp[l] += e;
            sums.exp_times_exponent[l] += e * finite;
            row[l] = e;
        }
    }
    sums
}

impl ExpSums {
    /// log of the sum of e^score.
    #[inline(always)]
    pub(super) fn log_sum_exp(&self, most: &Lanes) -> Lanes {
        let mut out = splat(0.0);
        for l in 0..LANES {
            out[l] = most[l] + ln(self.exp[l]);
        }
        out
    }

    /// Entropy of the softmax (nats): ln S - (sum of e x) / S.
    #[inline(always)]
    pub(super) fn entropy(&self) -> Lanes {
        let mut out = splat(0.0);
        for l in 0..LANES {
            out[l] = ln(self.exp[l]) - self.exp_times_exponent[l] / self.exp[l];
        }
        out
    }
}

/// Takes `price` off every score; returns the largest of what is left. In explicit vectors: a plain loop was written one lane at a time or not, by what
/// stood around it.
#[inline]
pub(super) fn subtract_and_max(tile: &mut [Lanes], price: &[f32]) -> Lanes {
    simd::vectors(Priced { tile, price })
}

struct Priced<'a> {
    tile: &'a mut [Lanes],
    price: &'a [f32],
}

impl WithSimd for Priced<'_> {
    type Output = Lanes;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Lanes {
        let mut most = splat(f32::MIN);
        for column in 0..LANES / S::F32_LANES {
            let mut column_most = simd.splat_f32s(f32::MIN);
            for (row, price) in self.tile.iter_mut().zip(self.price) {
                let row = &mut S::as_mut_simd_f32s(&mut row[..]).0[column];
                *row = simd.sub_f32s(*row, simd.splat_f32s(*price));
                column_most = simd.select_f32s(simd.greater_than_f32s(*row, column_most), *row, column_most);
            }
            S::as_mut_simd_f32s(&mut most[..]).0[column] = column_most;
        }
        most
    }
}

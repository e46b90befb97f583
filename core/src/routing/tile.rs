//! Sixteen tokens side by side: expert after expert, lane after lane, so that every step is one vector operation.

use crate::simd::{exp_nonpositive, ln};

/// Tokens worked on side by side.
pub(crate) const LANES: usize = 16;
/// One value of sixteen tokens.
pub(crate) type Lanes = [f32; LANES];

/// Copies the logits of up to `LANES` tokens into `tile[expert][lane]`; missing lanes repeat the first token.
#[inline(always)]
pub(super) fn load(logits: &[f32], experts: usize, tile: &mut [Lanes]) {
    let tokens = logits.len() / experts;
    if tokens == LANES {
        for (lane, row) in logits.chunks_exact(experts).enumerate() {
            for (out, &z) in tile.iter_mut().zip(row) {
                out[lane] = z;
            }
        }
        return;
    }
    for lane in 0..LANES {
        let token = if lane < tokens { lane } else { 0 };
        for (out, &z) in tile.iter_mut().zip(&logits[token * experts..]) {
            out[lane] = z;
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
    let mut sums = ExpSums { exp: [0.0; LANES], exp_times_exponent: [0.0; LANES] };
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
        std::array::from_fn(|l| most[l] + ln(self.exp[l]))
    }

    /// Entropy of the softmax (nats): ln S - (sum of e x) / S.
    #[inline(always)]
    pub(super) fn entropy(&self) -> Lanes {
        std::array::from_fn(|l| ln(self.exp[l]) - self.exp_times_exponent[l] / self.exp[l])
    }
}

/// The k best experts of every lane by falling score, equal scores by rising index.
///
/// An insertion network: each expert is compared with each place once, without branches. `best` and `index` have k rows.
#[inline(always)]
pub(super) fn top_k(tile: &[Lanes], best: &mut [Lanes], index: &mut [[u32; LANES]]) {
    for row in best.iter_mut() {
        *row = [f32::NEG_INFINITY; LANES];
    }
    for row in index.iter_mut() {
        *row = [u32::MAX; LANES];
    }
    for (expert, row) in tile.iter().enumerate() {
        let mut score = row.map(f32::to_bits);
        let mut who = [expert as u32; LANES];
        for (place, holder) in best.iter_mut().zip(index.iter_mut()) {
            let mut wins = [0; LANES];
            for l in 0..LANES {
                // Strictly greater: an equal score stays behind the lower index that came first. And the new score, not the one
                // pushed down by it, which came before all of its equals below: from its place on, the new score beats everyone.
                wins[l] = if row[l] > place[l] { u32::MAX } else { 0 };
            }
            exchange_scores(&wins, place, &mut score);
            exchange(&wins, holder, &mut who);
        }
    }
}

/// Swaps the lanes whose mask is all ones.
///
/// On bits, and one array after the other: choosing both ways of score and index in one loop, the compiler fell back to
/// one lane at a time (measured with AVX2: 6 times as long at 8 of 64 experts).
#[inline(always)]
fn exchange(mask: &[u32; LANES], a: &mut [u32; LANES], b: &mut [u32; LANES]) {
    for l in 0..LANES {
        let difference = (a[l] ^ b[l]) & mask[l];
        a[l] ^= difference;
        b[l] ^= difference;
    }
}

/// [`exchange`] of scores with the bits of scores.
#[inline(always)]
fn exchange_scores(mask: &[u32; LANES], a: &mut Lanes, b: &mut [u32; LANES]) {
    for l in 0..LANES {
        let difference = (a[l].to_bits() ^ b[l]) & mask[l];
        a[l] = f32::from_bits(a[l].to_bits() ^ difference);
        b[l] ^= difference;
    }
}

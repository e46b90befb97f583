//! Sixteen tokens side by side: expert after expert, lane after lane, so that every step is one vector operation.

use crate::simd::{Aligned, LANES, Lanes, exp_nonpositive, ln, splat};

// Loops over lanes are written out: what `map` and `from_fn` of arrays call is not always inlined into code for another instruction set
// than the program's, and then works on one lane at a time.

/// Copies the logits of up to `LANES` tokens into `tile[expert][lane]`; missing lanes repeat the first token.
#[inline(always)]
#[expect(
    clippy::needless_range_loop,
    reason = "with iterators 8 experts take half as long again: the tile leaves its registers"
)]
pub(super) fn load(logits: &[f32], experts: usize, tile: &mut [Lanes]) {
    let tokens = logits.len() / experts;
    let tile = &mut tile[..experts];
    for lane in 0..LANES {
        let token = if lane < tokens { lane } else { 0 };
        let row = &logits[token * experts..][..experts];
        for e in 0..experts {
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

/// Takes `price` off every score; returns the largest of what is left. In one loop: each step depends on the one before, which
/// keeps the compiler from working on one lane of many experts at a time.
#[inline(always)]
pub(super) fn subtract_and_max(tile: &mut [Lanes], price: &[f32]) -> Lanes {
    let mut most = splat(f32::MIN);
    let price = &price[..tile.len()];
    for (e, row) in tile.iter_mut().enumerate() {
        for l in 0..LANES {
            row[l] -= price[e];
            most[l] = if row[l] > most[l] { row[l] } else { most[l] };
        }
    }
    most
}

/// The k best of `experts` experts in every lane by falling score, equal scores by rising index.
///
/// An insertion network: each expert is compared with each place once, without branches. `score` gives the row of an expert;
/// `best` and `index` have k rows.
#[inline(always)]
pub(super) fn top_k(experts: usize, score: impl Fn(usize) -> Lanes, best: &mut [Lanes], index: &mut [Aligned<u32>]) {
    best.fill(splat(f32::NEG_INFINITY));
    index.fill(splat(u32::MAX));
    for expert in 0..experts {
        insert(expert as u32, &score(expert), best, index);
    }
}

/// [`top_k`] for a k that the compiler knows: all places stay in registers where there are enough of them.
#[inline(always)]
pub(super) fn top<const K: usize>(
    experts: usize,
    score: impl Fn(usize) -> Lanes,
    best: &mut [Lanes],
    index: &mut [Aligned<u32>],
) {
    let (mut places, mut holders) = ([splat(f32::NEG_INFINITY); K], [splat(u32::MAX); K]);
    for expert in 0..experts {
        insert(expert as u32, &score(expert), &mut places, &mut holders);
    }
    best.copy_from_slice(&places);
    index.copy_from_slice(&holders);
}

#[inline(always)]
fn insert(expert: u32, row: &Lanes, best: &mut [Lanes], index: &mut [Aligned<u32>]) {
    let mut score = splat(0);
    for l in 0..LANES {
        score[l] = row[l].to_bits();
    }
    let mut who = splat(expert);
    for place in 0..best.len() {
        let mut wins = splat(0);
        for l in 0..LANES {
            // Strictly greater: an equal score stays behind the lower index that came first. And the new score, not the one
            // pushed down by it, which came before all of its equals below: from its place on, the new score beats everyone.
            wins[l] = if row[l] > best[place][l] { u32::MAX } else { 0 };
        }
        exchange_scores(&wins, &mut best[place], &mut score);
        exchange(&wins, &mut index[place], &mut who);
    }
}

/// Swaps the lanes whose mask is all ones.
///
/// On bits, and one array after the other: choosing both ways of score and index in one loop, the compiler fell back to
/// one lane at a time (measured with AVX2: 6 times as long at 8 of 64 experts).
#[inline(always)]
fn exchange(mask: &Aligned<u32>, a: &mut Aligned<u32>, b: &mut Aligned<u32>) {
    for l in 0..LANES {
        let difference = (a[l] ^ b[l]) & mask[l];
        a[l] ^= difference;
        b[l] ^= difference;
    }
}

/// [`exchange`] of scores with the bits of scores.
#[inline(always)]
fn exchange_scores(mask: &Aligned<u32>, a: &mut Lanes, b: &mut Aligned<u32>) {
    for l in 0..LANES {
        let difference = (a[l].to_bits() ^ b[l]) & mask[l];
        a[l] = f32::from_bits(a[l].to_bits() ^ difference);
        b[l] ^= difference;
    }
}

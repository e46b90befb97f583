//! What a trained bias asks of the probabilities that were kept of a batch: gradients, and how far another bias would be.

use super::Probabilities;
use super::probabilities::{add_lanes, scale_to_mean};
use crate::simd;
use crate::simd::{LANES, Lanes, one_by_one, splat};

/// Sums over the kept probabilities of a batch, for routers that train an additive bias; owns its scratch rows, so that learning does
/// not allocate after the first batch.
///
/// Sums run in f32 within a block of tokens and in f64 over the blocks, in a fixed order.
///
/// ```
/// use isotherm_core::gate::GateBatch;
/// use isotherm_core::routing::{BiasStatistics, Probabilities, Routing, Rule, Selector};
/// let gate = GateBatch::from_logits(2, 1, vec![0.0, 0.0]);
/// let (mut kept, mut routing) = (Probabilities::default(), Routing::new(2, 1));
/// Selector::default().select(&gate, Rule::Logit, Some(&mut kept), &mut routing);
/// let mut gradient = [0.0; 2];
/// BiasStatistics::default().gradient(&kept, &[1.0, 3.0], &mut gradient);
/// assert_eq!(gradient, [-0.5, 0.5], "p (q - <p, q>) with p = 1/2 and <p, q> = 2");
/// // Moving both logits by the same amount changes no probability.
/// assert!(BiasStatistics::default().divergence(&kept, &[0.0, 0.0], &[2.0, 2.0]).abs() < 1e-6);
/// ```
#[derive(Clone, Debug, Default)]
pub struct BiasStatistics {
    block: Vec<Lanes>,
    q: Vec<f32>,
    /// Per expert: factor from p to p', factor from p to p0 (both up to a constant), and ln(p'/p0) up to the same constants.
    tilts: Vec<[f32; 3]>,
}

/// Tiles summed in f32 before they are added to an f64.
const TILES_A_BLOCK: usize = 16;

impl BiasStatistics {
    /// The gradient of the mean over tokens of `<p, q>` with respect to an additive bias on the scores:
    /// `out_e = mean_t p_te (q_e - <p_t, q>)`.
    pub fn gradient(&mut self, kept: &Probabilities, q: &[f64], out: &mut [f64]) {
        // Only differences of q count: taking the smallest off keeps the digits that tell them apart.
        let least = q.iter().copied().fold(f64::INFINITY, f64::min);
        self.q.clear();
        self.q.extend(q.iter().map(|q| (q - least) as f32));
        let q = &self.q;
        sum_tiles(
            &mut self.block,
            kept,
            out,
            // Without the attribute it stays a function of its own, compiled for the program's instruction set.
            #[inline(always)]
            |tiles, block| add_gradient(tiles, q, block),
        );
    }

    /// The gradient of the mean entropy of the kept distributions with respect to an additive bias on the scores:
    /// `out_e = mean_t -p_te (ln p_te + H_t)` with `H_t = -sum_j p_tj ln p_tj`.
    pub fn entropy_gradient(&mut self, kept: &Probabilities, out: &mut [f64]) {
        sum_tiles(&mut self.block, kept, out, add_entropy_gradient);
    }

    /// Mean KL divergence (nats) from p' to p0, where the kept p = softmax(z + bias), p' = softmax(z + bias + step) and
    /// p0 = softmax(z).
    ///
    /// Exact for the kept batch, to the rounding of f32, without its logits: p' and p0 are p with one factor per expert,
    /// renormalised, and `KL_t = <p'_t, bias + step> + ln(Z0_t / Z1_t)` with `Z1 = <p, e^step>`, `Z0 = <p, e^-bias>`. Not a number
    /// where a factor leaves the range of f32.
    #[must_use]
    pub fn divergence(&mut self, kept: &Probabilities, bias: &[f64], step: &[f64]) -> f64 {
        let most = step.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let least = bias.iter().copied().fold(f64::INFINITY, f64::min);
        self.tilts.clear();
        self.tilts.extend(bias.iter().zip(step).map(|(bias, step)| {
            let (step, back) = (step - most, least - bias);
            [libm::exp(step) as f32, libm::exp(back) as f32, (step - back) as f32]
        }));
        let tilts = &self.tilts;
        let mut sum = 0.0;
        simd::dispatch(
            #[inline(always)]
            || {
                for (at, tile) in kept.tiles.chunks_exact(kept.experts.max(1)).enumerate() {
                    let lanes = (kept.tokens - at * LANES).min(LANES);
                    let divergence = tilted_divergence(tile, tilts);
                    sum += divergence[..lanes].iter().map(|x| f64::from(*x)).sum::<f64>();
                }
            },
        );
        sum / kept.tokens.max(1) as f64
    }
}

/// Adds up what `add` makes of every block of tiles, and takes the mean over tokens.
#[inline(always)]
fn sum_tiles(block: &mut Vec<Lanes>, kept: &Probabilities, out: &mut [f64], add: impl Fn(&[Lanes], &mut [Lanes])) {
    out.fill(0.0);
    block.resize(kept.experts, splat(0.0));
    simd::dispatch(
        #[inline(always)]
        || {
            for tiles in kept.tiles.chunks((kept.experts * TILES_A_BLOCK).max(1)) {
                block.fill(splat(0.0));
                add(tiles, block);
                add_lanes(block, out);
            }
        },
    );
    scale_to_mean(out, kept.tokens);
}

/// Tiles whose inner products grow side by side: each waits for its last sum, and meanwhile the others advance.
const TILES_TOGETHER: usize = 4;

#[inline(always)]
fn add_gradient(tiles: &[Lanes], q: &[f32], block: &mut [Lanes]) {
    let experts = block.len();
    let groups = tiles.chunks_exact(TILES_TOGETHER * experts);
    let rest = groups.remainder();
    for group in groups {
        add_gradient_of::<TILES_TOGETHER>(group, q, block);
    }
    for tile in rest.chunks_exact(experts) {
        add_gradient_of::<1>(tile, q, block);
    }
}

/// Adds tile after tile, so that the sums do not depend on how many are taken together.
#[inline(always)]
fn add_gradient_of<const TILES: usize>(tiles: &[Lanes], q: &[f32], block: &mut [Lanes]) {
    let experts = block.len();
    let (tiles, q) = (&tiles[..TILES * experts], &q[..experts]);
    let mut means = [splat(0.0); TILES];
    for e in 0..experts {
        let e = one_by_one(e);
        for (at, mean) in means.iter_mut().enumerate() {
            let p = &tiles[at * experts + e];
            for l in 0..LANES {
                mean[l] += p[l] * q[e];
            }
        }
    }
    for e in 0..experts {
        let e = one_by_one(e);
        let mut sum = block[e];
        for (at, mean) in means.iter().enumerate() {
            let p = &tiles[at * experts + e];
            for l in 0..LANES {
                sum[l] += p[l] * (q[e] - mean[l]);
            }
        }
        block[e] = sum;
    }
}

#[inline(always)]
fn add_entropy_gradient(tiles: &[Lanes], block: &mut [Lanes]) {
    for tile in tiles.chunks_exact(block.len()) {
        add_entropy_gradient_of(tile, block);
    }
}

#[inline(always)]
fn add_entropy_gradient_of(tile: &[Lanes], block: &mut [Lanes]) {
    let mut entropy = splat(0.0);
    for p in tile {
        for l in 0..LANES {
            entropy[l] -= p[l] * log_probability(p[l]);
        }
    }
    for e in 0..block.len() {
        let e = one_by_one(e);
        let (p, sum) = (&tile[e], &mut block[e]);
        for l in 0..LANES {
            sum[l] -= p[l] * (log_probability(p[l]) + entropy[l]);
        }
    }
}

/// ln p, or that of the smallest normal number: p ln p is 0 for p = 0, which is also what lanes without a token hold.
#[inline(always)]
fn log_probability(p: f32) -> f32 {
    simd::ln(if p > f32::MIN_POSITIVE { p } else { f32::MIN_POSITIVE })
}

#[inline(always)]
fn tilted_divergence(tile: &[Lanes], tilts: &[[f32; 3]]) -> Lanes {
    let (mut ahead, mut back, mut inner) = (splat(0.0), splat(0.0), splat(0.0));
    for (p, [to, from, exponent]) in tile.iter().zip(tilts) {
        for l in 0..LANES {
            let tilted = p[l] * to;
            ahead[l] += tilted;
            back[l] += p[l] * from;
            inner[l] += tilted * exponent;
        }
    }
    let mut divergence = splat(0.0);
    for l in 0..LANES {
        divergence[l] = inner[l] / ahead[l] + (simd::ln(back[l]) - simd::ln(ahead[l]));
    }
    divergence
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::GateBatch;
    use crate::rng::fill_standard_normal;
    use crate::routing::{Routing, Rule, Selector};

    /// A batch that is no whole number of tiles, and its softmax with a bias, kept and in f64.
    fn kept(experts: usize, tokens: usize, bias: &[f64]) -> (Vec<f32>, Probabilities) {
        let mut logits = vec![0.0; experts * tokens];
        fill_standard_normal([5, experts as u32], 0, &mut logits);
        let gate = GateBatch::from_logits(experts, 1, logits.clone());
        let price: Vec<f32> = bias.iter().map(|b| -b as f32).collect();
        let (mut kept, mut routing) = (Probabilities::default(), Routing::new(experts, 1));
        Selector::default().select(&gate, Rule::PricedLogit { price: &price }, Some(&mut kept), &mut routing);
        (logits, kept)
    }

    fn softmax(row: &[f32], bias: &[f64]) -> Vec<f64> {
        let scores: Vec<f64> = row.iter().zip(bias).map(|(z, b)| f64::from(*z) + b).collect();
        let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = scores.iter().map(|s| (s - most).exp()).sum();
        scores.iter().map(|s| (s - most).exp() / sum).collect()
    }

    fn mean_entropy(logits: &[f32], bias: &[f64]) -> f64 {
        let rows = logits.chunks_exact(bias.len());
        let n = rows.len() as f64;
        rows.map(|row| -softmax(row, bias).iter().map(|p| p * p.ln()).sum::<f64>()).sum::<f64>() / n
    }

    #[test]
    fn the_divergence_of_a_step_is_that_of_a_second_pass_over_the_tokens() {
        for (experts, tokens) in [(8, 100), (5, 1), (64, 33)] {
            let bias: Vec<f64> = (0..experts).map(|e| 0.4 * (e as f64).sin()).collect();
            let (logits, kept) = kept(experts, tokens, &bias);
            let mut statistics = BiasStatistics::default();
            for scale in [0.0, 1e-3, 0.5, 4.0] {
                let step: Vec<f64> = (0..experts).map(|e| scale * (1.7 * e as f64).cos()).collect();
                let moved: Vec<f64> = bias.iter().zip(&step).map(|(b, s)| b + s).collect();
                let zero = vec![0.0; experts];
                let expected = logits
                    .chunks_exact(experts)
                    .map(|row| {
                        let (p, p0) = (softmax(row, &moved), softmax(row, &zero));
                        p.iter().zip(&p0).map(|(p, p0)| p * (p / p0).ln()).sum::<f64>()
                    })
                    .sum::<f64>()
                    / tokens as f64;
                let found = statistics.divergence(&kept, &bias, &step);
                assert!((found - expected).abs() < 2e-6, "{experts} x {tokens}, {scale}: {found} against {expected}");
            }
        }
    }

    #[test]
    fn the_entropy_gradient_is_that_of_finite_differences() {
        for (experts, tokens) in [(8, 100), (3, 17)] {
            let bias: Vec<f64> = (0..experts).map(|e| 0.5 * (2.0 * e as f64).sin()).collect();
            let (logits, kept) = kept(experts, tokens, &bias);
            let mut gradient = vec![0.0; experts];
            BiasStatistics::default().entropy_gradient(&kept, &mut gradient);
            for e in 0..experts {
                let at = |h: f64| {
                    let mut moved = bias.clone();
                    moved[e] += h;
                    mean_entropy(&logits, &moved)
                };
                let expected = (at(1e-4) - at(-1e-4)) / 2e-4;
                assert!((gradient[e] - expected).abs() < 1e-6, "{experts}: {} against {expected}", gradient[e]);
            }
            assert!(gradient.iter().sum::<f64>().abs() < 1e-6, "a constant bias changes no entropy");
        }
    }
}

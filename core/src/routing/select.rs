//! The fused selection kernel: price, softmax sums, top k, combine weights and counts in one pass over the logits.

use serde::{Deserialize, Serialize};

use super::tile::{self, LANES, Lanes};
use super::{Combine, GateSummary, Routing, RoutingOptions};
use crate::gate::GateBatch;
use crate::simd;

/// From which scores the top k are taken, and what the kept experts are combined with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule<'a> {
    /// Score = logit; weights = softmax over the kept. The baseline.
    Logit,
    /// Score = logit - price; weights by the option `combine`: softmax of the unpenalised logits over the kept, or of the scores.
    PricedLogit {
        /// Price per expert (nats).
        price: &'a [f32],
    },
    /// Score = probability / (mass of the token's unpenalised top k) - price; weights from the unpenalised probabilities.
    ///
    /// The exact Lagrangian rule of least cost for a retained gate mass.
    Probability {
        /// Price per expert (share of the token's top-k mass).
        price: &'a [f32],
    },
}

impl Rule<'_> {
    fn price(&self) -> Option<&[f32]> {
        match self {
            Self::Logit => None,
            Self::PricedLogit { price } | Self::Probability { price } => Some(price),
        }
    }
}

/// The softmax of the selection scores of a whole batch, kept for a learning router.
///
/// Opaque tiles of sixteen tokens; lanes past the last token are zero, so sums over all lanes are sums over tokens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Probabilities {
    pub(crate) experts: usize,
    pub(crate) tokens: usize,
    tiles: Vec<Lanes>,
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

    /// The gradient of the mean over tokens of `<p, q>` with respect to an additive bias on the scores:
    /// `out_e = mean_t p_te (q_e - <p_t, q>)`. Sums run in f64 over blocks, in a fixed order.
    pub fn bias_gradient(&self, q: &[f64], out: &mut [f64]) {
        let q: Vec<f32> = q.iter().map(|q| *q as f32).collect();
        out.fill(0.0);
        simd::dispatch(
            #[inline(always)]
            || {
                let mut block = vec![[0.0; LANES]; self.experts];
                for tiles in self.tiles.chunks(self.experts * TILES_A_BLOCK) {
                    block.fill([0.0; LANES]);
                    for tile in tiles.chunks_exact(self.experts) {
                        accumulate_gradient(tile, &q, &mut block);
                    }
                    add_lanes(&block, out);
                }
            },
        );
        scale_to_mean(out, self.tokens);
    }

    /// Mean probability of each expert over the batch.
    pub fn mean(&self, out: &mut [f64]) {
        out.fill(0.0);
        for tiles in self.tiles.chunks_exact(self.experts.max(1)) {
            add_lanes(tiles, out);
        }
        scale_to_mean(out, self.tokens);
    }

    fn reset(&mut self, tokens: usize, experts: usize) {
        self.tokens = tokens;
        self.experts = experts;
        self.tiles.resize(tokens.div_ceil(LANES) * experts, [0.0; LANES]);
    }
}

/// Tiles summed in f32 before they are added to an f64.
const TILES_A_BLOCK: usize = 16;

#[inline(always)]
fn accumulate_gradient(tile: &[Lanes], q: &[f32], block: &mut [Lanes]) {
    let mut mean = [0.0; LANES];
    for (p, q) in tile.iter().zip(q) {
        for l in 0..LANES {
            mean[l] += p[l] * q;
        }
    }
    for ((p, q), sum) in tile.iter().zip(q).zip(block) {
        for l in 0..LANES {
            sum[l] += p[l] * (q - mean[l]);
        }
    }
}

fn add_lanes(rows: &[Lanes], out: &mut [f64]) {
    for (row, out) in rows.iter().zip(out) {
        *out += row.iter().map(|x| f64::from(*x)).sum::<f64>();
    }
}

fn scale_to_mean(out: &mut [f64], tokens: usize) {
    for out in out {
        *out /= tokens.max(1) as f64;
    }
}

/// Runs the kernel; owns its scratch rows, so that routing does not allocate after the first batch.
///
/// ```
/// use isotherm_core::gate::GateBatch;
/// use isotherm_core::routing::{Routing, Rule, Selector};
/// let gate = GateBatch::from_logits(3, 2, vec![1.0, 2.0, 0.0]);
/// let mut routing = Routing::new(3, 2);
/// let mut selector = Selector::default();
/// selector.select(&gate, Rule::Logit, None, &mut routing);
/// assert_eq!(routing.experts, [1, 0]);
/// selector.select(&gate, Rule::PricedLogit { price: &[0.0, 5.0, 0.0] }, None, &mut routing);
/// assert_eq!(routing.experts, [0, 2], "expert 1 has become too expensive");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Selector {
    combine: Combine,
    scores: Vec<Lanes>,
    plain: Vec<Lanes>,
    best: Vec<Lanes>,
    index: Vec<[u32; LANES]>,
}

impl Selector {
    /// A kernel that respects `options`, for a layer they fit ([`RoutingOptions::check`]).
    #[must_use]
    pub fn new(options: &RoutingOptions) -> Self {
        Self { combine: options.combine, ..Self::default() }
    }

    /// Routes every token of `gate` by `rule` into `out` (which it resets first). With `keep`, the softmax of the scores is
    /// stored there; `out.gate` describes that distribution (the unpenalised one under [`Rule::Probability`]).
    ///
    /// A price of zero everywhere gives the bytes of [`Rule::Logit`] (INV-10).
    ///
    /// # Panics
    /// If `price` or `out` is for another number of experts than `gate`: a bug of the calling router.
    pub fn select(&mut self, gate: &GateBatch, rule: Rule<'_>, keep: Option<&mut Probabilities>, out: &mut Routing) {
        self.select_logits(gate.experts(), gate.logits(), rule, keep, Some(gate), out);
    }

    /// [`Selector::select`] before a [`GateBatch`] exists; `known` holds the top-k masses that the probability rule needs.
    pub(crate) fn select_logits(
        &mut self,
        experts: usize,
        logits: &[f32],
        rule: Rule<'_>,
        mut keep: Option<&mut Probabilities>,
        known: Option<&GateBatch>,
        out: &mut Routing,
    ) {
        assert_eq!(experts, out.counts.len(), "routing buffers are for another number of experts");
        assert!(rule.price().is_none_or(|p| p.len() == experts), "one price per expert");
        let (tokens, k) = (logits.len() / experts, out.top_k());
        out.reset(tokens);
        if let Some(keep) = keep.as_deref_mut() {
            keep.reset(tokens, experts);
        }
        self.scores.resize(experts, [0.0; LANES]);
        self.plain.resize(experts, [0.0; LANES]);
        self.best.resize(k, [0.0; LANES]);
        self.index.resize(k, [0; LANES]);
        let mut sums = GateSums::default();
        simd::dispatch(
            #[inline(always)]
            || {
                for (block, logits) in logits.chunks(LANES * experts).enumerate() {
                    let probabilities = keep.as_deref_mut().map(|keep| &mut keep.tiles[block * experts..][..experts]);
                    self.tile(experts, logits, rule, known, block * LANES, probabilities, &mut sums, out);
                }
            },
        );
        out.gate = Some(sums.mean(tokens));
    }

    #[inline(always)]
    #[expect(clippy::too_many_arguments, reason = "the body of a loop, kept apart for reading")]
    fn tile(
        &mut self,
        experts: usize,
        logits: &[f32],
        rule: Rule<'_>,
        known: Option<&GateBatch>,
        first: usize,
        probabilities: Option<&mut [Lanes]>,
        sums: &mut GateSums,
        out: &mut Routing,
    ) {
        let lanes = logits.len() / experts;
        // Eight experts is the classic shape: a length the compiler knows keeps the whole tile in registers.
        if experts == 8 {
            tile::load(logits, 8, &mut self.scores[..8]);
        } else {
            tile::load(logits, experts, &mut self.scores);
        }
        let selection_only = matches!(rule, Rule::PricedLogit { .. }) && self.combine == Combine::SelectionOnly;
        if selection_only {
            self.plain.copy_from_slice(&self.scores);
        }
        if let Rule::PricedLogit { price } = rule {
            subtract(&mut self.scores, price);
        }
        let most = tile::max(&self.scores);
        if !matches!(rule, Rule::Probability { .. }) {
            best_of(&self.scores, &mut self.best, &mut self.index);
        }
        let exp = tile::exponentiate(&mut self.scores, &most);
        sums.add(&exp, &most, lanes);
        if let Some(probabilities) = probabilities {
            normalise(&self.scores, &exp.exp, lanes, probabilities);
        }
        if let Rule::Probability { price } = rule {
            let mass = known.map_or([1.0; LANES], |gate| gate.top_mass_lanes(first));
            share_minus_price(&mut self.scores, &mass, price);
            best_of(&self.scores, &mut self.best, &mut self.index);
        }
        match rule {
            Rule::PricedLogit { .. } if selection_only => {
                gather(&self.plain, &self.index, lanes, &mut self.best);
                combine_unordered(&mut self.best);
            }
            Rule::Logit | Rule::PricedLogit { .. } => combine(&mut self.best),
            Rule::Probability { price } => {
                gather_shares(&self.scores, price, &self.index, lanes, &mut self.best);
            }
        }
        self.store(first, lanes, out);
    }

    /// Writes the lanes back as rows of tokens, and counts.
    #[inline(always)]
    fn store(&self, first: usize, lanes: usize, out: &mut Routing) {
        let k = self.best.len();
        let rows = first * k..(first + lanes) * k;
        let (experts, weights) = (&mut out.experts[rows.clone()], &mut out.weights[rows]);
        for (place, (weight, index)) in self.best.iter().zip(&self.index).enumerate() {
            for lane in 0..lanes {
                experts[lane * k + place] = index[lane];
                weights[lane * k + place] = weight[lane];
                out.counts[index[lane] as usize] += 1;
            }
        }
    }
}

/// Top k with the lengths of common models known to the compiler.
#[inline(always)]
fn best_of(scores: &[Lanes], best: &mut [Lanes], index: &mut [[u32; LANES]]) {
    match (scores.len(), best.len()) {
        (8, 2) => tile::top_k(&scores[..8], &mut best[..2], &mut index[..2]),
        (_, 1) => tile::top_k(scores, &mut best[..1], &mut index[..1]),
        (_, 2) => tile::top_k(scores, &mut best[..2], &mut index[..2]),
        (_, 4) => tile::top_k(scores, &mut best[..4], &mut index[..4]),
        (_, 8) => tile::top_k(scores, &mut best[..8], &mut index[..8]),
        _ => tile::top_k(scores, best, index),
    }
}

#[inline(always)]
fn subtract(scores: &mut [Lanes], price: &[f32]) {
    for (row, price) in scores.iter_mut().zip(price) {
        for score in row {
            *score -= price;
        }
    }
}

/// Softmax of the selected scores, which are sorted: the first is the largest.
#[inline(always)]
fn combine(best: &mut [Lanes]) {
    let most = best[0];
    softmax_against(best, &most);
}

/// Softmax of selected values in any order.
#[inline(always)]
fn combine_unordered(values: &mut [Lanes]) {
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

#[inline(always)]
fn gather(from: &[Lanes], index: &[[u32; LANES]], lanes: usize, to: &mut [Lanes]) {
    for (row, index) in to.iter_mut().zip(index) {
        for l in 0..lanes {
            row[l] = from[index[l] as usize][l];
        }
    }
}

/// score = e^(z - max) / (top-k sum of the same) - price
#[inline(always)]
fn share_minus_price(scores: &mut [Lanes], mass: &Lanes, price: &[f32]) {
    for (row, price) in scores.iter_mut().zip(price) {
        for l in 0..LANES {
            row[l] = row[l] / mass[l] - price;
        }
    }
}

/// The unpenalised shares of the kept experts, renormalised.
#[inline(always)]
fn gather_shares(scores: &[Lanes], price: &[f32], index: &[[u32; LANES]], lanes: usize, to: &mut [Lanes]) {
    let mut sum = [0.0; LANES];
    for (row, index) in to.iter_mut().zip(index) {
        for l in 0..lanes {
            let expert = index[l] as usize;
            // Rounding may leave a tiny negative share where the true one underflows.
            row[l] = (scores[expert][l] + price[expert]).max(0.0);
            sum[l] += row[l];
        }
    }
    for row in to {
        for l in 0..lanes {
            row[l] /= sum[l];
        }
    }
}

#[inline(always)]
fn normalise(exponentials: &[Lanes], sum: &Lanes, lanes: usize, out: &mut [Lanes]) {
    for (row, out) in exponentials.iter().zip(out) {
        for l in 0..LANES {
            let p = row[l] / sum[l];
            out[l] = if l < lanes { p } else { 0.0 };
        }
    }
}

/// Sums over the tokens of a batch, in f64.
#[derive(Clone, Copy, Debug, Default)]
struct GateSums {
    entropy: f64,
    log_sum_exp: f64,
}

impl GateSums {
    #[inline(always)]
    fn add(&mut self, exp: &tile::ExpSums, most: &Lanes, lanes: usize) {
        let (entropy, log_sum_exp) = (exp.entropy(), exp.log_sum_exp(most));
        for l in 0..lanes {
            self.entropy += f64::from(entropy[l]);
            self.log_sum_exp += f64::from(log_sum_exp[l]);
        }
    }

    fn mean(&self, tokens: usize) -> GateSummary {
        let n = tokens.max(1) as f64;
        GateSummary { entropy_nats: self.entropy / n, log_sum_exp: self.log_sum_exp / n }
    }
}

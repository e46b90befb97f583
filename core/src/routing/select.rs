//! The fused selection kernel: price, softmax sums, top k, combine weights and counts in one pass over the logits.

use super::probabilities::{inverse, normalise};
use super::tile;
use super::top::best_of;
use super::weights::{combine, combine_unordered, gather};
use super::{Affinity, Combine, GateSummary, Probabilities, Routing, RoutingOptions, Rule, rule};
use crate::gate::GateBatch;
use crate::simd;
use crate::simd::{Aligned, LANES, Lanes, one_by_one, splat};

/// Runs the kernel; owns its scratch rows, so that routing does not allocate after the first batch.
///
/// It is total: whatever the logits and prices are, each token gets k different experts, and finite weights of at least 0 that sum
/// to 1. A price that is not a number counts as the largest possible one; for logits that are none see
/// [`GateBatch::from_logits`].
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
///
/// The options that all routers share are honoured here. A floor of one keeps the token's first expert, whatever it costs:
///
/// ```
/// use isotherm_core::gate::GateBatch;
/// use isotherm_core::routing::{Routing, RoutingOptions, Rule, Selector};
/// let gate = GateBatch::from_logits(3, 2, vec![1.0, 2.0, 0.0]);
/// let mut routing = Routing::new(3, 2);
/// let options = RoutingOptions { floor: 1, ..RoutingOptions::PLAIN };
/// let rule = Rule::PricedLogit { price: &[5.0, 5.0, 0.0] };
/// Selector::new(&options).select(&gate, rule, None, &mut routing);
/// assert_eq!(routing.experts, [1, 2]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Selector {
    pub(super) combine: Combine,
    pub(super) affinity: Affinity,
    /// Weights are the gate's own, not renormalised over the kept.
    pub(super) keep_mass: bool,
    pub(super) floor: usize,
    /// `charge (1 - matrix[i][j])`, row after row; empty without similarity.
    pub(super) distance: Vec<f32>,
    pub(super) scores: Vec<Lanes>,
    /// Scores that the choice is made by, where they are not `scores`.
    pub(super) choice: Vec<Lanes>,
    pub(super) charge: Vec<f32>,
    pub(super) best: Vec<Lanes>,
    pub(super) index: Vec<Aligned<u32>>,
    usable_price: Vec<f32>,
}

impl Selector {
    /// A kernel that respects `options`, for a layer they fit ([`RoutingOptions::check`]).
    ///
    /// - `floor`: the first experts of each token's unpenalised top k stay, and come first in its row; the others follow by score.
    /// - `similarity`: charged to the scores, never to the experts of the unpenalised top k.
    /// - `combine`: see [`Rule`].
    ///
    /// Neither floor nor similarity enters what is kept for learning: those are the probabilities of the scores themselves.
    #[must_use]
    pub fn new(options: &RoutingOptions) -> Self {
        let similarity = options.similarity.iter();
        let distance =
            similarity.flat_map(|s| s.matrix.iter().flatten().map(|m| rule::usable(&((s.charge * (1.0 - m)) as f32))));
        Self {
            combine: options.combine,
            floor: options.floor as usize,
            distance: distance.collect(),
            ..Self::default()
        }
    }

    /// This kernel with weights (and scores of [`Rule::Affinity`]) by another affinity; with `renormalise = false` weights are the
    /// affinities of the kept experts themselves, which do not sum to 1.
    #[must_use]
    pub fn weighing(self, affinity: Affinity, renormalise: bool) -> Self {
        Self { affinity, keep_mass: !renormalise, ..self }
    }

    /// Routes every token of `gate` by `rule` into `out` (which it resets first). With `keep`, the softmax of the scores is
    /// stored there; `out.gate` describes that distribution (the unpenalised one where scores are no logits: [`Rule::Probability`]
    /// and [`Rule::Affinity`]).
    ///
    /// A price of zero everywhere gives the bytes of [`Rule::Logit`] (INV-10).
    ///
    /// # Panics
    /// If `price`, the scores or `out` are for another number of experts than `gate`: a bug of the calling router.
    pub fn select(&mut self, gate: &GateBatch, rule: Rule<'_>, keep: Option<&mut Probabilities>, out: &mut Routing) {
        match rule.price().filter(|price| !price.iter().all(rule::is_usable)) {
            None => self.select_logits(gate.experts(), gate.logits(), rule, keep, Some(gate), out),
            Some(price) => {
                let mut usable = std::mem::take(&mut self.usable_price);
                usable.clear();
                usable.extend(price.iter().map(rule::usable));
                self.select_logits(gate.experts(), gate.logits(), rule.with_price(&usable), keep, Some(gate), out);
                self.usable_price = usable;
            }
        }
        if let Some(summary) = &mut out.gate {
            summary.kl_nats = match rule.simplest() {
                Rule::Logit => Some(0.0),
                // Never negative but for rounding.
                Rule::PricedLogit { price } => {
                    Some(gate.kl_to_priced(price, *summary).max(0.0)).filter(|kl| kl.is_finite())
                }
                // A price on shares makes scores and no distribution; of given scores only the router knows what they are.
                Rule::Probability { .. } | Rule::Affinity { .. } | Rule::Given { .. } => None,
            };
        }
    }

    /// [`Selector::select`] before a [`GateBatch`] exists, which only the plain rule allows.
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
        assert!(!matches!(rule, Rule::Given { scores } if scores.len() != logits.len()), "one score per logit");
        let (tokens, k) = (logits.len() / experts, out.top_k());
        let rule = rule.simplest();
        out.reset(tokens);
        if let Some(keep) = keep.as_deref_mut() {
            keep.reset(tokens, experts);
        }
        self.scores.resize(experts, splat(0.0));
        self.best.resize(k, splat(0.0));
        self.index.resize(k, splat(0));
        let general = known.filter(|gate| !self.is_plain(rule, gate));
        let mut sums = GateSums::default();
        simd::dispatch(
            #[inline(always)]
            || {
                for (block, logits) in logits.chunks(LANES * experts).enumerate() {
                    let probabilities = keep.as_deref_mut().map(|keep| &mut keep.tiles[block * experts..][..experts]);
                    match general {
                        None => self.tile(experts, logits, rule, known, block * LANES, probabilities, &mut sums, out),
                        Some(gate) => {
                            self.general_tile(gate, logits, rule, block * LANES, probabilities, &mut sums);
                            self.store(block * LANES, logits.len() / experts, out);
                        }
                    }
                }
            },
        );
        // Where the distribution is the unpenalised one, it has been described already.
        let described = known.filter(|_| rule.is_unpenalised());
        out.gate = Some(described.map_or_else(|| sums.mean(tokens), GateBatch::summary));
    }

    /// Whether price, top k and weights are all there is to do.
    fn is_plain(&self, rule: Rule<'_>, gate: &GateBatch) -> bool {
        let weights = self.affinity == Affinity::Softmax && !self.keep_mass;
        let choice = match rule {
            Rule::Logit => true,
            Rule::PricedLogit { .. } => self.floor == 0 && self.distance.is_empty(),
            Rule::Probability { .. } => self.floor == 0 && self.distance.is_empty() && !gate.is_masked(),
            Rule::Affinity { .. } | Rule::Given { .. } => false,
        };
        weights && choice
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
        tile::load(logits, experts, &mut self.scores);
        let most = match rule {
            Rule::PricedLogit { price } => tile::subtract_and_max(&mut self.scores, price),
            _ => tile::max(&self.scores),
        };
        let Self { scores, best, index, .. } = self;
        if !matches!(rule, Rule::Probability { .. }) {
            best_of(scores, best, index);
        }
        let exp = tile::exponentiate(scores, &most);
        sums.add(&exp, &most, lanes);
        if let Some(probabilities) = probabilities {
            normalise(scores, &exp.exp, lanes, probabilities);
        }
        if let Rule::Probability { price } = rule {
            let inverse = inverse(&known.map_or(splat(1.0), |gate| gate.top_mass_lanes(first)));
            for e in 0..experts {
                let e = one_by_one(e);
                scores[e] = share_minus_price(&scores[e], &inverse, price[e]);
            }
            best_of(scores, best, index);
        }
        if matches!(rule, Rule::Logit) || matches!(rule, Rule::PricedLogit { .. }) && self.combine == Combine::Penalised
        {
            combine(&mut self.best);
        } else {
            gather(logits, experts, &self.index, lanes, &mut self.best);
            combine_unordered(&mut self.best);
        }
        self.store(first, lanes, out);
    }

    /// Writes the lanes back as rows of tokens, and counts.
    #[inline(always)]
    fn store(&self, first: usize, lanes: usize, out: &mut Routing) {
        let k = self.best.len();
        let (weights, index) = (&self.best[..], &self.index[..k]);
        let rows = first * k..(first + lanes) * k;
        let (to_experts, to_weights, counts) =
            (&mut out.experts[rows.clone()], &mut out.weights[rows], &mut out.counts[..]);
        for lane in 0..lanes {
            let (to_experts, to_weights) = (&mut to_experts[lane * k..][..k], &mut to_weights[lane * k..][..k]);
            for place in 0..k {
                let expert = index[place][lane];
                to_experts[place] = expert;
                to_weights[place] = weights[place][lane];
                counts[expert as usize] += 1;
            }
        }
    }
}

/// share x inverse - price: the score of [`Rule::Probability`], and of [`Rule::Affinity`] with softmax.
#[inline(always)]
pub(super) fn share_minus_price(exponential: &Lanes, inverse: &Lanes, price: f32) -> Lanes {
    let mut score = splat(0.0);
    for l in 0..LANES {
        score[l] = exponential[l] * inverse[l] - price;
    }
    score
}

/// Sums over the tokens of a batch, in f64.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct GateSums {
    entropy: f64,
    log_sum_exp: f64,
}

impl GateSums {
    #[inline(always)]
    pub(super) fn add(&mut self, exp: &tile::ExpSums, most: &Lanes, lanes: usize) {
        let (entropy, log_sum_exp) = (exp.entropy(), exp.log_sum_exp(most));
        for l in 0..lanes {
            self.entropy += f64::from(entropy[l]);
            self.log_sum_exp += f64::from(log_sum_exp[l]);
        }
    }

    fn mean(&self, tokens: usize) -> GateSummary {
        let n = tokens.max(1) as f64;
        GateSummary { entropy_nats: self.entropy / n, log_sum_exp: self.log_sum_exp / n, kl_nats: None }
    }
}

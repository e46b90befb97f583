//! One batch as the gate sees it: logits, and the unpenalised routing every router of a comparison is measured against.

mod compare;

use crate::buffer::Buffer;
use crate::routing::{GateSummary, Probabilities, Routing, Rule, Selector};
use crate::simd::{self, Lanes, exp_nonpositive, splat};
use compare::Comparison;

/// The gate's output for a batch, with the reference routing, computed once and shared by all routers.
///
/// Logits are `tokens x experts`, row after row, f32. The reference is top-k of the unpenalised softmax (INV-12: baseline
/// and router are compared on the same tokens, and this is where they are the same).
///
/// ```
/// use isotherm_core::gate::GateBatch;
/// let gate = GateBatch::from_logits(4, 2, vec![0.1, 0.4, 0.2, 0.3]);
/// assert_eq!(gate.tokens(), 1);
/// assert_eq!(gate.reference().experts, [1, 3]);
/// ```
#[derive(Clone, Debug)]
pub struct GateBatch<'a> {
    experts: usize,
    logits: Buffer<'a, f32>,
    reference: Routing<'a>,
    /// Largest logit of each token.
    row_max: Buffer<'a, f32>,
    /// Sum over the reference's experts of e^(z - row_max): the exponentials in f32, as everywhere, their sum in f64.
    top_mass: Buffer<'a, f64>,
    /// Probability of each token's first expert.
    top_probability: Buffer<'a, f32>,
    /// Mean unpenalised probability of each expert.
    mean_probability: Buffer<'a, f64>,
    summary: GateSummary,
    /// Whether some logit is the lowest there is.
    masked: bool,
}

/// Memory that computing a gate needs and that the gate does not keep, as much again as its logits; and that of a gate that is to be the next one.
#[derive(Clone, Debug, Default)]
pub struct GateScratch {
    selector: Selector,
    probabilities: Probabilities,
    /// A gate that nobody needs any more.
    used: Option<GateBatch<'static>>,
}

impl GateScratch {
    /// Lets the next gate have the memory of one that nobody needs any more.
    ///
    /// ```
    /// use isotherm_core::gate::{GateBatch, GateScratch};
    /// let mut scratch = GateScratch::default();
    /// scratch.reuse(GateBatch::from_logits(2, 1, vec![0.5, 0.1]));
    /// let mut logits = scratch.logits();
    /// logits.resize(2, 0.0);
    /// logits.copy_from_slice(&[0.2, 0.3]);
    /// assert_eq!(GateBatch::with_scratch(2, 1, logits, &mut scratch).reference().experts, [1]);
    /// ```
    pub fn reuse(&mut self, gate: GateBatch<'static>) {
        self.used = Some(gate);
    }

    /// The memory of that gate's logits with whatever is in it, for the next one's; an empty vector where there is none.
    #[must_use]
    pub fn logits(&mut self) -> Vec<f32> {
        self.used.as_mut().map(|gate| std::mem::take(&mut gate.logits).into_vec()).unwrap_or_default()
    }
}

/// The arrays of a gate that has been computed. Only [`GateBatch::from_logits`] makes ones that belong together.
#[derive(Clone, Copy, Debug)]
pub struct GateParts<'a> {
    /// Number of experts, the length of a row.
    pub experts: usize,
    /// Experts of the reference routing a token.
    pub top_k: usize,
    /// `tokens x experts`, finite, row after row.
    pub logits: &'a [f32],
    /// `tokens x top_k`: the reference routing.
    pub reference_experts: &'a [u32],
    /// `tokens x top_k`: its combine weights.
    pub reference_weights: &'a [f32],
    /// Its assignments per expert.
    pub reference_counts: &'a [u32],
    /// Largest logit of each token.
    pub row_max: &'a [f32],
    /// For each token, the sum over the reference's experts of e^(logit - row_max).
    pub top_mass: &'a [f64],
    /// Probability of each token's first expert.
    pub top_probability: &'a [f32],
    /// Mean unpenalised probability of each expert.
    pub mean_probability: &'a [f64],
    /// Entropy and log-sum-exp, means over tokens.
    pub summary: GateSummary,
    /// Whether some expert is masked for some token.
    pub masked: bool,
}

/// How far a routing departs from the reference on the same tokens; means over tokens.
///
/// "Routing fidelity", never accuracy: the gate's mass is a proxy of what the model would lose.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Fidelity {
    /// 1 - retained share of the reference's gate mass.
    pub mass_regret: f64,
    /// Total variation between the combine weights: 0.5 sum |w' - w0|.
    pub combine_weight_tv: f64,
    /// Share of the chosen experts that the reference chose too.
    pub topk_agreement: f64,
    /// Share of tokens whose whole set is the reference's.
    pub exact_match: f64,
    /// Entropy of the combine weights (nats).
    pub routing_entropy_nats: f64,
}

impl Fidelity {
    /// This mean moved towards `other` by `share` of the way: a running mean. A share of 1 gives `other`, bit for bit.
    #[must_use]
    pub(crate) fn towards(&self, other: &Self, share: f64) -> Self {
        let between = |a: f64, b: f64| if share == 1.0 { b } else { a + share * (b - a) };
        Self {
            mass_regret: between(self.mass_regret, other.mass_regret),
            combine_weight_tv: between(self.combine_weight_tv, other.combine_weight_tv),
            topk_agreement: between(self.topk_agreement, other.topk_agreement),
            exact_match: between(self.exact_match, other.exact_match),
            routing_entropy_nats: between(self.routing_entropy_nats, other.routing_entropy_nats),
        }
    }
}

impl<'a> GateBatch<'a> {
    /// Computes reference routing and row statistics of `logits` (`tokens x experts`).
    ///
    /// Logits that are no finite numbers are replaced first, so that whatever a gate says, routings and metrics are numbers:
    ///
    /// - NaN and -infinity become `f32::MIN`. The expert is *masked*: no price makes a token go there while it has others.
    /// - +infinity becomes 1,000 more than the largest finite logit of the token: all of the mass, shared where there are several.
    /// - A token without any number above `f32::MIN` has no preference: all of its logits become 0.
    ///
    /// ```
    /// use isotherm_core::gate::GateBatch;
    /// let gate = GateBatch::from_logits(3, 2, vec![f32::NAN, 1.0, f32::INFINITY]);
    /// assert_eq!(gate.reference().experts, [2, 1]);
    /// assert_eq!(gate.reference().weights, [1.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If `logits` is not a whole number of rows or `top_k` is not in `1..=experts`: scenarios are checked before.
    #[must_use]
    pub fn from_logits(experts: usize, top_k: usize, logits: Vec<f32>) -> Self {
        Self::with_scratch(experts, top_k, logits, &mut GateScratch::default())
    }

    /// [`GateBatch::from_logits`] for many batches one after the other: what is not kept is written where it was written before.
    ///
    /// ```
    /// use isotherm_core::gate::{GateBatch, GateScratch};
    /// let mut scratch = GateScratch::default();
    /// let logits = || vec![0.1, 0.4, 0.2, 0.3];
    /// let gate = GateBatch::with_scratch(4, 2, logits(), &mut scratch);
    /// assert_eq!(gate.reference(), GateBatch::from_logits(4, 2, logits()).reference());
    /// ```
    ///
    /// # Panics
    /// As [`GateBatch::from_logits`].
    #[must_use]
    pub fn with_scratch(experts: usize, top_k: usize, mut logits: Vec<f32>, scratch: &mut GateScratch) -> Self {
        assert!(experts > 0 && logits.len().is_multiple_of(experts), "logits are rows of one value per expert");
        assert!((1..=experts).contains(&top_k), "top_k is within 1..=experts");
        let masked = replace_non_numbers(experts, &mut logits);
        let GateScratch { selector, probabilities, used } = scratch;
        let used = used.take().filter(|used| used.experts == experts && used.reference.top_k() == top_k);
        let memory = used.unwrap_or_else(|| Self::empty(experts, top_k));
        let mut reference = memory.reference;
        reference.gate = None;
        selector.select_logits(experts, &logits, Rule::Logit, Some(probabilities), None, &mut reference);
        let mut mean_probability = memory.mean_probability;
        probabilities.mean(&mut mean_probability);
        let first =
            || reference.experts.chunks_exact(top_k).enumerate().map(|(token, chosen)| (token, chosen[0] as usize));
        let mut row_max = memory.row_max.into_vec();
        row_max.clear();
        row_max.extend(first().map(|(token, expert)| logits[token * experts + expert]));
        let mut top_probability = memory.top_probability.into_vec();
        top_probability.clear();
        let probability = |(token, expert)| probabilities.get(token, expert).unwrap_or_default();
        top_probability.extend(first().map(probability));
        let mut top_mass = memory.top_mass.into_vec();
        compare::masses(experts, top_k, &logits, &row_max, &reference.experts, &mut top_mass);
        let summary = GateSummary { kl_nats: Some(0.0), ..reference.gate.unwrap_or_default() };
        reference.gate = Some(summary);
        Self {
            experts,
            logits: Buffer::aligned(logits),
            reference,
            row_max: row_max.into(),
            top_mass: top_mass.into(),
            top_probability: top_probability.into(),
            mean_probability,
            summary,
            masked,
        }
    }

    /// No memory yet.
    fn empty(experts: usize, top_k: usize) -> Self {
        Self {
            experts,
            logits: Buffer::default(),
            reference: Routing::new(experts, top_k),
            row_max: Buffer::default(),
            top_mass: Buffer::default(),
            top_probability: Buffer::default(),
            mean_probability: vec![0.0; experts].into(),
            summary: GateSummary::default(),
            masked: false,
        }
    }

    /// A gate of arrays that somebody else holds, without copying them: for adapters that carry a gate across the border of a library.
    ///
    /// ```
    /// use isotherm_core::gate::GateBatch;
    /// let gate = GateBatch::from_logits(4, 2, vec![0.1, 0.4, 0.2, 0.3]);
    /// let same = GateBatch::from_parts(gate.parts());
    /// assert_eq!((same.reference(), same.summary()), (gate.reference(), gate.summary()));
    /// ```
    #[must_use]
    #[inline]
    pub fn from_parts(parts: GateParts<'a>) -> Self {
        let mut reference =
            Routing::lent(parts.top_k, parts.reference_experts, parts.reference_weights, parts.reference_counts);
        reference.gate = Some(parts.summary);
        Self {
            experts: parts.experts,
            logits: parts.logits.into(),
            reference,
            row_max: parts.row_max.into(),
            top_mass: parts.top_mass.into(),
            top_probability: parts.top_probability.into(),
            mean_probability: parts.mean_probability.into(),
            summary: parts.summary,
            masked: parts.masked,
        }
    }

    /// The arrays of this gate, for [`GateBatch::from_parts`] on the other side of a border.
    #[must_use]
    #[inline]
    pub fn parts(&self) -> GateParts<'_> {
        GateParts {
            experts: self.experts,
            top_k: self.reference.top_k(),
            logits: &self.logits,
            reference_experts: &self.reference.experts,
            reference_weights: &self.reference.weights,
            reference_counts: &self.reference.counts,
            row_max: &self.row_max,
            top_mass: &self.top_mass,
            top_probability: &self.top_probability,
            mean_probability: &self.mean_probability,
            summary: self.summary,
            masked: self.masked,
        }
    }

    /// Number of experts, the length of a row.
    #[must_use]
    pub fn experts(&self) -> usize {
        self.experts
    }

    /// Number of tokens, the number of rows.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.row_max.len()
    }

    /// The logits, `tokens x experts`, row after row.
    #[must_use]
    pub fn logits(&self) -> &[f32] {
        &self.logits
    }

    /// Whether some expert is masked for some token: its logit is `f32::MIN`.
    #[must_use]
    pub fn is_masked(&self) -> bool {
        self.masked
    }

    /// The unpenalised top-k routing of the same tokens.
    #[must_use]
    pub fn reference(&self) -> &Routing<'a> {
        &self.reference
    }

    /// Entropy and log-sum-exp of the unpenalised gate, means over tokens.
    #[must_use]
    pub fn summary(&self) -> GateSummary {
        self.summary
    }

    /// Mean unpenalised probability of each expert.
    #[must_use]
    pub fn mean_probability(&self) -> &[f64] {
        &self.mean_probability
    }

    /// Unpenalised probability of one expert for one token.
    ///
    /// # Panics
    /// If there is no such token or expert.
    #[must_use]
    pub fn probability(&self, token: usize, expert: usize) -> f32 {
        exp_nonpositive(self.logits[token * self.experts + expert] - self.row_max[token]) * self.top_probability[token]
    }

    /// Top-k masses of sixteen tokens from `first` on, relative to each token's largest logit; 1 past the end.
    pub(crate) fn top_mass_lanes(&self, first: usize) -> Lanes {
        let mut lanes = splat(1.0);
        for (lane, mass) in lanes.iter_mut().zip(&self.top_mass[first..]) {
            *lane = *mass as f32;
        }
        lanes
    }

    /// Largest logit of a token and the mass of its unpenalised top-k, relative to e to that logit.
    pub(crate) fn scale_of(&self, token: usize) -> (f32, f64) {
        (self.row_max[token], self.top_mass[token])
    }

    /// Compares `routing` with the reference, token by token, sums in f64 in token order.
    ///
    /// Formulas: `docs/VALIDATION.md`, metrics.
    #[must_use]
    pub fn fidelity(&self, routing: &Routing) -> Fidelity {
        let comparison = Comparison {
            experts: self.experts,
            logits: &self.logits,
            row_max: &self.row_max,
            top_mass: &self.top_mass,
            routing,
            reference: &self.reference,
        };
        let mut sum = comparison.sums();
        sum.routing_entropy_nats = entropy(&routing.weights);
        let n = self.tokens().max(1) as f64;
        Fidelity {
            mass_regret: sum.mass_regret / n,
            combine_weight_tv: sum.combine_weight_tv / n,
            topk_agreement: sum.topk_agreement / n,
            exact_match: sum.exact_match / n,
            routing_entropy_nats: sum.routing_entropy_nats / n,
        }
    }

    /// Mean KL divergence (nats) from the unpenalised gate to one with `price` subtracted from every token's logits.
    ///
    /// `summary` describes the penalised gate: KL = <mean p0, price> + mean lse' - mean lse0.
    ///
    /// ```
    /// use isotherm_core::gate::GateBatch;
    /// let gate = GateBatch::from_logits(2, 1, vec![0.0, 0.0]);
    /// assert!(gate.kl_to_priced(&[0.0, 0.0], gate.summary()).abs() < 1e-12);
    /// ```
    #[must_use]
    pub fn kl_to_priced<P: Copy + Into<f64>>(&self, price: &[P], summary: GateSummary) -> f64 {
        let mean_price: f64 = self.mean_probability.iter().zip(price).map(|(p, c)| p * (*c).into()).sum();
        mean_price + summary.log_sum_exp - self.summary.log_sum_exp
    }
}

/// Makes every logit a finite number, as [`GateBatch::from_logits`] says; returns whether some are `f32::MIN` afterwards.
fn replace_non_numbers(experts: usize, logits: &mut [f32]) -> bool {
    // On bits: largest magnitude, infinity and NaN are one range.
    let extreme = |z: f32| z.abs().to_bits() >= f32::MAX.to_bits();
    let any = simd::dispatch(
        #[inline(always)]
        || logits.iter().fold(false, |any, z| any | extreme(*z)),
    );
    if !any {
        return false;
    }
    let mut masked = false;
    for row in logits.chunks_exact_mut(experts).filter(|row| row.iter().any(|z| extreme(*z))) {
        let most = row.iter().copied().filter(|z| *z < f32::INFINITY).fold(f32::MIN, f32::max);
        let unbounded = if most > f32::MIN { (most + 1000.0).min(f32::MAX) } else { 0.0 };
        for z in row.iter_mut() {
            *z = if *z == f32::INFINITY { unbounded } else { z.max(f32::MIN) };
        }
        if row.iter().all(|z| *z == f32::MIN) {
            row.fill(0.0);
        }
        masked |= row.contains(&f32::MIN);
    }
    masked
}

/// Sum of -w ln w over all weights (nats): in f32 over blocks, in f64 over the blocks, in a fixed order.
fn entropy(weights: &[f32]) -> f64 {
    const LANES: usize = 16;
    /// Rows of lanes that are summed in f32.
    const ROWS: usize = 64;
    #[inline(always)]
    fn term(w: f32) -> f32 {
        if w > 0.0 { -w * simd::ln(w) } else { 0.0 }
    }
    simd::dispatch(
        #[inline(always)]
        || {
            let mut sum = 0.0;
            for block in weights.chunks(LANES * ROWS) {
                let mut lanes = [0.0; LANES];
                let (rows, rest) = block.as_chunks::<LANES>();
                for row in rows {
                    for l in 0..LANES {
                        lanes[l] += term(row[l]);
                    }
                }
                for (lane, w) in lanes.iter_mut().zip(rest) {
                    *lane += term(*w);
                }
                sum += lanes.iter().map(|x| f64::from(*x)).sum::<f64>();
            }
            sum
        },
    )
}

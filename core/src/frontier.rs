//! The frontier: the least gate mass that has to be given up for an energy, over all routings of the same tokens.
//!
//! Token t has at expert e the share s_te = e^(z_te) / (sum of the same over the token's unpenalised top-k) and costs c_e
//! there. A routing's mass regret R is 1 - the mean over tokens of the shares it keeps, its energy E the sum of its costs.
//! Both are sums over tokens and experts, so for a price mu (1/J) the k experts of largest s - mu c of every token minimise
//! R + mu E / n (n tokens): call the minimum D(mu). Then R >= D(mu) - mu E / n for *any* routing, and the largest of these
//! tangents is a lower bound of the regret at an energy that no router can pass: [`Frontier::regret_at`]. Chords between
//! optimal points would lie above the hull and promise too much.
//!
//! The bound speaks of the energy of assignments: not of idle GPUs, not of the router's own work. It takes k assignments for
//! every token: a routing that drops some is another problem. It knows all costs and all tokens, past and future.
//!
//! Method: per token, [`Sweep`] raises the price from zero and finds every exchange of an expert for a cheaper one, with
//! the price at which it pays; exchanges of all tokens are summed by price, 128 bins to an octave. The sums up to a bin's
//! edge are exactly the optimum at that price.

mod sweep;
#[cfg(test)]
mod tests;

pub use sweep::Sweep;

use serde::{Deserialize, Serialize};

/// Bins of the price to an octave: tangents at neighbouring edges leave less than 2e-5 of a quadratic curve between them.
const BINS: u64 = 128;
/// The bits of a price without those that do not select a bin: 52 of the mantissa less 7.
const SHIFT: u32 = 52 - BINS.ilog2();
/// Octaves of the price below one over the cost scale that are resolved ...
const BELOW: u64 = 16;
/// ... and above.
const ABOVE: u64 = 12;
/// Edges of bins.
const EDGES: usize = ((BELOW + ABOVE) * BINS) as usize;
/// The largest number whose bits, shifted, are still those of a finite price at every edge.
const MOST_FIRST: u64 = (0x7ff * BINS) - EDGES as u64;

/// What all exchanges between two prices change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Step {
    /// Energy saved (J).
    joules: f64,
    /// Shares given up, summed over tokens.
    lost: f64,
}

/// The optimal trade of energy against gate mass for the batches added so far.
///
/// ```
/// use isotherm_core::frontier::{Frontier, Sweep};
/// use isotherm_core::gate::GateBatch;
/// // One token, top-1: expert 0 costs 2 J, expert 1 has half its mass and costs 1 J.
/// let gate = GateBatch::from_logits(2, 1, vec![2.0_f32.ln(), 0.0]);
/// let mut frontier = Frontier::new(1.0, false);
/// Sweep::default().add(&gate, &[2.0, 1.0], &mut frontier);
/// let regret = |joules| frontier.regret_at(joules).unwrap();
/// assert!(regret(2.0).abs() < 1e-9);
/// assert!((regret(1.0) - 0.5).abs() < 1e-6);
/// // Half of each is on the line between them: what a long stream of such tokens could reach.
/// assert!((regret(1.5) - 0.25).abs() < 0.01);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frontier {
    /// Whether it knows costs of instants that no router can know.
    oracle: bool,
    /// Bits of the lowest edge, shifted.
    first: u64,
    tokens: u64,
    batches: u64,
    /// Experts of the widest batch.
    experts: u32,
    /// Energy at a vanishing price (J).
    joules: f64,
    /// Shares given up at a vanishing price: zero, but for the last bits of exponentials of neighbouring logits.
    lost: f64,
    /// `steps[i]` holds the exchanges that pay below edge `i` and not below edge `i - 1`; the last one those beyond all edges.
    steps: Vec<Step>,
}

/// An optimal routing: what the Lagrangian rule at one price gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrontierPoint {
    /// Price of a joule in shares of a token's top-k mass (1/J).
    pub price: f64,
    /// Energy of all assignments (J).
    pub joules: f64,
    /// Mass regret, mean over tokens.
    pub regret: f64,
}

impl Frontier {
    /// A frontier of no tokens. `scale` is a typical difference between the costs of two experts (J): it decides which
    /// prices are told apart, 1/65,536 to 4,096 over `scale`, and nothing else. `oracle` marks a curve that knows costs of
    /// instants no router can know.
    #[must_use]
    pub fn new(scale: f64, oracle: bool) -> Self {
        let unit = 1.0 / scale;
        let octave = if unit.is_normal() && unit > 0.0 { unit.to_bits() >> 52 } else { 1.0_f64.to_bits() >> 52 };
        let first = (octave.saturating_sub(BELOW) * BINS).min(MOST_FIRST);
        Self {
            oracle,
            first,
            tokens: 0,
            batches: 0,
            experts: 0,
            joules: 0.0,
            lost: 0.0,
            steps: vec![Step::default(); EDGES + 1],
        }
    }

    /// An empty frontier with the same prices, for tokens that are added up elsewhere and [merged](Frontier::merge).
    #[must_use]
    pub fn empty_like(&self) -> Self {
        Self {
            steps: vec![Step::default(); self.steps.len()],
            tokens: 0,
            batches: 0,
            experts: 0,
            joules: 0.0,
            lost: 0.0,
            ..*self
        }
    }

    /// Adds the tokens of another frontier with the same prices. The order of merges decides the last bits.
    pub fn merge(&mut self, other: &Self) {
        self.tokens += other.tokens;
        self.batches += other.batches;
        self.experts = self.experts.max(other.experts);
        self.joules += other.joules;
        self.lost += other.lost;
        for (step, more) in self.steps.iter_mut().zip(&other.steps) {
            step.joules += more.joules;
            step.lost += more.lost;
        }
    }

    /// Whether it knows costs of instants that no router can know: costs that move with the clock or with temperatures.
    #[must_use]
    pub fn is_oracle(&self) -> bool {
        self.oracle
    }

    /// Tokens added; those of several layers count for each.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        self.tokens
    }

    /// A lower bound of the mass regret of every routing of these tokens whose assignments spend `joules` (J), k of them for
    /// every token; `None` without tokens. Largest of the tangents: exact at the optimum of every price that is resolved.
    #[must_use]
    pub fn regret_at(&self, joules: f64) -> Option<f64> {
        // What sums of this many terms may be off by, on both sides: a bound stays one.
        let rounding = f64::EPSILON * (self.batches as f64 + f64::from(self.experts) + 8.0) * self.joules.abs();
        let tokens = self.tokens as f64;
        let tangent = |point: FrontierPoint| point.regret + point.price * (point.joules - joules - rounding) / tokens;
        (self.tokens > 0).then(|| self.points(1).map(tangent).fold(f64::NEG_INFINITY, f64::max))
    }

    /// The optima at price 0+ and at every `every`-th edge of a bin, by rising price.
    ///
    /// # Panics
    /// If `every` is 0.
    pub fn points(&self, every: usize) -> impl Iterator<Item = FrontierPoint> {
        let tokens = self.tokens.max(1) as f64;
        let start = FrontierPoint { price: 0.0, joules: self.joules, regret: self.lost / tokens };
        let (mut joules, mut lost) = (self.joules, self.lost);
        let edges = self.steps.iter().enumerate().take(EDGES).map(move |(edge, step)| {
            joules -= step.joules;
            lost += step.lost;
            FrontierPoint { price: self.edge(edge), joules, regret: lost / tokens }
        });
        std::iter::once(start).chain(edges.skip(every - 1).step_by(every))
    }

    fn edge(&self, edge: usize) -> f64 {
        f64::from_bits((self.first + edge as u64) << SHIFT)
    }

    /// Notes an exchange that pays from `price` on (1/J): saves `joules` (J) and gives up `lost` of a token's share.
    #[inline(always)]
    fn exchange(&mut self, price: f64, joules: f64, lost: f64) {
        // The bits of positive numbers grow with them; a price is below zero by rounding only.
        let at = (price.max(0.0).to_bits() >> SHIFT).saturating_sub(self.first - 1).min(EDGES as u64);
        if let Some(step) = self.steps.get_mut(at as usize) {
            step.joules += joules;
            step.lost += lost;
        }
    }

    /// Whether it can have come from this type's own methods: what a saved run has to be asked before it goes on.
    pub(crate) fn is_sound(&self) -> bool {
        self.steps.len() == EDGES + 1 && (1..=MOST_FIRST).contains(&self.first)
    }
}

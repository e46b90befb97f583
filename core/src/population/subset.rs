//! Counts of tokens that choose subsets independently: the tier `counts`.

use super::Stream;
use super::binomial::Bits;
use super::tree::Tree;

/// The law of subsets of k experts with given inclusion probabilities, and nothing else known: conditional Poisson sampling.
#[derive(Clone, Debug, Default)]
pub(super) struct Subsets {
    tree: Tree,
    /// Experts that every token chooses.
    certain: Vec<usize>,
    /// The other experts that a token may choose, in the order of the tree.
    open: Vec<usize>,
    weights: Vec<f64>,
    /// Scratch: inclusion probabilities asked for and reached.
    wanted: Vec<f64>,
    reached: Vec<f64>,
}

/// Inclusion probabilities this close to 0 and 1 are 0 and 1.
const CERTAIN: f64 = 1e-12;
/// Largest relative error of an inclusion probability, or of its complement, at which weights are good.
const TOLERANCE: f64 = 1e-10;
/// Iterations after which weights are taken as they are. 5 to 20 are usual.
const MOST_ITERATIONS: usize = 200;

impl Subsets {
    /// Makes this the law with `inclusion`, which sums to `top_k`.
    pub(super) fn prepare(&mut self, inclusion: &[f64], top_k: usize) {
        self.certain.clear();
        self.open.clear();
        for (expert, q) in inclusion.iter().enumerate() {
            if *q >= 1.0 - CERTAIN {
                self.certain.push(expert);
            } else if *q > CERTAIN {
                self.open.push(expert);
            }
        }
        self.wanted.clear();
        self.wanted.extend(self.open.iter().map(|expert| inclusion[*expert]));
        let top_k = top_k.saturating_sub(self.certain.len()).min(self.open.len());
        self.fit(top_k);
    }

    /// Finds the weights, from the odds on, which they are but for the condition that k are chosen.
    ///
    /// Newton's method on ln w with the diagonal of the Jacobian, q (1 - q); the factor is what two experts that only exchange with each
    /// other need, where the diagonal alone would swing for ever. Always from the same start: weights are a function of what is asked for.
    fn fit(&mut self, top_k: usize) {
        let Self { tree, wanted, reached, weights, .. } = self;
        weights.clear();
        weights.extend(wanted.iter().map(|q| q / (1.0 - q)));
        tree.build(weights, top_k);
        if top_k == 0 || top_k == wanted.len() {
            return;
        }
        let variances = || wanted.iter().map(|q| q * (1.0 - q));
        let (all, most) = (variances().sum::<f64>(), variances().fold(0.0, f64::max));
        let factor = ((all - most) / all).clamp(0.5, 1.0);
        reached.resize(wanted.len(), 0.0);
        for _ in 0..MOST_ITERATIONS {
            tree.inclusion(reached);
            let mut error = 0.0_f64;
            for ((weight, q), p) in weights.iter_mut().zip(wanted.iter()).zip(reached.iter()) {
                error = error.max(((p - q) / (q * (1.0 - q))).abs());
                let p = p.clamp(f64::MIN_POSITIVE, 1.0 - f64::EPSILON);
                *weight *= libm::exp(factor * libm::log(q * (1.0 - p) / (p * (1.0 - q))));
            }
            if error <= TOLERANCE {
                return;
            }
            tree.build(weights, top_k);
        }
    }

    /// Draws the counts of `tokens` independent tokens.
    pub(super) fn draw(&mut self, tokens: u32, stream: &mut Stream, out: &mut [u32]) {
        out.fill(0);
        self.add(tokens, 1, &mut Bits::new(stream), out);
    }

    /// Adds the counts of `tokens` independent draws that stand for `weight` tokens each.
    pub(super) fn add(&mut self, tokens: u32, weight: u32, bits: &mut Bits<'_>, out: &mut [u32]) {
        for expert in &self.certain {
            out[*expert] += tokens * weight;
        }
        let open = &self.open;
        self.tree.draw(tokens, bits, |place, count| out[open[place]] += count * weight);
    }
}

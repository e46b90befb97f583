//! The gate product z = x W^T: one chain of fused multiply-adds per logit, in the order of the hidden state.
//!
//! That order is the whole definition of the bytes, so that every processor gives the same, whatever its vectors are: a library's product adds up in
//! blocks whose size follows from the caches it finds. With AVX-512 it is as fast as the best library that was found, and half as fast again at eight
//! experts (measured: `cargo bench --bench limits`): the gate is packed once and not with every batch, and sums never leave their registers. Explicit vectors, because whether plain loops stay in
//! registers is the compiler's mood.

use std::fmt;

use isotherm_core::simd::Level;
use pulp::{Simd, WithSimd};

/// Tokens of a block, or a multiple: batches of so many leave none over that are multiplied by themselves.
pub(crate) const TOKENS_TOGETHER: usize = 12;

/// W^T, packed for the registers of this processor.
///
/// Threads may share it. The bytes of a logit depend on its token and its expert alone, not on the batch around it.
///
/// ```
/// use isotherm_workloads::GateProduct;
/// // Two experts, hidden states of three numbers; row d holds the weights of all experts for number d.
/// let gate = GateProduct::new(2, &[1.0, 0.0, 0.0, 1.0, 2.0, 3.0]);
/// assert_eq!(gate.logits(&[1.0, 10.0, 100.0]), [201.0, 310.0]);
/// ```
pub struct GateProduct {
    experts: usize,
    d_model: usize,
    packed: Box<dyn Multiply>,
}

impl GateProduct {
    /// `gate`: `d_model x experts`, row after row.
    ///
    /// # Panics
    /// If `gate` is empty or no whole number of rows: scenarios are checked before.
    #[must_use]
    pub fn new(experts: usize, gate: &[f32]) -> Self {
        assert!(experts > 0 && !gate.is_empty() && gate.len().is_multiple_of(experts), "a gate has whole rows");
        Self { experts, d_model: gate.len() / experts, packed: pack(Pack { experts, gate }) }
    }

    /// Logits, `tokens x experts`, of `hidden`, `tokens x d_model`; both row after row.
    #[must_use]
    pub fn logits(&self, hidden: &[f32]) -> Vec<f32> {
        let mut logits = vec![0.0; hidden.len() / self.d_model * self.experts];
        self.multiply(hidden, &mut logits);
        logits
    }

    /// [`GateProduct::logits`] into memory that is at hand.
    ///
    /// # Panics
    /// If `logits` has not one row for each of `hidden`.
    pub fn multiply(&self, hidden: &[f32], logits: &mut [f32]) {
        assert_eq!(hidden.len() / self.d_model * self.experts, logits.len(), "one row of logits a hidden state");
        self.packed.multiply(hidden, logits);
    }
}

impl fmt::Debug for GateProduct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateProduct").field("experts", &self.experts).field("d_model", &self.d_model).finish()
    }
}

/// A gate that is packed for some instruction set.
trait Multiply: Send + Sync {
    fn multiply(&self, hidden: &[f32], logits: &mut [f32]);
}

/// The best instruction set, or the one that is forced.
#[cfg(target_arch = "x86_64")]
fn pack(gate: Pack<'_>) -> Box<dyn Multiply> {
    use pulp::x86::{V3, V4};
    // Eight experts fill half a register of AVX-512, and a whole one of AVX2.
    let wide = Level::current() >= Level::Avx512 && gate.experts > 8;
    match (V4::try_new().filter(|_| wide), V3::try_new().filter(|_| Level::current() >= Level::Avx2)) {
        (Some(simd), _) => gate.with_simd(simd),
        (None, Some(simd)) => gate.with_simd(simd),
        (None, None) => gate.with_simd(pulp::Scalar),
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn pack(gate: Pack<'_>) -> Box<dyn Multiply> {
    match Level::current() {
        Level::Plain => gate.with_simd(pulp::Scalar),
        _ => pulp::Arch::new().dispatch(gate),
    }
}

struct Pack<'a> {
    experts: usize,
    gate: &'a [f32],
}

impl WithSimd for Pack<'_> {
    type Output = Box<dyn Multiply>;

    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        let (experts, lanes) = (self.experts, S::F32_LANES);
        let d_model = self.gate.len() / experts;
        let together = if experts <= lanes { 1 } else { registers::<S>() };
        let mut weights = Vec::with_capacity(d_model * experts.div_ceil(lanes));
        let mut padded = vec![0.0; lanes];
        for first in (0..experts).step_by(together * lanes) {
            let last = experts.min(first + together * lanes);
            for row in self.gate.chunks_exact(experts) {
                for some in row[first..last].chunks(lanes) {
                    padded.fill(0.0);
                    padded[..some.len()].copy_from_slice(some);
                    weights.push(simd.partial_load_f32s(&padded));
                }
            }
        }
        Box::new(Packed { simd, experts, d_model, weights })
    }
}

/// Registers of weights that are multiplied side by side. With six tokens their sums fill what registers there are, beside the weights and one
/// number of a token.
const fn registers<S: Simd>() -> usize {
    if S::REGISTER_COUNT >= 32 { 4 } else { 2 }
}

/// Panel after panel of at most [`registers`] registers of experts; in a panel, number after number of the hidden state.
struct Packed<S: Simd> {
    simd: S,
    experts: usize,
    d_model: usize,
    weights: Vec<S::f32s>,
}

impl<S: Simd> Multiply for Packed<S> {
    fn multiply(&self, hidden: &[f32], logits: &mut [f32]) {
        self.simd.vectorize(Product { gate: self, hidden, logits });
    }
}

/// A type of its own and not a closure: a closure is not always inlined into the code for the instruction set.
struct Product<'a, S: Simd> {
    gate: &'a Packed<S>,
    hidden: &'a [f32],
    logits: &'a mut [f32],
}

impl<S: Simd> pulp::NullaryFnOnce for Product<'_, S> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        if self.gate.experts <= S::F32_LANES {
            self.panels::<12, 1>();
        } else if registers::<S>() == 4 {
            self.panels::<6, 4>();
        } else {
            self.panels::<6, 2>();
        }
    }
}

impl<S: Simd> Product<'_, S> {
    /// Panels of `C` registers: all tokens pass one, `R` at a time, before the next.
    #[inline(always)]
    fn panels<const R: usize, const C: usize>(self) {
        let (gate, width) = (self.gate, self.gate.d_model);
        for (panel, weights) in gate.weights.chunks(C * width).enumerate() {
            let first = panel * C * S::F32_LANES;
            let mut hidden = self.hidden.chunks_exact(R * width);
            let mut logits = self.logits.chunks_exact_mut(R * gate.experts);
            for (hidden, logits) in hidden.by_ref().zip(logits.by_ref()) {
                panel_of::<S, R, C>(gate, first, weights, hidden, logits);
            }
            let rest = hidden.remainder().chunks_exact(width);
            for (hidden, logits) in rest.zip(logits.into_remainder().chunks_exact_mut(gate.experts)) {
                panel_of::<S, 1, C>(gate, first, weights, hidden, logits);
            }
        }
    }
}

/// A panel that may be the last, with fewer than `C` registers.
#[inline(always)]
fn panel_of<S: Simd, const R: usize, const C: usize>(
    gate: &Packed<S>,
    first: usize,
    weights: &[S::f32s],
    hidden: &[f32],
    logits: &mut [f32],
) {
    match weights.len() / gate.d_model {
        1 if C > 1 => block::<S, R, 1>(gate, first, weights, hidden, logits),
        2 if C > 2 => block::<S, R, 2>(gate, first, weights, hidden, logits),
        3 if C > 3 => block::<S, R, 3>(gate, first, weights, hidden, logits),
        _ => block::<S, R, C>(gate, first, weights, hidden, logits),
    }
}

/// The logits of `R` tokens for the experts of `C` registers, from `first` on: one chain of multiply-adds per logit.
#[inline(always)]
#[expect(
    clippy::needless_range_loop,
    reason = "loops of known length are unrolled, and sums stay in registers; iterators left them in memory"
)]
fn block<S: Simd, const R: usize, const C: usize>(
    gate: &Packed<S>,
    first: usize,
    weights: &[S::f32s],
    hidden: &[f32],
    logits: &mut [f32],
) {
    let (simd, experts) = (gate.simd, gate.experts);
    let weights = weights.as_chunks::<C>().0;
    let width = weights.len();
    // Slices of one length are looked into without asking.
    let mut tokens = [&hidden[..width]; R];
    for r in 0..R {
        tokens[r] = &hidden[r * width..][..width];
    }
    let mut sums = [[simd.splat_f32s(0.0); C]; R];
    for d in 0..width {
        let weights = weights[d];
        for r in 0..R {
            let x = simd.splat_f32s(tokens[r][d]);
            for c in 0..C {
                sums[r][c] = simd.mul_add_f32s(x, weights[c], sums[r][c]);
            }
        }
    }
    for r in 0..R {
        let row = &mut logits[r * experts..][..experts];
        for c in 0..C {
            let from = first + c * S::F32_LANES;
            simd.partial_store_f32s(&mut row[from..experts.min(from + S::F32_LANES)], sums[r][c]);
        }
    }
}

#[cfg(test)]
mod tests {
    use isotherm_core::rng::fill_standard_normal;

    use super::*;

    fn drawn(key: u32, len: usize) -> Vec<f32> {
        let mut values = vec![0.0; len];
        fill_standard_normal([key, 1], 0, &mut values);
        values
    }

    /// The definition: a chain of multiply-adds with one rounding each, which the software of the platform does where the processor cannot.
    #[test]
    fn every_level_gives_the_bytes_of_the_definition() {
        for (experts, d_model, tokens) in
            [(8, 512, 37), (64, 96, 29), (5, 3, 2), (1, 7, 1), (40, 33, 14), (17, 1, 5), (256, 64, 13)]
        {
            let (gate, hidden) = (drawn(1, d_model * experts), drawn(2, tokens * d_model));
            let logit = |token: usize, expert: usize| {
                (0..d_model)
                    .fold(0.0_f32, |sum, d| hidden[token * d_model + d].mul_add(gate[d * experts + expert], sum))
            };
            let expected: Vec<f32> = (0..tokens * experts).map(|at| logit(at / experts, at % experts)).collect();
            for level in Level::available() {
                let found = level.force(|| GateProduct::new(experts, &gate)).logits(&hidden);
                assert_eq!(found, expected, "{level}, {experts} experts, {d_model} wide, {tokens} tokens");
            }
        }
    }

    #[test]
    fn a_token_does_not_depend_on_its_batch() {
        let (gate, hidden) = (drawn(3, 48 * 24), drawn(4, 48 * 50));
        let gate = GateProduct::new(24, &gate);
        let whole = gate.logits(&hidden);
        for tokens in 0..50 {
            assert_eq!(gate.logits(&hidden[..48 * tokens]), whole[..24 * tokens]);
        }
    }
}

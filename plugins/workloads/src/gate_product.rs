//! The gate product z = x W^T: one chain of fused multiply-adds per logit, in the order of the hidden state.
//!
//! That order is the whole definition of the bytes, so that every processor gives the same, whatever its vectors are: a library's product adds up in
//! blocks whose size follows from the caches it finds. It is also the fastest that was found (measured: `docs/PERFORMANCE.md`), because the gate
//! is packed once and not with every batch, and because sums never leave their registers. Explicit vectors, because whether plain loops stay in
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
        let mut registers = Vec::with_capacity(d_model * experts.div_ceil(lanes));
        let mut padded = vec![0.0; lanes];
        for first in (0..experts).step_by(lanes) {
            let columns = lanes.min(experts - first);
            padded.fill(0.0);
            for row in self.gate.chunks_exact(experts) {
                padded[..columns].copy_from_slice(&row[first..first + columns]);
                registers.push(simd.partial_load_f32s(&padded));
            }
        }
        Box::new(Packed { simd, experts, d_model, registers })
    }
}

/// Column after column of registers, each from the first number of the hidden state to the last.
struct Packed<S: Simd> {
    simd: S,
    experts: usize,
    d_model: usize,
    registers: Vec<S::f32s>,
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

    /// Sums that fit into the registers, beside the weights and one number of a token. More tokens than columns: a token's number is used for
    /// each column, a weight for each token, and weights come from further away.
    #[inline(always)]
    fn call(self) {
        if S::REGISTER_COUNT >= 32 { self.blocks::<12, 2>() } else { self.blocks::<6, 2>() }
    }
}

impl<S: Simd> Product<'_, S> {
    /// `R` tokens and `C` registers of experts at a time. All columns pass over a few tokens, which stay in the nearest cache.
    #[inline(always)]
    fn blocks<const R: usize, const C: usize>(self) {
        let (width, experts) = (self.gate.d_model, self.gate.experts);
        let mut hidden = self.hidden.chunks_exact(R * width);
        let mut logits = self.logits.chunks_exact_mut(R * experts);
        for (hidden, logits) in hidden.by_ref().zip(logits.by_ref()) {
            columns::<S, R, C>(self.gate, hidden, logits);
        }
        let (mut hidden, mut logits) =
            (hidden.remainder().chunks_exact(4 * width), logits.into_remainder().chunks_exact_mut(4 * experts));
        for (hidden, logits) in hidden.by_ref().zip(logits.by_ref()) {
            columns::<S, 4, C>(self.gate, hidden, logits);
        }
        let rest = hidden.remainder().chunks_exact(width);
        for (hidden, logits) in rest.zip(logits.into_remainder().chunks_exact_mut(experts)) {
            columns::<S, 1, C>(self.gate, hidden, logits);
        }
    }
}

#[inline(always)]
fn columns<S: Simd, const R: usize, const C: usize>(gate: &Packed<S>, hidden: &[f32], logits: &mut [f32]) {
    let mut first = 0;
    for weights in gate.registers.chunks(C * gate.d_model) {
        if weights.len() == C * gate.d_model {
            block::<S, R, C>(gate, first, weights, hidden, logits);
        } else {
            block::<S, R, 1>(gate, first, weights, hidden, logits);
        }
        first += C * S::F32_LANES;
    }
}

/// The logits of `R` tokens for the experts of `C` registers, from `first` on.
#[inline(always)]
fn block<S: Simd, const R: usize, const C: usize>(
    gate: &Packed<S>,
    first: usize,
    weights: &[S::f32s],
    hidden: &[f32],
    logits: &mut [f32],
) {
    let (simd, width, experts) = (gate.simd, gate.d_model, gate.experts);
    let tokens: [&[f32]; R] = std::array::from_fn(|row| &hidden[row * width..][..width]);
    let columns: [&[S::f32s]; C] = std::array::from_fn(|column| &weights[column * width..][..width]);
    let mut sums = [[simd.splat_f32s(0.0); C]; R];
    for d in 0..width {
        for r in 0..R {
            let x = simd.splat_f32s(tokens[r][d]);
            for c in 0..C {
                sums[r][c] = simd.mul_add_f32s(x, columns[c][d], sums[r][c]);
            }
        }
    }
    for (sums, logits) in sums.into_iter().zip(logits.chunks_exact_mut(experts)) {
        for (sum, logits) in sums.into_iter().zip(logits[first..].chunks_mut(S::F32_LANES)) {
            simd.partial_store_f32s(logits, sum);
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

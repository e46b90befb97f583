//! The gate product for at most eight experts: a row of sums per token stays in a register.
//!
//! A library's kernel is made for large matrices; with eight columns it leaves half of the multipliers idle (measured:
//! `docs/PERFORMANCE.md`). Needs AVX2 and fused multiply-add; elsewhere, and for larger gates, candle multiplies. Written with
//! explicit vectors, because whether plain loops stay in registers is the compiler's mood.

use pulp::f32x8;
use pulp::x86::V3;

/// Columns of one register: the most experts this product serves.
const COLUMNS: usize = 8;
/// Tokens side by side: enough independent sums to hide the latency of a multiply-add.
const ROWS: usize = 8;

/// W^T, `d_model x experts`, padded to whole registers.
#[derive(Clone, Debug)]
pub struct SmallGate {
    simd: V3,
    experts: usize,
    rows: Vec<f32x8>,
}

impl SmallGate {
    /// `gate`: `d_model x experts`, row after row; `None` for more experts than one register holds, or none, and on
    /// processors without the instructions.
    #[must_use]
    pub fn new(experts: usize, gate: &[f32]) -> Option<Self> {
        if !(1..=COLUMNS).contains(&experts) || gate.is_empty() {
            return None;
        }
        let simd = V3::try_new()?;
        let pad = |row: &[f32]| {
            let at = |column: usize| row.get(column).copied().unwrap_or(0.0);
            f32x8(at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7))
        };
        Some(Self { simd, experts, rows: gate.chunks_exact(experts).map(pad).collect() })
    }

    /// Logits, `tokens x experts`, of `hidden`, `tokens x d_model`; both row after row.
    #[must_use]
    pub fn logits(&self, hidden: &[f32]) -> Vec<f32> {
        let mut logits = vec![0.0; hidden.len() / self.rows.len() * self.experts];
        self.simd.vectorize(Product { gate: self, hidden, logits: &mut logits });
        logits
    }
}

/// A type of its own and not a closure: a closure is not always inlined into the code for the instruction set.
struct Product<'a> {
    gate: &'a SmallGate,
    hidden: &'a [f32],
    logits: &'a mut [f32],
}

impl pulp::NullaryFnOnce for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (width, experts) = (self.gate.rows.len(), self.gate.experts);
        let mut hidden = self.hidden.chunks_exact(ROWS * width);
        let mut logits = self.logits.chunks_exact_mut(ROWS * experts);
        for (hidden, logits) in hidden.by_ref().zip(logits.by_ref()) {
            block::<ROWS>(self.gate, hidden, logits);
        }
        let rest = hidden.remainder().chunks_exact(width);
        for (hidden, logits) in rest.zip(logits.into_remainder().chunks_exact_mut(experts)) {
            block::<1>(self.gate, hidden, logits);
        }
    }
}

/// `R` tokens: one chain of multiply-adds per logit, in the order of `d_model`.
#[inline(always)]
fn block<const R: usize>(gate: &SmallGate, hidden: &[f32], logits: &mut [f32]) {
    let (simd, width) = (gate.simd, gate.rows.len());
    let tokens: [&[f32]; R] = std::array::from_fn(|row| &hidden[row * width..][..width]);
    let mut sums = [simd.splat_f32x8(0.0); R];
    for (d, weights) in gate.rows.iter().enumerate() {
        for (sum, token) in sums.iter_mut().zip(&tokens) {
            *sum = simd.mul_add_f32x8(simd.splat_f32x8(token[d]), *weights, *sum);
        }
    }
    for (sum, logits) in sums.into_iter().zip(logits.chunks_exact_mut(gate.experts)) {
        let whole: [f32; COLUMNS] = pulp::cast(sum);
        logits.copy_from_slice(&whole[..gate.experts]);
    }
}

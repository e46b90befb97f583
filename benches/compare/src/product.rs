//! The product of hidden states and a gate of at most eight experts, as a candidate for the `hidden` workload.
//!
//! A library's kernel is made for large matrices. With eight columns it leaves half of the multipliers idle, and candle asks
//! the operating system for the number of cores at every product. This one keeps a row of sums per token in a register.

/// Columns of one register.
const COLUMNS: usize = 8;
/// Tokens side by side: enough independent sums to hide the latency of a multiply-add.
const ROWS: usize = 8;

/// W^T, `d_model x experts`, padded to whole registers.
pub struct SmallGate {
    experts: usize,
    rows: Vec<[f32; COLUMNS]>,
}

impl SmallGate {
    /// `gate`: `d_model x experts`, row after row; `None` for more experts than one register holds.
    pub fn new(experts: usize, gate: &[f32]) -> Option<Self> {
        if !(1..=COLUMNS).contains(&experts) {
            return None;
        }
        let pad = |row: &[f32]| std::array::from_fn(|column| row.get(column).copied().unwrap_or(0.0));
        Some(Self { experts, rows: gate.chunks_exact(experts).map(pad).collect() })
    }

    /// Logits, `tokens x experts`, of `hidden`, `tokens x d_model`.
    ///
    /// Each is one chain of fused multiply-adds in the order of `d_model`: the same bytes for any instruction set,
    /// and the bytes of the gemm crate as long as that does not split the chain (it does not at 512).
    pub fn logits(&self, hidden: &[f32]) -> Vec<f32> {
        let mut logits = vec![0.0; hidden.len() / self.rows.len() * self.experts];
        pulp::Arch::new().dispatch(Product { gate: self, hidden, logits: &mut logits });
        logits
    }
}

/// A type of its own and not a closure: a closure is not always inlined into the code for the instruction set, and
/// without it every multiply-add is a call.
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

#[inline(always)]
fn block<const R: usize>(gate: &SmallGate, hidden: &[f32], logits: &mut [f32]) {
    let width = gate.rows.len();
    let tokens: [&[f32]; R] = std::array::from_fn(|row| &hidden[row * width..][..width]);
    let mut sums = [[0.0_f32; COLUMNS]; R];
    // By index, below a length all slices share: no bound is checked between the multiply-adds, which would undo the vectors.
    for d in 0..width {
        let weights = gate.rows[d];
        for (sums, token) in sums.iter_mut().zip(&tokens) {
            let x = token[d];
            for column in 0..COLUMNS {
                sums[column] = x.mul_add(weights[column], sums[column]);
            }
        }
    }
    for (sums, logits) in sums.iter().zip(logits.chunks_exact_mut(gate.experts)) {
        logits.copy_from_slice(&sums[..gate.experts]);
    }
}

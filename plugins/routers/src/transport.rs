//! Entropic optimal transport between tokens and experts: Sinkhorn's iteration, sixteen tokens side by side.

use isotherm_core::gate::GateBatch;
use isotherm_core::simd::{self, LANES, Lanes, exp_nonpositive, one_by_one, splat};

/// Tiles summed in f32 before they are added to an f64: 128 positive numbers a lane, some 1e-6 of rounding.
const TILES_A_BLOCK: usize = 128;

/// Tiles whose column sums are taken together: few enough to be still in the nearest cache.
const TILES_AT_ONCE: usize = 8;

/// Scalings stay within this and its reciprocal, also for experts that no token can reach.
const LARGEST: f64 = 1e30;

/// A transport plan u K v with K = e^((z - max_t) / epsilon): each token has 1/T, each expert gets its target.
///
/// Iteration, from v = 1 (Sinkhorn and Knopp 1967; Cuturi, arXiv:1306.0895):
///
/// ```text
/// u_t = (1 / T) / sum_e K_te v_e          v_e = target_e / sum_t K_te u_t
/// ```
///
/// Both halves are one pass over K. It owns its buffers.
///
/// ```
/// use isotherm_core::gate::GateBatch;
/// use isotherm_routers::Transport;
/// let gate = GateBatch::from_logits(2, 1, vec![1.0, 0.0, 3.0, 0.0, 2.0, 0.0, 0.5, 0.0]);
/// let mut transport = Transport::default();
/// transport.solve(&gate, 1.0, &[0.5, 0.5], 20, 0.0);
/// let column: f64 = (0..4).map(|token| transport.plan(token, 1)).sum();
/// assert!((column - 0.5).abs() < 1e-6, "half of the work goes where nobody wants to");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Transport {
    experts: usize,
    /// K, tile after tile of sixteen tokens, in it expert after expert; 0 past the last token.
    kernel: Vec<Lanes>,
    /// u, tile after tile.
    rows: Vec<Lanes>,
    /// v.
    columns: Vec<f64>,
    /// v in f32.
    narrow: Vec<f32>,
    block: Vec<Lanes>,
    /// sum_t K_te u_t.
    reached: Vec<f64>,
}

impl Transport {
    /// Runs up to `iterations` iterations and returns how many it took: fewer when before an update no expert's share is off its
    /// target by more than `tolerance` of it. `targets` sum to 1.
    pub fn solve(&mut self, gate: &GateBatch, epsilon: f64, targets: &[f64], iterations: u32, tolerance: f64) -> u32 {
        self.prepare(gate, epsilon as f32);
        let token_mass = 1.0 / gate.tokens().max(1) as f32;
        for iteration in 0..iterations {
            self.iterate(token_mass);
            let mut off = 0.0_f64;
            for (((v, narrow), reached), target) in
                self.columns.iter_mut().zip(&mut self.narrow).zip(&self.reached).zip(targets)
            {
                off = off.max((*v * reached - target).abs() / target.max(1.0 / LARGEST));
                *v = (target / reached.max(1.0 / LARGEST)).clamp(1.0 / LARGEST, LARGEST);
                *narrow = *v as f32;
            }
            if off <= tolerance {
                return iteration + 1;
            }
        }
        iterations
    }

    /// v: what the expert's column is scaled by.
    #[must_use]
    pub fn columns(&self) -> &[f64] {
        &self.columns
    }

    /// One entry of the plan.
    ///
    /// # Panics
    /// If there is no such token or expert.
    #[must_use]
    pub fn plan(&self, token: usize, expert: usize) -> f64 {
        let (tile, lane) = (token / LANES, token % LANES);
        f64::from(self.rows[tile][lane])
            * f64::from(self.kernel[tile * self.experts + expert][lane])
            * self.columns[expert]
    }

    fn prepare(&mut self, gate: &GateBatch, epsilon: f32) {
        let experts = gate.experts();
        self.experts = experts;
        let tiles = gate.tokens().div_ceil(LANES);
        self.kernel.resize(tiles * experts, splat(0.0));
        self.rows.clear();
        self.rows.resize(tiles, splat(0.0));
        self.columns.clear();
        self.columns.resize(experts, 1.0);
        self.narrow.clear();
        self.narrow.resize(experts, 1.0);
        self.block.resize(experts, splat(0.0));
        self.reached.resize(experts, 0.0);
        simd::dispatch(
            #[inline(always)]
            || {
                let blocks = gate.logits().chunks(LANES * experts);
                for (tile, logits) in self.kernel.chunks_exact_mut(experts).zip(blocks) {
                    fill_kernel(tile, logits, experts, 1.0 / epsilon);
                }
            },
        );
    }

    /// Rows to their mass, and what then reaches each column.
    fn iterate(&mut self, token_mass: f32) {
        let Self { experts, kernel, rows, narrow, block, reached, .. } = self;
        let experts = *experts;
        reached.fill(0.0);
        simd::dispatch(
            #[inline(always)]
            || {
                let blocks = kernel.chunks(experts * TILES_A_BLOCK).zip(rows.chunks_mut(TILES_A_BLOCK));
                for (tiles, rows) in blocks {
                    block.fill(splat(0.0));
                    for (tiles, rows) in tiles.chunks(experts * TILES_AT_ONCE).zip(rows.chunks_mut(TILES_AT_ONCE)) {
                        for (tile, u) in tiles.chunks_exact(experts).zip(rows.iter_mut()) {
                            *u = scale_rows(tile, narrow, token_mass);
                        }
                        for (expert, sum) in block.iter_mut().enumerate() {
                            *sum = add_column(*sum, &tiles[expert..], experts, rows);
                        }
                    }
                    for (reached, lanes) in reached.iter_mut().zip(block.iter()) {
                        *reached += lanes.iter().map(|x| f64::from(*x)).sum::<f64>();
                    }
                }
            },
        );
    }
}

#[inline(always)]
fn fill_kernel(tile: &mut [Lanes], logits: &[f32], experts: usize, sharpness: f32) {
    for (lane, row) in logits.chunks_exact(experts).enumerate() {
        for (k, z) in tile.iter_mut().zip(row) {
            k[lane] = *z;
        }
    }
    let lanes = logits.len() / experts;
    let mut most = splat(f32::MIN);
    for k in tile.iter() {
        for l in 0..LANES {
            most[l] = if k[l] > most[l] { k[l] } else { most[l] };
        }
    }
    for e in 0..tile.len() {
        let k = &mut tile[one_by_one(e)];
        for l in 0..LANES {
            let value = exp_nonpositive((k[l] - most[l]) * sharpness);
            k[l] = if l < lanes { value } else { 0.0 };
        }
    }
}

/// `sum` and what the tiles add to the column that `from` begins with.
#[inline(always)]
fn add_column(mut sum: Lanes, from: &[Lanes], experts: usize, rows: &[Lanes]) -> Lanes {
    for (tile, u) in rows.iter().enumerate() {
        let k = &from[tile * experts];
        for l in 0..LANES {
            sum[l] += k[l] * u[l];
        }
    }
    sum
}

#[inline(always)]
fn scale_rows(tile: &[Lanes], columns: &[f32], token_mass: f32) -> Lanes {
    // Four sums, so that an addition need not wait for the one before.
    let (mut a, mut b, mut c, mut d) = (splat(0.0), splat(0.0), splat(0.0), splat(0.0));
    let (whole, columns) = (tile.len() / 4 * 4, &columns[..tile.len()]);
    for e in (0..whole).step_by(4) {
        add_scaled(&mut a, &tile[e], columns[e]);
        add_scaled(&mut b, &tile[e + 1], columns[e + 1]);
        add_scaled(&mut c, &tile[e + 2], columns[e + 2]);
        add_scaled(&mut d, &tile[e + 3], columns[e + 3]);
    }
    for e in whole..tile.len() {
        add_scaled(&mut a, &tile[e], columns[e]);
    }
    let mut scale = splat(0.0);
    for l in 0..LANES {
        let sum = (a[l] + b[l]) + (c[l] + d[l]);
        scale[l] = token_mass / if sum > 1e-30 { sum } else { 1e-30 };
    }
    scale
}

#[inline(always)]
fn add_scaled(sum: &mut Lanes, k: &Lanes, v: f32) {
    for l in 0..LANES {
        sum[l] += k[l] * v;
    }
}

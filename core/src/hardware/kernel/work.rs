//! What one layer asks of a GPU, and how long it takes at a clock.

use serde::{Deserialize, Serialize};

use super::{Batch, KernelModel, LayerShape};

/// One layer on one GPU, reduced to what time and energy need. Small and `Copy`: the world keeps it while the GPU works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// Fixed time (s).
    pub launch_s: f64,
    /// Time of the kernels around the products (s).
    pub elementwise_s: f64,
    /// Gate and up, then down.
    pub products: [Product; 2],
    /// Exponent that joins the times of a product.
    pub overlap: f64,
    /// SM clock at which the compute times hold (MHz).
    pub reference_mhz: f64,
    /// Exponent with which the compute times follow the clock.
    pub clock_exponent: f64,
    /// Floating-point operations of the tokens; padding of tiles takes time but is not counted here.
    pub flops: f64,
    /// The same, weighted with the type's energy of an operation relative to the reference type.
    pub reference_flops: f64,
    /// Bytes between memory and die.
    pub bytes: f64,
    /// Experts with at least one token.
    pub active_experts: u32,
    /// Assignments served.
    pub rows: u64,
}

/// The three times that bound a product of all active experts (s).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Product {
    /// Reading weights and activations.
    pub memory_s: f64,
    /// Computing the tiles at the reference clock.
    pub compute_s: f64,
    /// Walking the columns of one tile: the least a product takes, however many tiles run beside each other.
    pub chain_s: f64,
}

/// What limits a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Launches and elementwise kernels.
    Overhead,
    /// Memory bandwidth.
    Memory,
    /// Tensor cores.
    Compute,
    /// The walk along one tile: too little work to fill the device.
    Chain,
}

impl KernelModel {
    /// Bytes of an expert's weights on one GPU: of its slice, where several GPUs share an expert.
    #[must_use]
    pub fn weight_bytes(&self, shape: &LayerShape) -> f64 {
        f64::from(shape.matrices) * f64::from(shape.d_model) * shape.slice() * self.of(shape.dtype).bytes
    }

    /// What `batch` asks of a GPU in a layer of `shape`. One pass over the counts, no allocation.
    ///
    /// No assignment, no work: the result then takes 0 s.
    #[must_use]
    pub fn work(&self, shape: &LayerShape, batch: Batch<'_>) -> Work {
        let model = self.of(shape.dtype);
        let block = model.block_rows(batch.tokens);
        let (mut active, mut rows, mut blocks, mut untiled, mut reads) = (0_u32, 0_u64, 0_u64, 0.0, 0.0);
        for count in batch.counts.iter().copied().filter(|count| *count > 0) {
            active += 1;
            rows += u64::from(count);
            blocks += u64::from(count.div_ceil(block.max(1)));
            untiled += f64::from(count).max(model.least_rows);
            reads += self.weight_reads(f64::from(count));
        }
        if batch.buffer_rows == 0 {
            return Work {
                overlap: self.overlap,
                reference_mhz: self.reference_mhz,
                clock_exponent: self.clock_exponent,
                ..Work::default()
            };
        }
        let (d, ff, rows_f) = (f64::from(shape.d_model), shape.slice(), rows as f64);
        let inner = f64::from(shape.matrices - 1) * ff;
        let computed = if block == 0 { untiled } else { blocks as f64 * f64::from(block).max(model.least_rows) };
        let mut bytes = 0.0;
        let products = [(d, inner), (ff, d)].map(|(depth, width)| {
            let moved = reads * depth * width * model.bytes + rows_f * (depth * model.bytes + width * 2.0);
            bytes += moved;
            let walk = depth + self.prologue_columns;
            Product {
                memory_s: moved / self.memory_bytes_per_s,
                compute_s: 2.0 * walk * width * computed / model.flops_per_s,
                chain_s: if active == 0 { 0.0 } else { walk * model.chain_s_per_column },
            }
        });
        let around = self.bytes_around(shape, batch, rows_f) + model.quantise_passes * quantised(shape, batch);
        let flops = rows_f * shape.flops_per_assignment();
        Work {
            launch_s: model.launch_s + self.launch_per_expert_s * f64::from(active),
            elementwise_s: around / self.elementwise_bytes_per_s,
            products,
            overlap: self.overlap,
            reference_mhz: self.reference_mhz,
            clock_exponent: self.clock_exponent,
            flops,
            reference_flops: flops * model.joules_ratio,
            bytes: bytes + around,
            active_experts: active,
            rows,
        }
    }

    /// How often the weights of an expert with so many rows cross the memory bus.
    fn weight_reads(&self, rows: f64) -> f64 {
        if self.panel_rows > 0.0 { (rows / self.panel_rows).max(1.0) } else { 1.0 }
    }

    /// Bytes of activations that move outside the products. Rows of experts elsewhere are written once, as zeros.
    fn bytes_around(&self, shape: &LayerShape, batch: Batch<'_>, rows: f64) -> f64 {
        let (d, ff, buffer) = (f64::from(shape.d_model), shape.slice(), batch.buffer_rows as f64);
        let gate = f64::from(shape.matrices) / 3.0;
        let zeros = (buffer - rows).max(0.0) * (f64::from(shape.matrices - 1) * ff + d);
        let passes = buffer * (self.inner_passes * gate * ff + self.outer_passes * d) + zeros;
        2.0 * (passes + self.token_passes * f64::from(batch.tokens) * d)
    }
}

/// Bytes of one pass that reads 16 bits and writes 8: the tokens before the first product, the inner rows before the second.
fn quantised(shape: &LayerShape, batch: Batch<'_>) -> f64 {
    3.0 * (batch.buffer_rows as f64 * shape.slice() + f64::from(batch.tokens) * f64::from(shape.d_model))
}

impl Work {
    /// Time at an SM clock (s): only the compute part follows the clock.
    #[must_use]
    pub fn seconds(&self, mhz: f64) -> f64 {
        self.seconds_with(mhz, 1.0)
    }

    /// Time at an SM clock (s) with the memory at `memory_rate` of its full rate.
    #[must_use]
    pub fn seconds_with(&self, mhz: f64, memory_rate: f64) -> f64 {
        let slower = self.slower(mhz);
        let around = self.launch_s + self.elementwise_s / memory_rate;
        self.products.iter().fold(around, |sum, product| {
            let product = Product { memory_s: product.memory_s / memory_rate, ..*product };
            sum + product.seconds(slower, self.overlap)
        })
    }

    /// Factor on the compute times at an SM clock.
    fn slower(&self, mhz: f64) -> f64 {
        let ratio = self.reference_mhz / mhz;
        if self.clock_exponent == 1.0 { ratio } else { libm::pow(ratio, self.clock_exponent) }
    }

    /// What takes most of the time at an SM clock.
    #[must_use]
    pub fn bound(&self, mhz: f64) -> Bound {
        let slower = self.slower(mhz);
        let total = |part: fn(&Product) -> f64| self.products.iter().map(part).sum::<f64>();
        let parts = [
            (self.launch_s + self.elementwise_s, Bound::Overhead),
            (total(|p| p.memory_s), Bound::Memory),
            (total(|p| p.compute_s) * slower, Bound::Compute),
            (total(|p| p.chain_s), Bound::Chain),
        ];
        parts.into_iter().fold(parts[0], |best, part| if part.0 > best.0 { part } else { best }).1
    }
}

impl Product {
    fn seconds(&self, slower: f64, overlap: f64) -> f64 {
        let parts = [self.memory_s, self.compute_s * slower, self.chain_s];
        let longest = parts.iter().fold(0.0, |a: f64, b| a.max(*b));
        if longest <= 0.0 {
            return 0.0;
        }
        // Scaled by the longest part: powers of small numbers would vanish.
        let norm: f64 = parts.iter().map(|part| libm::pow(part / longest, overlap)).sum();
        longest * libm::pow(norm, 1.0 / overlap)
    }
}

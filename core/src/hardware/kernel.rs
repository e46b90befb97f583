//! The cost model `device`: time, bytes and operations of one MoE layer on one GPU.
//!
//! A layer is two products per expert (gate and up, then down) and a few kernels that only move activations. Each product
//! is bounded by three times, and which one wins changes with the batch:
//!
//! ```text
//! memory   weights of the *distinct active* experts, read once, and the activations, over the achieved bandwidth
//! compute  tiles of block_rows rows an expert, so that 1 token costs as much as a full tile, over the achieved rate
//! chain    one tile walks its columns one after another: a floor under a product, however little it has to do
//! time  =  launch + elementwise bytes / rate + sum over products (memory^p + compute^p + chain^p)^(1/p)
//! ```
//!
//! Compute follows the SM clock (to a power that is 1 or less), memory, chain and launch do not. `p` says how well the three overlap. Everything
//! here is a pure function of numbers: no state, no allocation, the same bytes on every platform.

mod model;
mod shape;
mod steady;
#[cfg(test)]
mod tests;
mod work;

pub use model::{KernelModel, Kernels, TypeModel, Types};
pub use shape::{Batch, Implementation, LayerShape, NumberType};
pub use steady::{Draw, base_draw, busy_draw, capped_step, idle_draw};
pub use work::{Bound, Product, Work};

//! `isotherm/experts`: executes the routed expert work of a live run for real, on each of its GPUs.
//!
//! The simulator knows how long the work of a share takes and what it draws; a live run asks the hardware. For each expert with assignments a GPU multiplies as
//! many rows with that expert's matrices, as an inference server does: `(silu(x G) * (x U)) D`. All GPUs begin together, and each one's time runs until its device says
//! that it is done.
//!
//! What is not here: the gate (it decides in isotherm), the exchange between GPUs, attention. Weights and hidden states are random, since the time of a
//! product does not depend on its numbers; its power does a little, so that they are normal deviates and not zeros.
//!
//! Without features the work runs on the processor, so that everything can be tried without a GPU; with the feature `cuda` on NVIDIA GPUs, through candle and cuBLAS.

#[cfg(feature = "cuda")]
mod cuda;
mod device;
mod layer;
mod options;
mod worker;
mod workers;

pub use layer::{Layer, Weights};
pub use options::{Experts, On, Precision};

//! Fits device profiles to recordings, and checks them against recordings and measured kernels.

pub mod kernels;

//! Readings as an exporter of NVIDIA's DCGM would show them, and the server that does.
//!
//! Exists so that dashboards and alerts made for `dcgm-exporter` show isotherm's devices as they are, live ones and simulated ones: [`render()`] writes the same
//! names, labels and units, and [`Server`] answers the same requests. [`simulated`] makes readings of what a model computed.

mod render;
mod request;
mod server;
pub mod simulated;

pub use render::{Labels, render};
pub use server::Server;

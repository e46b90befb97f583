//! Live NVIDIA GPUs, through NVML.
//!
//! The library comes with the driver and is loaded when a meter is opened: a program with this crate builds and starts on any machine, and
//! says `nvml: not available (why)` where there is none. [`NvmlMeter`] reads; `isotherm_recording` says what a reading is.

mod answer;
mod back_off;
mod border;
mod call;
mod facts;
mod meter;
mod unavailable;
mod watched;
mod window;

pub use facts::TemperatureLimits;
pub use meter::NvmlMeter;

/// What readings of this crate name as their source.
const SOURCE: &str = "nvml";

/// Environment variable that names a library to load instead of the driver's.
pub const LIBRARY_VARIABLE: &str = "ISOTHERM_NVML_LIBRARY";

//! Readings of real GPUs, and the files they are kept in.
//!
//! A *meter* reads devices; what it gives is a [`Reading`] a device: for every [`Signal`] a value with the instant at which it changed, or the
//! reason why there is none. Nothing is filled in. NVML (`isotherm-nvml`) and DCGM exporters (`isotherm-telemetry`) are meters; recorder, dashboard and
//! exporter take any of them, and replay and calibration read back what was recorded.

pub mod choice;
pub mod dcgm;
pub mod device;
pub mod events;
pub mod file;
pub mod header;
pub mod meter;
pub mod probe;
pub mod reading;
pub mod recorder;
pub mod signal;
pub mod source;

pub use device::DeviceFacts;
pub use file::{Recording, Track};
pub use header::Header;
pub use meter::{Meter, MeterError};
pub use reading::{Entry, Missing, Reading, Standing};
pub use recorder::{FileFormat, RecordError, Recorder, RecorderOptions};
pub use signal::Signal;
pub use source::MeterSource;

//! Device profiles from recordings of real GPUs, and how well a profile predicts a recording.
//!
//! A [`recording::Recording`] is read from a file; each of its GPUs becomes a [`series::Series`] of powers and temperatures
//! between the updates of the energy counter. [`thermal::fit`] finds the thermal network of a profile from one or more
//! of them, [`thermal::check`] says how far a profile is off, and [`plot`] draws both.
//!
//! [`kernels`] does the same for the times and energies of MoE layers.
//!
//! Two rules hold everywhere: power comes from differences of the energy counter, because every other reading of NVML is a
//! delayed mean or a sample that aliases; and loads that go on and off near the sensors' 100 ms are reported apart,
//! because their temperatures are samples of an oscillation that nobody recorded.

pub mod kernels;
pub mod plot;
pub mod recording;
pub mod series;
pub mod thermal;

mod banded;

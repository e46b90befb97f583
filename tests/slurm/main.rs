//! Sweeps on SLURM: a real one with virtual nodes, started and stopped by the tests themselves, and a false `sbatch` for what a real one
//! does only on bad days.
//!
//! A target of its own: its tests wait for SLURM and lose processes on purpose, which others should not have beside them.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod cluster;
mod disk;
mod lab;
mod limits;
mod refusals;
mod storm;
mod workers;

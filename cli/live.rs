//! Scenarios against real GPUs: routed work is executed, what meters read feeds the routers, and the simulator's prediction stands beside what was
//! measured.
//!
//! The loop is [`run`]; it decides in [`decide`], and [`replay`] decides again from the record. [`compare`] simulates what was run. [`excite`] drives
//! loads that a profile is fitted to. Nothing here reads the clock but through [`clock`].

pub mod clock;
pub mod compare;
pub mod compare_table;
pub mod decide;
pub mod decisions;
pub mod excite;
pub mod measured;
pub mod model;
pub mod monitor;
pub mod predict;
pub mod record;
pub mod replay;
pub mod residual;
pub mod run;
pub mod schedule;
pub mod session;
mod shifted;
pub mod stream;

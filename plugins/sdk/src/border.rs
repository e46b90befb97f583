//! The border to C: what the functions of the tables do with pointers, panics and errors, so that authors' code meets none of them.
//!
//! Every entry goes the same way: sizes and null pointers are checked, arrays of the other side become slices, the author's code runs with panics
//! caught, and what it says is wrong is reported through the caller's sink.

mod call;
mod cluster;
mod fault;
mod given;
pub(crate) mod load;
pub(crate) mod options;
mod panics;
pub(crate) mod placement;
pub(crate) mod router;
mod samples;
pub(crate) mod telemetry;

pub(crate) use fault::Fault;
pub(crate) use given::{record, size_to};
pub(crate) use panics::{caught, install_hook};

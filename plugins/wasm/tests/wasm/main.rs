//! Modules in C, as an author would build them, in the sandbox.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod faults;
mod fixtures;
mod layout;
mod refusals;
mod routing;
mod states;
mod twins;

//! The tables as a host calls them: in this process, with its own structs, arrays and sinks.
//!
//! Miri can run these tests but for those that say why not: `cargo +nightly miri test -p isotherm-plugin --test border`.
#![allow(unsafe_code, reason = "these tests are a host in C")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod entry;
mod given;
mod host;
mod linked;
mod load;
mod panics;
mod placement;
mod plugin;
mod router;
mod telemetry;
mod view;

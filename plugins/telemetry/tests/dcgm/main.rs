//! Exporters read and exporters played, over HTTP on loopback.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod exporter;
mod faults;
mod kind;
mod pages;
mod polls;
mod round_trip;
mod server;

/// A page of `tests/data`.
fn page(name: &str) -> String {
    std::fs::read_to_string(format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

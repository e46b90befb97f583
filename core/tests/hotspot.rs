//! The thermal solver against networks that HotSpot built and exact solutions of them (`core/tests/hotspot/README.md`).
//!
//! `ISOTHERM_HOTSPOT=FOLDER cargo test -p isotherm-core --test hotspot -- --nocapture` checks any other collection in the same
//! format and prints the largest difference of each comparison.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "hotspot/crossings.rs"]
mod crossings;
#[path = "hotspot/events.rs"]
mod events;
#[path = "hotspot/leakage.rs"]
mod leakage;
#[path = "hotspot/sets.rs"]
mod sets;
#[path = "hotspot/throttle.rs"]
mod throttle;
#[path = "hotspot/traces.rs"]
mod traces;

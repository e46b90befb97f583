//! DCGM's words for our signals, for whoever reads them: a live exporter's page, a dump, what Prometheus has kept.

pub mod names;
pub mod number;

pub use names::{FACTS, FIELDS, Fact, Field, Kind};

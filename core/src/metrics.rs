//! The formulas behind every number in a result; definitions and units are in `docs/VALIDATION.md`.

mod carbon;
mod control;
mod fleet;
mod latency;
mod load;
mod run;
mod saving;
mod service;

pub use carbon::{CarbonIntensity, grams};
pub use latency::{linear_percentile, nearest_rank};
pub use load::LoadBalance;
pub use run::{METRICS, MetricInfo, Reference, of_run};
pub use saving::saving_percent;
pub use service::{throughput, tokens_in_time};

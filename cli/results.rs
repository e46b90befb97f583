//! What a comparison leaves in its results folder.
//!
//! | file | what it holds |
//! |---|---|
//! | `summary.json` | a row per router and sweep point: mean and interval of every metric; written last |
//! | `runs.parquet` | a row per run: every metric |
//! | `series.parquet` | a row per run and batch |
//! | `layers.parquet` | a row per run and MoE layer; only where a model has several |
//! | `frontier.parquet` | the least regret at every energy: a row per world point, seed and price, or per run where costs are its own |
//! | `throttling.parquet` | a row per stretch of time in which something held a GPU back; only where clocks are modelled |
//! | `scenario.resolved.toml` | the scenario with all defaults: run it to get the same results |
//! | `telemetry/` | what live runs saw: an index and a record for each; written as they go, and only by live runs |
//! | `timing.json` | how long it took: the only file with the wall clock in it |
//!
//! Every file but those records is written under another name, flushed and renamed, so a folder never holds half a file.

mod adding;
mod again;
mod baselines;
mod columns;
mod csv;
mod fleet;
mod folder;
mod frontier;
mod hashed;
mod in_memory;
mod measured;
mod overview;
mod parquet;
mod spool;
mod staging;
mod stored;
mod stream;
mod summary;
mod summary_file;
mod summary_reader;
mod table_file;
mod tally;
mod versus;
mod warnings;
mod world;
mod writer;

pub use baselines::{Baselines, MeasuredPoint};
pub(crate) use columns::{Column, Values, runs as run_columns};
pub(crate) use folder::write_atomically;
pub use folder::{Existing, Folder, Timing};
pub use frontier::{Curve, CurvePoint};
pub(crate) use hashed::Hashed;
pub(crate) use in_memory::completed;
pub use measured::Measured;
pub use overview::Overview;
pub(crate) use parquet::{field as parquet_field, write as write_parquet};
pub use stored::{StoredRun, StoredRuns};
pub(crate) use stream::{SECTIONS as STREAM_SECTIONS, Streams};
pub use summary::{Failure, Head, Row, SUMMARY_VERSION, Summary};
pub use versus::{SIGNIFICANT, VersusBaseline};
pub use writer::{ResultsWriter, WriteOptions};

use std::collections::BTreeMap;

use crate::execute::{Outcome, Run};

/// A run that is over, with its metrics.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Which run.
    pub run: Run,
    /// What it measured, or why it failed.
    pub outcome: Outcome,
    /// Its metrics against its baseline with the same seed; empty if it or the baseline failed.
    pub metrics: BTreeMap<&'static str, f64>,
}

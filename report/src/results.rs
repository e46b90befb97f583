//! A results folder, opened for reading.
//!
//! ```no_run
//! use isotherm_report::results::{Column, Results, Wanted};
//!
//! let results = Results::open("results/classic".as_ref())?;
//! let mut joules = vec![0.0; results.runs.len()];
//! results.each_batch(&Wanted::all_runs(&[Column::EnergyJ]), |run, row| {
//!     joules[run] += row.value(Column::EnergyJ).unwrap_or_default();
//! })?;
//! # Ok::<(), isotherm_report::results::ReadError>(())
//! ```

mod caught;
mod cells;
mod checksum;
mod column;
pub mod downsample;
mod error;
mod frontier;
mod gap;
mod layers;
pub mod lists;
mod open;
mod owners;
mod rebuild;
mod runs;
mod scenario;
mod series;
mod summary;
mod table;
mod throttling;

pub use checksum::sha256_of_file;
pub use column::{Column, Kind};
pub use error::ReadError;
pub use frontier::SeedCurve;
pub use gap::Gap;
pub use layers::LayerRow;
pub use runs::RunRow;
pub use scenario::Scenario;
pub use series::{BatchRow, Wanted};
pub use summary::{Curve, CurvePoint, Estimate, Failure, Interval, Origin, Row, Summary, VersusBaseline};
pub use throttling::ThrottleRow;

use std::path::PathBuf;

use table::Table;

/// What a results folder holds. Tables that grow with the length of runs stay on the disk and are streamed.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// The folder.
    pub path: PathBuf,
    /// Means and intervals, a row per router and sweep point; made of the runs, without intervals, where `summary.json` cannot be
    /// read.
    pub summary: Summary,
    /// A row per run, in the order of the plan: worlds, seeds, routers.
    pub runs: Vec<RunRow>,
    /// The scenario as it was run.
    pub scenario: Option<Scenario>,
    /// What is missing in the folder, or odd about it, in the order in which a reader should know it.
    pub gaps: Vec<Gap>,
    series: Option<Table>,
    throttling: Option<Table>,
    layers: Option<Table>,
    frontier: Option<Table>,
}

impl Results {
    /// Rows of `series.parquet`; `None` where there is no such table that can be read.
    #[must_use]
    pub fn series_rows(&self) -> Option<u64> {
        self.series.as_ref().map(|table| table.rows)
    }

    /// Whether the series have this column. Folders of older versions lack some.
    #[must_use]
    pub fn has(&self, column: Column) -> bool {
        self.series.as_ref().is_some_and(|table| table.has(column.name()))
    }

    /// Names of the routers, in the order of the plan.
    #[must_use]
    pub fn routers(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for name in self.summary.rows.iter().map(|row| row.router.as_str()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// The runs of a row of the summary, by seed in the order of the plan.
    pub fn runs_of(&self, row: usize) -> impl Iterator<Item = (usize, &RunRow)> {
        self.runs.iter().enumerate().filter(move |(_, run)| run.row == Some(row))
    }
}

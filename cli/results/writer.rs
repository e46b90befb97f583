//! Results of any size, written as they come.

use super::adding::{Adding, Receive};
use super::columns::{self, Column};
use super::staging::Staging;
use super::summary_file::SummaryFile;
use super::table_file::{TableFile, csv_name, parquet_name};
use super::{Curve, Failure, Finished, Folder, Head, Overview, Row, Streams, Timing, fleet, folder};
use crate::execute::{Outcome, Run};
use crate::fault::Fault;
use crate::scenario_file::ScenarioFile;
use crate::statistics::Interval;

/// How results are written.
#[derive(Clone, Copy, Debug, Default)]
pub struct WriteOptions {
    /// How intervals are found.
    pub interval: Interval,
    /// Whether all tables are written as CSV, too.
    pub with_csv: bool,
}

/// Writes a results folder point by point, in memory that does not grow with the number of points.
///
/// Runs come in the order of the plan: worlds, then seeds, then routers. How they are cut into calls of
/// [`add`](ResultsWriter::add) decides no byte of any file. In memory are the runs of one call, one row group of each table, and
/// eight bytes for each metric of each run of the world that is open; everything else waits on the disk. Over the whole sweep
/// it is eight bytes a row, for Holm's correction, and where `baseline = "first-point"` the baseline's runs of the first world.
///
/// Nothing appears under its name before [`finish`](ResultsWriter::finish). A writer that is dropped, or that has failed, leaves the
/// folder as it was.
pub struct ResultsWriter {
    adding: Adding,
    files: Files,
    resolved: String,
    /// A call has failed: what is there is not whole.
    failed: bool,
}

impl std::fmt::Debug for ResultsWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResultsWriter").field("head", &self.files.head).finish_non_exhaustive()
    }
}

impl ResultsWriter {
    /// Begins to write into a folder. `first` is the scenario, or the part of its plan that holds the first world: what identifies the
    /// results is the same in all parts.
    ///
    /// # Errors
    /// [`Fault::Unwritable`].
    pub fn begin(folder: &Folder, first: &ScenarioFile, options: WriteOptions) -> Result<Self, Fault> {
        let WriteOptions { interval, with_csv } = options;
        let head = Head::of(first, interval);
        let staging = Staging::begin(folder.path(), head.origin()?)?;
        Ok(Self {
            adding: Adding::new(interval, staging.path().to_owned(), Some(folder.path().to_owned())),
            resolved: first.resolved.clone(),
            failed: false,
            files: Files {
                tables: TABLES.map(|name| TableFile::new(name, with_csv)),
                summary: SummaryFile::new(staging.path()),
                head,
                staging,
            },
        })
    }

    /// Adds whole points: for each, a run of every router of the world with one seed, in the order of the routers. `part` holds some
    /// worlds of the plan, the first of them at position `first_world` of the whole; [`Run::world`] is the position in `part`.
    ///
    /// A world may come in several calls, some seeds in each. A point that does not come is missing in the results, and the row says so;
    /// a world of which no point comes has no row.
    ///
    /// # Errors
    /// [`Fault::Unwritable`]; [`Fault::Internal`] for points that are not in the order of the plan, or not whole.
    pub fn add(&mut self, part: &ScenarioFile, first_world: usize, runs: Vec<(Run, Outcome)>) -> Result<(), Fault> {
        let result = self.adding.add(part, first_world, runs, &mut self.files);
        self.failed |= result.is_err();
        result
    }

    /// Writes the rest and moves all files to their places, the summary last. How late live runs were is added to `timing`.
    ///
    /// # Errors
    /// [`Fault::Unwritable`]; [`Fault::Internal`] if a call before has failed.
    pub fn finish(mut self, timing: &Timing) -> Result<Overview, Fault> {
        if self.failed {
            return Err(Fault::Internal("results were not written to their end".to_owned()));
        }
        self.adding.end_world(&mut self.files)?;
        let timing = Timing { lag: self.adding.lag, ..*timing };
        self.files.finish(&self.resolved, &timing)
    }
}

/// The tables, in the order in which they appear.
const TABLES: [&str; 7] = ["runs", "series", "layers", "frontier", "throttling", "fleet", "histograms"];

const RESOLVED: &str = "scenario.resolved.toml";
const TIMING: &str = "timing.json";

/// The files of a folder under way.
struct Files {
    /// As in [`TABLES`].
    tables: [TableFile; 7],
    summary: SummaryFile,
    head: Head,
    /// Goes last: everything else is in its folder.
    staging: Staging,
}

impl Files {
    fn finish(self, resolved: &str, timing: &Timing) -> Result<Overview, Fault> {
        let Self { tables, summary, mut head, staging } = self;
        for table in tables {
            head.tables.extend(table.finish(&staging)?);
        }
        staging.put(RESOLVED, resolved.as_bytes())?;
        staging.put(TIMING, &folder::json(timing)?)?;
        let mut overview = Overview::new(head.clone());
        summary.finish(&head, &staging, &mut overview)?;
        let tables = TABLES.iter().flat_map(|name| [csv_name(name), parquet_name(name)]);
        let names: Vec<String> = tables.chain([RESOLVED, TIMING, folder::SUMMARY].map(str::to_owned)).collect();
        staging.publish(&names.iter().map(String::as_str).collect::<Vec<_>>())?;
        Ok(overview)
    }

    fn summary_fault(&self, result: std::io::Result<()>) -> Result<(), Fault> {
        result.map_err(|error| self.staging.unwritable(folder::SUMMARY, error))
    }
}

impl Receive for Files {
    fn point(&mut self, part: &ScenarioFile, streams: &Streams, runs: Vec<Finished>) -> Result<(), Fault> {
        let [in_runs, series, layers, _, throttling, racks, histograms] = &mut self.tables;
        in_runs.add(columns::runs(part, streams, &runs), &self.staging)?;
        series.add(columns::series(&runs), &self.staging)?;
        if let Some(columns) = columns::layers(&runs) {
            layers.add(columns, &self.staging)?;
        }
        if let Some(columns) = fleet::racks(&runs) {
            racks.add(columns, &self.staging)?;
        }
        if let Some(columns) = fleet::histograms(&runs) {
            histograms.add(columns, &self.staging)?;
        }
        columns::throttling(&runs).map_or(Ok(()), |columns| throttling.add(columns, &self.staging))
    }

    fn frontier(&mut self, rows: Vec<Column>) -> Result<(), Fault> {
        self.tables[3].add(rows, &self.staging)
    }

    fn row(&mut self, row: Row) -> Result<(), Fault> {
        let result = self.summary.add_row(row);
        self.summary_fault(result)
    }

    fn curve(&mut self, curve: Curve) -> Result<(), Fault> {
        let result = self.summary.add_curve(curve);
        self.summary_fault(result)
    }

    fn failure(&mut self, failure: Failure) -> Result<(), Fault> {
        let result = self.summary.add_failure(&failure);
        self.summary_fault(result)
    }
}

#[cfg(test)]
mod tests;

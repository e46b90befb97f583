//! What live runs saw, kept in the results folder, and played back to the same runs.
//!
//! | file in `telemetry/` | what it holds |
//! |---|---|
//! | `runs.json` | which runs have a record, by router, sweep point and seed; when each began and how late it was |
//! | `RUN.csv` | every sample of every poll of a run: `t_s,gpu,temp_c,power_mw,age_ns` |
//!
//! Records are written in place and grow as the run does, whole rows at a time, once a second: what a run saw before it was killed is there,
//! and a second start of the same run begins its record anew. Every number is written so that it is read back to the last bit: a run that is
//! given its own record makes the same decisions.

mod file;
mod index;
mod replay;

pub use index::SeenRun;
pub(crate) use index::{FOLDER, read, runs_file};
pub use replay::LiveRecordSpec;

use std::path::PathBuf;
use std::sync::Arc;

use isotherm_core::telemetry::TelemetrySource;

use super::{Lag, Run, point_of};
use crate::fault::Fault;
use crate::scenario_file::ScenarioFile;
use file::{RecordFile, Watched};
use index::Index;

/// The records of a comparison, or nothing where it has no results folder.
pub(super) struct Records(Option<Index>);

/// The record of a run under way, or nothing.
pub(super) struct Record(Option<Arc<RecordFile>>);

impl Records {
    /// Records in this results folder; those of an earlier start stay if this one continues it.
    pub(super) fn open(folder: Option<PathBuf>, continues: bool) -> Result<Self, Fault> {
        folder.map(|folder| Index::open(&folder, continues)).transpose().map(Self)
    }

    /// Begins the record of a run.
    pub(super) fn begin(&mut self, file: &ScenarioFile, run: &Run) -> Result<Record, Fault> {
        let Some(index) = &mut self.0 else { return Ok(Record(None)) };
        let plan = &file.plan.worlds[run.world];
        index.put(SeenRun {
            run_id: run.id.clone(),
            router: plan.variants[run.variant].label.clone(),
            point: point_of(file, run),
            seed: run.seed,
            period: plan.scenario.telemetry.period(),
            gpus: plan.scenario.hardware.gpus,
            started_unix_ns: index::unix_nanos(),
            lag: None,
        })?;
        let record = RecordFile::create(&index.record(&run.id))?;
        Ok(Record(Some(Arc::new(record))))
    }

    /// The run is over; this is how late it was.
    pub(super) fn finish(&mut self, run: &Run, record: &Record, lag: Lag) -> Result<(), Fault> {
        record.flush()?;
        let Some(index) = &mut self.0 else { return Ok(()) };
        index.finished(&run.id, lag)
    }
}

impl Record {
    /// The same source, with every sample written down.
    pub(super) fn watching(&self, source: Box<dyn TelemetrySource>) -> Box<dyn TelemetrySource> {
        match &self.0 {
            Some(file) => Box::new(Watched::new(source, Arc::clone(file))),
            None => source,
        }
    }

    /// Brings the last rows into the file.
    pub(super) fn flush(&self) -> Result<(), Fault> {
        match &self.0 {
            Some(file) => file.flush().map_err(|error| Fault::unwritable(file.path(), error)),
            None => Ok(()),
        }
    }
}

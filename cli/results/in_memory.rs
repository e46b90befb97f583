//! Results of a comparison that fits into memory.

use super::adding::{Adding, Receive};
use super::columns::Column;
use super::{Curve, Failure, Finished, Head, Row, Streams, Summary, versus};
use crate::execute::{Completed, Outcome, Run};
use crate::fault::Fault;
use crate::scenario_file::ScenarioFile;
use crate::statistics::Interval;

/// Adds all runs of a scenario up. `records` is the results folder in which live runs have left what they saw.
///
/// # Errors
/// [`Fault::Internal`] unless the runs are those of the plan, in its order.
pub(crate) fn completed(
    file: &ScenarioFile,
    runs: Vec<(Run, Outcome)>,
    interval: Interval,
    records: Option<&std::path::Path>,
) -> Result<Completed, Fault> {
    let mut all = All { finished: Vec::with_capacity(runs.len()), summary: Head::of(file, interval).empty() };
    let mut adding = Adding::new(interval, std::env::temp_dir(), records.map(ToOwned::to_owned));
    adding.add(file, 0, runs, &mut all)?;
    adding.end_world(&mut all)?;
    versus::correct(&mut all.summary.rows);
    Ok(Completed { finished: all.finished, summary: all.summary, lag: adding.lag })
}

struct All {
    finished: Vec<Finished>,
    summary: Summary,
}

impl Receive for All {
    fn point(&mut self, _: &ScenarioFile, _: &Streams, runs: Vec<Finished>) -> Result<(), Fault> {
        self.finished.extend(runs);
        Ok(())
    }

    fn frontier(&mut self, _: Vec<Column>) -> Result<(), Fault> {
        Ok(())
    }

    fn row(&mut self, row: Row) -> Result<(), Fault> {
        self.summary.rows.push(row);
        Ok(())
    }

    fn curve(&mut self, curve: Curve) -> Result<(), Fault> {
        self.summary.frontier.push(curve);
        Ok(())
    }

    fn failure(&mut self, failure: Failure) -> Result<(), Fault> {
        self.summary.failures.push(failure);
        Ok(())
    }
}

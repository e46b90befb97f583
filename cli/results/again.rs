//! Complete results, summarised once more from their runs: the sort of interval decides no run.

use std::collections::BTreeMap;

use super::adding::failure;
use super::folder::{RUNS, SUMMARY};
use super::staging::Staging;
use super::summary::LATE;
use super::summary_file::SummaryFile;
use super::summary_reader::{self, See};
use super::world::{FirstEnergies, OpenWorld};
use super::{Curve, Failure, Folder, Head, Measured, Overview, Row, StoredRun, StoredRuns};
use crate::execute::Run;
use crate::fault::Fault;
use crate::scenario_file::ScenarioFile;
use crate::statistics::Interval;

impl Folder {
    /// Adds up the runs of complete results once more, with intervals of another sort, and keeps the new summary. The inner error
    /// says why that cannot be done.
    ///
    /// # Errors
    /// [`Fault::Unwritable`].
    pub fn summarise_again(
        &self,
        file: &ScenarioFile,
        runs: &[Run],
        interval: Interval,
    ) -> Result<Result<Overview, String>, Fault> {
        let staging = Staging::begin(self.path(), Vec::new())?;
        let mut again = Again {
            file,
            interval,
            summary: SummaryFile::new(staging.path()),
            late: BTreeMap::new(),
            rows: 0,
            point: Vec::new(),
            world: None,
            first: FirstEnergies::new(),
        };
        // What no interval decides and the table of runs does not hold. Without it, the runs still say the rest.
        let old = summary_reader::read(&self.summary_path(), &mut Old { again: &mut again, row: 0 });
        // The tables stay, and so do their checksums.
        let tables = old.map_or_else(|_| BTreeMap::new(), |head| head.tables);
        if let Err(why) = StoredRuns::check(&self.path().join(RUNS), tables.get(RUNS)) {
            return Ok(Err(format!("{RUNS}: {why}")));
        }
        let mut waiting = runs.iter();
        let read = StoredRun::each(&self.path().join(RUNS), |stored| {
            let run = waiting.next().filter(|run| run.id == stored.run_id).ok_or(OTHER_RUNS)?;
            again.add(run, stored).map_err(|error| error.to_string())
        });
        match read.and_then(|()| if waiting.next().is_none() { Ok(()) } else { Err(OTHER_RUNS.to_owned()) }) {
            Err(why) => return Ok(Err(format!("{RUNS}: {why}"))),
            Ok(()) => again.end_world().map_err(|error| staging.unwritable(SUMMARY, error))?,
        }
        let head = Head { tables, ..Head::of(file, interval) };
        let mut overview = Overview::new(head.clone());
        again.summary.finish(&head, &staging, &mut overview)?;
        staging.publish(&[SUMMARY])?;
        Ok(Ok(overview))
    }
}

/// Why runs cannot be summarised that are not those of the scenario.
const OTHER_RUNS: &str = "it holds other runs";

/// A summary that is being made again.
struct Again<'a> {
    file: &'a ScenarioFile,
    interval: Interval,
    summary: SummaryFile,
    /// What rows of live runs were warned of, by position: no metric tells it.
    late: BTreeMap<usize, Vec<String>>,
    /// Rows made.
    rows: usize,
    /// Runs of one point, until its last one is there.
    point: Vec<(Run, StoredRun)>,
    world: Option<OpenWorld>,
    first: FirstEnergies,
}

impl Again<'_> {
    fn add(&mut self, run: &Run, stored: StoredRun) -> std::io::Result<()> {
        if self.point.first().is_some_and(|(first, _)| (first.world, first.seed) != (run.world, run.seed)) {
            self.end_point();
        }
        if self.world.as_ref().is_some_and(|world| world.index() != run.world) {
            self.end_world()?;
        }
        let plan = &self.file.plan.worlds[run.world];
        self.world.get_or_insert_with(|| OpenWorld::new(plan, run.world, &std::env::temp_dir()));
        if let Some(message) = stored.failure() {
            let metrics = BTreeMap::new();
            let run = Measured { run, error: Some(message), metrics: &metrics };
            failure(self.file, &run).map_or(Ok(()), |failure| self.summary.add_failure(&failure))?;
        }
        self.point.push((run.clone(), stored));
        Ok(())
    }

    fn end_point(&mut self) {
        let metrics: Vec<_> = self.point.iter().map(|(_, stored)| stored.known_metrics()).collect();
        let runs: Vec<Measured<'_>> = (self.point.iter().zip(&metrics))
            .map(|((run, stored), metrics)| Measured { run, error: stored.failure(), metrics })
            .collect();
        if let Some(world) = &mut self.world {
            world.add(&runs, &mut self.first);
        }
        self.point.clear();
    }

    fn end_world(&mut self) -> std::io::Result<()> {
        self.end_point();
        let Some(world) = self.world.take() else { return Ok(()) };
        for mut row in world.rows(self.interval, None, &mut None) {
            row.warnings.extend(self.late.remove(&self.rows).into_iter().flatten());
            self.rows += 1;
            self.summary.add_row(row)?;
        }
        Ok(())
    }
}

/// The older summary of the same runs.
struct Old<'a, 'f> {
    again: &'a mut Again<'f>,
    row: usize,
}

impl See for Old<'_, '_> {
    fn row(&mut self, row: &Row) {
        let late: Vec<String> = row.warnings.iter().filter(|warning| warning.starts_with(LATE)).cloned().collect();
        if !late.is_empty() {
            self.again.late.insert(self.row, late);
        }
        self.row += 1;
    }

    fn curve(&mut self, curve: Curve) -> std::io::Result<()> {
        self.again.summary.add_curve(curve)
    }

    fn failure(&mut self, _: &Failure) {}
}

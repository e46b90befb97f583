//! Runs become rows: point by point, in the order of the plan, with no more than one world in memory.

use std::path::PathBuf;

use super::baselines::Baselines;
use super::columns::Column;
use super::world::{FirstEnergies, OpenWorld};
use super::{Curve, Failure, Finished, Measured, Row, Streams};
use crate::execute::{Lag, Lags, Outcome, Run};
use crate::fault::Fault;
use crate::scenario_file::ScenarioFile;
use crate::statistics::Interval;

/// Where what was added up goes.
pub(super) trait Receive {
    /// The runs of a point, measured. All points come before the rows of their world.
    fn point(&mut self, part: &ScenarioFile, streams: &Streams, runs: Vec<Finished>) -> Result<(), Fault>;
    /// A row, not yet corrected for the number of rows.
    fn row(&mut self, row: Row) -> Result<(), Fault>;
    /// Rows of the table of frontiers.
    fn frontier(&mut self, rows: Vec<Column>) -> Result<(), Fault>;
    /// A mean frontier.
    fn curve(&mut self, curve: Curve) -> Result<(), Fault>;
    /// A run that failed.
    fn failure(&mut self, failure: Failure) -> Result<(), Fault>;
}

/// The state of a comparison that is being added up.
#[derive(Debug)]
pub(super) struct Adding {
    interval: Interval,
    /// Where what does not fit into memory waits.
    folder: PathBuf,
    /// Where live runs have left what they saw.
    records: Option<PathBuf>,
    baselines: Baselines,
    first: FirstEnergies,
    world: Option<(OpenWorld, Streams)>,
    /// The last point that came: its world and its repetition.
    last: Option<(usize, u64)>,
    /// How late live runs were.
    pub(super) lag: Option<Lag>,
}

impl Adding {
    /// Nothing added yet.
    pub(super) fn new(interval: Interval, folder: PathBuf, records: Option<PathBuf>) -> Self {
        Self {
            interval,
            folder,
            records,
            baselines: Baselines::default(),
            first: FirstEnergies::new(),
            world: None,
            last: None,
            lag: None,
        }
    }

    /// Adds whole points; see [`ResultsWriter::add`](super::ResultsWriter::add).
    pub(super) fn add(
        &mut self,
        part: &ScenarioFile,
        first_world: usize,
        runs: Vec<(Run, Outcome)>,
        to: &mut impl Receive,
    ) -> Result<(), Fault> {
        let mut point: Vec<(Run, Outcome)> = Vec::new();
        for run in runs {
            if point.first().is_some_and(|(first, _)| (first.world, first.seed) != (run.0.world, run.0.seed)) {
                self.add_point(part, first_world, std::mem::take(&mut point), to)?;
            }
            point.push(run);
        }
        self.add_point(part, first_world, point, to)
    }

    fn add_point(
        &mut self,
        part: &ScenarioFile,
        first_world: usize,
        runs: Vec<(Run, Outcome)>,
        to: &mut impl Receive,
    ) -> Result<(), Fault> {
        let Some((local, seed)) = runs.first().map(|(run, _)| (run.world, run.seed)) else { return Ok(()) };
        let index = first_world + local;
        if self.world.as_ref().is_some_and(|(world, _)| world.index() != index) {
            self.end_world(to)?;
        }
        if self.world.is_none() {
            let plan = part.plan.worlds.get(local).ok_or_else(|| out_of_order("a run of a world that is not there"))?;
            self.world = Some((OpenWorld::new(plan, index, &self.folder), Streams::of(part, local)?));
        }
        let Some((world, streams)) = &mut self.world else { return Ok(()) };
        let at = (index, world.repetition(seed));
        if self.last.replace(at).is_some_and(|last| last >= at) {
            return Err(out_of_order("a point came twice, or after a later one"));
        }
        if !runs.iter().map(|(run, _)| run.variant).eq(0..world.routers()) {
            return Err(out_of_order("a point without all of its routers"));
        }
        let measured = self.baselines.measure(part, first_world, runs);
        let view: Vec<Measured<'_>> = measured.runs.iter().map(Finished::measured).collect();
        world.add(&view, &mut self.first);
        world
            .add_curves(&measured.runs, measured.assignment_joules)
            .map_err(|error| Fault::unwritable(&self.folder, error))?;
        for run in &view {
            failure(part, run).map_or(Ok(()), |failure| to.failure(failure))?;
        }
        let is_last = world.ends_with(seed);
        to.point(part, streams, measured.runs)?;
        if is_last { self.end_world(to) } else { Ok(()) }
    }

    /// Gives away the rows of the world that is open, if there is one.
    pub(super) fn end_world(&mut self, to: &mut impl Receive) -> Result<(), Fault> {
        let Some((world, _)) = self.world.take() else { return Ok(()) };
        let lags = self.records.as_ref().filter(|_| world.is_live()).and_then(|records| Lags::read(records));
        world.rows(self.interval, lags.as_ref(), &mut self.lag).into_iter().try_for_each(|row| to.row(row))?;
        let unreadable = |error| Fault::unwritable(&self.folder, error);
        let curves = world.into_curves().finish(|rows| to.frontier(rows), unreadable)?;
        curves.into_iter().try_for_each(|curve| to.curve(curve))
    }
}

/// What a failed run leaves in the summary.
pub(super) fn failure(part: &ScenarioFile, run: &Measured<'_>) -> Option<Failure> {
    Some(Failure {
        run: run.run.id.clone(),
        router: part.plan.worlds[run.run.world].variants[run.run.variant].label.clone(),
        seed: run.run.seed,
        message: run.error?.to_owned(),
    })
}

fn out_of_order(what: &str) -> Fault {
    Fault::Internal(format!("results are written in the order of the plan: {what}"))
}

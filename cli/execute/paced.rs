//! A group whose telemetry is live: its runs go one after the other, each held to the clock.
//!
//! One after the other, because two runs that go at the same time would see the same GPUs at the same instants of another history; held to the clock,
//! because a poll has to happen when the simulated time says it does. The gate is computed a window ahead, while the run waits.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use isotherm_core::engine::EngineError;
use isotherm_core::record::RunRecord;
use isotherm_core::simulation::{Progress, Simulation};
use isotherm_core::telemetry::TelemetryError;
use isotherm_core::workload::{Arrival, TokenStream};
use isotherm_core::world::{GateWindow, RunError, WorldSpec};

use super::clock::{Clock, Pacer};
use super::crowd::with_crowd;
use super::gates::Gates;
use super::group::{self, Group, chunks};
use super::seen::Records;
use super::{Outcome, Run, Watch, arrivals, frontier, streams, world_spec};
use crate::fault::Fault;
use crate::scenario_file::ScenarioFile;

/// What live runs need beside their scenario.
pub(super) struct Live<'a> {
    pub(super) clock: &'a dyn Clock,
    pub(super) records: Records,
    pub(super) stop: &'a AtomicBool,
}

/// What the runs of a group have in common.
struct Stage {
    arrivals: Arc<[Arrival]>,
    streams: Vec<Box<dyn TokenStream>>,
    spec: WorldSpec,
    chunks: Vec<Range<usize>>,
}

impl Group {
    /// [`Group::run`] by the clock. A run is kept as soon as it is over.
    pub(super) fn run_paced(
        &self,
        file: &ScenarioFile,
        runs: &[Run],
        mut known: Vec<Option<RunRecord>>,
        watch: &impl Watch,
        live: &mut Live<'_>,
    ) -> Result<Vec<Option<Outcome>>, Fault> {
        let plan = &file.plan.worlds[self.world];
        let frontier = frontier::prepare(&plan.scenario, plan.baseline(), &mut known);
        if known.iter().all(Option::is_some) && frontier.is_none() {
            return Ok(known.into_iter().map(|record| record.map(Ok)).collect());
        }
        let stage = self.stage(file)?;
        let mut outcomes = Vec::with_capacity(runs.len());
        for (run, known) in runs.iter().zip(known) {
            let outcome = match known {
                Some(record) => Some(Ok(record)),
                None if live.stop.load(Ordering::Relaxed) => None,
                None => {
                    let outcome = self.run_one(file, run, &stage, watch, live)?;
                    watch.keep(&outcome.iter().map(|outcome| (run, outcome)).collect::<Vec<_>>())?;
                    outcome
                }
            };
            outcomes.push(outcome);
        }
        if let (true, Some(mut frontier), Some(baseline)) =
            (outcomes.iter().all(Option::is_some), frontier, plan.baseline())
        {
            for chunk in &stage.chunks {
                if live.stop.load(Ordering::Relaxed) {
                    // It is kept without its frontier, and gets it when the same command continues.
                    outcomes[baseline] = None;
                    return Ok(outcomes);
                }
                let window = self.window_of(&stage, chunk)?;
                frontier.add(&window, chunk.clone(), None);
            }
            if let Some(Ok(record)) = &mut outcomes[baseline] {
                record.frontier = Some(frontier.finish());
            }
        }
        Ok(outcomes)
    }

    fn stage(&self, file: &ScenarioFile) -> Result<Stage, Fault> {
        let arrivals = arrivals(file, self.world, self.seed)?;
        let streams = streams(file, self.world, self.seed, &arrivals)?;
        let spec = with_crowd(world_spec(file, self.world, &arrivals)?, file, self.world, self.seed, &streams, None)?;
        let chunks = chunks(&arrivals, &spec);
        Ok(Stage { arrivals, streams, spec, chunks })
    }

    fn window_of(&self, stage: &Stage, chunk: &Range<usize>) -> Result<Arc<GateWindow>, Fault> {
        let Stage { arrivals, streams, spec, .. } = stage;
        let gates = Gates { seed: self.seed, streams, spec, arrivals, ledger: None };
        gates.window(chunk.clone())
    }

    /// One run from its start to its end; `None` if it was stopped.
    fn run_one(
        &self,
        file: &ScenarioFile,
        run: &Run,
        stage: &Stage,
        watch: &impl Watch,
        live: &mut Live<'_>,
    ) -> Result<Option<Outcome>, Fault> {
        let mut chunks = stage.chunks.iter();
        let Some(first) = chunks.next() else { return Err(Fault::Internal("a stream without batches".to_owned())) };
        let mut window = self.window_of(stage, first)?;
        let router = match group::router(file, run, &stage.spec) {
            Ok(router) => router,
            Err(message) => return Ok(Some(Err(message))),
        };
        let source = group::source(file, run, stage.spec.gpus as usize).map_err(|error| no_source(&error))?;
        let record = live.records.begin(file, run)?;
        let mut pacer = Pacer::from_now(live.clock, live.stop);
        let mut simulation = match group::begin(file, run, &stage.spec, router, record.watching(source)) {
            Ok(simulation) => simulation,
            Err(message) => return Ok(Some(Err(message))),
        };
        let outcome = loop {
            let (progress, next) = rayon::join(
                || advance(&mut simulation, &window, &mut pacer, watch),
                || chunks.next().map(|chunk| self.window_of(stage, chunk)),
            );
            match (progress, next) {
                (None, _) => {
                    record.flush()?;
                    return Ok(None);
                }
                (Some(Ok(Progress::Finished)), _) => break Ok(simulation.record()),
                (Some(Ok(Progress::NeedsBatches)), Some(next)) => window = next?,
                (Some(Ok(Progress::NeedsBatches)), None) => {
                    return Err(Fault::Internal("a run asks for more batches than there are".to_owned()));
                }
                (Some(Err(error)), _) => break Err(error.to_string()),
            }
        };
        live.records.finish(run, &record, pacer.lag)?;
        Ok(Some(outcome))
    }
}

/// Takes a run through the window, each instant when its time has come; `None` if it was stopped.
fn advance(
    simulation: &mut Simulation,
    window: &Arc<GateWindow>,
    pacer: &mut Pacer<'_>,
    watch: &impl Watch,
) -> Option<Result<Progress, EngineError<RunError>>> {
    loop {
        let at = simulation.next_at().unwrap_or(simulation.now());
        if !pacer.wait_for(at) {
            return None;
        }
        let before = simulation.completed();
        let progress = simulation.advance_until(window, at).transpose();
        match simulation.completed() - before {
            0 => {}
            done => watch.batches_done(done as u64),
        }
        if progress.is_some() {
            return progress;
        }
    }
}

/// Live telemetry that is not there ends the comparison: the next run would find it no better.
fn no_source(error: &TelemetryError) -> Fault {
    match error {
        TelemetryError::Option { option, message } => Fault::Scenario(format!("error: telemetry.{option}: {message}")),
        TelemetryError::Input(fault) => Fault::Input(fault.to_string()),
        other => Fault::Unavailable(format!("telemetry: {other}")),
    }
}

//! One group: the runs of one world at one seed, advanced together through the token stream.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use isotherm_core::engine::EngineError;
use isotherm_core::placement::Placement;
use isotherm_core::record::RunRecord;
use isotherm_core::router::{PerLayer, Router, RouterContext};
use isotherm_core::simulation::{Progress, Simulation};
use isotherm_core::telemetry::{RunName, TelemetryError, TelemetrySource};
use isotherm_core::workload::Arrival;
use isotherm_core::world::{GateWindow, RunError, WorldSpec};
use rayon::prelude::*;

use super::crowd::with_crowd;
use super::gates::{Gates, retire};
use super::warm_up::warmed_up;
use super::{Ledger, Outcome, Part, Run, Watch, arrivals, fleet, frontier, point_of, streams, time, world_spec};
use crate::fault::Fault;
use crate::scenario_file::ScenarioFile;

/// Bytes of logits that a group keeps at hand: what bounds memory on long streams.
const WINDOW_BYTES: usize = 4 << 20;

/// Events a run handles between two looks at whether it should stop: a long wait between batches can be interrupted too.
const EVENTS_BETWEEN_LOOKS: u64 = 1 << 16;

/// One world at one seed.
pub(super) struct Group {
    pub(super) world: usize,
    pub(super) seed: u64,
    /// Its runs, as positions in the plan's list.
    pub(super) runs: Range<usize>,
}

/// A run under way.
enum Slot {
    /// Taken over from an earlier start, or over.
    Done(Box<Outcome>),
    Running(Box<Simulation>),
}

impl Group {
    /// Runs what is not known yet. Entries are empty if `stop` was set before the end.
    pub(super) fn run(
        &self,
        file: &ScenarioFile,
        runs: &[Run],
        mut known: Vec<Option<RunRecord>>,
        watch: &impl Watch,
        stop: &AtomicBool,
    ) -> Result<Vec<Option<Outcome>>, Fault> {
        let plan = &file.plan.worlds[self.world];
        if plan.scenario.fleet.is_some() {
            return fleet::run(self, file, runs, known, watch, stop);
        }
        let mut frontier = frontier::prepare(&plan.scenario, plan.baseline(), &mut known);
        if known.iter().all(Option::is_some) && frontier.is_none() {
            return Ok(known.into_iter().map(|record| record.map(Ok)).collect());
        }
        let ledger = watch.ledger();
        let was_known: Vec<bool> = known.iter().map(Option::is_some).collect();
        let (arrivals, streams, spec) = time(ledger, Part::Building, || {
            let arrivals = arrivals(file, self.world, self.seed)?;
            let streams = streams(file, self.world, self.seed, &arrivals)?;
            let spec = world_spec(file, self.world, &arrivals)?;
            Ok::<_, Fault>((arrivals, streams, spec))
        })?;
        let spec = with_crowd(spec, file, self.world, self.seed, &streams, ledger)?;
        let Some(spec) = warmed_up(spec, self, file, &streams, ledger, stop)? else {
            return Ok(known.into_iter().map(|record| record.map(Ok)).collect());
        };
        let mut slots: Vec<Slot> = time(ledger, Part::Building, || {
            runs.iter().zip(known).map(|(run, known)| slot(file, run, &spec, known, ledger)).collect()
        });

        let gates = Gates { seed: self.seed, streams: &streams, spec: &spec, arrivals: &arrivals, ledger };
        let mut passed: Option<Arc<GateWindow>> = None;
        let mut complete = true;
        for chunk in chunks(&arrivals, &spec) {
            if stop.load(Ordering::Relaxed) {
                complete = false;
                break;
            }
            let window = gates.window(chunk.clone())?;
            rayon::join(
                || slots.par_iter_mut().for_each(|slot| advance(slot, &window, watch, stop)),
                || frontier.iter_mut().for_each(|frontier| frontier.add(&window, chunk.clone(), ledger)),
            );
            // A run holds the window that it is in.
            if let Some(passed) = passed.replace(window) {
                retire(passed);
            }
        }
        if let (true, Some(frontier), Some(baseline)) = (complete, frontier, plan.baseline())
            && let Slot::Done(outcome) = &mut slots[baseline]
            && let Ok(record) = outcome.as_mut()
        {
            record.frontier = Some(frontier.finish());
        }
        let outcomes: Vec<Option<Outcome>> = slots
            .into_iter()
            .map(|slot| match slot {
                Slot::Done(outcome) => Some(*outcome),
                Slot::Running(_) => None,
            })
            .collect();
        passed.into_iter().for_each(retire);
        let fresh: Vec<(&Run, &Outcome)> = runs
            .iter()
            .zip(&outcomes)
            .zip(&was_known)
            .filter(|(_, known)| !**known)
            .filter_map(|((run, outcome), _)| Some((run, outcome.as_ref()?)))
            .collect();
        time(ledger, Part::Output, || watch.keep(&fresh))?;
        Ok(outcomes)
    }
}

/// A run at its beginning, or the record of one that is over.
fn slot(file: &ScenarioFile, run: &Run, spec: &WorldSpec, known: Option<RunRecord>, ledger: Option<&Ledger>) -> Slot {
    if let Some(record) = known {
        return Slot::Done(Box::new(Ok(record)));
    }
    match (start(file, run, spec), ledger) {
        (Ok(simulation), None) => Slot::Running(Box::new(simulation)),
        (Ok(simulation), Some(ledger)) => Slot::Running(Box::new(simulation.profiled_by(ledger.clock()))),
        (Err(message), _) => Slot::Done(Box::new(Err(message))),
    }
}

/// A run at its beginning.
fn start(file: &ScenarioFile, run: &Run, spec: &WorldSpec) -> Result<Simulation, String> {
    let router = router(file, run, spec)?;
    let source = source(file, run, spec.gpus as usize).map_err(|error| error.to_string())?;
    begin(file, run, spec, router, source)
}

/// The router of a run.
pub(super) fn router(file: &ScenarioFile, run: &Run, spec: &WorldSpec) -> Result<Box<dyn Router>, String> {
    router_of(file, run, &spec.declared_costs().0, &spec.placement)
}

/// A router of a run, for experts of these declared costs (J) that are placed like this.
pub(super) fn router_of(
    file: &ScenarioFile,
    run: &Run,
    declared_costs: &[f64],
    placement: &Placement,
) -> Result<Box<dyn Router>, String> {
    let plan = &file.plan.worlds[run.world];
    let (variant, model) = (&plan.variants[run.variant], plan.scenario.model);
    let context = RouterContext::new(model.experts as usize, model.top_k as usize, declared_costs, run.seed)
        .with_options(&variant.options)
        .with_hardware(placement, plan.scenario.hardware.thermal_hint());
    PerLayer::build(variant.spec.as_ref(), &context, model.layers).map_err(|error| error.to_string())
}

/// The telemetry source of a run on so many GPUs.
pub(super) fn source(file: &ScenarioFile, run: &Run, gpus: usize) -> Result<Box<dyn TelemetrySource>, TelemetryError> {
    let (plan, point) = (&file.plan.worlds[run.world], point_of(file, run));
    let name = RunName { router: &plan.variants[run.variant].label, point: &point, seed: run.seed };
    plan.scenario.telemetry.build_for(&name, gpus)
}

/// A run that has taken its first reading of the hardware.
pub(super) fn begin(
    file: &ScenarioFile,
    run: &Run,
    spec: &WorldSpec,
    router: Box<dyn Router>,
    source: Box<dyn TelemetrySource>,
) -> Result<Simulation, String> {
    let oracle = file.plan.worlds[run.world].variants[run.variant].spec.uses_oracle();
    let spec = WorldSpec { oracle, ..spec.clone() };
    Simulation::new(Arc::new(spec), router, source).map_err(|error| error.to_string())
}

/// Takes a simulation through the window, and tells how many batches are done now and then; `None` if `stop` was set before the end.
pub(super) fn through(
    simulation: &mut Simulation,
    window: &Arc<GateWindow>,
    stop: &AtomicBool,
    batches_done: impl Fn(u64),
) -> Result<Option<Progress>, EngineError<RunError>> {
    loop {
        let before = simulation.completed();
        let outcome = simulation.advance_events(window, EVENTS_BETWEEN_LOOKS);
        batches_done((simulation.completed() - before) as u64);
        match outcome {
            Ok(None) if stop.load(Ordering::Relaxed) => return Ok(None),
            Ok(None) => {}
            other => return other,
        }
    }
}

/// Takes a run through the window; a failure ends this run and no other.
fn advance(slot: &mut Slot, window: &Arc<GateWindow>, watch: &impl Watch, stop: &AtomicBool) {
    let Slot::Running(simulation) = slot else { return };
    let progress = time(watch.ledger(), Part::Events, || {
        through(simulation, window, stop, |batches| watch.batches_done(batches)).transpose()
    });
    let Some(progress) = progress else { return };
    if let (Some(ledger), Ok(Progress::Finished)) = (watch.ledger(), &progress) {
        ledger.take(simulation.spent().as_ref());
    }
    match progress {
        Ok(Progress::NeedsBatches) => {}
        Ok(Progress::Finished) => *slot = Slot::Done(Box::new(Ok(simulation.record()))),
        Err(error) => *slot = Slot::Done(Box::new(Err(error.to_string()))),
    }
}

/// Splits the stream into stretches that are at hand at a time. Where nobody routes tokens there is one, and nothing in it.
pub(super) fn chunks(arrivals: &[Arrival], spec: &WorldSpec) -> Vec<Range<usize>> {
    match spec.crowd {
        None => stretches(arrivals, spec.experts as usize * spec.layers as usize),
        Some(_) => std::iter::once(0..0).collect(),
    }
}

/// Stretches of about [`WINDOW_BYTES`] of logits, at least one batch each.
fn stretches(arrivals: &[Arrival], experts: usize) -> Vec<Range<usize>> {
    let mut chunks = Vec::new();
    let (mut first, mut bytes) = (0, 0);
    for (index, arrival) in arrivals.iter().enumerate() {
        bytes += arrival.tokens as usize * experts * size_of::<f32>();
        if bytes >= WINDOW_BYTES {
            chunks.push(first..index + 1);
            (first, bytes) = (index + 1, 0);
        }
    }
    if first < arrivals.len() {
        chunks.push(first..arrivals.len());
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_cover_the_stream_once_and_in_order() {
        let arrivals: Vec<Arrival> = (1..200).map(|n| Arrival { at: None, tokens: n * 97 % 4096 + 1 }).collect();
        for experts in [1, 8, 256, 4096] {
            let covered: Vec<usize> = stretches(&arrivals, experts).into_iter().flatten().collect();
            assert_eq!(covered, (0..arrivals.len()).collect::<Vec<_>>());
        }
    }
}

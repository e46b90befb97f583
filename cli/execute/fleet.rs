//! Fleets of one world and seed: runs of another kind, whose tokens nobody routes one by one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use isotherm_core::fleet::{FleetModel, FleetRun, GroupRouter};
use isotherm_core::population::GateSample;
use isotherm_core::record::RunRecord;
use isotherm_core::workload::TokenStream;
use rayon::prelude::*;

use super::group::{Group, router_of, source};
use super::{Ledger, Outcome, Part, Run, Watch, arrivals, streams, time};
use crate::fault::Fault;
use crate::scenario_file::ScenarioFile;

/// Events a fleet handles between two looks at whether it should stop: some tenths of a second.
const EVENTS_BETWEEN_LOOKS: u64 = 1 << 10;

/// Runs the fleets of a group that are not known yet. Entries are empty if `stop` was set before the end.
pub(super) fn run(
    group: &Group,
    file: &ScenarioFile,
    runs: &[Run],
    known: Vec<Option<RunRecord>>,
    watch: &impl Watch,
    stop: &AtomicBool,
) -> Result<Vec<Option<Outcome>>, Fault> {
    if known.iter().all(Option::is_some) {
        return Ok(known.into_iter().map(|record| record.map(Ok)).collect());
    }
    let scenario = &file.plan.worlds[group.world].scenario;
    let ledger = watch.ledger();
    let (model, streams) = time(ledger, Part::Building, || {
        let arrivals = arrivals(file, group.world, group.seed)?;
        let streams = streams(file, group.world, group.seed, &arrivals)?;
        let model = FleetModel::of(scenario, arrivals, group.seed)
            .map_err(|message| Fault::Scenario(format!("error: fleet: {message}")))?;
        Ok::<_, Fault>((model, streams))
    })?;
    let samples = samples(&model, file, group, &streams, ledger)?;
    let model = Arc::new(model);
    let fresh: Vec<bool> = known.iter().map(Option::is_none).collect();
    let outcomes: Vec<Option<Outcome>> = runs
        .par_iter()
        .zip(known)
        .map(|(run, known)| match known {
            Some(record) => Some(Ok(record)),
            None => one(file, run, &model, &samples, watch, stop).transpose(),
        })
        .collect();
    let done = runs.iter().zip(&outcomes).zip(&fresh).filter(|(_, fresh)| **fresh);
    let done: Vec<(&Run, &Outcome)> = done.filter_map(|((run, outcome), _)| Some((run, outcome.as_ref()?))).collect();
    time(ledger, Part::Output, || watch.keep(&done))?;
    Ok(outcomes)
}

/// Refuses a workload whose gates change in the middle of a run.
pub(super) fn check_streams(streams: &[Box<dyn TokenStream>]) -> Result<(), Fault> {
    if streams.iter().all(|stream| stream.laws().len() == 1) {
        return Ok(());
    }
    Err(Fault::Scenario(
        "error: workload: its tokens change at a batch, but the groups of a fleet do not count batches together\n  = help: use a workload that stays the same, for example `kind = \"gaussian\"` without `drift`"
            .to_owned(),
    ))
}

/// The sample that stands for the gate of every layer, drawn once for all runs.
fn samples(
    model: &FleetModel,
    file: &ScenarioFile,
    group: &Group,
    streams: &[Box<dyn TokenStream>],
    ledger: Option<&Ledger>,
) -> Result<Vec<Arc<GateSample>>, Fault> {
    let tier = &file.plan.worlds[group.world].scenario.tier;
    let of_layer = |stream: &dyn TokenStream| {
        let sample = || GateSample::of(stream, 0, model.experts as usize, model.top_k as usize, tier);
        time(ledger, Part::Stream, sample)
            .map(Arc::new)
            .map_err(|error| Fault::Runs(format!("error: the sample of seed {}: {error}", group.seed)))
    };
    streams.par_iter().map(|stream| of_layer(stream.as_ref())).collect()
}

/// One fleet from its beginning to its end; nothing if it was stopped.
fn one(
    file: &ScenarioFile,
    run: &Run,
    model: &Arc<FleetModel>,
    samples: &[Arc<GateSample>],
    watch: &impl Watch,
    stop: &AtomicBool,
) -> Result<Option<RunRecord>, String> {
    let ledger = watch.ledger();
    let mut fleet = time(ledger, Part::Building, || begin(file, run, model, samples))?;
    if let Some(ledger) = ledger {
        fleet = fleet.profiled_by(ledger.clock());
    }
    loop {
        let before = fleet.completed();
        let over = time(ledger, Part::Events, || fleet.advance(EVENTS_BETWEEN_LOOKS));
        let over = over.map_err(|error| error.to_string())?;
        watch.batches_done((fleet.completed() - before) as u64);
        if over {
            if let Some(ledger) = ledger {
                ledger.take(fleet.spent().as_ref());
            }
            return Ok(Some(fleet.record()));
        }
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
    }
}

/// A fleet that has taken its first reading of the hardware: a router of its own for every group.
fn begin(
    file: &ScenarioFile,
    run: &Run,
    model: &Arc<FleetModel>,
    samples: &[Arc<GateSample>],
) -> Result<FleetRun, String> {
    let plan = &file.plan.worlds[run.world];
    let is_reference = plan.variants[run.variant].spec.is_reference();
    let router = || router_of(file, run, &model.declared_costs, &model.placement);
    let routers: Result<Vec<GroupRouter>, String> =
        (0..model.groups()).map(|_| Ok(GroupRouter { router: router()?, is_reference })).collect();
    let source = source(file, run, model.gpus()).map_err(|error| error.to_string())?;
    FleetRun::new(Arc::clone(model), &plan.scenario.tier, samples, routers?, source).map_err(|error| error.to_string())
}

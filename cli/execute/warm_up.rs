//! The start of a comparison that begins warm: the gate's own routing warms the hardware up once, and all runs of the group start from the heat it leaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use isotherm_core::router::{PerLayer, RouterContext};
use isotherm_core::scenario::Scenario;
use isotherm_core::simulation::{Progress, Simulation};
use isotherm_core::workload::{Arrival, TokenStream};
use isotherm_core::world::{Start, WorldSpec};
use isotherm_routers::Baseline;

use super::gates::{Gates, retire};
use super::group::{Group, chunks, through};
use super::{Ledger, Part, time};
use crate::fault::Fault;
use crate::scenario_file::ScenarioFile;

/// Refuses a warm-up of more batches than there are: it would be a shorter one than was asked for.
pub(super) fn check(scenario: &Scenario, arrivals: &[Arrival]) -> Result<(), Fault> {
    let there = arrivals.len();
    match scenario.hardware.warm_up {
        Some(batches) if batches as usize > there => Err(Fault::Scenario(format!(
            "error: `hardware.warm_up`: a warm-up of {batches} batches, but the arrivals of seed {} give {there}\n  = expected at most as many as there are, or more arrivals\n  = example: warm_up = {there}",
            scenario.seed
        ))),
        _ => Ok(()),
    }
}

/// `spec` with the start that `hardware.warm_up` asks for; as it is without one. `None` if `stop` was set before the end.
///
/// Changes of the scenario belong to the runs and do not happen before them, nor are experts placed again.
pub(super) fn warmed_up(
    spec: WorldSpec,
    group: &Group,
    file: &ScenarioFile,
    streams: &[Box<dyn TokenStream>],
    ledger: Option<&Ledger>,
    stop: &AtomicBool,
) -> Result<Option<WorldSpec>, Fault> {
    let scenario = &file.plan.worlds[group.world].scenario;
    let Some(batches) = scenario.hardware.warm_up else { return Ok(Some(spec)) };
    let fault =
        |what: &dyn std::fmt::Display| Fault::Runs(format!("error: the warm-up of seed {}: {what}", group.seed));
    let first: Arc<[Arrival]> = spec.arrivals.iter().take(batches as usize).copied().collect();
    let own = WorldSpec {
        arrivals: Arc::clone(&first),
        changes: Vec::new(),
        policy: None,
        frontier: false,
        temperature_limit: None,
        ..spec.clone()
    };
    let declared = spec.declared_costs().0;
    let context = RouterContext::new(spec.experts as usize, spec.top_k as usize, &declared, group.seed)
        .with_hardware(&spec.placement, scenario.hardware.thermal_hint());
    let router = PerLayer::build(&Baseline::default(), &context, spec.layers).map_err(|error| fault(&error))?;
    let source = scenario.telemetry.build(spec.gpus as usize, group.seed).map_err(|error| fault(&error))?;
    let mut simulation = Simulation::new(Arc::new(own), router, source).map_err(|error| fault(&error))?;
    let gates = Gates { seed: group.seed, streams, spec: &spec, arrivals: &first, ledger };
    let mut passed = None;
    for chunk in chunks(&first, &spec) {
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let window = gates.window(chunk)?;
        // Its batches are none of those that a progress bar waits for.
        let progress = time(ledger, Part::Events, || through(&mut simulation, &window, stop, |_| {}));
        match progress.map_err(|error| fault(&error))? {
            None => return Ok(None),
            Some(Progress::NeedsBatches) => {}
            Some(Progress::Finished) => break,
        }
        if let Some(passed) = passed.replace(window) {
            retire(passed);
        }
    }
    if let Some((gpu, at)) = simulation.record().lost.first() {
        return Err(fault(&format!(
            "GPU {gpu} switched itself off at {at}: runs that start there have lost it already"
        )));
    }
    let heat = simulation.heat().map_err(|error| fault(&error))?;
    Ok(Some(WorldSpec { start: heat.map_or(Start::Cold, |heat| Start::From(Arc::new(heat))), ..spec }))
}

//! What the simulator says of a live run: the same scenario, as many batches, starting where the GPUs stood at rest.

use std::sync::Arc;

use isotherm_calibration::kernels::Device;
use isotherm_core::hardware::kernel::{base_draw, idle_draw};
use isotherm_core::hardware::{Cooling, DeviceProfile};
use isotherm_core::id::BatchId;
use isotherm_core::record::RunRecord;
use isotherm_core::router::{PerLayer, RouterContext, ThermalHint};
use isotherm_core::simulation::{Progress, Simulation};
use isotherm_core::units::{Celsius, Watts};
use isotherm_core::world::{GateWindow, ThermalSpec, WorldSpec};

use super::measured::mean;
use super::record::LiveRun;
use super::residual::Residual;
use super::shifted::Shifted;
use super::stream::Stream;
use crate::fault::Fault;
use crate::scenario_file::ScenarioFile;

/// Batches whose gates are in memory at a time.
const WINDOW: u32 = 16;

/// Where the ambient temperature of a prediction comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ambient {
    /// Each GPU's is such that its idle steady state is what was measured before the run.
    #[default]
    Measured,
    /// The profile's.
    Profile,
}

/// What the simulator says of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Energy of all GPUs per token (J).
    pub joules_per_token: f64,
    /// Mean time of a layer (s).
    pub layer_seconds: f64,
    /// Mean temperature of each die (degC).
    pub die_mean_degc: Vec<f64>,
    /// Highest temperature of each die at the end of a batch (degC).
    pub die_peak_degc: Vec<f64>,
    /// Mean clock of each GPU (MHz).
    pub mean_mhz: Vec<f64>,
    /// 1 - retained share of the gate's mass.
    pub mass_regret: f64,
    /// Ambient temperature of each GPU (degC).
    pub ambient_degc: Vec<f64>,
}

/// What a prediction takes in the place of the scenario's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given<'a> {
    /// One profile for all GPUs, or one for each: thermal networks then differ, everything else is the first one's. The scenario's where empty.
    pub profiles: &'a [DeviceProfile],
    /// Who stands in whose warm air; the scenario's cooling where not given.
    pub cooling: Option<&'a Cooling>,
    /// Where the ambient temperature comes from.
    pub ambient: Ambient,
}

/// Simulates a run of `file` with the profiles given, starting at rest; `before` are the runs before it, whose heat is still in the GPUs.
///
/// A simulation starts in a steady state. The heat of earlier runs decays beside it, by the same network: what is left of it is taken off the
/// idle temperature that the ambient follows from, and added to the die's.
///
/// Routers are told of the hardware what they were told live: the scenario's own profile. Their gains follow from it.
///
/// One ambient serves all GPUs of a simulation: the mean of theirs. What sensors show of a GPU, and what is told of it here, is moved by the
/// difference of its own, which is exact but for the leakage that follows from it (1 W/K or so).
///
/// # Errors
/// [`Fault::Runs`] if the simulation fails or the run has no batch, [`Fault::Input`] for a profile that does not fit.
pub fn predict(
    file: &mut ScenarioFile,
    run: &LiveRun,
    before: &[LiveRun],
    given: &Given<'_>,
) -> Result<Prediction, Fault> {
    let told = file.plan.worlds[run.world].scenario.hardware.clone();
    let gpus = told.gpus as usize;
    let each = each(given.profiles, gpus)?;
    let cooling = given.cooling.or(told.cooling.as_ref()).cloned();
    let left: Result<Vec<Residual>, String> =
        (0..gpus).map(|gpu| Residual::of(before, run, gpu, &each[gpu], cooling.as_ref())).collect();
    let left = left.map_err(Fault::Input)?;
    let rest = at_rest(run, &each, cooling.as_ref(), given.ambient, &left)?;
    let common = mean(rest.ambient.iter().copied()).unwrap_or(each[0].ambient.get());
    let there = |profile: &DeviceProfile| DeviceProfile { ambient: Celsius::new(common), ..profile.clone() };
    let each: Vec<DeviceProfile> = each.iter().map(there).collect();
    let scenario = &mut file.plan.worlds[run.world].scenario;
    scenario.hardware.profile = each.first().cloned();
    scenario.hardware.cooling = cooling.map(|cooling| Cooling { supply: Some(Celsius::new(common)), ..cooling });
    scenario.hardware.start_power = Some(Watts::new(rest.idle_w));
    scenario.hardware.warm_up = None;
    // What the host takes was measured as a whole.
    scenario.router_host.seconds_per_operation = 0.0;
    scenario.router_host.seconds_per_routing = run.host_seconds_per_routing;
    let shifts = rest.ambient.iter().map(|own| own - common).zip(left.iter().cloned()).collect();
    let record = simulate(file, run, &each, told.thermal_hint(), shifts);
    file.plan.worlds[run.world].scenario.hardware = told;
    let record = record?;
    Ok(read_out(file, run, &record, &rest.ambient, common, &left))
}

/// A profile a GPU.
fn each(profiles: &[DeviceProfile], gpus: usize) -> Result<Vec<DeviceProfile>, Fault> {
    match profiles {
        [all] => Ok(vec![all.clone(); gpus]),
        each if each.len() == gpus && gpus > 0 => Ok(each.to_vec()),
        other => Err(Fault::Usage(format!(
            "--profile: {} profiles are given for {gpus} GPUs; expected one for all of them, or one for each in their order",
            other.len()
        ))),
    }
}

struct Rest {
    ambient: Vec<f64>,
    idle_w: f64,
}

/// Ambient temperatures and idle power (W) with which the model rests where the GPUs did. The ambient of a GPU is that of the air before any GPU has
/// warmed it.
fn at_rest(
    run: &LiveRun,
    profiles: &[DeviceProfile],
    cooling: Option<&Cooling>,
    ambient: Ambient,
    left: &[Residual],
) -> Result<Rest, Fault> {
    let measured = |gpu: usize| {
        let die = run.idle.get(gpu).and_then(|idle| idle.die_degc).filter(|_| ambient == Ambient::Measured);
        die.map(|die| die - left[gpu].at_idle)
    };
    let (mut ambients, mut idle, mut draws) = (Vec::new(), Vec::new(), Vec::new());
    for (gpu, profile) in profiles.iter().enumerate() {
        let lacking = |section| Fault::Input(format!("the profile `{}` has no [{section}]", profile.name));
        let power = profile.power.as_ref().ok_or_else(|| lacking("power"))?;
        let clock = profile.clock.as_ref().ok_or_else(|| lacking("clock"))?;
        let device = Device::new(profile).map_err(Fault::Input)?;
        // Without a measurement: where the profile itself rests.
        let die = measured(gpu).unwrap_or_else(|| {
            let start = idle_draw(power, clock, clock.max_mhz, profile.ambient.get());
            device.celsius(idle_draw(power, clock, clock.max_mhz, device.celsius(start)))
        });
        let draw = idle_draw(power, clock, clock.max_mhz, die);
        draws.push(draw.total());
        let rise = device.celsius(draw) - profile.ambient.get();
        ambients.push(if measured(gpu).is_some() { die - rise } else { profile.ambient.get() });
        // The simulation adds the leakage itself.
        idle.push(base_draw(power, clock, clock.max_mhz).total());
    }
    if let (Some(cooling), Ambient::Measured) = (cooling, ambient) {
        let warmed = cooling.inlets(0.0, 1.0, &draws);
        let known = (0..ambients.len()).filter(|gpu| measured(*gpu).is_some()).collect::<Vec<_>>();
        known.into_iter().for_each(|gpu| ambients[gpu] -= warmed[gpu]);
    }
    Ok(Rest { ambient: ambients, idle_w: mean(idle.into_iter()).unwrap_or_default() })
}

/// Runs the simulation; `shifts` say by how much each GPU is hotter than it (K).
fn simulate(
    file: &ScenarioFile,
    run: &LiveRun,
    profiles: &[DeviceProfile],
    hint: Option<ThermalHint>,
    shifts: Vec<(f64, Residual)>,
) -> Result<RunRecord, Fault> {
    if run.batches == 0 {
        return Err(Fault::Runs(format!("error: {}: no batch was done, so there is nothing to compare", run.label())));
    }
    let failed = |error: &dyn std::fmt::Display| Fault::Runs(format!("error: {}: {error}", run.label()));
    let stream = Stream::of(file, run.world)?;
    let plan = &file.plan.worlds[run.world];
    let (scenario, variant) = (&plan.scenario, &plan.variants[run.variant]);
    let mut spec = WorldSpec::of(scenario, stream.arrivals(run.batches)).map_err(Fault::Input)?;
    if spec.thermal.is_some() {
        let networks = ThermalSpec::of_each(&scenario.hardware, profiles, scenario.costs.kind, &scenario.change);
        spec.thermal = Some(networks.map_err(Fault::Input)?);
    }
    let (declared, _) = spec.declared_costs();
    let context = RouterContext::new(spec.experts as usize, spec.top_k as usize, &declared, scenario.seed)
        .with_options(&variant.options)
        .with_hardware(&spec.placement, hint);
    let router = PerLayer::build(variant.spec.as_ref(), &context, spec.layers).map_err(|error| failed(&error))?;
    if scenario.telemetry.is_live() {
        return Err(Fault::Scenario(
            "error: telemetry: a simulation cannot read real GPUs\n  = help: write `kind = \"synthetic\"`; `isotherm live run` has its own --source".to_owned(),
        ));
    }
    let source = scenario.telemetry.build(spec.gpus as usize, scenario.seed).map_err(|error| failed(&error))?;
    let source = Box::new(Shifted::new(source, shifts));
    let mut simulation = Simulation::new(Arc::new(spec), router, source).map_err(|error| failed(&error))?;
    let mut first = 0;
    loop {
        let gates: Result<Vec<_>, Fault> = (first..run.batches.min(first + WINDOW))
            .map(|batch| Ok((BatchId(batch), stream.gates(batch)?.into_iter().map(Arc::new).collect())))
            .collect();
        first += WINDOW;
        let window = Arc::new(GateWindow::of_layers(gates?));
        match simulation.advance(&window).map_err(|error| failed(&error))? {
            Progress::Finished => return Ok(simulation.record()),
            Progress::NeedsBatches if first < run.batches => {}
            Progress::NeedsBatches => return Err(failed(&"the simulation asks for more batches than were run")),
        }
    }
}

fn read_out(
    file: &ScenarioFile,
    run: &LiveRun,
    record: &RunRecord,
    ambient: &[f64],
    common: f64,
    left: &[Residual],
) -> Prediction {
    let scenario = &file.plan.worlds[run.world].scenario;
    let alike = scenario.costs.layer.as_ref().map_or(1, |layer| layer.layers);
    let routings = record.batches.len() as f64 * f64::from(scenario.model.layers);
    let spent: f64 = record.batches.iter().map(|batch| (batch.finished - batch.dispatched).seconds()).sum();
    let ended = record.ended.seconds();
    let of_gpu = |gpu: usize| {
        record.batches.iter().filter_map(move |batch| {
            let weight = (batch.finished - batch.dispatched).seconds();
            batch.temperatures.get(gpu).map(|celsius| (f64::from(*celsius), weight))
        })
    };
    let moved = |gpu: usize, celsius: f64| celsius + ambient[gpu] - common;
    let mean_of = |gpu| {
        let (sum, weights) = of_gpu(gpu).fold((0.0, 0.0), |(sum, all), (celsius, w)| (sum + w * celsius, all + w));
        moved(gpu, sum / weights) + left[gpu].mean(ended)
    };
    let peak_of = |gpu: usize| {
        let mut at = 0.0;
        let hottest = of_gpu(gpu).map(|(celsius, weight)| {
            at += weight;
            celsius + left[gpu].after(at)
        });
        moved(gpu, hottest.fold(f64::NEG_INFINITY, f64::max))
    };
    Prediction {
        joules_per_token: record.gpu_joules / record.tokens() as f64,
        layer_seconds: (spent / routings - run.host_seconds_per_routing) / f64::from(alike),
        die_mean_degc: (0..ambient.len()).map(mean_of).collect(),
        die_peak_degc: (0..ambient.len()).map(peak_of).collect(),
        mean_mhz: record.clock_mhz_seconds.iter().map(|sum| sum / ended).collect(),
        mass_regret: record.mass_regret(),
        ambient_degc: ambient.to_vec(),
    }
}

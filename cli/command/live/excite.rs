//! `isotherm live excite`: known loads on real GPUs, for calibration.

use isotherm_core::cost::LayerSpec;
use isotherm_core::hardware::Hardware;
use isotherm_core::load::{Load, LoadShape};

use super::equipment;
use crate::args::LiveExcite;
use crate::exit::{self, Code};
use crate::fault::Fault;
use crate::live::excite::excite;
use crate::live::model::{Model, ModelMeter};
use crate::live::monitor::Monitor;
use crate::live::schedule::Schedule;
use crate::live::session::MODEL;
use crate::output_file::write_whole;

/// Time between two polls (s).
const PERIOD: f64 = 0.05;

/// Plays the schedule and writes what ran when, also if it ended early.
pub(super) fn run(options: &LiveExcite) -> Result<Code, Fault> {
    if options.out.exists() && !options.force {
        return Err(Fault::Exists { path: options.out.clone(), option: "--out" });
    }
    let schedule = read(options)?;
    // Found before the GPUs have worked for minutes.
    std::fs::write(&options.out, "").map_err(|error| Fault::unwritable(&options.out, error))?;
    let outcome = play(options, &schedule);
    if std::fs::metadata(&options.out).is_ok_and(|file| file.len() == 0) {
        let _ = std::fs::remove_file(&options.out);
    }
    outcome
}

/// Plays the schedule and writes the side-car.
fn play(options: &LiveExcite, schedule: &Schedule) -> Result<Code, Fault> {
    let devices = equipment::devices(&options.equipment, 1)?;
    let phases = schedule.phases(devices.len()).map_err(|why| wrong(options, &why))?;
    let clock = equipment::clock();
    let source = equipment::source_of(&options.equipment);
    let (mut loads, meter) = if options.equipment.load == MODEL {
        equipment::of_model(source)?;
        let (loads, meter) = modelled(options, schedule, devices.len(), &clock)?;
        (loads, (source == MODEL).then_some(meter))
    } else {
        // Each GPU has a load of its own, so that none waits for another.
        let shape = |device: &u32| LoadShape { devices: vec![*device], ..shape(schedule) };
        let loads: Result<Vec<_>, Fault> = devices
            .iter()
            .map(|device| equipment::load(&options.equipment, &shape(device), &options.schedule))
            .collect();
        (loads?, equipment::meter(source)?)
    };
    let period = options.equipment.period_ms.map_or(PERIOD, |ms| 1e-3 * f64::from(ms));
    let monitor =
        meter.map(|meter| Monitor::start(&*clock, meter, &devices, period, None)).transpose().map_err(Fault::Input)?;
    let total: f64 = phases.iter().map(|phase| phase.seconds).sum();
    tell!("{}: {} phases, {total:.0} s", schedule.name, phases.len());
    let stop = super::super::run::interruption();
    let (side_car, outcome) = excite(schedule, &phases, &mut loads, &*clock, monitor.as_ref(), &stop, &mut |phase| {
        tell!("{}: {:.1} s", phase.name, phase.seconds);
    });
    write_whole(&options.out, &super::super::profile::json(&side_car)?)?;
    tell!("{} phases in {}", side_car.phases.len(), options.out.display());
    outcome.map_err(Fault::Runs)?;
    Ok(if stop.load(std::sync::atomic::Ordering::Relaxed) { exit::INTERRUPTED } else { exit::SUCCESS })
}

fn read(options: &LiveExcite) -> Result<Schedule, Fault> {
    let text = std::fs::read_to_string(&options.schedule).map_err(|source| Fault::Unreadable {
        path: options.schedule.clone(),
        source,
        help: "give the path of a schedule, for example scenarios/excitation/short.toml",
        code: exit::INPUT,
    })?;
    Schedule::parse(&text).map_err(|why| wrong(options, &why))
}

fn wrong(options: &LiveExcite, why: &str) -> Fault {
    Fault::Input(format!("{}: {why}", options.schedule.display()))
}

fn shape(schedule: &Schedule) -> LoadShape {
    LoadShape {
        devices: Vec::new(),
        experts: schedule.experts,
        top_k: 1,
        d_model: schedule.layer.d_model,
        d_ff: schedule.layer.d_ff,
        matrices: schedule.layer.matrices,
    }
}

type Modelled = (Vec<Box<dyn Load>>, Box<dyn isotherm_recording::Meter>);

/// Modelled GPUs that work apart.
fn modelled(
    options: &LiveExcite,
    schedule: &Schedule,
    gpus: usize,
    clock: &std::sync::Arc<dyn crate::live::clock::Clock>,
) -> Result<Modelled, Fault> {
    let profile = super::super::profile::read_profile(&options.profile)?;
    let hardware = Hardware { profile: Some(profile), ..Hardware::of_gpus(gpus as u32) };
    let layer = schedule.layer;
    let layer = LayerSpec {
        d_model: layer.d_model,
        d_ff: layer.d_ff,
        matrices: layer.matrices,
        dtype: layer.dtype,
        tensor_parallel: 1,
        implementation: layer.implementation,
        layers: 1,
        exchange: false,
    };
    let model = Model::new(&hardware, &layer, 1, clock.clone()).map_err(Fault::Input)?;
    let loads = (0..gpus).map(|gpu| Box::new(model.of_gpu(gpu)) as Box<dyn Load>).collect();
    Ok((loads, Box::new(ModelMeter::of(&model))))
}

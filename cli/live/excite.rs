//! Drives loads by a schedule and writes what ran when: the side-car of a recording that profiles are fitted to and checked with.

use std::sync::atomic::{AtomicBool, Ordering};

use isotherm_core::hardware::kernel::LayerShape;
use isotherm_core::id::ExpertId;
use isotherm_core::load::{Load, Share};
use isotherm_recording::DeviceFacts;
use serde::Serialize;

use super::clock::{Clock, nanos};
use super::measured::GpuMeasured;
use super::monitor::{Monitor, Row};
use super::schedule::{Part, Phase, Schedule};

/// Holds of at least this length become rows of the table (s): over less the energy counter is not to be trusted.
const LEAST_HOLD: f64 = 5.0;
/// Readings still come this long after the last phase (s).
const TAIL_SECONDS: f64 = 1.2;

/// What a schedule left: `isotherm profile check`, `profile fit` and `profile fit-layers` read it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SideCar {
    /// The devices.
    pub facts: Facts,
    /// Shape of the layer.
    pub layer: LayerShape,
    /// What ran when.
    pub phases: Vec<Ran>,
    /// Time and energy of a layer, one entry a GPU and hold of at least 5 s without a break.
    pub moe: Vec<MoeRow>,
}

/// What the phases ran on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Facts {
    /// Name of the schedule.
    pub schedule: String,
    /// Where energies come from.
    pub source: String,
    /// The devices, as the load calls them.
    pub devices: Vec<String>,
    /// The same, as the meter knows them.
    pub gpus: Vec<DeviceFacts>,
}

/// A phase that is over.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ran {
    /// Its name.
    pub name: String,
    /// Beginning (s, Unix time).
    pub t0: f64,
    /// End (s, Unix time).
    pub t1: f64,
    /// Part of the time in which each GPU was to work; 0 for one that rested.
    pub duty: Vec<f64>,
    /// Layers that each GPU did.
    pub iters: Vec<u64>,
    /// Time that each GPU worked (s).
    pub busy_s: Vec<f64>,
    /// Energy of each GPU (mJ); empty without a meter.
    pub energy_mj: Vec<f64>,
    /// Tokens at every expert of each GPU.
    pub tokens_per_expert: Vec<u32>,
    /// Length of a period (s), where some GPU had breaks.
    pub period_s: f64,
}

/// A hold as the kernel model is fitted to it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MoeRow {
    /// Which GPU.
    pub gpu: u32,
    /// Tokens at every expert.
    pub tokens_per_expert: u32,
    /// Experts.
    pub experts: u32,
    /// Length of the hold (s).
    pub secs: f64,
    /// Energy of the GPU in it (J).
    pub joules: f64,
    /// Time of a layer (us), from the start of one to the start of the next.
    pub us_per_layer: f64,
    /// Mean clock (MHz).
    pub sm_mhz_mean: Option<f64>,
}

/// One GPU's work in a phase.
#[derive(Clone, Copy, Debug, Default)]
struct Done {
    layers: u64,
    busy: f64,
}

/// Plays a schedule: one load a GPU, each on a thread of its own, so that GPUs do not wait for each other.
///
/// # Errors
/// A sentence: a load or a device that failed. What was done up to then is in the second part.
pub fn excite(
    schedule: &Schedule,
    phases: &[Phase],
    loads: &mut [Box<dyn Load>],
    clock: &dyn Clock,
    monitor: Option<&Monitor>,
    stop: &AtomicBool,
    begins: &mut dyn FnMut(&Phase),
) -> (SideCar, Result<(), String>) {
    let (mut ran, mut outcome) = (Vec::new(), Ok(()));
    for phase in phases {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        if let Some(fault) = monitor.and_then(Monitor::fault) {
            outcome = Err(fault);
            break;
        }
        begins(phase);
        let start = clock.now();
        let done = all_gpus(schedule, phase, loads, clock, stop);
        let end = clock.now();
        match done {
            Ok(done) => ran.push(Ran::of(phase, start, end, &done)),
            Err(why) => {
                outcome = Err(format!("phase `{}`: {why}", phase.name));
                break;
            }
        }
    }
    if monitor.is_some() {
        clock.sleep(TAIL_SECONDS);
    }
    let rows = monitor.map(Monitor::rows).unwrap_or_default();
    let mut moe = Vec::new();
    for ran in &mut ran {
        ran.measure(&rows, schedule.experts, &mut moe);
    }
    let facts = Facts {
        schedule: schedule.name.clone(),
        source: monitor.map_or("none", Monitor::source).to_owned(),
        devices: loads.iter().flat_map(|load| load.devices().to_vec()).collect(),
        gpus: monitor.map(|monitor| monitor.facts().to_vec()).unwrap_or_default(),
    };
    (SideCar { facts, layer: schedule.layer, phases: ran, moe }, outcome)
}

/// All GPUs at once.
fn all_gpus(
    schedule: &Schedule,
    phase: &Phase,
    loads: &mut [Box<dyn Load>],
    clock: &dyn Clock,
    stop: &AtomicBool,
) -> Result<Vec<Done>, String> {
    let end = clock.now() + nanos(phase.seconds);
    if phase.parts.iter().all(|part| part.tokens == 0) {
        while clock.now() < end && !stop.load(Ordering::Relaxed) {
            clock.sleep(((end - clock.now()) as f64 * 1e-9).min(0.5));
        }
        return Ok(vec![Done::default(); loads.len()]);
    }
    if let [load] = loads {
        return Ok(vec![one_gpu(schedule.experts, phase.parts[0], phase.period, &mut **load, clock, end, stop)?]);
    }
    std::thread::scope(|scope| {
        let threads: Vec<_> = (loads.iter_mut().zip(&phase.parts))
            .map(|(load, part)| {
                let (experts, period) = (schedule.experts, phase.period);
                scope.spawn(move || one_gpu(experts, *part, period, &mut **load, clock, end, stop))
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err("the thread of a GPU has failed".to_owned())))
            .collect()
    })
}

/// One GPU until `end`: layer after layer, or in every period for its duty of the time, to the nearest layer but at least one.
fn one_gpu(
    experts: u32,
    part: Part,
    period: f64,
    load: &mut dyn Load,
    clock: &dyn Clock,
    end: i64,
    stop: &AtomicBool,
) -> Result<Done, String> {
    let mut done = Done::default();
    if part.tokens == 0 {
        return Ok(done);
    }
    let share: [Share; 1] = [(0..experts).map(|expert| (ExpertId(expert), part.tokens)).collect()];
    let (mut seconds, mut due) = ([0.0], clock.now());
    while clock.now() < end && !stop.load(Ordering::Relaxed) {
        load.execute(&share, &mut seconds).map_err(|error| error.to_string())?;
        done.layers += 1;
        done.busy += seconds[0];
        let half = nanos(0.5 * seconds[0]);
        if part.duty < 1.0 && clock.now() + half >= due + nanos(part.duty * period) {
            // A layer that takes longer than a period is followed by the next one.
            due = (due + nanos(period)).max(clock.now());
            clock.sleep((due - clock.now()) as f64 * 1e-9);
        }
    }
    Ok(done)
}

impl Ran {
    fn of(phase: &Phase, start: i64, end: i64, done: &[Done]) -> Self {
        let (t0, t1) = (start as f64 * 1e-9, end as f64 * 1e-9);
        // What it came to, not what was asked for: a long layer cannot keep a short duty.
        let duty = |(part, done): (&Part, &Done)| match part {
            Part { tokens: 0, .. } => 0.0,
            Part { duty, .. } if *duty < 1.0 => (done.busy / (t1 - t0)).min(1.0),
            Part { .. } => 1.0,
        };
        let cycled = phase.parts.iter().any(|part| part.tokens > 0 && part.duty < 1.0);
        Self {
            name: phase.name.clone(),
            t0,
            t1,
            duty: phase.parts.iter().zip(done).map(duty).collect(),
            iters: done.iter().map(|done| done.layers).collect(),
            busy_s: done.iter().map(|done| done.busy).collect(),
            energy_mj: Vec::new(),
            tokens_per_expert: phase.parts.iter().map(|part| part.tokens).collect(),
            period_s: if cycled { phase.period } else { 0.0 },
        }
    }

    fn measure(&mut self, rows: &[Vec<Row>], experts: u32, moe: &mut Vec<MoeRow>) {
        let (from, until) = (nanos(self.t0), nanos(self.t1));
        let measured: Vec<GpuMeasured> = rows.iter().map(|rows| GpuMeasured::of(rows, from, until)).collect();
        self.energy_mj = measured.iter().map(|gpu| gpu.joules().map_or(f64::NAN, |joules| 1e3 * joules)).collect();
        if self.energy_mj.iter().any(|energy| energy.is_nan()) {
            self.energy_mj.clear();
        }
        let secs = self.t1 - self.t0;
        for (gpu, measured) in measured.iter().enumerate() {
            let (tokens, layers) = (self.tokens_per_expert[gpu], self.iters[gpu]);
            if secs >= LEAST_HOLD
                && self.duty[gpu] == 1.0
                && layers > 0
                && let Some(joules) = measured.counter_joules
            {
                moe.push(MoeRow {
                    gpu: gpu as u32,
                    tokens_per_expert: tokens,
                    experts,
                    secs,
                    joules,
                    us_per_layer: 1e6 * secs / layers as f64,
                    sm_mhz_mean: measured.mean_mhz,
                });
            }
        }
    }
}

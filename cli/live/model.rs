//! GPUs that are not there: a load that takes the time which the cost model says, and a meter that reads the heat it makes. For trying the
//! commands without a GPU; everything made with it says that it is simulated.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use isotherm_core::cost::{CostKind, DeviceCost, LayerSpec};
use isotherm_core::hardware::Hardware;
use isotherm_core::hardware::kernel::{Draw, Work, capped_step};
use isotherm_core::load::{Load, LoadError, Share};
use isotherm_core::scenario::Scenario;
use isotherm_core::thermal::LeakScratch;
use isotherm_core::world::ThermalSpec;
use isotherm_recording::{DeviceFacts, Entry, Meter, MeterError, Reading, Signal};

use super::clock::{Clock, nanos};

/// Modelled GPUs, to be worked with as a load and read as a meter.
#[derive(Clone)]
pub struct Model {
    clock: Arc<dyn Clock>,
    cost: Arc<DeviceCost>,
    thermal: Arc<ThermalSpec>,
    cap: f64,
    gpus: Arc<Mutex<Vec<Gpu>>>,
    names: Arc<Vec<String>>,
    /// The first GPU that the load works on.
    first: usize,
}

/// One modelled GPU, settled at an instant.
struct Gpu {
    at: i64,
    state: Vec<f64>,
    joules: f64,
    /// What it does until when, and at which clock (MHz).
    working: Option<(i64, Draw, f64)>,
    scratch: LeakScratch,
    /// Instants and energies of the polls of the last second or so: what the mean power is made of.
    polled: Vec<(i64, f64)>,
}

impl Model {
    /// The GPUs of a scenario, at rest for long.
    ///
    /// # Errors
    /// A sentence that says what the scenario lacks.
    pub fn of(scenario: &Scenario, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let layer = scenario.costs.layer.as_ref().ok_or("it needs `[costs.layer]`")?;
        Self::new(&scenario.hardware, layer, scenario.model.top_k, clock)
    }

    /// GPUs of this hardware that execute this layer, at rest for long.
    ///
    /// # Errors
    /// A sentence that says what the profile lacks.
    pub fn new(hardware: &Hardware, layer: &LayerSpec, top_k: u32, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let gpus = hardware.gpus;
        let profile = hardware.profile.as_ref().ok_or("it needs `hardware.profile`")?;
        let thermal = ThermalSpec::of(hardware, CostKind::Device, &[])?.ok_or("it needs `hardware.profile`")?;
        let limits = hardware.limits();
        let model = Self {
            names: Arc::new((0..gpus).map(|gpu| format!("simulated GPU {gpu}")).collect()),
            cap: limits.map_or(f64::INFINITY, |limits| limits.power_cap.get()),
            // One layer at a time, and nobody brings tokens.
            cost: Arc::new(DeviceCost::of(
                &LayerSpec { layers: 1, exchange: false, ..layer.clone() },
                top_k,
                profile,
                true,
            )?),
            thermal: Arc::new(thermal),
            gpus: Arc::default(),
            first: 0,
            clock,
        };
        let now = model.clock.now();
        *model.lock() = (0..gpus as usize).map(|gpu| model.at_rest(gpu, now)).collect();
        Ok(model)
    }

    /// One of these GPUs as a load of its own.
    #[must_use]
    pub fn of_gpu(&self, gpu: usize) -> Self {
        let names = self.names.get(gpu).cloned().into_iter().collect();
        Self { first: self.first + gpu, names: Arc::new(names), ..self.clone() }
    }

    fn at_rest(&self, gpu: usize, now: i64) -> Gpu {
        let network = self.thermal.network(gpu, 0, false);
        let drive = self.drive(gpu, self.cost.base(self.cost.clock.max_mhz));
        let modes = network.modes();
        let steady: Vec<f64> = (0..modes.nodes()).map(|node| modes.steady(&drive, node)).collect();
        let state = modes.state(&steady);
        Gpu { at: now, state, joules: 0.0, working: None, scratch: LeakScratch::default(), polled: Vec::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Gpu>> {
        self.gpus.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drive(&self, gpu: usize, draw: Draw) -> Vec<f64> {
        let network = self.thermal.network(gpu, 0, false);
        let shares = self.thermal.heat_shares.iter().zip(&self.thermal.memory_heat_shares);
        let power: Vec<f64> = shares.map(|(die, memory)| draw.compute_w * die + draw.memory_w * memory).collect();
        let mut drive = vec![0.0; network.modes().modes()];
        network.drive_into(&power, self.thermal.ambient, &mut drive);
        drive
    }

    /// Brings a GPU to an instant.
    fn settle(&self, gpu: usize, state: &mut Gpu, now: i64) {
        if let Some((until, draw, _)) = state.working {
            self.advance(gpu, state, draw, until.min(now));
            if until <= now {
                state.working = None;
            }
        }
        self.advance(gpu, state, self.cost.base(self.cost.clock.max_mhz), now);
    }

    fn advance(&self, gpu: usize, state: &mut Gpu, draw: Draw, until: i64) {
        let seconds = (until - state.at) as f64 * 1e-9;
        if seconds <= 0.0 {
            return;
        }
        let drive = self.drive(gpu, draw);
        let network = self.thermal.network(gpu, 0, false);
        // Beyond a runaway the state stays where it was.
        let flow = network.advance(&mut state.state, &drive, self.thermal.ambient, seconds, &mut state.scratch);
        state.joules += draw.total() * seconds + flow.map_or(0.0, |flow| flow.leaked);
        state.at = until;
    }

    /// Clock, time and power of some work, held to the power cap as if it were done over and over.
    fn operate(&self, work: &Work, celsius: f64) -> (f64, f64, Draw) {
        let step = capped_step(&self.cost.power, &self.cost.clock, self.cap, celsius, work);
        let mhz = self.cost.clock.mhz(step);
        let seconds = self.cost.seconds(work, mhz, 1.0);
        let (compute, memory) = self.cost.joules(work, mhz);
        let work = Draw { compute_w: compute / seconds, memory_w: memory / seconds };
        (mhz, seconds, self.cost.base(mhz) + work)
    }
}

impl Load for Model {
    fn devices(&self) -> &[String] {
        &self.names
    }

    fn execute(&mut self, shares: &[Share], seconds: &mut [f64]) -> Result<(), LoadError> {
        let start = self.clock.now();
        for (place, share) in shares.iter().enumerate() {
            let gpu = self.first + place;
            let counts: Vec<u32> = share.iter().map(|(_, count)| *count).collect();
            let mut gpus = self.lock();
            let Some(state) = gpus.get_mut(gpu) else {
                return Err(LoadError::Failed(format!("there is no GPU {gpu}")));
            };
            self.settle(gpu, state, start);
            seconds[place] = 0.0;
            if counts.iter().any(|count| *count > 0) {
                let celsius = self.thermal.network(gpu, 0, false).modes().temperature(&state.state, 0);
                let (mhz, took, draw) = self.operate(&self.cost.work(&counts), celsius);
                state.working = Some((start + nanos(took), draw, mhz));
                seconds[place] = took;
            }
        }
        self.clock.sleep(seconds.iter().copied().fold(0.0, f64::max));
        Ok(())
    }
}

/// Reads modelled GPUs: whole degrees, an energy counter without steps, mean power of the last second.
pub struct ModelMeter {
    model: Model,
    facts: Vec<DeviceFacts>,
}

impl ModelMeter {
    /// The meter of these GPUs.
    #[must_use]
    pub fn of(model: &Model) -> Self {
        let facts = |(index, name): (usize, &String)| DeviceFacts {
            index: index as u32,
            name: name.clone(),
            power_limit_w: Some(model.cap).filter(|cap| cap.is_finite()),
            max_sm_mhz: Some(model.cost.clock.max_mhz),
            ..DeviceFacts::default()
        };
        Self { facts: model.names.iter().enumerate().map(facts).collect(), model: model.clone() }
    }

    fn reading(&self, gpu: usize, state: &mut Gpu, now: i64) -> Reading {
        const SECOND: i64 = 1_000_000_000;
        self.model.settle(gpu, state, now);
        let modes = self.model.thermal.network(gpu, 0, false).modes();
        let before = state.polled.partition_point(|(at, _)| *at <= now - SECOND).saturating_sub(1);
        state.polled.drain(..before);
        let watts = match state.polled.first() {
            Some((at, joules)) if now > *at => (state.joules - joules) / ((now - at) as f64 * 1e-9),
            _ => 0.0,
        };
        state.polled.push((now, state.joules));
        let mut reading = Reading { device: gpu as u32, begun: now, ended: now, ..Reading::default() };
        let mut set = |signal, value: f64| {
            reading.set(signal, Entry::Value { value: value.round() as i64, changed: now });
        };
        set(Signal::Energy, state.joules * 1e3);
        set(Signal::Temperature, modes.temperature(&state.state, 0));
        set(Signal::MemoryTemperature, modes.temperature(&state.state, self.model.thermal.memory_node));
        set(Signal::SmClock, state.working.map_or(self.model.cost.clock.max_mhz, |(_, _, mhz)| mhz));
        if state.polled.len() > 1 {
            set(Signal::Power, watts * 1e3);
            set(Signal::PowerMean, watts * 1e3);
        }
        reading
    }
}

impl Meter for ModelMeter {
    fn source(&self) -> String {
        "model".to_owned()
    }

    fn devices(&self) -> &[DeviceFacts] {
        &self.facts
    }

    fn read(&mut self, out: &mut Vec<Reading>) -> Result<(), MeterError> {
        let now = self.model.clock.now();
        let mut gpus = self.model.lock();
        out.clear();
        out.extend(gpus.iter_mut().enumerate().map(|(gpu, state)| self.reading(gpu, state, now)));
        Ok(())
    }
}

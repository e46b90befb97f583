//! The GPUs of a run: power, heat and temperature, each settled exactly to the last event that touched it.

use serde::{Deserialize, Serialize};

use super::RunError;
use super::meter::Meter;
use super::thermal::ThermalSpec;
use crate::hardware::kernel::Draw;
use crate::id::GpuId;
use crate::thermal::{Check, LeakScratch, Watch};
use crate::time::SimTime;

/// State of all GPUs, one column per quantity; columns of what a run does not model are empty.
///
/// A GPU's power is constant between two events that touch it. Settling closes that interval: heat, energy and temperature by
/// their closed forms. GPUs that no event touches are left alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Devices {
    pub(super) settled_at: Vec<SimTime>,
    /// Electrical power since `settled_at` (W).
    power: Vec<Draw>,
    /// The part of it that work causes (W).
    work_watts: Vec<f64>,
    /// Die temperature at `settled_at` (degC); NaN where nothing has given one.
    pub(super) temperature: Vec<f64>,
    /// Temperature of what takes the heat of each GPU (degC).
    inlet: Vec<f64>,
    /// Index of the flow in the thermal spec: all GPUs of a run have the same.
    flow: usize,
    /// Whether a GPU is switched off, and leaks no more.
    off: Vec<bool>,
    /// Thermal modes, `gpus x nodes`; empty where temperatures are prescribed.
    modes: Vec<f64>,
    /// Drive of the modes under `power`, `gpus x nodes`.
    drive: Vec<f64>,
    /// Clock since `settled_at` (MHz); zero where clocks are not modelled.
    clock_mhz: Vec<f64>,
    /// Clock over time, summed (MHz s).
    pub(super) clock_mhz_seconds: Vec<f64>,
    /// Electrical energy so far (J).
    pub(super) joules: Vec<f64>,
    /// The part of it that work caused (J).
    pub(super) work_joules: Vec<f64>,
    /// What leaks at a prescribed temperature (W); 0 where networks of heat know of leakage.
    leaking: Vec<f64>,
    /// The part of it that leakage is (J).
    pub(super) leakage_joules: Vec<f64>,
    /// Temperature of the die over time, summed (degC s).
    pub(super) die_seconds: Vec<f64>,
    pub(super) stored_joules: Vec<f64>,
    pub(super) removed_joules: Vec<f64>,
    pub(super) peak: Option<f64>,
    pub(super) memory_peak: Option<f64>,
    /// Work counter: a `WorkDone` of another value is stale.
    pub(super) work_generation: Vec<u32>,
    /// What their power meters show, where the cost model says what a GPU draws.
    pub(super) meter: Option<Meter>,
    #[serde(skip)]
    buffers: Buffers,
}

/// What is warm about the GPUs of a run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct GpuHeat {
    modes: Vec<f64>,
    temperature: Vec<f64>,
    inlet: Vec<f64>,
    flow: usize,
}

/// Rewritten by every interval, part of no saved state.
#[derive(Clone, Debug, Default)]
struct Buffers {
    leak: LeakScratch,
    check: Vec<f64>,
    per_node: Vec<f64>,
    state: Vec<f64>,
}

impl PartialEq for Buffers {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Devices {
    /// `clocked` says whether GPUs have clocks and leak.
    pub(super) fn new(gpus: usize, thermal: Option<&ThermalSpec>, clocked: bool) -> Self {
        let start = thermal.map_or(f64::NAN, |t| t.ambient);
        let column = |is_modelled: bool| vec![0.0; if is_modelled { gpus } else { 0 }];
        let heats = thermal.is_some();
        let mut devices = Self {
            settled_at: vec![SimTime::ZERO; gpus],
            power: vec![Draw::default(); gpus],
            work_watts: vec![0.0; gpus],
            temperature: vec![start; gpus],
            inlet: vec![start; if heats { gpus } else { 0 }],
            flow: 0,
            off: vec![false; gpus],
            modes: Vec::new(),
            drive: Vec::new(),
            clock_mhz: column(clocked),
            clock_mhz_seconds: column(clocked),
            joules: vec![0.0; gpus],
            work_joules: vec![0.0; gpus],
            leaking: column(clocked && !heats),
            leakage_joules: column(clocked),
            die_seconds: column(heats),
            stored_joules: column(heats),
            removed_joules: column(heats),
            peak: thermal.map(|t| t.ambient),
            memory_peak: thermal.map(|t| t.ambient),
            work_generation: vec![0; gpus],
            meter: None,
            buffers: Buffers::default(),
        };
        if let Some(thermal) = thermal {
            devices.flow = thermal.flow_index(1.0);
            let nodes = thermal.nodes();
            for gpu in 0..gpus {
                devices
                    .modes
                    .extend(thermal.network(gpu, devices.flow, false).modes().state(&vec![thermal.ambient; nodes]));
            }
            devices.drive = vec![0.0; gpus * nodes];
        }
        devices
    }

    /// Puts every GPU in the steady state of `power`, with what cools it at `inlets` (degC): the state of a run that starts warm.
    pub(super) fn start_warm(&mut self, power: Draw, inlets: &[f64], thermal: &ThermalSpec) {
        let nodes = thermal.nodes();
        for (gpu, inlet) in inlets.iter().enumerate() {
            self.inlet[gpu] = *inlet;
            self.power[gpu] = power;
            self.drive(gpu, thermal);
            let modes = thermal.network(gpu, self.flow, false).modes();
            let drive = &self.drive[gpu * nodes..][..nodes];
            let steady: Vec<f64> = (0..nodes).map(|node| modes.steady(drive, node)).collect();
            self.modes[gpu * nodes..][..nodes].copy_from_slice(&modes.state(&steady));
            self.temperature[gpu] = steady[0];
            self.peak = self.peak.map(|peak| peak.max(steady[0]));
            self.memory_peak = self.memory_peak.map(|peak| peak.max(steady[thermal.memory_node]));
        }
    }

    /// What is warm about the GPUs at their settled instants.
    pub(super) fn heat(&self) -> GpuHeat {
        GpuHeat {
            modes: self.modes.clone(),
            temperature: self.temperature.clone(),
            inlet: self.inlet.clone(),
            flow: self.flow,
        }
    }

    /// Puts the GPUs, which have just been made and are all on, where those of another run were.
    pub(super) fn start_from(&mut self, heat: &GpuHeat, thermal: &ThermalSpec) {
        self.flow = heat.flow;
        self.modes.clone_from(&heat.modes);
        self.inlet.clone_from(&heat.inlet);
        for (gpu, die) in heat.temperature.iter().enumerate() {
            self.set_temperature(gpu, *die);
            let memory = self.node_temperature(gpu, thermal.memory_node, thermal);
            self.memory_peak = self.memory_peak.map(|peak| peak.max(memory));
        }
    }

    /// Number of GPUs.
    pub(super) fn count(&self) -> usize {
        self.power.len()
    }

    /// Number of thermal modes of all GPUs together.
    pub(super) fn modes(&self) -> usize {
        self.modes.len()
    }

    /// Closes the interval since the GPU was last touched. Settling twice at one instant changes nothing.
    ///
    /// # Errors
    /// [`RunError::Runaway`] if leakage has fed itself without end.
    pub(super) fn settle(&mut self, gpu: GpuId, now: SimTime, thermal: Option<&ThermalSpec>) -> Result<(), RunError> {
        let g = gpu.index();
        let seconds = (now - self.settled_at[g]).seconds();
        if seconds == 0.0 {
            return Ok(());
        }
        let before = (std::mem::replace(&mut self.settled_at[g], now), self.joules[g]);
        let leaking = self.leaking.get(g).copied().unwrap_or(0.0);
        self.joules[g] += (self.power[g].total() + leaking) * seconds;
        self.work_joules[g] += self.work_watts[g] * seconds;
        if let (Some(sum), Some(mhz)) = (self.clock_mhz_seconds.get_mut(g), self.clock_mhz.get(g)) {
            *sum += mhz * seconds;
        }
        if let Some(sum) = self.leakage_joules.get_mut(g) {
            *sum += leaking * seconds;
        }
        if let Some(thermal) = thermal {
            let nodes = thermal.nodes();
            let network = thermal.network(g, self.flow, self.off[g]);
            let state = &mut self.modes[g * nodes..][..nodes];
            let drive = &self.drive[g * nodes..][..nodes];
            let heat = network
                .advance(state, drive, self.inlet[g], seconds, &mut self.buffers.leak)
                .map_err(|fault| RunError::Runaway { gpu, at: now, fault })?;
            self.joules[g] += heat.leaked;
            if let Some(sum) = self.leakage_joules.get_mut(g) {
                *sum += heat.leaked;
            }
            self.die_seconds[g] += heat.first_node;
            self.stored_joules[g] += heat.stored;
            self.removed_joules[g] += heat.removed;
            let modes = network.modes();
            let (die, memory) = (modes.temperature(state, 0), modes.temperature(state, thermal.memory_node));
            if self.off[g] {
                // A GPU that is off takes the temperature of its surroundings: that is no peak of a GPU at work.
                self.temperature[g] = die;
            } else {
                self.set_temperature(g, die);
                self.memory_peak = self.memory_peak.map(|peak| peak.max(memory));
            }
        }
        if let Some(meter) = &mut self.meter {
            meter.settled(g, before, (now, self.joules[g]));
        }
        Ok(())
    }

    /// Closes the interval of every GPU.
    ///
    /// # Errors
    /// As [`Devices::settle`].
    pub(super) fn settle_all(&mut self, now: SimTime, thermal: Option<&ThermalSpec>) -> Result<(), RunError> {
        (0..self.count()).try_for_each(|gpu| self.settle(GpuId(gpu as u32), now, thermal))
    }

    /// Switches a GPU off from the settled instant on: it draws nothing and leaks nothing.
    pub(super) fn switch_off(&mut self, gpu: GpuId, thermal: Option<&ThermalSpec>) {
        let g = gpu.index();
        if let Some(thermal) = thermal {
            self.change_network(g, (self.flow, true), thermal);
        }
        self.off[g] = true;
        self.clock_mhz[g] = 0.0;
        self.set_power(gpu, Draw::default(), 0.0, thermal);
    }

    /// Changes the power from the settled instant on; `work` is the part of it that work causes (W).
    pub(super) fn set_power(&mut self, gpu: GpuId, power: Draw, work: f64, thermal: Option<&ThermalSpec>) {
        let g = gpu.index();
        self.power[g] = power;
        self.work_watts[g] = work;
        if let Some(thermal) = thermal {
            self.drive(g, thermal);
        }
    }

    /// Changes the temperature of what takes the GPU's heat, from the settled instant on.
    pub(super) fn set_inlet(&mut self, gpu: usize, celsius: f64, thermal: &ThermalSpec) {
        self.inlet[gpu] = celsius;
        self.drive(gpu, thermal);
    }

    /// Changes the flow of the coolant for all GPUs, from the settled instant on: temperatures stay, modes become those of
    /// the other network.
    pub(super) fn set_flow(&mut self, flow: usize, thermal: &ThermalSpec) {
        for gpu in 0..self.count() {
            self.change_network(gpu, (flow, self.off[gpu]), thermal);
        }
        self.flow = flow;
        for gpu in 0..self.count() {
            self.drive(gpu, thermal);
        }
    }

    /// Makes the state of a GPU that of another network: temperatures stay.
    fn change_network(&mut self, gpu: usize, (flow, off): (usize, bool), thermal: &ThermalSpec) {
        let nodes = thermal.nodes();
        let before = thermal.network(gpu, self.flow, self.off[gpu]).modes();
        let after = thermal.network(gpu, flow, off).modes();
        let state = &mut self.modes[gpu * nodes..][..nodes];
        let scratch = &mut self.buffers.state;
        scratch.resize(nodes, 0.0);
        after.state_from_into(before, state, scratch);
        state.copy_from_slice(scratch);
    }

    /// Temperature of what takes the GPU's heat (degC).
    pub(super) fn inlet(&self, gpu: usize) -> f64 {
        self.inlet[gpu]
    }

    /// Changes the clock (MHz) from the settled instant on.
    pub(super) fn set_clock(&mut self, gpu: usize, mhz: f64) {
        self.clock_mhz[gpu] = mhz;
    }

    /// Clock of each GPU (MHz) from its settled instant on.
    pub(super) fn clocks(&self) -> &[f64] {
        &self.clock_mhz
    }

    /// Temperature of a node of a GPU at its settled instant (degC).
    pub(super) fn node_temperature(&self, gpu: usize, node: usize, thermal: &ThermalSpec) -> f64 {
        let nodes = thermal.nodes();
        let modes = thermal.network(gpu, self.flow, self.off[gpu]).modes();
        modes.temperature(&self.modes[gpu * nodes..][..nodes], node)
    }

    /// Index of the flow in the thermal spec.
    pub(super) fn flow(&self) -> usize {
        self.flow
    }

    fn drive(&mut self, gpu: usize, thermal: &ThermalSpec) {
        let nodes = thermal.nodes();
        let power = self.power[gpu];
        let per_node = &mut self.buffers.per_node;
        per_node.clear();
        per_node.extend(
            (thermal.heat_shares.iter().zip(&thermal.memory_heat_shares))
                .map(|(compute, memory)| compute * power.compute_w + memory * power.memory_w),
        );
        let drive = &mut self.drive[gpu * nodes..][..nodes];
        thermal.network(gpu, self.flow, self.off[gpu]).drive_into(per_node, self.inlet[gpu], drive);
    }

    /// Electrical power of a GPU at its settled instant, leakage included (W).
    pub(super) fn watts(&self, gpu: usize, thermal: Option<&ThermalSpec>) -> f64 {
        let leakage = thermal.map_or(0.0, |thermal| {
            let nodes = thermal.nodes();
            thermal.network(gpu, self.flow, self.off[gpu]).leakage_power(&self.modes[gpu * nodes..][..nodes])
        });
        self.power[gpu].total() + self.leaking.get(gpu).copied().unwrap_or(0.0) + leakage
    }

    /// Takes over a temperature that somebody else decided.
    pub(super) fn prescribe(&mut self, gpu: usize, celsius: f64) {
        self.set_temperature(gpu, celsius);
    }

    /// What a GPU of prescribed temperature leaks from the settled instant on (W).
    pub(super) fn leak(&mut self, gpu: usize, watts: f64) {
        self.leaking[gpu] = watts;
    }

    fn set_temperature(&mut self, gpu: usize, celsius: f64) {
        self.temperature[gpu] = celsius;
        self.peak = Some(self.peak.map_or(celsius, |peak| peak.max(celsius)));
    }

    /// When a node reaches `threshold` (degC), from below if `rising`, or when to ask again; counted from the settled instant.
    pub(super) fn next_check(
        &mut self,
        gpu: usize,
        node: usize,
        threshold: f64,
        rising: bool,
        thermal: &ThermalSpec,
    ) -> Option<Check> {
        let nodes = thermal.nodes();
        let state = &self.modes[gpu * nodes..][..nodes];
        let drive = &self.drive[gpu * nodes..][..nodes];
        let watch = Watch { node, threshold, rising, horizon: f64::INFINITY };
        thermal.network(gpu, self.flow, self.off[gpu]).next_check(state, drive, &watch, &mut self.buffers.check)
    }
}

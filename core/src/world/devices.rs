//! The GPUs of a run: power, heat and temperature, each settled exactly to the last event that touched it.

use serde::{Deserialize, Serialize};

use super::thermal::ThermalSpec;
use crate::hardware::kernel::Draw;
use crate::id::GpuId;
use crate::time::SimTime;

/// State of all GPUs, one column per quantity.
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
    pub(super) stored_joules: Vec<f64>,
    pub(super) removed_joules: Vec<f64>,
    pub(super) peak: Option<f64>,
    pub(super) memory_peak: Option<f64>,
    /// Work counter: a `WorkDone` of another value is stale.
    pub(super) work_generation: Vec<u32>,
}

impl Devices {
    pub(super) fn new(gpus: usize, thermal: Option<&ThermalSpec>) -> Self {
        let start = thermal.map_or(f64::NAN, |t| t.ambient);
        let mut devices = Self {
            settled_at: vec![SimTime::ZERO; gpus],
            power: vec![Draw::default(); gpus],
            work_watts: vec![0.0; gpus],
            temperature: vec![start; gpus],
            inlet: vec![start; gpus],
            flow: 0,
            modes: Vec::new(),
            drive: Vec::new(),
            clock_mhz: vec![0.0; gpus],
            clock_mhz_seconds: vec![0.0; gpus],
            joules: vec![0.0; gpus],
            work_joules: vec![0.0; gpus],
            stored_joules: vec![0.0; gpus],
            removed_joules: vec![0.0; gpus],
            peak: thermal.map(|t| t.ambient),
            memory_peak: thermal.map(|t| t.ambient),
            work_generation: vec![0; gpus],
        };
        if let Some(thermal) = thermal {
            devices.flow = thermal.flow_index(1.0);
            let nodes = thermal.nodes();
            for gpu in 0..gpus {
                devices.modes.extend(thermal.network(gpu, devices.flow).state(&vec![thermal.ambient; nodes]));
            }
            devices.drive = vec![0.0; gpus * nodes];
        }
        devices
    }

    /// Number of GPUs.
    pub(super) fn count(&self) -> usize {
        self.power.len()
    }

    /// Closes the interval since the GPU was last touched. Settling twice at one instant changes nothing.
    pub(super) fn settle(&mut self, gpu: GpuId, now: SimTime, thermal: Option<&ThermalSpec>) {
        let g = gpu.index();
        let seconds = (now - self.settled_at[g]).seconds();
        if seconds == 0.0 {
            return;
        }
        self.settled_at[g] = now;
        self.joules[g] += self.power[g].total() * seconds;
        self.work_joules[g] += self.work_watts[g] * seconds;
        self.clock_mhz_seconds[g] += self.clock_mhz[g] * seconds;
        if let Some(thermal) = thermal {
            let nodes = thermal.nodes();
            let network = thermal.network(g, self.flow);
            let state = &mut self.modes[g * nodes..][..nodes];
            let drive = &self.drive[g * nodes..][..nodes];
            let heat = network.settle_with_heat(state, drive, self.inlet[g], seconds);
            self.stored_joules[g] += heat.stored;
            self.removed_joules[g] += heat.removed;
            let (die, memory) = (network.temperature(state, 0), network.temperature(state, thermal.memory_node));
            self.set_temperature(g, die);
            self.memory_peak = self.memory_peak.map(|peak| peak.max(memory));
        }
    }

    /// Closes the interval of every GPU.
    pub(super) fn settle_all(&mut self, now: SimTime, thermal: Option<&ThermalSpec>) {
        for gpu in 0..self.count() {
            self.settle(GpuId(gpu as u32), now, thermal);
        }
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
        let nodes = thermal.nodes();
        for gpu in 0..self.count() {
            let (before, after) = (thermal.network(gpu, self.flow), thermal.network(gpu, flow));
            let state = &mut self.modes[gpu * nodes..][..nodes];
            let temperatures: Vec<f64> = (0..nodes).map(|node| before.temperature(state, node)).collect();
            state.copy_from_slice(&after.state(&temperatures));
        }
        self.flow = flow;
        for gpu in 0..self.count() {
            self.drive(gpu, thermal);
        }
    }

    /// Temperature of what takes the GPU's heat (degC).
    pub(super) fn inlet(&self, gpu: usize) -> f64 {
        self.inlet[gpu]
    }

    /// Changes the clock (MHz) from the settled instant on.
    pub(super) fn set_clock(&mut self, gpu: usize, mhz: f64) {
        self.clock_mhz[gpu] = mhz;
    }

    /// Index of the flow in the thermal spec.
    pub(super) fn flow(&self) -> usize {
        self.flow
    }

    fn drive(&mut self, gpu: usize, thermal: &ThermalSpec) {
        let nodes = thermal.nodes();
        let power = self.power[gpu];
        let per_node: Vec<f64> = (thermal.heat_shares.iter().zip(&thermal.memory_heat_shares))
            .map(|(compute, memory)| compute * power.compute_w + memory * power.memory_w)
            .collect();
        let drive = &mut self.drive[gpu * nodes..][..nodes];
        thermal.network(gpu, self.flow).drive_into(&per_node, self.inlet[gpu], drive);
    }

    /// Electrical power of a GPU at its settled instant (W).
    pub(super) fn watts(&self, gpu: usize) -> f64 {
        self.power[gpu].total()
    }

    /// Temperature of a node of a GPU at its settled instant (degC).
    pub(super) fn node_temperature(&self, gpu: usize, node: usize, thermal: &ThermalSpec) -> f64 {
        let nodes = thermal.nodes();
        thermal.network(gpu, self.flow).temperature(&self.modes[gpu * nodes..][..nodes], node)
    }

    /// Takes over a temperature that somebody else decided.
    pub(super) fn prescribe(&mut self, gpu: usize, celsius: f64) {
        self.set_temperature(gpu, celsius);
    }

    fn set_temperature(&mut self, gpu: usize, celsius: f64) {
        self.temperature[gpu] = celsius;
        self.peak = Some(self.peak.map_or(celsius, |peak| peak.max(celsius)));
    }

    /// Seconds from the settled instant until a node reaches `threshold` (degC), from below if `rising`.
    pub(super) fn crossing(
        &self,
        gpu: usize,
        node: usize,
        threshold: f64,
        rising: bool,
        thermal: &ThermalSpec,
    ) -> Option<f64> {
        let nodes = thermal.nodes();
        let state = &self.modes[gpu * nodes..][..nodes];
        let drive = &self.drive[gpu * nodes..][..nodes];
        thermal.network(gpu, self.flow).first_crossing(state, drive, node, threshold, rising, f64::INFINITY)
    }
}

//! The GPUs of a run: power, heat and temperature, each settled exactly to the last event that touched it.

use serde::{Deserialize, Serialize};

use super::spec::ThermalSpec;
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
    pub(super) power: Vec<f64>,
    /// Die temperature at `settled_at` (degC); NaN where nothing has given one.
    pub(super) temperature: Vec<f64>,
    /// Thermal modes, `gpus x nodes`; empty where temperatures are prescribed.
    modes: Vec<f64>,
    /// Drive of the modes under `power`, `gpus x nodes`.
    drive: Vec<f64>,
    /// Electrical energy so far (J).
    pub(super) joules: Vec<f64>,
    pub(super) stored_joules: Vec<f64>,
    pub(super) removed_joules: Vec<f64>,
    /// Since when the die has been above the limit.
    above_since: Vec<Option<SimTime>>,
    pub(super) seconds_above: f64,
    pub(super) peak: Option<f64>,
    /// Work counter: a `WorkDone` of another value is stale.
    pub(super) work_generation: Vec<u32>,
    /// Prediction counter: a `ThresholdCrossed` of another value is stale.
    pub(super) crossing_generation: Vec<u32>,
}

impl Devices {
    pub(super) fn new(gpus: usize, idle_watts: f64, thermal: Option<&ThermalSpec>) -> Self {
        let start = thermal.map_or(f64::NAN, |t| t.ambient);
        let mut devices = Self {
            settled_at: vec![SimTime::ZERO; gpus],
            power: vec![idle_watts; gpus],
            temperature: vec![start; gpus],
            modes: Vec::new(),
            drive: Vec::new(),
            joules: vec![0.0; gpus],
            stored_joules: vec![0.0; gpus],
            removed_joules: vec![0.0; gpus],
            above_since: vec![None; gpus],
            seconds_above: 0.0,
            peak: thermal.map(|t| t.ambient),
            work_generation: vec![0; gpus],
            crossing_generation: vec![0; gpus],
        };
        if let Some(thermal) = thermal {
            let nodes = thermal.modes.nodes();
            let cold = thermal.modes.state(&vec![thermal.ambient; nodes]);
            devices.modes = cold.repeat(gpus);
            devices.drive = vec![0.0; gpus * nodes];
            for gpu in 0..gpus {
                devices.set_power(GpuId(gpu as u32), idle_watts, Some(thermal));
            }
        }
        devices
    }

    /// Closes the interval since the GPU was last touched. Settling twice at one instant changes nothing.
    pub(super) fn settle(&mut self, gpu: GpuId, now: SimTime, thermal: Option<&ThermalSpec>) {
        let g = gpu.index();
        let seconds = (now - self.settled_at[g]).seconds();
        if seconds == 0.0 {
            return;
        }
        self.settled_at[g] = now;
        self.joules[g] += self.power[g] * seconds;
        if let Some(thermal) = thermal {
            let nodes = thermal.modes.nodes();
            let state = &mut self.modes[g * nodes..][..nodes];
            let drive = &self.drive[g * nodes..][..nodes];
            let heat = thermal.modes.settle_with_heat(state, drive, thermal.ambient, seconds);
            self.stored_joules[g] += heat.stored;
            self.removed_joules[g] += heat.removed;
            let die = thermal.modes.temperature(state, 0);
            self.set_temperature(g, die);
        }
    }

    /// Changes the power from the settled instant on.
    pub(super) fn set_power(&mut self, gpu: GpuId, watts: f64, thermal: Option<&ThermalSpec>) {
        let g = gpu.index();
        self.power[g] = watts;
        if let Some(thermal) = thermal {
            let nodes = thermal.modes.nodes();
            let per_node: Vec<f64> = thermal.heat_shares.iter().map(|share| share * watts).collect();
            thermal.modes.drive_into(&per_node, thermal.ambient, &mut self.drive[g * nodes..][..nodes]);
        }
    }

    /// Takes over a temperature that somebody else decided.
    pub(super) fn prescribe(&mut self, gpu: usize, celsius: f64) {
        self.set_temperature(gpu, celsius);
    }

    fn set_temperature(&mut self, gpu: usize, celsius: f64) {
        self.temperature[gpu] = celsius;
        self.peak = Some(self.peak.map_or(celsius, |peak| peak.max(celsius)));
    }

    /// Seconds from the settled instant until the die reaches `limit`, or leaves it if it is above.
    pub(super) fn next_crossing(&self, gpu: GpuId, limit: f64, thermal: &ThermalSpec) -> Option<f64> {
        let (g, nodes) = (gpu.index(), thermal.modes.nodes());
        let state = &self.modes[g * nodes..][..nodes];
        let drive = &self.drive[g * nodes..][..nodes];
        let rising = self.above_since[g].is_none();
        thermal.modes.first_crossing(state, drive, 0, limit, rising, f64::INFINITY)
    }

    /// The die has just reached or left the limit, at `now`.
    pub(super) fn toggle_above(&mut self, gpu: GpuId, now: SimTime) {
        let since = &mut self.above_since[gpu.index()];
        match since.take() {
            Some(start) => self.seconds_above += (now - start).seconds(),
            None => *since = Some(now),
        }
    }

    /// Ends the counting of time above the limit.
    pub(super) fn close_above(&mut self, now: SimTime) {
        for since in &mut self.above_since {
            if let Some(start) = since.take() {
                self.seconds_above += (now - start).seconds();
            }
        }
    }
}

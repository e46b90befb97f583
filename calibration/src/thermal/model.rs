//! A profile as a thermal model of a recording: network, heat sources, sensors.

use isotherm_core::hardware::{DeviceProfile, MemoryPower};
use isotherm_core::thermal::RcNetwork;

use super::response::{Input, Response};
use crate::series::Series;

/// What is needed to predict the temperatures of a recording but the ambient.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) network: RcNetwork,
    /// Share of the heat that is not the memory's that enters each node.
    pub(super) heat: Vec<f64>,
    /// Share of the memory's heat that enters each node.
    pub(super) memory_heat: Vec<f64>,
    /// Without it there is one heat source.
    pub(super) memory: Option<MemoryPower>,
    /// Heat upstream that warms the air by one kelvin (W/K), where several GPUs share a stream.
    pub(super) stream_w_per_k: Option<f64>,
    /// Nodes that have a sensor: the die, and the memory if it has a node of its own.
    pub(super) sensors: Vec<usize>,
}

/// Both heats in each interval and before the first one (W).
pub(super) struct Heats {
    compute: Vec<f64>,
    memory: Vec<f64>,
    before: (f64, f64),
}

impl Model {
    pub(super) fn of(profile: &DeviceProfile) -> Result<Self, String> {
        let network = profile.network()?;
        if profile.node.iter().all(|node| node.ambient_w_per_k == 0.0) {
            return Err("no node has a way to the ambient; give one of them `ambient_w_per_k`".to_owned());
        }
        if let Some(memory) = &profile.memory_power {
            memory.check()?;
        }
        let hbm = profile.memory_node();
        Ok(Self {
            network,
            heat: profile.heat_shares(),
            memory_heat: profile.memory_heat_shares(),
            memory: profile.memory_power.clone(),
            stream_w_per_k: None,
            sensors: if hbm == 0 { vec![0] } else { vec![0, hbm] },
        })
    }

    /// The heats of a recording under this model.
    pub(super) fn heats(&self, series: &Series) -> Heats {
        let split = |power: f64, usage: f64, measured: Option<f64>| {
            let power = power.max(0.0);
            let memory =
                self.memory.as_ref().map_or_else(|| measured.unwrap_or(0.0), |law| law.heat(measured, usage, power));
            (power - memory, memory)
        };
        let measured = |k: usize| series.memory_power.as_ref().and_then(|watts| watts.get(k)).copied();
        let use_of = |k: usize| series.memory_use.get(k).copied().unwrap_or(0.0);
        let both = (0..series.power.len()).map(|k| split(series.power[k], use_of(k), measured(k)));
        let (compute, memory) = both.unzip();
        Heats { compute, memory, before: split(series.initial_power, use_of(0), measured(0)) }
    }

    pub(super) fn response(&self) -> Response {
        Response::new(&self.network, &self.sensors)
    }

    /// Rise of each sensor over an ambient of 0 degC at each instant, by its own heat and that of the GPUs upstream.
    pub(super) fn rise(&self, response: &Response, series: &Series, steps: &[f64]) -> Vec<Vec<f64>> {
        let heats = self.heats(series);
        let sources =
            [(&*self.heat, &*heats.compute, heats.before.0), (&*self.memory_heat, &*heats.memory, heats.before.1)];
        let Some(rate) = self.stream_w_per_k.filter(|_| !series.upstream.is_empty()) else {
            return response.to(steps, &[Input::Heat(&sources)]).swap_remove(0);
        };
        let warmed: Vec<f64> = series.upstream.iter().map(|watts| watts / rate).collect();
        let both =
            response.to(steps, &[Input::Heat(&sources), Input::Ambient(&warmed, series.initial_upstream / rate)]);
        let sum = |parts: (&Vec<f64>, &Vec<f64>)| parts.0.iter().zip(parts.1).map(|(own, air)| own + air).collect();
        both[0].iter().zip(&both[1]).map(sum).collect()
    }
}

impl Series {
    /// Readings of a sensor by its place in [`Model::sensors`]; empty where the recording has none.
    pub(super) fn readings(&self, sensor: usize) -> &[f64] {
        if sensor == 0 { &self.gpu_celsius } else { &self.hbm_celsius }
    }
}

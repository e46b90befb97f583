//! What is read off every GPU when a batch finishes: for people who look at a run over time. Nothing in the run depends on it.

use serde::{Deserialize, Serialize};

use super::World;
use crate::record::{BatchRecord, GpuReadings};
use crate::time::SimTime;

/// Where the last readings stood.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Gauges {
    /// When they were taken: the batch before was done, or the run began.
    read_at: SimTime,
    /// Energy counter of each GPU then (J).
    joules: Vec<f64>,
    /// Time each GPU has worked on the running batch (s).
    busy: Vec<f64>,
}

impl Gauges {
    pub(super) fn new(gpus: usize) -> Self {
        Self { read_at: SimTime::ZERO, joules: vec![0.0; gpus], busy: vec![0.0; gpus] }
    }

    /// Number of GPUs.
    pub(super) fn count(&self) -> usize {
        self.joules.len()
    }

    /// `gpu` has worked on the running batch for some more seconds.
    pub(super) fn add_work(&mut self, gpu: usize, seconds: f64) {
        self.busy[gpu] += seconds;
    }
}

impl World {
    /// Reads all gauges for a batch that is done, at a settled instant.
    pub(super) fn read_gauges(&mut self, batch: &mut BatchRecord, now: SimTime) {
        let (devices, gauges) = (&self.state.devices, &mut self.state.gauges);
        let thermal = self.spec.thermal.as_ref();
        let seconds = (now - gauges.read_at).seconds();
        let power = |gpu: usize| {
            // Batches that follow each other at one instant have no time between them: what is drawn then.
            if seconds == 0.0 {
                return devices.watts(gpu, thermal) as f32;
            }
            ((devices.joules[gpu] - gauges.joules[gpu]) / seconds) as f32
        };
        let gpus = 0..devices.count();
        let memory = thermal.filter(|thermal| thermal.memory_node > 0);
        batch.gpus = GpuReadings {
            power_w: gpus.clone().map(power).collect(),
            clock_mhz: match self.spec.device {
                Some(_) => devices.clocks().iter().map(|mhz| *mhz as f32).collect(),
                None => Vec::new(),
            },
            memory_temperature_degc: memory.map_or_else(Vec::new, |thermal| {
                gpus.map(|gpu| devices.node_temperature(gpu, thermal.memory_node, thermal) as f32).collect()
            }),
            busy_s: gauges.busy.iter().map(|seconds| *seconds as f32).collect(),
        };
        gauges.read_at = now;
        gauges.joules.clone_from(&devices.joules);
        gauges.busy.fill(0.0);
    }
}

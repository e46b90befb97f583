//! The hardware of a scenario: how many GPUs, what a GPU is thermally, which expert lives where.

use serde::{Deserialize, Serialize};

mod clock;
mod limits;
mod origin;
mod power;
mod profile;

pub use clock::Clock;
pub use limits::Limits;
pub use origin::{Basis, Origin};
pub use power::{LeakageLaw, PowerLaw};
pub use profile::{DeviceProfile, Link, Node};

use crate::id::GpuId;
use crate::units::{Celsius, Watts};

/// The `[hardware]` section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hardware {
    /// Number of GPUs.
    pub gpus: u32,
    /// What a GPU is thermally. Without one the GPUs' temperatures must be given by the telemetry source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<DeviceProfile>,
    /// Power of a GPU while it waits (W); the profile's where not given, else 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_power: Option<Watts>,
    /// Die temperature above which time is counted (degC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature_limit: Option<Celsius>,
    /// GPU of each expert; contiguous blocks of equal size where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_of_expert: Option<Vec<u32>>,
}

impl Hardware {
    /// Power of a waiting GPU (W).
    #[must_use]
    pub fn idle_watts(&self) -> f64 {
        self.idle_power.or(self.profile.as_ref().map(|p| p.idle_power)).unwrap_or_default().get()
    }

    /// The GPU of each of `experts` experts: as given, or in contiguous blocks whose sizes differ by at most one.
    ///
    /// ```
    /// use isotherm_core::hardware::Hardware;
    /// let hardware = Hardware { gpus: 2, profile: None, idle_power: None, temperature_limit: None, gpu_of_expert: None };
    /// let gpus: Vec<u32> = hardware.placement(5).iter().map(|gpu| gpu.0).collect();
    /// assert_eq!(gpus, [0, 0, 0, 1, 1]);
    /// ```
    #[must_use]
    pub fn placement(&self, experts: u32) -> Vec<GpuId> {
        match &self.gpu_of_expert {
            Some(gpus) => gpus.iter().copied().map(GpuId).collect(),
            None => {
                let (gpus, experts) = (u64::from(self.gpus), u64::from(experts));
                // Expert e of E goes to GPU floor(e G / E): blocks in order.
                (0..experts).map(|e| GpuId((e * gpus / experts.max(1)) as u32)).collect()
            }
        }
    }
}

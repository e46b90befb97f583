//! The hardware of a scenario: how many GPUs, and what a GPU is thermally.

use serde::{Deserialize, Serialize};

mod clock;
mod cooling;
mod interconnect;
pub mod kernel;
mod limits;
mod memory_power;
mod origin;
mod power;
mod profile;
mod reason;
mod sensor;
mod variability;

pub use clock::Clock;
pub use cooling::{CoolantLoop, Cooling, FanControl, STILL};
pub use interconnect::{Fabric, Interconnect};
pub use limits::Limits;
pub use memory_power::MemoryPower;
pub use origin::{Basis, Origin};
pub use power::PowerLaw;
pub(crate) use profile::DESIGN_RISE_K;
pub use profile::{DeviceProfile, Link, Node};
pub use reason::ClockReason;
pub use sensor::{PowerSignal, Rounding, Sensor};
pub use variability::{DeviceFactors, Variability};

use crate::router::ThermalHint;
use crate::thermal::Modes;
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
    /// GPUs of one node; with more GPUs than that, activations cross the network. One node where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpus_per_node: Option<u32>,
    /// Power limit of every GPU instead of the profile's (W).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power_cap: Option<Watts>,
    /// Shared air or coolant; without it every GPU gives its heat to the profile's ambient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cooling: Option<Cooling>,
    /// How the GPUs differ from each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variability: Option<Variability>,
    /// Power in whose steady state every GPU starts (W); without it everything starts at the temperature of the supply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_power: Option<Watts>,
    /// Batches after which the gate's own routing has warmed the hardware up: every run starts from there, with a clock and an account of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_up: Option<u32>,
    /// What happens when a GPU switches itself off.
    #[serde(default)]
    pub on_shutdown: OnShutdown,
}

/// What happens when a GPU has reached its shutdown temperature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnShutdown {
    /// Its experts move to the GPUs that are left; the work it had in hand is dropped and counted.
    #[default]
    FailOver,
    /// The run ends with an error that says which GPU and when.
    Stop,
}

impl Hardware {
    /// So many GPUs of which nothing else is known.
    #[must_use]
    pub fn of_gpus(gpus: u32) -> Self {
        Self {
            gpus,
            profile: None,
            idle_power: None,
            temperature_limit: None,
            gpus_per_node: None,
            power_cap: None,
            cooling: None,
            variability: None,
            start_power: None,
            warm_up: None,
            on_shutdown: OnShutdown::default(),
        }
    }

    /// What the governor holds the GPUs to: the profile's limits, with the scenario's power cap where it has one.
    #[must_use]
    pub fn limits(&self) -> Option<Limits> {
        let limits = self.profile.as_ref()?.limits.clone()?;
        Some(Limits { power_cap: self.power_cap.unwrap_or(limits.power_cap), ..limits })
    }

    /// What GPU `gpu` is relative to the profile.
    #[must_use]
    pub fn factors(&self, gpu: u32) -> DeviceFactors {
        self.variability.unwrap_or_default().factors(gpu)
    }

    /// What a controller may know beforehand of a GPU, from the profile; `None` without one, or with one that is not physical.
    #[must_use]
    pub fn thermal_hint(&self) -> Option<ThermalHint> {
        let profile = self.profile.as_ref()?;
        let modes = Modes::of(&profile.network().ok()?);
        let rise = modes.steady(&modes.drive(&profile.heat_shares(), 0.0), 0);
        let slowest = modes.time_constants().filter(|constant| constant.is_finite()).fold(0.0, f64::max);
        let supply = self.cooling.as_ref().and_then(|cooling| cooling.supply).unwrap_or(profile.ambient);
        Some(ThermalHint {
            kelvin_per_watt: rise,
            time_constant_s: slowest,
            ambient_degc: supply.get(),
            idle_w: self.idle_watts(),
        })
    }

    /// Power of a waiting GPU (W).
    #[must_use]
    pub fn idle_watts(&self) -> f64 {
        self.idle_power.or(self.profile.as_ref().map(|p| p.idle_power)).unwrap_or_default().get()
    }
}

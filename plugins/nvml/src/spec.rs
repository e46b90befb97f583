//! `kind = "nvml"`: the NVIDIA GPUs of this machine, live.

use std::path::PathBuf;

use isotherm_core::telemetry::{TelemetryError, TelemetrySource, TelemetrySpec};
use isotherm_core::time::SimDuration;
use isotherm_recording::choice::{Choice, DeviceName, PowerSource};
use isotherm_recording::source::MeterSource;
use serde::{Deserialize, Serialize};

use crate::{Effort, NvmlMeter};

/// The GPUs of this machine as they are now.
///
/// Exists because a router that works on a model of the hardware has not been shown to work on the hardware. Such a run waits for the wall
/// clock, and is repeatable only from its own record. Runs are marked "live telemetry", and the model's GPUs take the temperatures that were
/// read as theirs. [`MeterSource`] says how a reading becomes a sample.
///
/// ```
/// use isotherm_core::telemetry::TelemetrySpec;
/// use isotherm_nvml::NvmlSpec;
/// let spec = NvmlSpec { library: Some("/nowhere/libnvidia-ml.so".into()), ..NvmlSpec::default() };
/// assert!(spec.is_live());
/// let message = spec.build(1, 7).err().unwrap().to_string();
/// assert!(message.starts_with("nvml: not available ("), "{message}");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NvmlSpec {
    /// Time between two polls.
    #[serde(default = "default_period")]
    pub period: SimDuration,
    /// The devices that play the GPUs, in order, each by its index or UUID; empty for the first that are found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<DeviceName>,
    /// Which power is a sample's.
    #[serde(default)]
    pub power: PowerSource,
    /// The library to load, where it is not the driver's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub library: Option<PathBuf>,
}

/// Drivers refresh about as often.
const fn default_period() -> SimDuration {
    SimDuration::from_millis(100)
}

impl Default for NvmlSpec {
    fn default() -> Self {
        Self { period: default_period(), devices: Vec::new(), power: PowerSource::default(), library: None }
    }
}

impl NvmlSpec {
    /// Which devices and which of their powers it asks for.
    #[must_use]
    pub fn choice(&self) -> Choice {
        Choice { devices: self.devices.clone(), power: self.power }
    }

    /// As [`TelemetrySpec::build`], for a caller that wants to read the source's events.
    ///
    /// # Errors
    /// [`TelemetryError::Option`] for an option that does not fit the machine, [`TelemetryError::Failed`] if NVML cannot be used.
    pub fn source(&self, gpus: usize) -> Result<MeterSource, TelemetryError> {
        if self.period.is_zero() {
            let message = "the time between two polls is zero; expected a positive duration, for example \"100 ms\"";
            return Err(TelemetryError::Option { option: "period", message: message.to_owned() });
        }
        let mut meter =
            NvmlMeter::open(self.library.as_deref()).map_err(|error| TelemetryError::Failed(error.to_string()))?;
        if self.power == PowerSource::Energy {
            meter.set_effort(Effort::Energy);
        }
        MeterSource::new(Box::new(meter), &self.choice(), gpus)
    }
}

#[typetag::serde(name = "nvml")]
impl TelemetrySpec for NvmlSpec {
    fn period(&self) -> SimDuration {
        self.period
    }

    fn build(&self, gpus: usize, _: u64) -> Result<Box<dyn TelemetrySource>, TelemetryError> {
        Ok(Box::new(self.source(gpus)?))
    }

    fn prescribes_temperature(&self) -> bool {
        true
    }

    fn is_live(&self) -> bool {
        true
    }

    fn warning(&self) -> Option<&'static str> {
        Some("live telemetry")
    }
}

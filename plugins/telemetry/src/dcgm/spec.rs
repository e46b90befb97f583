//! `kind = "dcgm"`: the GPUs that an exporter shows, as they are now.

use isotherm_core::telemetry::{TelemetryError, TelemetrySource, TelemetrySpec};
use isotherm_core::time::SimDuration;
use isotherm_recording::MeterSource;
use isotherm_recording::choice::{Choice, DeviceName, PowerSource};
use serde::{Deserialize, Serialize};

use super::DcgmMeter;
use crate::option::check_period;

/// Real GPUs, live, through the page of a DCGM exporter.
///
/// Exists for machines where an exporter runs and nothing else may: it needs neither a driver nor a right here. It is a coarse source. Exporters ask their
/// devices once in 30 s unless they were started with a shorter `--collect-interval`, and polling more often than that reads the same page again, which
/// is why the default period is 1 s and not the 100 ms of a driver.
///
/// Runs are marked "live telemetry", and the model's GPUs take these temperatures as theirs. A poll that fails, or a device that is lost, leaves samples without values.
///
/// ```
/// use isotherm_core::telemetry::TelemetrySpec;
/// let spec: Box<dyn TelemetrySpec> = toml::from_str("kind = \"dcgm\"\nurl = \"http://127.0.0.1:1\"").unwrap();
/// assert!(spec.is_live());
/// let fault = spec.build(1, 0).err().unwrap().to_string();
/// assert!(fault.starts_with("http://127.0.0.1:1/metrics: not available (nobody listens there; "), "{fault}");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DcgmSpec {
    /// The exporter's page, for example `http://node7:9400/metrics`.
    pub url: String,
    /// Time between two polls.
    #[serde(default = "default_period")]
    pub period: SimDuration,
    /// The devices that play the GPUs, in order, by index or UUID; empty for the first on the page.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<DeviceName>,
    /// Which power is a sample's.
    #[serde(default)]
    pub power: PowerSource,
}

const fn default_period() -> SimDuration {
    SimDuration::from_millis(1000)
}

impl DcgmSpec {
    /// The first devices on the page at `url`, polled every second.
    #[must_use]
    pub fn at(url: impl Into<String>) -> Self {
        Self { url: url.into(), period: default_period(), devices: Vec::new(), power: PowerSource::default() }
    }

    /// Which devices and which of their powers it asks for.
    #[must_use]
    pub fn choice(&self) -> Choice {
        Choice { devices: self.devices.clone(), power: self.power }
    }

    /// As [`TelemetrySpec::build`], for a caller that wants to read the source's events.
    ///
    /// # Errors
    /// [`TelemetryError::Option`] for an option that does not fit the page, [`TelemetryError::Failed`] if the exporter cannot be read.
    pub fn source(&self, gpus: usize) -> Result<MeterSource, TelemetryError> {
        check_period(self.period)?;
        let meter = DcgmMeter::open(&self.url).map_err(|error| TelemetryError::Failed(error.to_string()))?;
        MeterSource::new(Box::new(meter), &self.choice(), gpus)
    }
}

#[typetag::serde(name = "dcgm")]
impl TelemetrySpec for DcgmSpec {
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

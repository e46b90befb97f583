//! What does not change of a device, asked once.

use std::collections::BTreeMap;

use isotherm_recording::device::SignalFacts;
use isotherm_recording::{DeviceFacts, Entry, Reading, Signal};
use nvml_wrapper::Device;
use nvml_wrapper::enum_wrappers::device::{Clock, TemperatureThreshold};
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::sys_exports::field_id;

use crate::answer;
use crate::border;
use crate::call::{GPU, field};
use crate::window::Generation;

/// Distances to the limits as newer devices give them (K): what [`Signal::Margin`] reads when the limit is reached. Negative beyond the
/// highest operating temperature.
///
/// ```
/// use isotherm_nvml::TemperatureLimits;
/// // An H200: clocks are halved two degrees above the highest operating temperature, and it switches itself off eight above.
/// let limits = TemperatureLimits { slowdown: Some(-2), shutdown: Some(-8), ..TemperatureLimits::default() };
/// assert_eq!(limits.degc(limits.slowdown, 87.0), Some(89.0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TemperatureLimits {
    /// At which the device switches itself off, NVML field 193.
    pub shutdown: Option<i32>,
    /// At which its clocks are halved, NVML field 194.
    pub slowdown: Option<i32>,
    /// Of the memory, NVML field 195.
    pub memory: Option<i32>,
    /// Of the die, NVML field 196.
    pub operating: Option<i32>,
}

impl TemperatureLimits {
    /// The temperature at which a limit is reached (degC), from the highest operating temperature (degC).
    #[must_use]
    pub fn degc(&self, limit: Option<i32>, max_operating_degc: f64) -> Option<f64> {
        limit.map(|limit| max_operating_degc - f64::from(limit))
    }

    fn of(device: &Device<'_>) -> Self {
        let mut fields = [
            field_id::NVML_FI_DEV_TEMPERATURE_SHUTDOWN_TLIMIT,
            field_id::NVML_FI_DEV_TEMPERATURE_SLOWDOWN_TLIMIT,
            field_id::NVML_FI_DEV_TEMPERATURE_MEM_MAX_TLIMIT,
            field_id::NVML_FI_DEV_TEMPERATURE_GPU_MAX_TLIMIT,
        ]
        .map(|id| field(id, GPU));
        if border::field_values(device, &mut fields) != 0 {
            return Self::default();
        }
        let [shutdown, slowdown, memory, operating] = fields.map(|field| answer::difference(&field).ok());
        Self { shutdown, slowdown, memory, operating }
    }
}

/// All facts but those of the signals; what the device does not say is absent.
pub(crate) fn of_device(device: &Device<'_>, index: u32, driver: Option<String>) -> (DeviceFacts, TemperatureLimits) {
    let threshold = |which| device.temperature_threshold(which).ok().map(f64::from);
    let limits = TemperatureLimits::of(device);
    let max_operating = threshold(TemperatureThreshold::GpuMax);
    let from_limit = |limit| max_operating.and_then(|max| limits.degc(limit, max));
    let facts = DeviceFacts {
        index,
        name: device.name().unwrap_or_else(|_| UNNAMED.to_owned()),
        uuid: device.uuid().ok(),
        driver,
        power_limit_w: device.enforced_power_limit().ok().map(|milliwatts| f64::from(milliwatts) / 1000.0),
        slowdown_degc: threshold(TemperatureThreshold::Slowdown).or_else(|| from_limit(limits.slowdown)),
        shutdown_degc: threshold(TemperatureThreshold::Shutdown).or_else(|| from_limit(limits.shutdown)),
        max_operating_degc: max_operating,
        memory_max_degc: threshold(TemperatureThreshold::MemoryMax),
        max_sm_mhz: device.max_clock_info(Clock::SM).ok().map(f64::from),
        is_partitioned: device.mig_mode().is_ok_and(|mode| mode.current == MIG_ENABLED),
        signals: BTreeMap::new(),
        missing: BTreeMap::new(),
    };
    (facts, limits)
}

const MIG_ENABLED: u32 = 1;
const UNNAMED: &str = "unknown";

/// A device that could not be attached.
pub(crate) fn of_stranger(index: u32, driver: Option<String>) -> DeviceFacts {
    DeviceFacts { index, name: UNNAMED.to_owned(), driver, ..DeviceFacts::default() }
}

/// Adds what the first reading says of the signals, and the limits that newer drivers give only relative to what was read.
pub(crate) fn add_signals(
    facts: &mut DeviceFacts,
    limits: &TemperatureLimits,
    reading: &Reading,
    generation: Option<Generation>,
) {
    for signal in Signal::ALL {
        match reading.get(signal) {
            Entry::Value { .. } => {
                let window_ms = generation.and_then(|generation| generation.window_ms(signal));
                facts.signals.insert(signal, SignalFacts { window_ms, ..SignalFacts::default() });
            }
            Entry::Missing(missing) => {
                facts.missing.insert(signal, missing);
            }
        }
    }
    let (Some(temperature), Some(margin)) = (reading.value(Signal::Temperature), reading.value(Signal::Margin)) else {
        return;
    };
    let max_operating = *facts.max_operating_degc.get_or_insert((temperature + margin) as f64);
    facts.slowdown_degc = facts.slowdown_degc.or_else(|| limits.degc(limits.slowdown, max_operating));
    facts.shutdown_degc = facts.shutdown_degc.or_else(|| limits.degc(limits.shutdown, max_operating));
}

/// The generation of a device, where its driver says.
pub(crate) fn generation(device: &Device<'_>) -> Result<Generation, NvmlError> {
    device.cuda_compute_capability().map(|capability| Generation { major: capability.major, minor: capability.minor })
}

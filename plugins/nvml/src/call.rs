//! Which signals come from where: fields that one call gives together, and calls of their own.

use isotherm_recording::Signal;
use nvml_wrapper::Device;
use nvml_wrapper::enum_wrappers::device::{Clock, PerformancePolicy, TemperatureSensor};
use nvml_wrapper::sys_exports::field_id;

use crate::answer::{Fault, unsigned_32, unsigned_64};
use crate::border::{self, Field, MOST_FIELDS};

/// The whole GPU as the scope of a field.
pub(crate) const GPU: u32 = 0;
const MODULE: u32 = 1;
const MEMORY: u32 = 2;

/// The signals that are fields: number and scope.
pub(crate) const FIELDS: [(Signal, u32, u32); 7] = [
    (Signal::PowerMean, field_id::NVML_FI_DEV_POWER_AVERAGE, GPU),
    (Signal::PowerInstant, field_id::NVML_FI_DEV_POWER_INSTANT, GPU),
    (Signal::Energy, field_id::NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION, GPU),
    (Signal::MemoryPowerMean, field_id::NVML_FI_DEV_POWER_AVERAGE, MEMORY),
    (Signal::MemoryPowerInstant, field_id::NVML_FI_DEV_POWER_INSTANT, MEMORY),
    (Signal::ModulePowerInstant, field_id::NVML_FI_DEV_POWER_INSTANT, MODULE),
    (Signal::MemoryTemperature, field_id::NVML_FI_DEV_MEMORY_TEMP, GPU),
];

const _: () = assert!(FIELDS.len() <= MOST_FIELDS, "all fields go into one call");

/// A field not asked yet.
pub(crate) fn field(id: u32, scope: u32) -> Field {
    Field { id, scope, ..Field::default() }
}

/// How often a call is worth its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Often {
    /// At every poll.
    Always,
    /// Once a second: what changes rarely, or only grows.
    EverySecond,
}

/// What a call gives: as many values as it has signals, each of them none if the driver left it blank.
pub(crate) type Values = [Option<i64>; 2];

/// A call of its own.
pub(crate) struct Call {
    /// What it gives, in order.
    pub(crate) signals: &'static [Signal],
    /// How often it is made.
    pub(crate) often: Often,
    /// Makes it.
    pub(crate) make: fn(&Device<'_>) -> Result<Values, Fault>,
}

const fn call(signals: &'static [Signal], often: Often, make: fn(&Device<'_>) -> Result<Values, Fault>) -> Call {
    Call { signals, often, make }
}

/// All calls. One whose signal a field has given already is not made.
pub(crate) const CALLS: [Call; 12] = [
    call(&[Signal::Power], Often::Always, |device| one(unsigned_32(device.power_usage()?))),
    call(&[Signal::Energy], Often::Always, |device| one(unsigned_64(device.total_energy_consumption()?))),
    call(&[Signal::Temperature], Often::Always, |device| one(unsigned_32(device.temperature(TemperatureSensor::Gpu)?))),
    call(&[Signal::SmClock], Often::Always, |device| one(unsigned_32(device.clock_info(Clock::SM)?))),
    call(&[Signal::MemoryClock], Often::Always, |device| one(unsigned_32(device.clock_info(Clock::Memory)?))),
    call(&[Signal::Utilisation, Signal::MemoryUtilisation], Often::Always, |device| {
        let rates = device.utilization_rates()?;
        Ok([unsigned_32(rates.gpu), unsigned_32(rates.memory)])
    }),
    call(&[Signal::Reasons], Often::Always, |device| {
        one(unsigned_64(border::reasons(device).map_err(Fault::of_code)?))
    }),
    call(&[Signal::Margin], Often::EverySecond, |device| {
        one(Some(border::margin(device).map_err(Fault::of_code)?.into()))
    }),
    call(&[Signal::PerformanceState], Often::EverySecond, |device| {
        let state = device.performance_state()?.as_c();
        one((state <= LOWEST_STATE).then_some(state.into()))
    }),
    call(&[Signal::PowerViolation], Often::EverySecond, |device| violation(device, PerformancePolicy::Power)),
    call(&[Signal::ThermalViolation], Often::EverySecond, |device| violation(device, PerformancePolicy::Thermal)),
    call(&[Signal::PowerLimit], Often::EverySecond, |device| one(unsigned_32(device.enforced_power_limit()?))),
];

/// The highest number of a performance state; 32 says that it is not known.
const LOWEST_STATE: u32 = 15;

#[expect(clippy::unnecessary_wraps, reason = "the end of every call")]
fn one(value: Option<i64>) -> Result<Values, Fault> {
    Ok([value, None])
}

fn violation(device: &Device<'_>, policy: PerformancePolicy) -> Result<Values, Fault> {
    one(unsigned_64(device.violation_status(policy)?.violation_time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_comes_from_somewhere() {
        for signal in Signal::ALL {
            let is_field = FIELDS.iter().any(|(given, ..)| *given == signal);
            let is_called = CALLS.iter().any(|call| call.signals.contains(&signal));
            assert!(is_field || is_called, "{signal:?}");
        }
    }
}

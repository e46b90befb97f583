//! Which signals come from where: fields that one call gives together, and calls of their own.

use isotherm_recording::Signal;
use nvml_wrapper::Device;
use nvml_wrapper::enum_wrappers::device::{Clock, PerformancePolicy, TemperatureSensor};
use nvml_wrapper::sys_exports::field_id;

use crate::answer::{Fault, unsigned_32, unsigned_64};
use crate::border::{self, Field, MOST_FIELDS};
use crate::effort::Often;

/// The whole GPU as the scope of a field.
pub(crate) const GPU: u32 = 0;
const MODULE: u32 = 1;
const MEMORY: u32 = 2;

/// A signal that is a field.
pub(crate) struct Asked {
    /// The signal.
    pub(crate) signal: Signal,
    /// Number of the field.
    pub(crate) id: u32,
    /// Part of the device.
    pub(crate) scope: u32,
    /// How often it is asked for.
    pub(crate) often: Often,
}

const fn asked(signal: Signal, id: u32, scope: u32, often: Often) -> Asked {
    Asked { signal, id, scope, often }
}

/// The signals that are fields. All that are due are asked for in one call.
pub(crate) const FIELDS: [Asked; 7] = [
    asked(Signal::PowerMean, field_id::NVML_FI_DEV_POWER_AVERAGE, GPU, Often::Always),
    asked(Signal::PowerInstant, field_id::NVML_FI_DEV_POWER_INSTANT, GPU, Often::Always),
    asked(Signal::MemoryPowerMean, field_id::NVML_FI_DEV_POWER_AVERAGE, MEMORY, Often::AsRefreshed),
    asked(Signal::MemoryPowerInstant, field_id::NVML_FI_DEV_POWER_INSTANT, MEMORY, Often::AsRefreshed),
    asked(Signal::ModulePowerInstant, field_id::NVML_FI_DEV_POWER_INSTANT, MODULE, Often::AsRefreshed),
    asked(Signal::MemoryTemperature, field_id::NVML_FI_DEV_MEMORY_TEMP, GPU, Often::AsRefreshed),
    asked(Signal::Energy, field_id::NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION, GPU, Often::EveryTwoSeconds),
];

const _: () = assert!(FIELDS.len() <= MOST_FIELDS, "all fields go into one call");

/// A field not asked yet.
pub(crate) fn field(id: u32, scope: u32) -> Field {
    Field { id, scope, ..Field::default() }
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
    call(&[Signal::Power], Often::AsRefreshed, |device| one(unsigned_32(device.power_usage()?))),
    call(&[Signal::Energy], Often::EveryTwoSeconds, |device| one(unsigned_64(device.total_energy_consumption()?))),
    call(&[Signal::Temperature], Often::AsRefreshed, |device| {
        one(unsigned_32(device.temperature(TemperatureSensor::Gpu)?))
    }),
    call(&[Signal::SmClock], Often::AsRefreshed, |device| one(unsigned_32(device.clock_info(Clock::SM)?))),
    call(&[Signal::MemoryClock], Often::AsRefreshed, |device| one(unsigned_32(device.clock_info(Clock::Memory)?))),
    call(&[Signal::Utilisation, Signal::MemoryUtilisation], Often::AsRefreshed, |device| {
        let rates = device.utilization_rates()?;
        Ok([unsigned_32(rates.gpu), unsigned_32(rates.memory)])
    }),
    call(&[Signal::Reasons], Often::AsRefreshed, |device| {
        one(unsigned_64(border::reasons(device).map_err(Fault::of_code)?))
    }),
    call(&[Signal::Margin], Often::EveryTenSeconds, |device| {
        one(Some(border::margin(device).map_err(Fault::of_code)?.into()))
    }),
    call(&[Signal::PerformanceState], Often::EverySecond, |device| {
        let state = device.performance_state()?.as_c();
        one((state <= LOWEST_STATE).then_some(state.into()))
    }),
    call(&[Signal::PowerViolation], Often::EveryTwoSeconds, |device| violation(device, PerformancePolicy::Power)),
    call(&[Signal::ThermalViolation], Often::EveryTenSeconds, |device| violation(device, PerformancePolicy::Thermal)),
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
            let is_field = FIELDS.iter().any(|field| field.signal == signal);
            let is_called = CALLS.iter().any(|call| call.signals.contains(&signal));
            assert!(is_field || is_called, "{signal:?}");
        }
    }
}

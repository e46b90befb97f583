//! Values of signals for people.

use isotherm_recording::{Missing, Signal};

use super::reasons::in_words;

/// A value with its unit, as precise as its signal is.
///
/// ```
/// use isotherm::telemetry::quantity;
/// use isotherm_recording::Signal;
/// assert_eq!(quantity(Signal::Power, 690_210), "690.2 W");
/// assert_eq!(quantity(Signal::Temperature, 64), "64 degC");
/// assert_eq!(quantity(Signal::Reasons, 4), "SwPowerCap");
/// ```
#[must_use]
pub fn quantity(signal: Signal, value: i64) -> String {
    let scaled = |factor: f64, unit: &str| format!("{:.1} {unit}", value as f64 * factor);
    match signal {
        Signal::Power
        | Signal::PowerMean
        | Signal::PowerInstant
        | Signal::MemoryPowerMean
        | Signal::MemoryPowerInstant
        | Signal::ModulePowerInstant
        | Signal::PowerLimit => scaled(1e-3, "W"),
        Signal::Energy => scaled(1e-6, "kJ"),
        Signal::PowerViolation | Signal::ThermalViolation => scaled(1e-9, "s"),
        Signal::Temperature | Signal::MemoryTemperature => format!("{value} degC"),
        Signal::Margin => format!("{value} K"),
        Signal::SmClock | Signal::MemoryClock => format!("{value} MHz"),
        Signal::Utilisation | Signal::MemoryUtilisation => format!("{value} %"),
        Signal::Reasons => in_words(value.cast_unsigned()),
        Signal::PerformanceState => format!("P{value}"),
    }
}

/// Why there is no value.
#[must_use]
pub fn absence(missing: Missing) -> String {
    match missing {
        Missing::NotAsked => "not in this source".to_owned(),
        Missing::Unsupported => "unsupported".to_owned(),
        Missing::NoPermission => "no permission".to_owned(),
        Missing::Lost => "lost".to_owned(),
        Missing::Invalid => "not a value".to_owned(),
        Missing::Failed(code) => format!("failed, code {code}"),
    }
}

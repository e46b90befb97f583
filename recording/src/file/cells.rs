//! One cell to one value.

use crate::signal::Signal;

use super::number::shifted;

/// What a cell holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell {
    /// A value in the unit of its signal.
    Value(f64),
    /// Nothing was measured.
    Missing,
    /// Something else.
    Odd,
}

impl Cell {
    /// The value, or NaN.
    pub(super) fn or_nan(self) -> f64 {
        match self {
            Self::Value(value) => value,
            Self::Missing | Self::Odd => f64::NAN,
        }
    }
}

/// What a cell of a signal should hold, for messages.
pub(super) const fn unit(signal: Signal) -> &'static str {
    match signal {
        Signal::Temperature | Signal::MemoryTemperature => "degrees Celsius, for example 41",
        Signal::Margin => "degrees, for example 46",
        Signal::Energy => "millijoules, for example 2582411",
        Signal::SmClock | Signal::MemoryClock => "megahertz, for example 1980",
        Signal::Utilisation | Signal::MemoryUtilisation => "per cent, for example 87",
        Signal::Reasons => "a bit mask, for example 4 or 0x4",
        Signal::PerformanceState => "a state, for example 0 or P0",
        Signal::PowerViolation | Signal::ThermalViolation => "nanoseconds, for example 1200000",
        Signal::Power
        | Signal::PowerMean
        | Signal::PowerInstant
        | Signal::MemoryPowerMean
        | Signal::MemoryPowerInstant
        | Signal::ModulePowerInstant
        | Signal::PowerLimit => "milliwatts, for example 80445",
    }
}

/// Reads a cell whose unit is ten to the power of `places` of the signal's, and may be written behind the number.
pub(super) fn read(signal: Signal, text: &str, places: i32) -> Cell {
    if is_blank(text) {
        return Cell::Missing;
    }
    let number = text.trim_end_matches([' ', '%', 'W', 'M', 'H', 'z', 'C']);
    let value = match signal {
        Signal::Reasons => text
            .strip_prefix("0x")
            .map_or_else(|| shifted(text, 0), |hex| u64::from_str_radix(hex, 16).ok().map(|mask| mask as f64)),
        Signal::PerformanceState => shifted(text.strip_prefix('P').unwrap_or(text), 0),
        _ => shifted(number, places),
    };
    value.map_or(Cell::Odd, Cell::Value)
}

/// Words for no value: of `nvidia-smi`, which puts reasons into brackets, of DCGM and of Prometheus.
fn is_blank(text: &str) -> bool {
    const WORDS: [&str; 6] = ["N/A", "Not Supported", "Unknown Error", "ERR!", "-", "null"];
    text.is_empty() || WORDS.contains(&text) || (text.starts_with('[') && text.ends_with(']'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_with_and_without_their_units() {
        for (signal, text, places, value) in [
            (Signal::Power, "80.45 W", 3, 80_450.0),
            (Signal::Power, "80.45", 3, 80_450.0),
            (Signal::Temperature, "41", 0, 41.0),
            (Signal::Temperature, "41.25", 0, 41.25),
            (Signal::SmClock, "1980 MHz", 0, 1980.0),
            (Signal::Utilisation, "100 %", 0, 100.0),
            (Signal::Reasons, "0x0000000000000004", 0, 4.0),
            (Signal::Reasons, "4", 0, 4.0),
            (Signal::PerformanceState, "P8", 0, 8.0),
            (Signal::Energy, "2147483633", 0, 2_147_483_633.0),
        ] {
            assert_eq!(read(signal, text, places), Cell::Value(value), "{text}");
        }
    }

    #[test]
    fn words_for_no_value_are_missing_and_other_words_are_odd() {
        for text in ["", "[N/A]", "N/A", "[Not Supported]", "Unknown Error", "[Insufficient Permissions]", "-"] {
            assert_eq!(read(Signal::Power, text, 3), Cell::Missing, "{text}");
        }
        for text in ["4x", "NaN", "inf", "0x4", "P0"] {
            assert_eq!(read(Signal::Temperature, text, 0), Cell::Odd, "{text}");
        }
    }
}

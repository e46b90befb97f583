//! What the text of a value is worth: a value, or the reason why it is none.

use crate::reading::{Entry, Missing};

use super::names::{Field, Kind};

/// DCGM's "no value" among 64-bit integers. One more is "not found", two more "not supported", three more "no permission".
const BLANK_64: i64 = 0x7fff_ffff_ffff_fff0;
/// The same among 32-bit integers.
const BLANK_32: i64 = 0x7fff_fff0;
/// The same among floating-point numbers.
const BLANK_FLOAT: i64 = 1 << 47;
/// Blanks of each kind that DCGM has words for.
const BLANKS: i64 = 4;
/// Integers up to here are exact as `f64`.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The entry that a field's value makes.
#[must_use]
pub fn entry(field: &Field, text: &str, changed: i64) -> Entry {
    match value(field, text) {
        Ok(value) => Entry::Value { value, changed },
        Err(missing) => Entry::Missing(missing),
    }
}

/// The value in the unit of the field's signal, rounded to a whole number of it.
fn value(field: &Field, text: &str) -> Result<i64, Missing> {
    let value = match text.parse::<i64>() {
        Ok(whole) => {
            refuse_blank(field, whole)?;
            whole.checked_mul(field.scale)
        }
        Err(_) => {
            let number = finite(text).ok_or(Missing::Invalid)?;
            if number.fract() == 0.0 {
                // Saturates: whatever is beyond 64 bits is beyond every range too.
                refuse_blank(field, number as i64)?;
            }
            let scaled = (number * field.scale as f64).round();
            (scaled.abs() < EXACT).then_some(scaled as i64)
        }
    };
    value.filter(|value| field.range.contains(value)).ok_or(Missing::Invalid)
}

/// A number as the text format writes it, `NaN` and `+Inf` being none.
#[must_use]
pub fn finite(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// Whether a value in the unit of the field's signal can be one: no blank, and in range.
#[must_use]
pub fn can_be(field: &Field, value: f64) -> bool {
    let written = (value / field.scale as f64).round();
    value.is_finite() && refuse_blank(field, written as i64).is_ok() && field.range.contains(&(value.round() as i64))
}

/// What DCGM means by a number that stands for no value.
fn refuse_blank(field: &Field, number: i64) -> Result<(), Missing> {
    // Counters pass the small blanks in a normal life: 2^31 mJ in an hour, 2^47 ns in 39 hours. DCGM keeps them in 64 bits.
    let bases: &[i64] = match field.kind {
        Kind::Counter => &[BLANK_64],
        Kind::Gauge => &[BLANK_64, BLANK_32, BLANK_FLOAT],
    };
    for base in bases {
        match number.checked_sub(*base) {
            Some(2) => return Err(Missing::Unsupported),
            Some(3) => return Err(Missing::NoPermission),
            Some(0..BLANKS) => return Err(Missing::Invalid),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use crate::Signal;

    use super::super::names::{FIELDS, of_signal};
    use super::*;

    fn read(signal: Signal, text: &str) -> Result<i64, Missing> {
        value(of_signal(signal).unwrap(), text)
    }

    #[test]
    fn watts_become_milliwatts_exactly() {
        for milliwatts in (0..10_000_000).step_by(997).chain([1, 9_999_999]) {
            let text = format!("{}.{:03}000", milliwatts / 1000, milliwatts % 1000);
            assert_eq!(read(Signal::Power, &text), Ok(milliwatts), "{text}");
        }
        assert_eq!(read(Signal::Power, "700"), Ok(700_000));
        assert_eq!(read(Signal::Power, "7.5e1"), Ok(75_000));
        assert_eq!(read(Signal::Power, "73.4996"), Ok(73_500), "to the nearest milliwatt");
    }

    #[test]
    fn counters_are_exact_to_the_last_digit() {
        for counter in [0, 2_147_483_632, 140_737_488_355_328, 9_007_199_254_740_993, i64::MAX - 16] {
            assert_eq!(read(Signal::Energy, &counter.to_string()), Ok(counter));
            assert_eq!(read(Signal::ThermalViolation, &counter.to_string()), Ok(counter));
        }
    }

    #[test]
    fn blanks_are_missing_whatever_they_are_written_as() {
        for field in &FIELDS {
            for (text, missing) in [
                ("9223372036854775792", Missing::Invalid),
                ("9223372036854775793", Missing::Invalid),
                ("9223372036854775794", Missing::Unsupported),
                ("9223372036854775795", Missing::NoPermission),
                ("9223372036854775807", Missing::Invalid),
                ("9.223372036854776e+18", Missing::Invalid),
                ("18446744073709551615", Missing::Invalid),
                ("NaN", Missing::Invalid),
                ("nan", Missing::Invalid),
                ("+Inf", Missing::Invalid),
                ("-Inf", Missing::Invalid),
                ("", Missing::Invalid),
                ("N/A", Missing::Invalid),
                ("ERROR", Missing::Invalid),
                ("0x10", Missing::Invalid),
                ("1,5", Missing::Invalid),
                ("-1e30", Missing::Invalid),
            ] {
                assert_eq!(value(field, text), Err(missing), "{} {text}", field.name);
            }
        }
        for (text, missing) in [
            ("140737488355328.000000", Missing::Invalid),
            ("140737488355330.000000", Missing::Unsupported),
            ("140737488355331.000000", Missing::NoPermission),
            ("2147483634", Missing::Unsupported),
        ] {
            assert_eq!(read(Signal::Power, text), Err(missing), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_is_missing() {
        for (signal, text) in [
            (Signal::Utilisation, "4294967295"),
            (Signal::Utilisation, "101"),
            (Signal::Temperature, "-274"),
            (Signal::Temperature, "70000"),
            (Signal::MemoryTemperature, "0"),
            (Signal::PerformanceState, "32"),
            (Signal::Power, "-0.5"),
            (Signal::Power, "1000000"),
            (Signal::Energy, "-1"),
        ] {
            assert_eq!(read(signal, text), Err(Missing::Invalid), "{signal:?} {text}");
        }
    }
}

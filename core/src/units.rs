//! Physical quantities as types, so that watts cannot be added to joules nor 80 degC doubled.
//!
//! Only the products the simulator uses exist (`W x s = J`, `K/W x W = K`, `J / s = W`): the list of
//! operators is the list of the physics. Inside one formula plain `f64` with the unit in its name is fine.
//! In files a quantity is text with its unit: `"250 W"`, `"35 degC"`, `"1980 MHz"`.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};
use std::str::FromStr;

use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::time::SimDuration;

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $what:literal, $example:literal, [$(($unit:literal, $factor:expr)),+] $(, least $least:literal)?) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
        pub struct $name(f64);

        impl $name {
            /// Wraps a value given in the base unit.
            #[must_use]
            pub const fn new(value: f64) -> Self {
                Self(value)
            }

            /// The value in the base unit.
            #[must_use]
            pub const fn get(self) -> f64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                // The base unit is the first of the list.
                let unit = [$($unit),+][0];
                match f.precision() {
                    Some(digits) => write!(f, "{:.digits$} {unit}", self.0),
                    None => write!(f, "{} {unit}", self.0),
                }
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let value = parse_quantity(text, $what, $example, &[$(($unit, $factor)),+])?;
                $(if value < $least {
                    return Err(format!(
                        "`{text}` is not {}; there is nothing below {}, for example \"{}\"", $what, $least, $example
                    ));
                })?
                Ok(Self(value))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserialize_text(deserializer, concat!($what, " such as \"", $example, "\""))
            }
        }
    };
}

/// Sum, difference and scaling within one quantity; absolute temperatures do not get these.
macro_rules! linear {
    ($($name:ident),+) => {$(
        impl Add for $name {
            type Output = Self;
            fn add(self, rhs: Self) -> Self { Self(self.0 + rhs.0) }
        }
        impl AddAssign for $name {
            fn add_assign(&mut self, rhs: Self) { self.0 += rhs.0; }
        }
        impl Sub for $name {
            type Output = Self;
            fn sub(self, rhs: Self) -> Self { Self(self.0 - rhs.0) }
        }
        impl Neg for $name {
            type Output = Self;
            fn neg(self) -> Self { Self(-self.0) }
        }
        impl Mul<f64> for $name {
            type Output = Self;
            fn mul(self, rhs: f64) -> Self { Self(self.0 * rhs) }
        }
        impl Div for $name {
            type Output = f64;
            fn div(self, rhs: Self) -> f64 { self.0 / rhs.0 }
        }
    )+};
}

quantity! {
    /// An absolute temperature (degC). Two of them cannot be added; their difference is a [`TempDelta`].
    ///
    /// ```
    /// use isotherm_core::units::{Celsius, TempDelta};
    /// assert_eq!(Celsius::new(80.0) - Celsius::new(35.0), TempDelta::new(45.0));
    /// assert_eq!("35 degC".parse::<Celsius>(), Ok(Celsius::new(35.0)));
    /// assert!("35 W".parse::<Celsius>().is_err());
    /// assert!("-300 degC".parse::<Celsius>().is_err());
    /// ```
    Celsius, "a temperature", "35 degC", [("degC", 1.0)], least -273.15
}
quantity! {
    /// A difference of temperatures (K).
    TempDelta, "a temperature difference", "5 K", [("K", 1.0)]
}
quantity! {
    /// Power (W).
    ///
    /// ```
    /// use isotherm_core::{time::SimDuration, units::{Joules, Watts}};
    /// assert_eq!(Watts::new(250.0) * SimDuration::from_millis(2000), Joules::new(500.0));
    /// assert_eq!("0.7 kW".parse::<Watts>(), Ok(Watts::new(700.0)));
    /// ```
    Watts, "a power", "250 W", [("W", 1.0), ("mW", 1e-3), ("kW", 1e3)]
}
quantity! {
    /// Energy (J).
    Joules, "an energy", "0.5 J", [("J", 1.0), ("mJ", 1e-3), ("kJ", 1e3), ("kWh", 3.6e6), ("Wh", 3600.0)]
}
quantity! {
    /// Heat capacity (J/K).
    JoulesPerKelvin, "a heat capacity", "450 J/K", [("J/K", 1.0)]
}
quantity! {
    /// Thermal resistance (K/W).
    KelvinPerWatt, "a thermal resistance", "0.05 K/W", [("K/W", 1.0)]
}
quantity! {
    /// Frequency (Hz).
    Hertz, "a frequency", "1980 MHz", [("Hz", 1.0), ("kHz", 1e3), ("MHz", 1e6), ("GHz", 1e9)]
}
quantity! {
    /// An amount of data (B).
    Bytes, "an amount of data", "141 GB", [("B", 1.0), ("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("KiB", 1024.0), ("MiB", 1_048_576.0), ("GiB", 1_073_741_824.0)]
}

linear!(TempDelta, Watts, Joules, JoulesPerKelvin, KelvinPerWatt, Hertz, Bytes);

impl Sub for Celsius {
    type Output = TempDelta;
    fn sub(self, rhs: Self) -> TempDelta {
        TempDelta(self.0 - rhs.0)
    }
}

impl Add<TempDelta> for Celsius {
    type Output = Self;
    fn add(self, rhs: TempDelta) -> Self {
        Self(self.0 + rhs.0)
    }
}

impl Mul<SimDuration> for Watts {
    type Output = Joules;
    fn mul(self, rhs: SimDuration) -> Joules {
        Joules(self.0 * rhs.seconds())
    }
}

impl Div<SimDuration> for Joules {
    type Output = Watts;
    fn div(self, rhs: SimDuration) -> Watts {
        Watts(self.0 / rhs.seconds())
    }
}

impl Mul<Watts> for KelvinPerWatt {
    type Output = TempDelta;
    fn mul(self, rhs: Watts) -> TempDelta {
        TempDelta(self.0 * rhs.0)
    }
}

impl Mul<TempDelta> for JoulesPerKelvin {
    type Output = Joules;
    fn mul(self, rhs: TempDelta) -> Joules {
        Joules(self.0 * rhs.0)
    }
}

/// `"250 W"` with the units and factors of one quantity; non-finite numbers are refused at this door.
fn parse_quantity(text: &str, what: &str, example: &str, units: &[(&str, f64)]) -> Result<f64, String> {
    let fault = || {
        let names: Vec<&str> = units.iter().map(|(name, _)| *name).collect();
        format!(
            "`{text}` is not {what}; expected a finite number and a unit ({}), for example \"{example}\"",
            names.join(", ")
        )
    };
    let trimmed = text.trim();
    // The unit starts at the first letter that is not an exponent: after the last digit or point.
    let split = trimmed.rfind(|c: char| c.is_ascii_digit() || c == '.').ok_or_else(fault)? + 1;
    let (number, unit) = (trimmed[..split].trim(), trimmed[split..].trim());
    let value: f64 = number.parse().map_err(|_| fault())?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit).ok_or_else(fault)?;
    let value = value * factor;
    if value.is_finite() { Ok(value) } else { Err(fault()) }
}

/// Reads a value written as text through its [`FromStr`]; `expecting` teaches the form.
pub(crate) fn deserialize_text<'de, D, T>(deserializer: D, expecting: &'static str) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err = String>,
{
    struct Text<T>(&'static str, PhantomData<T>);

    impl<T: FromStr<Err = String>> Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }

    deserializer.deserialize_str(Text(expecting, PhantomData))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips() {
        for value in [0.0, 0.1, 250.0, 1e-9, 123_456.789] {
            let power = Watts::new(value);
            assert_eq!(power.to_string().parse(), Ok(power));
        }
    }

    #[test]
    fn wrong_or_missing_units_are_refused_with_an_example() {
        for text in ["250", "250 J", "W", "", "NaN W", "inf W", "1e999 W", "2 5 W", "250W5"] {
            let message = text.parse::<Watts>().unwrap_err();
            assert!(message.contains("\"250 W\""), "{text}: {message}");
        }
    }

    #[test]
    fn a_unit_may_touch_its_number_and_scale_it() {
        assert_eq!("250W".parse(), Ok(Watts::new(250.0)));
        assert_eq!("2.5e2 mW".parse(), Ok(Watts::new(0.25)));
        assert_eq!("-5 degC".parse(), Ok(Celsius::new(-5.0)));
    }
}

//! Simulated time: whole nanoseconds, so that no clock drifts and no tie depends on rounding.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

const NANOS_PER_SECOND: f64 = 1e9;

/// An instant of simulated time (ns since the start of the run).
///
/// Exists because an `f64` clock drifts (3.6e9 steps of 1 us end 69 us short) and because equal
/// instants must compare equal. `u64` nanoseconds reach 584 years.
///
/// ```
/// use isotherm_core::time::{SimDuration, SimTime};
/// let start = SimTime::ZERO;
/// let later = start + SimDuration::from_millis(250);
/// assert_eq!(later.nanos(), 250_000_000);
/// assert_eq!(later - start, SimDuration::from_millis(250));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SimTime(u64);

/// A length of simulated time (ns); never negative.
///
/// In files it is text with a unit: `"250 ms"`, `"1.5 s"`, `"20 us"`, `"100 ns"`, `"2 min"`, `"1 h"`.
///
/// ```
/// use isotherm_core::time::SimDuration;
/// assert_eq!("1.5 s".parse::<SimDuration>(), Ok(SimDuration::from_millis(1500)));
/// assert!("1.5".parse::<SimDuration>().is_err(), "a bare number has no unit");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimDuration(u64);

impl SimTime {
    /// The start of every run.
    pub const ZERO: Self = Self(0);
    /// The last instant that can be named (584 years).
    pub const MAX: Self = Self(u64::MAX);

    /// The instant `nanos` (ns) after the start.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the start.
    #[must_use]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Seconds since the start (s), for use inside one formula only.
    #[must_use]
    pub fn seconds(self) -> f64 {
        self.0 as f64 / NANOS_PER_SECOND
    }

    /// `self + duration`, or `None` past [`SimTime::MAX`].
    #[must_use]
    pub fn checked_add(self, duration: SimDuration) -> Option<Self> {
        self.0.checked_add(duration.0).map(Self)
    }

    /// Time from `earlier` to `self`; zero when `earlier` is later.
    #[must_use]
    pub fn saturating_since(self, earlier: Self) -> SimDuration {
        SimDuration(self.0.saturating_sub(earlier.0))
    }
}

impl SimDuration {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// `nanos` nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// `millis` milliseconds; saturates at the largest duration.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// The one rounding rule from seconds (s) to nanoseconds: to the nearest, halves away from zero.
    ///
    /// `None` for a negative, non-finite or too large value.
    ///
    /// ```
    /// use isotherm_core::time::SimDuration;
    /// assert_eq!(SimDuration::from_seconds(2.5e-9), Some(SimDuration::from_nanos(3)));
    /// assert_eq!(SimDuration::from_seconds(-1.0), None);
    /// assert_eq!(SimDuration::from_seconds(f64::NAN), None);
    /// ```
    #[must_use]
    pub fn from_seconds(seconds: f64) -> Option<Self> {
        let nanos = (seconds * NANOS_PER_SECOND).round();
        // 2^64 is exactly representable; anything below it converts without saturating.
        (0.0..18_446_744_073_709_551_616.0).contains(&nanos).then_some(Self(nanos as u64))
    }

    /// Length in nanoseconds.
    #[must_use]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Length in seconds (s), for use inside one formula only.
    #[must_use]
    pub fn seconds(self) -> f64 {
        self.0 as f64 / NANOS_PER_SECOND
    }

    /// Whether nothing lies between start and end.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl Add<SimDuration> for SimTime {
    type Output = Self;

    /// Saturates at [`SimTime::MAX`]: an instant that far away never comes.
    fn add(self, duration: SimDuration) -> Self {
        Self(self.0.saturating_add(duration.0))
    }
}

impl Sub for SimTime {
    type Output = SimDuration;

    /// Saturates at zero; use only where `rhs` is not later.
    fn sub(self, rhs: Self) -> SimDuration {
        self.saturating_since(rhs)
    }
}

impl Add for SimDuration {
    type Output = Self;

    fn add(self, rhs: Self) -> Self {
        Self(self.0.saturating_add(rhs.0))
    }
}

impl fmt::Display for SimTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SimDuration(self.0).fmt(f)
    }
}

/// Units a duration may be written in, largest first, with their nanoseconds.
const UNITS: [(&str, u64); 6] = [
    ("h", 3_600_000_000_000),
    ("min", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

impl fmt::Display for SimDuration {
    /// The shortest exact form: the largest unit that divides it, from seconds down.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, nanos) = UNITS[2..].iter().find(|(_, nanos)| self.0.is_multiple_of(*nanos)).unwrap_or(&("ns", 1));
        write!(f, "{} {unit}", self.0 / nanos)
    }
}

impl FromStr for SimDuration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fault = || {
            format!(
                "`{text}` is not a duration; expected a number and one of h, min, s, ms, us, ns, for example \"250 ms\""
            )
        };
        let text = text.trim();
        let split = text.find(|c: char| c.is_alphabetic()).ok_or_else(fault)?;
        let (number, unit) = (text[..split].trim(), &text[split..]);
        let (_, nanos) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(fault)?;
        if let Ok(whole) = number.parse::<u64>() {
            return whole.checked_mul(*nanos).map(Self).ok_or_else(fault);
        }
        let value: f64 = number.parse().map_err(|_| fault())?;
        Self::from_seconds(value * (*nanos as f64) / NANOS_PER_SECOND).ok_or_else(fault)
    }
}

impl Serialize for SimDuration {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SimDuration {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::units::deserialize_text(deserializer, "a duration such as \"250 ms\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips_exactly() {
        for nanos in [0, 1, 999, 1_000, 1_500_000, 250_000_000, 60_000_000_000, u64::MAX] {
            let duration = SimDuration::from_nanos(nanos);
            assert_eq!(duration.to_string().parse(), Ok(duration), "{duration}");
        }
    }

    #[test]
    fn faulty_text_names_an_example() {
        for text in ["", "5", "ms", "-1 s", "NaN s", "1e30 h", "5 sec", "inf s"] {
            let message = text.parse::<SimDuration>().unwrap_err();
            assert!(message.contains("\"250 ms\""), "{message}");
        }
    }
}

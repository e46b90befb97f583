//! What reading a device shows of its true state.

use serde::{Deserialize, Serialize};

use crate::time::SimDuration;
use crate::units::{Joules, TempDelta};

/// The `[sensor]` section of a device profile: how the numbers that a driver gives follow from what is true.
///
/// Exists because no driver tells the truth: power is a mean of the past or a short look at the present, degrees are whole, and both stand
/// still between two refreshes. The default is NVML on an H200.
///
/// ```
/// use isotherm_core::hardware::{PowerSignal, Sensor};
/// let sensor = Sensor::default();
/// assert_eq!(sensor.power, PowerSignal::Mean, "what nvmlDeviceGetPowerUsage gives");
/// assert_eq!(sensor.power_window.to_string(), "1 s");
/// assert!(sensor.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sensor {
    /// Time between two refreshes of what can be read.
    pub refresh: SimDuration,
    /// Time constant of the thermometer; zero for one that follows at once.
    pub lag: SimDuration,
    /// Step of the temperature (K); zero for none.
    pub resolution: TempDelta,
    /// How a temperature becomes a whole number of steps.
    pub rounding: Rounding,
    /// What is read as the power.
    pub power: PowerSignal,
    /// Length of the mean of [`PowerSignal::Mean`].
    pub power_window: SimDuration,
    /// Length of the mean of [`PowerSignal::Instant`].
    pub instant_window: SimDuration,
    /// Time between two advances of the energy counter.
    pub counter_tick: SimDuration,
    /// Unit of the energy counter (J); zero for none.
    pub counter_step: Joules,
}

/// How a temperature becomes a whole number of steps, counted from 0 degC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rounding {
    /// To the nearest, halves away from zero.
    #[default]
    Nearest,
    /// Down, as a register that is cut off.
    Down,
}

/// What is read as the power.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PowerSignal {
    /// The mean of the last `power_window` before a refresh: after a step it climbs for that long.
    #[default]
    Mean,
    /// The mean of the last `instant_window` before a refresh: it sees a part of the time only, so it aliases.
    Instant,
    /// The last advance of the energy counter over its tick.
    Energy,
    /// The power at the refresh, which no device can tell.
    Exact,
}

impl Default for Sensor {
    /// NVML on an H200.
    fn default() -> Self {
        Self {
            refresh: SimDuration::from_millis(100),
            lag: SimDuration::ZERO,
            resolution: TempDelta::new(1.0),
            rounding: Rounding::Nearest,
            power: PowerSignal::Mean,
            power_window: SimDuration::from_millis(1000),
            instant_window: SimDuration::from_millis(25),
            counter_tick: SimDuration::from_millis(100),
            counter_step: Joules::new(1e-3),
        }
    }
}

/// Refreshes that the window of a mean may reach back: each is remembered for every GPU.
const MOST_REFRESHES: u64 = 10_000;

impl Sensor {
    /// What is wrong with these numbers: the key and a sentence with what was expected.
    ///
    /// # Errors
    /// A time of nothing where time has to pass, a negative step, a window longer than what can be remembered or seen.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        for (key, time, example) in [
            ("refresh", self.refresh, "100 ms"),
            ("power_window", self.power_window, "1 s"),
            ("instant_window", self.instant_window, "25 ms"),
            ("counter_tick", self.counter_tick, "100 ms"),
        ] {
            if time.is_zero() {
                return Err((key, format!("is zero; expected a positive duration, for example \"{example}\"")));
            }
        }
        // Written so that NaN, which only code can make, fails too.
        if !(self.resolution.get() >= 0.0 && self.resolution.get().is_finite()) {
            let found = self.resolution;
            let expected = "expected \"0 K\" or more, for example \"1 K\"";
            return Err(("resolution", format!("{found} is not allowed; {expected}")));
        }
        if !(self.counter_step.get() >= 0.0 && self.counter_step.get().is_finite()) {
            let found = self.counter_step;
            let expected = "expected \"0 J\" or more, for example \"1 mJ\"";
            return Err(("counter_step", format!("{found} is not allowed; {expected}")));
        }
        if self.instant_window > self.refresh {
            let (found, most) = (self.instant_window, self.refresh);
            let expected = format!("expected a part of the time between two refreshes, at most \"{most}\"");
            return Err(("instant_window", format!("{found} is too long; {expected}")));
        }
        if self.power_window.nanos() / MOST_REFRESHES > self.refresh.nanos() {
            let found = self.power_window;
            let expected =
                format!("expected at most {MOST_REFRESHES} refreshes of {}, for example \"1 s\"", self.refresh);
            return Err(("power_window", format!("{found} is too long; {expected}")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_says_only_what_differs_from_nvml() {
        let sensor: Sensor = toml::from_str("power = \"instant\"\nrounding = \"down\"").unwrap();
        let expected = Sensor { power: PowerSignal::Instant, rounding: Rounding::Down, ..Sensor::default() };
        assert_eq!(sensor, expected);
        assert!(toml::from_str::<Sensor>("windw = \"1 s\"").is_err());
    }

    #[test]
    fn what_no_sensor_can_be_is_refused_at_its_key() {
        let default = Sensor::default;
        let cases = [
            (Sensor { refresh: SimDuration::ZERO, ..default() }, "refresh"),
            (Sensor { counter_tick: SimDuration::ZERO, ..default() }, "counter_tick"),
            (Sensor { resolution: TempDelta::new(f64::NAN), ..default() }, "resolution"),
            (Sensor { counter_step: Joules::new(-1.0), ..default() }, "counter_step"),
            (Sensor { instant_window: SimDuration::from_millis(101), ..default() }, "instant_window"),
            (Sensor { refresh: SimDuration::from_nanos(50_000), ..default() }, "instant_window"),
            (Sensor { power_window: SimDuration::from_millis(1_100_000), ..default() }, "power_window"),
        ];
        for (sensor, key) in cases {
            assert_eq!(sensor.check().unwrap_err().0, key, "{sensor:?}");
        }
    }
}

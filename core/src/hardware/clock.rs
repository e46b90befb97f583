//! The clock of a GPU: its real steps, and the voltage each needs.

use serde::{Deserialize, Serialize};

/// The `[clock]` section of a device profile.
///
/// ```
/// use isotherm_core::hardware::Clock;
/// let clock = Clock { min_mhz: 345.0, max_mhz: 1980.0, step_mhz: 15.0, voltage: vec![[345.0, 0.67], [1980.0, 1.0]] };
/// assert_eq!(clock.steps(), 110);
/// assert_eq!(clock.mhz(109), 1980.0);
/// assert_eq!(clock.step_at_most(1504.0), 77); // 1500 MHz
/// assert!((clock.voltage_ratio(1162.5) - 0.835).abs() < 1e-12);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// Lowest clock (MHz).
    pub min_mhz: f64,
    /// Highest clock (MHz): what a GPU runs at that nothing holds back.
    pub max_mhz: f64,
    /// Distance of two clocks the device can run at (MHz).
    pub step_mhz: f64,
    /// Voltage against clock as points (MHz, V), clocks rising; straight lines between them, constant outside.
    pub voltage: Vec<[f64; 2]>,
}

impl Clock {
    /// Number of clocks the device can run at.
    #[must_use]
    pub fn steps(&self) -> u32 {
        self.step_at_most(self.max_mhz) + 1
    }

    /// The clock of a step (MHz); step 0 is the lowest.
    #[must_use]
    pub fn mhz(&self, step: u32) -> f64 {
        (self.min_mhz + f64::from(step) * self.step_mhz).min(self.max_mhz)
    }

    /// The highest step whose clock is at most `mhz`; 0 if none is.
    #[must_use]
    pub fn step_at_most(&self, mhz: f64) -> u32 {
        // A billionth of a step forgives the rounding of clocks that were computed.
        ((mhz.min(self.max_mhz) - self.min_mhz) / self.step_mhz + 1e-9).max(0.0) as u32
    }

    /// Voltage at a clock (V).
    #[must_use]
    pub fn volts(&self, mhz: f64) -> f64 {
        let Some(above) = self.voltage.iter().position(|point| point[0] >= mhz) else {
            return self.voltage.last().map_or(1.0, |point| point[1]);
        };
        if above == 0 {
            return self.voltage[0][1];
        }
        let ([f0, v0], [f1, v1]) = (self.voltage[above - 1], self.voltage[above]);
        v0 + (v1 - v0) * (mhz - f0) / (f1 - f0)
    }

    /// Voltage at a clock relative to the voltage at the highest clock.
    #[must_use]
    pub fn voltage_ratio(&self, mhz: f64) -> f64 {
        self.volts(mhz) / self.volts(self.max_mhz)
    }

    /// What the power of work and clock tree grows with at a step: f V^2, the voltage relative to that at the highest clock (MHz).
    #[must_use]
    pub fn dynamic_weight(&self, step: u32) -> f64 {
        self.mhz(step) * self.voltage_ratio(self.mhz(step)).powi(2)
    }

    /// What is wrong with these numbers, as a sentence.
    ///
    /// # Errors
    /// A clock range that is empty, a step that is not positive, a curve whose clocks do not rise or whose voltages fall.
    pub fn check(&self) -> Result<(), String> {
        let positive = |value: f64| value.is_finite() && value > 0.0;
        if !(positive(self.min_mhz) && positive(self.step_mhz) && self.max_mhz.is_finite())
            || self.max_mhz < self.min_mhz
        {
            return Err(
                "`min_mhz`, `max_mhz` and `step_mhz` must be positive and the highest clock not below the lowest"
                    .into(),
            );
        }
        let rising = |points: &[[f64; 2]]| points.windows(2).all(|w| w[1][0] > w[0][0] && w[1][1] >= w[0][1]);
        if self.voltage.is_empty()
            || !self.voltage.iter().all(|p| positive(p[0]) && positive(p[1]))
            || !rising(&self.voltage)
        {
            return Err("`voltage` must list points [MHz, V] with rising clocks and voltages that do not fall".into());
        }
        match self.voltage.last() {
            Some([last, _]) if *last >= self.max_mhz => Ok(()),
            _ => Err(format!("`voltage` must reach up to `max_mhz`, {} MHz", self.max_mhz)),
        }
    }
}

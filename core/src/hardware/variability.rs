//! How devices of one kind differ from each other.

use serde::{Deserialize, Serialize};

use crate::rng::{Domain, Stream};

/// The `[hardware.variability]` section: relative standard deviations over the devices of a cluster.
///
/// The draws depend on this section's own seed and the device's number alone: every repetition of a scenario meets the same
/// cluster, and one more device changes no other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Variability {
    /// Seed of the draws.
    pub seed: u64,
    /// Of the conductances of the thermal network, together (log-normal).
    pub resistance: f64,
    /// Of the leakage (log-normal).
    pub leakage: f64,
    /// Of the highest clock (normal, only downwards: a bin below the nominal clock).
    pub clock: f64,
}

/// What one device is, relative to its profile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeviceFactors {
    /// Factor on the conductances.
    pub conductance: f64,
    /// Factor on the leakage.
    pub leakage: f64,
    /// Factor on the highest clock, at most 1.
    pub clock: f64,
}

impl Variability {
    /// The factors of device `gpu`.
    ///
    /// ```
    /// use isotherm_core::hardware::Variability;
    /// let nominal = Variability::default().factors(3);
    /// assert_eq!((nominal.conductance, nominal.leakage, nominal.clock), (1.0, 1.0, 1.0));
    /// let varied = Variability { resistance: 0.05, ..Variability::default() };
    /// assert_ne!(varied.factors(0), varied.factors(1));
    /// ```
    #[must_use]
    pub fn factors(&self, gpu: u32) -> DeviceFactors {
        let draw = |purpose| Stream::open(self.seed, Domain::Hardware, u64::from(gpu), purpose).normal();
        let (conductance, leakage, clock) = (draw("resistance"), draw("leakage"), draw("clock"));
        DeviceFactors {
            conductance: libm::exp(-self.resistance * conductance),
            leakage: libm::exp(self.leakage * leakage),
            clock: (1.0 - self.clock * clock.abs()).max(0.5),
        }
    }

    /// What is wrong with these numbers, as a sentence.
    ///
    /// # Errors
    /// A deviation that is negative or so large that a factor loses its meaning.
    pub fn check(&self) -> Result<(), String> {
        for (key, value, most) in
            [("resistance", self.resistance, 0.5), ("leakage", self.leakage, 1.0), ("clock", self.clock, 0.1)]
        {
            if !(0.0..=most).contains(&value) {
                return Err(format!("`{key}` is a relative standard deviation from 0 to {most}, found {value}"));
            }
        }
        Ok(())
    }
}

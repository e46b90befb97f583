//! What a GPU draws: static power, leakage, clock tree and the energy of work.

use serde::{Deserialize, Serialize};

use crate::thermal::{Leakage, LeakageLaw};
use crate::units::{Celsius, Watts};

/// The `[power]` section of a device profile.
///
/// With `r` = voltage relative to the voltage at the highest clock and `f` the clock (GHz), a GPU draws
///
/// ```text
/// compute: constant + clock_w_per_ghz f r^2 + leakage(T, r) + joules_per_flop r^2 x flops/s
///          + joules_per_byte (1 - byte_share_in_memory) x bytes/s
/// memory:  memory_constant + joules_per_byte byte_share_in_memory x bytes/s
/// leakage(T, r) = leakage (growth(T) - 1 + r^leakage_voltage_exponent)
/// ```
///
/// The two enter the thermal network at different nodes. The voltage moves the level of the leakage and not its growth with
/// temperature, so that one network serves all clocks; between 1500 and 1980 MHz this is some watts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PowerLaw {
    /// Power that nothing changes: board and voltage conversion (W).
    pub constant: Watts,
    /// Power of the memory while nothing moves (W).
    pub memory_constant: Watts,
    /// Power of the clock tree (W/GHz) at the voltage of the highest clock.
    pub clock_w_per_ghz: f64,
    /// Leakage at `leakage_reference` and the voltage of the highest clock (W).
    pub leakage: Watts,
    /// Temperature of the die at which `leakage` holds (degC).
    pub leakage_reference: Celsius,
    /// Relative growth of the leakage per kelvin (1/K).
    pub leakage_per_kelvin: f64,
    /// How the leakage goes on from there.
    #[serde(default)]
    pub leakage_law: LeakageLaw,
    /// Exponent of the relative voltage in the leakage.
    #[serde(default)]
    pub leakage_voltage_exponent: f64,
    /// Energy of a floating-point operation of the reference type at the voltage of the highest clock (J).
    pub joules_per_flop: f64,
    /// Energy of a byte moved between memory and die (J).
    pub joules_per_byte: f64,
    /// Part of that energy that the memory draws; the rest is drawn by the die.
    pub byte_share_in_memory: f64,
    /// Part of that energy that the die draws and that still heats the memory's side of the package: controllers, links and
    /// caches far from the hot spot. It enters the thermal network like the memory's power.
    #[serde(default)]
    pub byte_share_on_path: f64,
}

impl PowerLaw {
    /// Power of everything but memory, leakage's growth with temperature and work (W) at `ghz` and relative voltage `ratio`.
    ///
    /// What leakage at the reference temperature falls by with the voltage is in it; [`PowerLaw::leakage_watts`] is the rest.
    #[must_use]
    pub fn base_watts(&self, ghz: f64, ratio: f64) -> f64 {
        let level = self.leakage.get() * (libm::pow(ratio, self.leakage_voltage_exponent) - 1.0);
        self.constant.get() + self.clock_w_per_ghz * ghz * ratio * ratio + level
    }

    /// Leakage (W) of a die at `celsius` and the voltage of the highest clock; never negative.
    #[must_use]
    pub fn leakage_watts(&self, celsius: f64) -> f64 {
        let x = self.leakage_per_kelvin * (celsius - self.leakage_reference.get());
        let growth = match self.leakage_law {
            LeakageLaw::Linear => (1.0 + x).max(0.0),
            LeakageLaw::Exponential => libm::exp(x),
        };
        self.leakage.get() * growth
    }

    /// The leakage of the die as the thermal network needs it, times `factor`; its tangent is laid at `design` (degC).
    #[must_use]
    pub fn leakage_of_die(&self, factor: f64, design: f64) -> Leakage {
        Leakage {
            node: 0,
            watts: factor * self.leakage.get(),
            at: self.leakage_reference.get(),
            per_kelvin: self.leakage_per_kelvin,
            // The linear law is the tangent at the reference by definition.
            design: match self.leakage_law {
                LeakageLaw::Linear => self.leakage_reference.get(),
                LeakageLaw::Exponential => design,
            },
        }
    }

    /// What is wrong with these numbers, as a sentence.
    ///
    /// # Errors
    /// A negative power or energy, or a share outside 0 to 1.
    pub fn check(&self) -> Result<(), String> {
        let numbers = [
            ("constant", self.constant.get()),
            ("memory_constant", self.memory_constant.get()),
            ("clock_w_per_ghz", self.clock_w_per_ghz),
            ("leakage", self.leakage.get()),
            ("leakage_per_kelvin", self.leakage_per_kelvin),
            ("leakage_voltage_exponent", self.leakage_voltage_exponent),
            ("joules_per_flop", self.joules_per_flop),
            ("joules_per_byte", self.joules_per_byte),
        ];
        if let Some((key, value)) = numbers.iter().find(|(_, value)| !(value.is_finite() && *value >= 0.0)) {
            return Err(format!("`power.{key}` must be a number that is not negative, found {value}"));
        }
        let (memory, path) = (self.byte_share_in_memory, self.byte_share_on_path);
        if !(memory >= 0.0 && path >= 0.0 && memory + path <= 1.0) {
            return Err(format!(
                "`power.byte_share_in_memory` and `byte_share_on_path` must be parts of one whole, found {memory} and {path}"
            ));
        }
        Ok(())
    }
}

//! What the memory draws when nobody measured it, and what moving its data heats on the die.

use serde::{Deserialize, Serialize};

use crate::units::Watts;

/// The `[memory_power]` section of a device profile: the second heat source of a recording.
///
/// The memory draws `constant + at_full_use u + share_of_total P`, with `u` the share of time in which memory was read or
/// written (NVML's memory utilisation, 0 to 1) and `P` the power of the whole GPU. Where a recording has a reading of the
/// memory's power, it counts with `reading_weight` and the law with the rest. Why not the reading alone: in holds-3 it means
/// 104 W in one phase and 58 W in another at nearly the same use (0.25 and 0.27) and total power, and the memory's
/// temperature does not follow that difference. Whether the two loads were the same is not recorded.
///
/// Data that moves also heats caches, crossbar and memory controllers on the die, far from the hot spot that the sensor
/// reads: `path_at_full_use u` of the GPU's power is counted with the memory's heat.
///
/// ```
/// use isotherm_core::hardware::MemoryPower;
/// use isotherm_core::units::Watts;
/// let memory = MemoryPower {
///     constant: Watts::new(30.0),
///     at_full_use: Watts::new(85.0),
///     share_of_total: 0.04,
///     path_at_full_use: Watts::new(90.0),
///     reading_weight: 0.5,
/// };
/// assert_eq!(memory.watts(1.0, 550.0), 137.0);
/// assert_eq!(memory.heat(None, 1.0, 550.0), 227.0);
/// assert_eq!(memory.heat(Some(131.0), 1.0, 550.0), 224.0);
/// // No more heat than power: a tenth of it always stays with the die.
/// assert_eq!(memory.heat(None, 1.0, 100.0), 90.0);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryPower {
    /// Power at rest (W).
    pub constant: Watts,
    /// What the memory draws beyond that when it is always busy (W).
    pub at_full_use: Watts,
    /// Growth with the power of the whole GPU (W/W).
    #[serde(default)]
    pub share_of_total: f64,
    /// Power that moves from the die's hot spot to the memory's side when memory is always busy (W).
    #[serde(default)]
    pub path_at_full_use: Watts,
    /// Weight of a reading of the memory's power against the law (0 to 1).
    #[serde(default = "reading_weight")]
    pub reading_weight: f64,
}

fn reading_weight() -> f64 {
    1.0
}

impl MemoryPower {
    /// Power of the memory (W), by its use (0 to 1) and the power of the whole GPU (W).
    #[must_use]
    pub fn watts(&self, memory_use: f64, total: f64) -> f64 {
        self.constant.get() + self.at_full_use.get() * memory_use + self.share_of_total * total
    }

    /// Heat on the memory's side (W), by a reading of the memory's power (W), its use (0 to 1) and the power of the whole
    /// GPU (W).
    #[must_use]
    pub fn heat(&self, reading: Option<f64>, memory_use: f64, total: f64) -> f64 {
        let law = self.watts(memory_use, total);
        let watts = reading.map_or(law, |reading| self.reading_weight * reading + (1.0 - self.reading_weight) * law);
        (watts + self.path_at_full_use.get() * memory_use).clamp(0.0, (0.9 * total).max(0.0))
    }

    /// What is wrong with these numbers, as a sentence.
    ///
    /// # Errors
    /// A negative power or share, a weight outside 0 to 1.
    pub fn check(&self) -> Result<(), String> {
        let numbers = [
            ("constant", self.constant.get()),
            ("at_full_use", self.at_full_use.get()),
            ("share_of_total", self.share_of_total),
            ("path_at_full_use", self.path_at_full_use.get()),
        ];
        if !(0.0..=1.0).contains(&self.reading_weight) {
            return Err(format!("`memory_power.reading_weight` must be from 0 to 1, found {}", self.reading_weight));
        }
        match numbers.iter().find(|(_, value)| !(value.is_finite() && *value >= 0.0)) {
            Some((key, value)) => {
                Err(format!("`memory_power.{key}` must be a number that is not negative, found {value}"))
            }
            None => Ok(()),
        }
    }
}

//! What can be read of a GPU: names, units, columns.

use serde::{Deserialize, Serialize};

/// One quantity of one GPU, as drivers give it: an integer in the unit of its column.
///
/// Integers, because that is what NVML measures in: nothing is rounded on the way into a file and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// Power as drivers show it (mW): on Ampere and newer the mean of the last second.
    Power,
    /// Mean power of the last second, NVML field 185 (mW).
    PowerMean,
    /// Power of a short window at the last refresh, NVML field 186 (mW).
    PowerInstant,
    /// Energy since the driver was loaded (mJ).
    Energy,
    /// Mean power of the memory over the last second, NVML field 185 of scope 2 (mW).
    MemoryPowerMean,
    /// Power of the memory at the last refresh, NVML field 186 of scope 2 (mW).
    MemoryPowerInstant,
    /// Power of the module, NVML field 186 of scope 1 (mW).
    ModulePowerInstant,
    /// Temperature of the die (degC).
    Temperature,
    /// Temperature of the memory (degC).
    MemoryTemperature,
    /// Degrees left up to the highest operating temperature (K).
    Margin,
    /// Clock of the multiprocessors (MHz).
    SmClock,
    /// Clock of the memory (MHz).
    MemoryClock,
    /// Share of time in which any kernel ran (%).
    Utilisation,
    /// Share of time in which memory was read or written (%).
    MemoryUtilisation,
    /// Why the clock is not higher: NVML's clocks-event bit mask.
    Reasons,
    /// Performance state; 0 is the highest.
    PerformanceState,
    /// Time held back by the power cap since the driver was loaded (ns).
    PowerViolation,
    /// Time held back by heat since the driver was loaded (ns).
    ThermalViolation,
    /// Power limit in force (mW).
    PowerLimit,
}

impl Signal {
    /// Number of signals.
    pub const COUNT: usize = Self::ALL.len();

    /// All, in the order of the columns.
    pub const ALL: [Self; 19] = [
        Self::Power,
        Self::PowerMean,
        Self::PowerInstant,
        Self::Energy,
        Self::MemoryPowerMean,
        Self::MemoryPowerInstant,
        Self::ModulePowerInstant,
        Self::Temperature,
        Self::MemoryTemperature,
        Self::Margin,
        Self::SmClock,
        Self::MemoryClock,
        Self::Utilisation,
        Self::MemoryUtilisation,
        Self::Reasons,
        Self::PerformanceState,
        Self::PowerViolation,
        Self::ThermalViolation,
        Self::PowerLimit,
    ];

    /// Position in [`Signal::ALL`].
    ///
    /// ```
    /// use isotherm_recording::Signal;
    /// assert!(Signal::ALL.iter().enumerate().all(|(place, signal)| signal.index() == place));
    /// ```
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Name of its column in recordings, unit included.
    #[must_use]
    pub const fn column(self) -> &'static str {
        match self {
            Self::Power => "power_mw",
            Self::PowerMean => "power_avg_mw",
            Self::PowerInstant => "power_inst_mw",
            Self::Energy => "energy_mj",
            Self::MemoryPowerMean => "mem_power_avg_mw",
            Self::MemoryPowerInstant => "mem_power_inst_mw",
            Self::ModulePowerInstant => "module_power_inst_mw",
            Self::Temperature => "temp_c",
            Self::MemoryTemperature => "mem_temp_c",
            Self::Margin => "margin_c",
            Self::SmClock => "sm_mhz",
            Self::MemoryClock => "mem_mhz",
            Self::Utilisation => "util_gpu",
            Self::MemoryUtilisation => "util_mem",
            Self::Reasons => "reasons",
            Self::PerformanceState => "pstate",
            Self::PowerViolation => "power_violation_ns",
            Self::ThermalViolation => "thermal_violation_ns",
            Self::PowerLimit => "power_limit_mw",
        }
    }

    /// The signal of a column.
    #[must_use]
    pub fn of_column(column: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|signal| signal.column() == column)
    }

    /// Whether the value only grows until the driver is loaded again.
    #[must_use]
    pub const fn is_counter(self) -> bool {
        matches!(self, Self::Energy | Self::PowerViolation | Self::ThermalViolation)
    }
}

//! Why a GPU does not run at its highest clock, in NVML's words.

use serde::{Deserialize, Serialize};

/// A reason for a lower clock, or for slower memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockReason {
    /// The power limit: the mean of the last second would be above it.
    SwPowerCap,
    /// The die is above its highest operating temperature.
    SwThermalSlowdown,
    /// The memory is above its highest temperature; NVML gives the same reason as for the die.
    MemoryThermalSlowdown,
    /// The die has reached the temperature at which hardware cuts the clock.
    HwThermalSlowdown,
    /// The die has reached its shutdown temperature: the GPU is lost.
    Shutdown,
}

impl ClockReason {
    /// All reasons, in the order of this list.
    pub const ALL: [Self; 5] = [
        Self::SwPowerCap,
        Self::SwThermalSlowdown,
        Self::MemoryThermalSlowdown,
        Self::HwThermalSlowdown,
        Self::Shutdown,
    ];

    /// NVML's name (`nvmlClocksEventReason...`); for a lost GPU that of the return code.
    ///
    /// ```
    /// use isotherm_core::hardware::ClockReason;
    /// assert_eq!(ClockReason::SwPowerCap.nvml_name(), "SwPowerCap");
    /// ```
    #[must_use]
    pub const fn nvml_name(self) -> &'static str {
        match self {
            Self::SwPowerCap => "SwPowerCap",
            Self::SwThermalSlowdown | Self::MemoryThermalSlowdown => "SwThermalSlowdown",
            Self::HwThermalSlowdown => "HwThermalSlowdown",
            Self::Shutdown => "GpuIsLost",
        }
    }

    /// NVML's bit for it; 0 for a lost GPU, which has none.
    #[must_use]
    pub const fn nvml_bit(self) -> u64 {
        match self {
            Self::SwPowerCap => 0x4,
            Self::SwThermalSlowdown | Self::MemoryThermalSlowdown => 0x20,
            Self::HwThermalSlowdown => 0x40,
            Self::Shutdown => 0,
        }
    }
}

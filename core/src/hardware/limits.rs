//! What the governor holds a GPU to.

use serde::{Deserialize, Serialize};

use super::Clock;
use crate::time::SimDuration;
use crate::units::{Celsius, TempDelta, Watts};

/// The `[limits]` section of a device profile: NVML's thresholds and how the governor keeps them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Power limit on the mean of the last second (W).
    pub power_cap: Watts,
    /// Die temperature above which software lowers the clock step by step (degC).
    pub max_operating: Celsius,
    /// Die temperature at which hardware cuts the clock at once (degC).
    pub slowdown: Celsius,
    /// Die temperature at which the device switches itself off (degC).
    pub shutdown: Celsius,
    /// Memory temperature at which the memory is slowed down (degC).
    pub memory_max: Celsius,
    /// Time between two steps of the governor.
    #[serde(default = "period")]
    pub period: SimDuration,
    /// Power above the cap, as a ratio, that a single period may show; above it the clock falls at once.
    #[serde(default = "burst_ratio")]
    pub burst_ratio: f64,
    /// The software slowdown ends this far below its limit (K).
    #[serde(default = "software_hysteresis")]
    pub software_hysteresis: TempDelta,
    /// The hardware slowdown and the memory's end this far below their limits (K).
    #[serde(default = "hardware_hysteresis")]
    pub hardware_hysteresis: TempDelta,
    /// Factor on the clock while hardware slows down, and on the memory's rate while it is too hot.
    #[serde(default = "slowdown_factor")]
    pub slowdown_factor: f64,
}

fn period() -> SimDuration {
    SimDuration::from_millis(100)
}

fn burst_ratio() -> f64 {
    1.06
}

fn software_hysteresis() -> TempDelta {
    TempDelta::new(2.0)
}

fn hardware_hysteresis() -> TempDelta {
    TempDelta::new(4.0)
}

fn slowdown_factor() -> f64 {
    0.5
}

/// No device of this kind survives above (degC): a limit there is a slip of the hand.
const HOTTEST_DEGC: f64 = 150.0;

impl Limits {
    /// The step to which hardware cuts the clock of `step`.
    pub(crate) fn slowed_step(&self, clock: &Clock, step: u32) -> u32 {
        clock.step_at_most(clock.mhz(step) * self.slowdown_factor)
    }

    /// What is wrong with these numbers, as a sentence.
    ///
    /// # Errors
    /// A cap that is not positive, limits out of order, a factor outside 0 to 1, a period of zero.
    pub fn check(&self) -> Result<(), String> {
        if !(self.power_cap.get().is_finite() && self.power_cap.get() > 0.0) {
            return Err(format!("`limits.power_cap` must be positive, found {}", self.power_cap));
        }
        if !(self.max_operating <= self.slowdown && self.slowdown <= self.shutdown) {
            return Err(format!(
                "`limits` must rise from max_operating ({}) over slowdown ({}) to shutdown ({})",
                self.max_operating, self.slowdown, self.shutdown
            ));
        }
        for (key, limit) in [("shutdown", self.shutdown), ("memory_max", self.memory_max)] {
            if !(limit.get().is_finite() && limit.get() <= HOTTEST_DEGC) {
                return Err(format!("`limits.{key}` is {limit}; no GPU works above {HOTTEST_DEGC} degC"));
            }
        }
        if !(self.slowdown_factor > 0.0 && self.slowdown_factor <= 1.0 && self.burst_ratio >= 1.0) {
            return Err(
                "`limits.slowdown_factor` must be above 0 and at most 1, `limits.burst_ratio` at least 1".into()
            );
        }
        if !(self.software_hysteresis.get() >= 0.0 && self.hardware_hysteresis.get() > 0.0) {
            return Err("`limits.software_hysteresis` must not be negative and `hardware_hysteresis` positive".into());
        }
        if self.period == SimDuration::ZERO {
            return Err("`limits.period` must not be zero".into());
        }
        Ok(())
    }
}

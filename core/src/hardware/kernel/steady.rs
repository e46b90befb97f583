//! What a GPU draws while it works or waits, and the clock at which it just keeps its power cap.

use serde::{Deserialize, Serialize};

use super::Work;
use crate::hardware::{Clock, PowerLaw};

/// Power of a GPU (W), by where the heat enters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Draw {
    /// Everything but the memory.
    pub compute_w: f64,
    /// The memory.
    pub memory_w: f64,
}

impl Draw {
    /// The whole (W).
    #[must_use]
    pub fn total(&self) -> f64 {
        self.compute_w + self.memory_w
    }
}

impl std::ops::Add for Draw {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { compute_w: self.compute_w + other.compute_w, memory_w: self.memory_w + other.memory_w }
    }
}

impl Work {
    /// Energy of the work itself (J): first what becomes heat outside the memory, then inside it. `ratio` is the voltage
    /// relative to that of the highest clock; operations cost its square.
    #[must_use]
    pub fn dynamic_joules(&self, power: &PowerLaw, ratio: f64) -> (f64, f64) {
        let moved = power.joules_per_byte * self.bytes;
        let in_memory = moved * power.byte_share_in_memory;
        (power.joules_per_flop * ratio * ratio * self.reference_flops + moved - in_memory, in_memory)
    }
}

/// Power of a GPU that waits at `mhz`, without what leakage grows by with temperature.
#[must_use]
pub fn base_draw(power: &PowerLaw, clock: &Clock, mhz: f64) -> Draw {
    Draw { compute_w: power.base_watts(mhz / 1000.0, clock.voltage_ratio(mhz)), memory_w: power.memory_constant.get() }
}

/// Power of a GPU that waits at `mhz` with its die at `celsius`.
#[must_use]
pub fn idle_draw(power: &PowerLaw, clock: &Clock, mhz: f64, celsius: f64) -> Draw {
    base_draw(power, clock, mhz) + Draw { compute_w: power.leakage_watts(celsius), memory_w: 0.0 }
}

/// Mean power of a GPU that does `work` over and over at `mhz` with its die at `celsius`.
#[must_use]
pub fn busy_draw(power: &PowerLaw, clock: &Clock, mhz: f64, celsius: f64, work: &Work) -> Draw {
    let idle = idle_draw(power, clock, mhz, celsius);
    let seconds = work.seconds(mhz);
    if seconds <= 0.0 {
        return idle;
    }
    let (compute_j, memory_j) = work.dynamic_joules(power, clock.voltage_ratio(mhz));
    Draw { compute_w: idle.compute_w + compute_j / seconds, memory_w: idle.memory_w + memory_j / seconds }
}

/// The highest clock step at which `work`, over and over, draws at most `cap` (W); step 0 if none does.
///
/// Power rises with the clock (voltage rises and time falls), so the steps are bisected.
#[must_use]
pub fn capped_step(power: &PowerLaw, clock: &Clock, cap: f64, celsius: f64, work: &Work) -> u32 {
    let fits = |step: u32| busy_draw(power, clock, clock.mhz(step), celsius, work).total() <= cap;
    let top = clock.steps() - 1;
    if fits(top) {
        return top;
    }
    let (mut low, mut high) = (0, top);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if fits(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

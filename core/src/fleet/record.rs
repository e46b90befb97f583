//! What a fleet leaves behind beside the record of every run: readings reduced where they are made.

use serde::{Deserialize, Serialize};

use super::histogram::{Bins, Histogram};
use crate::time::SimTime;

/// Least, mean and largest of readings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Least.
    pub min: f32,
    /// Mean.
    pub mean: f32,
    /// Largest.
    pub max: f32,
}

/// The readings of one rack in one window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RackWindow {
    /// The rack, from 0.
    pub rack: u32,
    /// The row it stands in, from 0.
    pub row: u32,
    /// Start of the window.
    pub from: SimTime,
    /// Its end.
    pub until: SimTime,
    /// Temperature of the dies (degC).
    pub temperature: Spread,
    /// Power of the GPUs, leakage included (W).
    pub power: Spread,
    /// Clock of the GPUs (MHz).
    pub clock: Spread,
    /// Mean temperature of the inlets at the end of the window (degC).
    pub inlet: f32,
    /// Share of the GPUs' time in which something held them back.
    pub throttled_share: f32,
}

/// Time in which something held GPUs back (GPU s).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Throttled {
    /// The power cap.
    pub power_cap: f64,
    /// The software slowdown of a die or of a memory.
    pub software: f64,
    /// The hardware slowdown.
    pub hardware: f64,
    /// Any of them.
    pub any: f64,
}

/// Everything a fleet measured that a run of one group measures GPU by GPU or batch by batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FleetRecord {
    /// GPUs of the fleet.
    pub gpus: u64,
    /// Time from arrival to the end of the step that served it, a count a token (s).
    pub latency: Histogram,
    /// Length of a step (s), a count a step of a group.
    pub step: Histogram,
    /// Readings of all dies (degC).
    pub temperature: Histogram,
    /// Readings of the power of all GPUs (W).
    pub power: Histogram,
    /// Readings of all clocks (MHz).
    pub clock: Histogram,
    /// Racks, window by window.
    pub racks: Vec<RackWindow>,
    /// What held GPUs back.
    pub throttled: Throttled,
    /// Highest reading of the power of a GPU (W).
    pub power_peak: f64,
    /// Time above the power cap (GPU s), and what was drawn above it (J).
    pub cap_violation: (f64, f64),
    /// Hottest minus coldest die at the ends of windows (K): sum over windows, and the largest.
    pub spread: (f64, f64),
    /// Steps that were served.
    pub steps: u64,
    /// Tokens that had arrived and were not served at the end.
    pub waiting_tokens: u64,
}

impl Default for FleetRecord {
    fn default() -> Self {
        let seconds = || Histogram::new(Bins::Logarithmic { from: 1e-6, per_decade: 100.0 });
        let linear = |from, width| Histogram::new(Bins::Linear { from, width });
        Self {
            gpus: 0,
            latency: seconds(),
            step: seconds(),
            temperature: linear(0.0, 1.0),
            power: linear(0.0, 5.0),
            clock: linear(0.0, 15.0),
            racks: Vec::new(),
            throttled: Throttled::default(),
            power_peak: 0.0,
            cap_violation: (0.0, 0.0),
            spread: (0.0, 0.0),
            steps: 0,
            waiting_tokens: 0,
        }
    }
}

impl FleetRecord {
    /// Its histograms with the names that tables give them.
    pub fn histograms(&self) -> [(&'static str, &Histogram); 5] {
        [
            ("latency_s", &self.latency),
            ("step_s", &self.step),
            ("temperature_degc", &self.temperature),
            ("power_w", &self.power),
            ("clock_mhz", &self.clock),
        ]
    }
}

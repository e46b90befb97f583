//! The `[fleet]` section: how many groups, how they are housed, and how coarsely time is cut.

use serde::{Deserialize, Serialize};

use crate::hardware::{Hardware, Limits};
use crate::time::SimDuration;

/// A fleet: many expert-parallel groups of `hardware.gpus` GPUs, each serving steps of its own, coupled by their cooling.
///
/// ```
/// use isotherm_core::fleet::FleetSpec;
/// let fleet: FleetSpec = toml::from_str("groups = 31\nstretch = 10").unwrap();
/// assert_eq!((fleet.groups, fleet.sweep.nanos(), fleet.rows), (31, 100_000_000, 1));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FleetSpec {
    /// Expert-parallel groups, each of `hardware.gpus` GPUs with a whole copy of the model.
    pub groups: u32,
    /// Steps of a group that become one event: their tokens are drawn once for all of them, and a clock that changes meanwhile is in
    /// force from the next stretch on.
    #[serde(default = "one")]
    pub stretch: u32,
    /// The most tokens of one step of a group, where batches arrive by the clock. In a closed loop a batch is a step.
    #[serde(default = "forty_thousand")]
    pub step_tokens: u32,
    /// Factor on the tokens of every arrival: traffic of a small service scaled up to a fleet.
    #[serde(default = "unit")]
    pub scale: f64,
    /// When the run ends; without it when all that arrives is served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<SimDuration>,
    /// Interval of the physics sweep. Governor, cooling, telemetry and windows are whole multiples of it.
    #[serde(default = "tenth")]
    pub sweep: SimDuration,
    /// What one row of the results stands for.
    #[serde(default = "minute")]
    pub window: SimDuration,
    /// Nodes of a rack.
    #[serde(default = "four")]
    pub nodes_per_rack: u32,
    /// Rows the racks stand in, which share their supply of air or coolant.
    #[serde(default = "one")]
    pub rows: u32,
    /// Part of the air a node takes in that is the exhaust of its own row.
    #[serde(default)]
    pub recirculation: f64,
    /// Different devices that `hardware.variability` makes. Every GPU of the fleet is one of them, drawn by the seed of that section; where there
    /// are no more GPUs than kinds, each is its own.
    #[serde(default = "sixty_four")]
    pub kinds: u32,
    /// Whether devices in the same state are stepped once until they part. Changes no result.
    #[serde(default = "yes")]
    pub cohorts: bool,
}

fn one() -> u32 {
    1
}

fn four() -> u32 {
    4
}

fn sixty_four() -> u32 {
    64
}

fn forty_thousand() -> u32 {
    40_960
}

fn unit() -> f64 {
    1.0
}

fn yes() -> bool {
    true
}

fn tenth() -> SimDuration {
    SimDuration::from_millis(100)
}

fn minute() -> SimDuration {
    SimDuration::from_millis(60_000)
}

/// More GPUs than any fleet has: a number above is a slip of the hand.
const MOST_GPUS: u64 = 1 << 20;

/// What is wrong with a key of the section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetFault {
    /// Path of the key.
    pub key: &'static str,
    /// What was found.
    pub found: String,
    /// What is expected.
    pub expected: String,
    /// A line that would do.
    pub example: &'static str,
}

impl FleetSpec {
    /// GPUs of the whole fleet, in groups of so many.
    #[must_use]
    pub fn gpus(&self, of_group: u32) -> usize {
        self.groups as usize * of_group as usize
    }

    /// What is wrong with these numbers for groups of this hardware, whose GPUs are read every `poll`; the first fault.
    ///
    /// # Errors
    /// A number out of its range, or a period that is no whole multiple of the sweep.
    pub fn check(&self, hardware: &Hardware, poll: SimDuration) -> Result<(), FleetFault> {
        let fault = |key, found: String, expected: &str, example| {
            Err(FleetFault { key, found, expected: expected.to_owned(), example })
        };
        let gpus = u64::from(self.groups) * u64::from(hardware.gpus);
        if self.groups == 0 || gpus > MOST_GPUS {
            let found = format!("{} groups of {} GPUs", self.groups, hardware.gpus);
            return fault("fleet.groups", found, "from 1 group to 1048576 GPUs", "groups = 31");
        }
        let counts = [
            ("fleet.stretch", self.stretch, "stretch = 10"),
            ("fleet.step_tokens", self.step_tokens, "step_tokens = 40960"),
            ("fleet.nodes_per_rack", self.nodes_per_rack, "nodes_per_rack = 4"),
            ("fleet.rows", self.rows, "rows = 10"),
            ("fleet.kinds", self.kinds, "kinds = 64"),
        ];
        if let Some((key, _, example)) = counts.into_iter().find(|(_, number, _)| *number == 0) {
            return fault(key, "none at all".to_owned(), "at least 1", example);
        }
        if !(self.scale.is_finite() && self.scale > 0.0) {
            return fault("fleet.scale", format!("a factor of {}", self.scale), "a positive number", "scale = 4000.0");
        }
        if !(0.0..0.9).contains(&self.recirculation) {
            let found = format!("a part of {}", self.recirculation);
            return fault("fleet.recirculation", found, "a part from 0 to below 0.9", "recirculation = 0.1");
        }
        if self.sweep.is_zero() {
            return fault("fleet.sweep", "a sweep every 0 s".to_owned(), "a positive duration", "sweep = \"100 ms\"");
        }
        let periods = [
            ("fleet.window", Some(self.window), "window = \"1 min\""),
            ("fleet.duration", self.duration, "duration = \"1 h\""),
            ("telemetry.period", Some(poll), "period = \"10 s\""),
            ("hardware.cooling.period", hardware.cooling.as_ref().map(|cooling| cooling.period), "period = \"1 s\""),
            (
                "hardware.profile.limits.period",
                hardware.limits().map(|limits: Limits| limits.period),
                "period = \"100 ms\"",
            ),
        ];
        for (key, period, example) in periods {
            let Some(period) = period else { continue };
            if period.is_zero() || !period.nanos().is_multiple_of(self.sweep.nanos()) {
                let expected = format!("a whole multiple of the sweep, which is every {}", self.sweep);
                return fault(key, format!("every {period}"), &expected, example);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(text: &str) -> FleetSpec {
        toml::from_str(&format!("groups = 2\n{text}")).unwrap()
    }

    #[test]
    fn every_number_that_makes_no_fleet_is_named_with_an_example() {
        let hardware = Hardware::of_gpus(8);
        let poll = SimDuration::from_millis(1000);
        assert_eq!(spec("").check(&hardware, poll), Ok(()));
        for (text, key) in [
            ("stretch = 0", "fleet.stretch"),
            ("rows = 0", "fleet.rows"),
            ("kinds = 0", "fleet.kinds"),
            ("scale = 0.0", "fleet.scale"),
            ("recirculation = 0.9", "fleet.recirculation"),
            ("sweep = \"0 s\"", "fleet.sweep"),
            ("window = \"150 ms\"", "fleet.window"),
            ("duration = \"1050 ms\"", "fleet.duration"),
            ("sweep = \"300 ms\"\nwindow = \"3 s\"", "telemetry.period"),
        ] {
            let fault = spec(text).check(&hardware, poll).unwrap_err();
            assert_eq!(fault.key, key, "{text}");
            assert!(!fault.example.is_empty() && !fault.expected.is_empty());
        }
        let many = FleetSpec { groups: 200_000, ..spec("") };
        assert_eq!(many.check(&hardware, poll).unwrap_err().key, "fleet.groups");
    }
}

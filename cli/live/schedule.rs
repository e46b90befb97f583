//! Schedules of loads that a device profile is fitted to: what each GPU does, phase by phase.
//!
//! ```toml
//! name = "short"
//! experts = 8
//! layer = { d_model = 4096, d_ff = 14336, dtype = "bf16", implementation = "sequential" }
//!
//! [[phase]]                  # without `tokens` nothing is done
//! name = "idle0"
//! seconds = 15.0
//!
//! [[phase]]
//! name = "half"
//! seconds = 8.0
//! tokens = 4096              # at every expert; or a list with one number a GPU, 0 for a GPU that rests
//! duty = 0.5                 # part of every period in which there is work; likewise
//! period_ms = 10.0
//! warm_up = 1.0              # the same before, not part of the phase
//! ```

use isotherm_core::hardware::kernel::LayerShape;
use isotherm_core::rng::{Domain, Stream};
use serde::{Deserialize, Serialize};

/// Temperatures and powers are read every 100 ms: what goes on and off at a rate near that is seen as something else. Shorter periods than
/// this average out within a reading, longer ones than [`SLOWEST_MS`] are seen as they are.
pub const FASTEST_MS: f64 = 12.5;
/// See [`FASTEST_MS`].
pub const SLOWEST_MS: f64 = 1000.0;

/// A schedule as its file says it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Its name.
    pub name: String,
    /// Experts of the layer.
    #[serde(default = "eight")]
    pub experts: u32,
    /// The layer.
    pub layer: LayerShape,
    /// Of what is drawn at random.
    #[serde(default)]
    pub seed: u64,
    /// What is done, in order.
    #[serde(default)]
    pub phase: Vec<PhaseSpec>,
    /// Holds drawn at random, after all phases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub random: Option<RandomHolds>,
}

fn eight() -> u32 {
    8
}

/// One phase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhaseSpec {
    /// Its name.
    pub name: String,
    /// How long (s).
    pub seconds: f64,
    /// Tokens at every expert; nothing is done without.
    #[serde(default)]
    pub tokens: Each<u32>,
    /// Part of every period in which there is work.
    #[serde(default = "always")]
    pub duty: Each<f64>,
    /// Length of a period (ms).
    #[serde(default = "ten")]
    pub period_ms: f64,
    /// The same for so long before, which is not part of the phase (s).
    #[serde(default)]
    pub warm_up: f64,
}

fn always() -> Each<f64> {
    Each::All(1.0)
}

fn ten() -> f64 {
    10.0
}

/// Holds drawn at random: each GPU its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomHolds {
    /// All of them together (s).
    pub seconds: f64,
    /// Shortest and longest hold (s).
    pub hold: [f64; 2],
    /// Tokens an expert that a GPU may get; 0 for a rest.
    pub tokens: Vec<u32>,
    /// Duties that it may get.
    pub duty: Vec<f64>,
    /// Length of a period (ms).
    #[serde(default = "ten")]
    pub period_ms: f64,
}

/// A number for all GPUs, or one for each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Each<T> {
    /// The same for all.
    All(T),
    /// One a GPU.
    One(Vec<T>),
}

impl<T: Default> Default for Each<T> {
    fn default() -> Self {
        Self::All(T::default())
    }
}

impl<T: Copy + Default> Each<T> {
    /// Of this GPU.
    #[must_use]
    pub fn of(&self, gpu: usize) -> T {
        match self {
            Self::All(value) => *value,
            Self::One(values) => values.get(gpu).copied().unwrap_or_default(),
        }
    }

    fn check(&self, gpus: usize, key: &str) -> Result<(), String> {
        match self {
            Self::One(values) if values.len() != gpus => Err(format!(
                "`{key}` has {} numbers for {gpus} GPUs; expected one each, or a single number",
                values.len()
            )),
            _ => Ok(()),
        }
    }
}

/// What one GPU does in a phase.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// Tokens at every expert; 0 for a rest.
    pub tokens: u32,
    /// Part of every period in which there is work; 1 for work without a break.
    pub duty: f64,
}

/// A phase, worked out.
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    /// Its name.
    pub name: String,
    /// How long (s).
    pub seconds: f64,
    /// One part a GPU.
    pub parts: Vec<Part>,
    /// Length of a period (s).
    pub period: f64,
}

impl Schedule {
    /// Reads a schedule.
    ///
    /// # Errors
    /// A message with line, column and what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    /// Every phase for `gpus` GPUs, with warm-ups and the random holds, the same for the same seed.
    ///
    /// # Errors
    /// A sentence with the phase, what is wrong and what was expected.
    pub fn phases(&self, gpus: usize) -> Result<Vec<Phase>, String> {
        self.layer.check()?;
        if self.layer.tensor_parallel != 1 || self.experts == 0 {
            return Err(
                "a load has at least one expert, and executes experts whole: `tensor_parallel` must be 1".to_owned()
            );
        }
        let mut phases = Vec::new();
        for spec in &self.phase {
            let phase = spec.phase(gpus).map_err(|why| format!("phase `{}`: {why}", spec.name))?;
            if spec.warm_up > 0.0 {
                phases.push(Phase { name: format!("warm-{}", spec.name), seconds: spec.warm_up, ..phase.clone() });
            }
            phases.push(phase);
        }
        if let Some(random) = &self.random {
            phases.extend(random.phases(gpus, self.seed).map_err(|why| format!("random: {why}"))?);
        }
        if phases.is_empty() {
            return Err(
                "there is no [[phase]]; for example `[[phase]]` with `name = \"idle\"` and `seconds = 15.0`".to_owned()
            );
        }
        Ok(phases)
    }
}

impl PhaseSpec {
    fn phase(&self, gpus: usize) -> Result<Phase, String> {
        self.tokens.check(gpus, "tokens")?;
        self.duty.check(gpus, "duty")?;
        let part = |gpu| Part { tokens: self.tokens.of(gpu), duty: self.duty.of(gpu) };
        let phase = Phase {
            name: self.name.clone(),
            seconds: self.seconds,
            parts: (0..gpus).map(part).collect(),
            period: 1e-3 * self.period_ms,
        };
        phase.check()
    }
}

impl RandomHolds {
    fn phases(&self, gpus: usize, seed: u64) -> Result<Vec<Phase>, String> {
        let [shortest, longest] = self.hold;
        if !(shortest > 0.0 && longest >= shortest) || self.tokens.is_empty() || self.duty.is_empty() {
            return Err("expected `hold = [3.0, 8.0]`, and at least one number in `tokens` and `duty`".to_owned());
        }
        let mut stream = Stream::open(seed, Domain::Workload, 0, "excitation");
        let mut draw = |list: usize| ((stream.uniform() * list as f64) as usize).min(list - 1);
        let (mut phases, mut left) = (Vec::new(), self.seconds);
        while left >= shortest {
            let tenths = ((longest - shortest) * 10.0).round() as usize;
            let drawn = shortest + draw(tenths + 1) as f64 / 10.0;
            let seconds = if left - drawn < shortest { left } else { drawn };
            let mut part =
                |_| Part { tokens: self.tokens[draw(self.tokens.len())], duty: self.duty[draw(self.duty.len())] };
            let parts = (0..gpus).map(&mut part).collect();
            let name = format!("hold{}", phases.len());
            phases.push(Phase { name, seconds, parts, period: 1e-3 * self.period_ms }.check()?);
            left -= seconds;
        }
        Ok(phases)
    }
}

impl Phase {
    fn check(self) -> Result<Self, String> {
        if !(self.seconds.is_finite() && self.seconds > 0.0) {
            return Err(format!("it takes {} s; expected a time above 0, for example `seconds = 8.0`", self.seconds));
        }
        if let Some(part) = self.parts.iter().find(|part| !(part.duty > 0.0 && part.duty <= 1.0)) {
            return Err(format!(
                "a duty of {}; expected above 0 and at most 1 (a GPU that rests has `tokens` 0)",
                part.duty
            ));
        }
        let (cycled, ms) = (self.parts.iter().any(|part| part.tokens > 0 && part.duty < 1.0), 1e3 * self.period);
        if cycled && !(ms > 0.0 && (ms <= FASTEST_MS || ms >= SLOWEST_MS)) {
            return Err(format!(
                "a period of {ms} ms aliases with the sensors, which are read every 100 ms: what they show would be a sample of an oscillation; expected at most {FASTEST_MS} ms or at least {SLOWEST_MS} ms"
            ));
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(rest: &str) -> Schedule {
        let head =
            "name = \"s\"\nlayer = { d_model = 64, d_ff = 128, dtype = \"bf16\", implementation = \"sequential\" }\n";
        Schedule::parse(&format!("{head}{rest}")).unwrap()
    }

    #[test]
    fn every_gpu_has_its_part_and_a_warm_up_comes_before() {
        let text = "[[phase]]\nname = \"a\"\nseconds = 2.0\ntokens = [64, 0]\nduty = 0.5\nwarm_up = 1.0";
        let phases = schedule(text).phases(2).unwrap();
        assert_eq!((phases[0].name.as_str(), phases[0].seconds), ("warm-a", 1.0));
        assert_eq!(phases[1].parts, [Part { tokens: 64, duty: 0.5 }, Part { tokens: 0, duty: 0.5 }]);
        assert!(schedule(text).phases(3).unwrap_err().contains("2 numbers for 3 GPUs"));
    }

    #[test]
    fn a_period_that_aliases_is_refused_and_says_why() {
        let text = |ms| format!("[[phase]]\nname = \"a\"\nseconds = 2.0\ntokens = 64\nduty = 0.5\nperiod_ms = {ms}");
        let message = schedule(&text("100.0")).phases(1).unwrap_err();
        assert!(message.starts_with("phase `a`: a period of 100 ms aliases with the sensors"), "{message}");
        assert!(schedule(&text("12.5")).phases(1).is_ok() && schedule(&text("1000.0")).phases(1).is_ok());
        // Without a break there is no period.
        assert!(schedule(&text("100.0").replace("duty = 0.5", "duty = 1.0")).phases(1).is_ok());
    }

    #[test]
    fn random_holds_fill_their_time_and_are_the_same_again() {
        let text = "seed = 3\nrandom = { seconds = 60.0, hold = [3.0, 8.0], tokens = [0, 16], duty = [0.3, 1.0] }";
        let phases = schedule(text).phases(2).unwrap();
        assert!((phases.iter().map(|phase| phase.seconds).sum::<f64>() - 60.0).abs() < 1e-9);
        assert!(phases.iter().all(|phase| (3.0..=11.0).contains(&phase.seconds)), "{phases:?}");
        assert_eq!(phases, schedule(text).phases(2).unwrap());
        assert!(phases.iter().any(|phase| phase.parts[0] != phase.parts[1]), "each GPU its own");
    }
}

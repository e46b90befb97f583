//! What a telemetry source is: the only way a router learns about the hardware.

use std::fmt::Debug;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::hardware::Hardware;
use crate::time::{SimDuration, SimTime};
use crate::units::{Celsius, Joules, Watts};

/// One reading of one GPU. A value that was not measured is absent, never filled in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// When the values were true, which may be well before they were read.
    pub taken_at: SimTime,
    /// Temperature of the die (degC).
    pub temperature: Option<Celsius>,
    /// Electrical power (W).
    pub power: Option<Watts>,
}

/// The true state of one GPU at the instant of a poll, which only sources see. What is not known is not a finite number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Truth {
    /// Temperature of the die (degC).
    pub temperature: Celsius,
    /// Electrical power (W).
    pub power: Watts,
    /// Electrical energy since the start of the run (J), exact at this instant: whatever a meter averages over is a difference of two.
    pub energy: Joules,
}

/// Which run of a comparison a source is for. Two runs of one comparison differ in it, and it is the same under other telemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunName<'a> {
    /// Name of the router.
    pub router: &'a str,
    /// Sweep point, `key=value` separated by spaces; empty where nothing is swept.
    pub point: &'a str,
    /// Its seed.
    pub seed: u64,
}

/// Immutable description of a telemetry source, as a scenario writes it: `kind = "..."` and its options.
#[typetag::serde(tag = "kind")]
pub trait TelemetrySpec: Debug + Send + Sync {
    /// Time between two polls, unless the source asks for others ([`TelemetrySource::next_poll`]).
    fn period(&self) -> SimDuration;

    /// Takes what the options leave open from the hardware that is read. Called once, after the scenario is read and before anything is built; what
    /// is written back afterwards has every value in force.
    fn for_hardware(&mut self, _: &Hardware) {}

    /// Builds the source for `gpus` GPUs. `seed` is the run's root seed.
    ///
    /// # Errors
    /// [`TelemetryError`] when an option or a recording does not fit; found before any run starts.
    fn build(&self, gpus: usize, seed: u64) -> Result<Box<dyn TelemetrySource>, TelemetryError>;

    /// Builds the source of one run of a comparison. Only a kind that holds something else for every run, such as a record of each, looks at more
    /// than the seed.
    ///
    /// # Errors
    /// As [`TelemetrySpec::build`].
    fn build_for(&self, run: &RunName<'_>, gpus: usize) -> Result<Box<dyn TelemetrySource>, TelemetryError> {
        self.build(gpus, run.seed)
    }

    /// Whether the source tells what it was given instead of what the model computes; such runs are marked, and their GPUs
    /// take the source's temperatures as their own.
    fn prescribes_temperature(&self) -> bool {
        false
    }

    /// Whether the source reads real hardware as it is now: such a run waits for the wall clock, and is not repeatable but from its own record.
    fn is_live(&self) -> bool {
        false
    }

    /// Whether the temperatures are those of the GPUs that this very run is about, as they are or as they were recorded then. The device model then
    /// takes them for its own, and a scenario that runs under a sensor model runs under such a source too.
    fn shows_this_run(&self) -> bool {
        self.is_live()
    }

    /// What a table that used this source has to say about it.
    fn warning(&self) -> Option<&'static str> {
        None
    }
}

/// A telemetry source in a run.
///
/// Deterministic: the samples are a function of spec, seed and the polls so far.
pub trait TelemetrySource: Send {
    /// Reads all GPUs at `now`. `truth` and `out` have one entry per GPU; polls come at non-decreasing times.
    ///
    /// # Errors
    /// An error ends this run and no other.
    fn sample(&mut self, now: SimTime, truth: &[Truth], out: &mut [Sample]) -> Result<(), TelemetryError>;

    /// The next instant after `now` at which this source has to know the truth; `None` for one period after `now`.
    ///
    /// A sensor that averages over a window asks for its start and its end, so that both are exact and nothing finer is computed. Asked right
    /// after the poll at `now`; an instant that is not later counts as `None`.
    fn next_poll(&self, now: SimTime) -> Option<SimTime> {
        let _ = now;
        None
    }

    /// Everything that changed since the source was built; empty for one without memory.
    fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Continues from the bytes of [`TelemetrySource::save`] of a source built from the same spec.
    ///
    /// # Errors
    /// [`TelemetryError::State`] if the bytes are not such a state.
    fn load(&mut self, state: &[u8]) -> Result<(), TelemetryError> {
        if state.is_empty() { Ok(()) } else { Err(TelemetryError::State("this source keeps no state".to_owned())) }
    }
}

/// Why a source cannot be built or cannot go on.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum TelemetryError {
    /// An option does not fit the hardware. Found before any run starts.
    #[error("`{option}`: {message}")]
    Option {
        /// The option's key.
        option: &'static str,
        /// What is wrong and what was expected.
        message: String,
    },
    /// A recording cannot be used. Found before any run starts.
    #[error("{0}")]
    Input(#[from] crate::input::InputError),
    /// A poll failed. Fatal to the run it happened in.
    #[error("{0}")]
    Failed(String),
    /// Saved state could not be read. Fatal to the restored run.
    #[error("telemetry state: {0}")]
    State(String),
}

//! A telemetry source as its author writes it.

use std::fmt::Debug;

use isotherm_core::telemetry::{Sample, TelemetryError, Truth};
use isotherm_core::time::{SimDuration, SimTime};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A telemetry source: its options, how it reads the GPUs, and what it remembers.
///
/// One type is all three, as with a [`Router`](crate::Router): fields are options, those with `#[serde(skip)]` are what an instance remembers. Every
/// run has an instance of its own. It is the only way a router learns about the hardware.
///
/// ```
/// use isotherm_plugin::prelude::*;
///
/// /// Reads the truth in whole degrees.
/// #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
/// struct WholeDegrees {}
///
/// impl Telemetry for WholeDegrees {
///     fn period(&self) -> SimDuration {
///         SimDuration::from_millis(100)
///     }
///
///     fn sample(&mut self, now: SimTime, truth: &[Truth], out: &mut [Sample]) -> Result<(), TelemetryError> {
///         for (sample, truth) in out.iter_mut().zip(truth) {
///             let degrees = Celsius::new(truth.temperature.get().round());
///             *sample = Sample { taken_at: now, temperature: Some(degrees), power: None };
///         }
///         Ok(())
///     }
/// }
///
/// export_telemetry!(WholeDegrees = "acme/whole-degrees");
///
/// let truth = [Truth { temperature: Celsius::new(61.4), power: Watts::new(300.0), ..Truth::default() }];
/// let mut samples = [Sample::default()];
/// WholeDegrees {}.sample(SimTime::ZERO, &truth, &mut samples).unwrap();
/// assert_eq!(samples[0].temperature, Some(Celsius::new(61.0)));
/// ```
pub trait Telemetry: Clone + Debug + Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// Time between two polls, more than nothing.
    fn period(&self) -> SimDuration;

    /// Prepares the instance for `gpus` GPUs. `seed` is the run's root seed, for random streams. Called once, before anything else.
    ///
    /// # Errors
    /// [`TelemetryError`] when an option or a recording does not fit; found before any run starts.
    fn start(&mut self, gpus: usize, seed: u64) -> Result<(), TelemetryError> {
        let _ = (gpus, seed);
        Ok(())
    }

    /// Reads all GPUs at `now`. `truth` and `out` have one entry per GPU; `out` holds what was read last. Polls come at times that never go back. A
    /// sample is true at its `taken_at`, which is not after `now`; what was not measured is `None`.
    ///
    /// # Errors
    /// An error ends this run and no other.
    fn sample(&mut self, now: SimTime, truth: &[Truth], out: &mut [Sample]) -> Result<(), TelemetryError>;

    /// Whether the source tells what it was given instead of what the model computes: GPUs then take its temperatures as theirs, and the run is
    /// marked.
    fn prescribes_temperature(&self) -> bool {
        false
    }

    /// What a table that used this source has to say about it.
    fn warning(&self) -> Option<&'static str> {
        None
    }

    /// Everything that has changed since [`Telemetry::start`], as bytes; empty for a source without memory.
    fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Continues from the bytes of [`Telemetry::save`] of an instance with the same options, on one that has just been started.
    ///
    /// # Errors
    /// [`TelemetryError::State`] if the bytes are not such a state.
    fn load(&mut self, state: &[u8]) -> Result<(), TelemetryError> {
        if state.is_empty() { Ok(()) } else { Err(TelemetryError::State("this source keeps no state".to_owned())) }
    }
}

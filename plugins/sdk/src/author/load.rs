//! A load as its author writes it.

use std::fmt::Debug;

use isotherm_core::load::{Load, LoadError, LoadShape};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The options of a load, and how they become one.
///
/// What is built owns devices and threads, so that it is a type of its own, with the core's [`Load`]. It is not saved: a live run begins anew.
///
/// ```
/// use isotherm_plugin::prelude::*;
/// use std::time::Instant;
///
/// /// Adds numbers on the processor.
/// #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
/// #[serde(deny_unknown_fields)]
/// struct Adding {
///     /// Additions for an assignment.
///     additions: u32,
/// }
///
/// struct Adder(u32, Vec<String>);
///
/// impl LoadSpec for Adding {
///     fn build(&self, shape: &LoadShape) -> Result<Box<dyn Load>, LoadError> {
///         Ok(Box::new(Adder(self.additions, vec!["processor".to_owned(); shape.devices.len()])))
///     }
/// }
///
/// impl Load for Adder {
///     fn devices(&self) -> &[String] {
///         &self.1
///     }
///
///     fn execute(&mut self, shares: &[Share], seconds: &mut [f64]) -> Result<(), LoadError> {
///         let start = Instant::now();
///         for (share, seconds) in shares.iter().zip(seconds) {
///             let assignments: u32 = share.iter().map(|(_, assignments)| assignments).sum();
///             std::hint::black_box((0..assignments * self.0).fold(0.0, |sum, x| sum + f64::from(x)));
///             *seconds = if share.is_empty() { 0.0 } else { start.elapsed().as_secs_f64() };
///         }
///         Ok(())
///     }
/// }
///
/// export_load!(Adding = "acme/adding");
///
/// let shape = LoadShape { devices: vec![0, 1], experts: 8, top_k: 2, d_model: 64, d_ff: 128, matrices: 3 };
/// let mut load = Adding { additions: 10 }.build(&shape).unwrap();
/// let mut seconds = [0.0; 2];
/// load.execute(&[vec![(ExpertId(3), 7)], vec![]], &mut seconds).unwrap();
/// assert!(seconds[0] > 0.0 && seconds[1] == 0.0);
/// ```
pub trait LoadSpec: Clone + Debug + Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// Opens the devices of `shape` and makes ready what [`Load::execute`] needs, so that no call of it waits for anything but the work.
    ///
    /// # Errors
    /// [`LoadError::Unfit`] where an option, a device or the memory does not allow it; found before anything runs.
    fn build(&self, shape: &LoadShape) -> Result<Box<dyn Load>, LoadError>;
}

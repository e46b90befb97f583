//! State as bytes: what `save` and `load` of a router or a source are made of.
//!
//! Compact and exact: numbers keep every bit, also those that are not numbers, which text formats lose.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The bytes of any plain value.
///
/// ```
/// use isotherm_plugin::state;
/// let bytes = state::save(&vec![0.5_f64, f64::INFINITY]);
/// assert_eq!(state::load::<Vec<f64>>(&bytes).unwrap(), [0.5, f64::INFINITY]);
/// assert!(state::load::<Vec<f64>>(&bytes[1..]).is_err());
/// ```
#[must_use]
pub fn save<T: Serialize>(value: &T) -> Vec<u8> {
    // Plain data always serialises into memory.
    postcard::to_stdvec(value).unwrap_or_default()
}

/// The value of such bytes, all of which must belong to it.
///
/// # Errors
/// A sentence for [`RouterError::State`](crate::router::RouterError::State) or
/// [`TelemetryError::State`](crate::telemetry::TelemetryError::State).
pub fn load<T: DeserializeOwned>(state: &[u8]) -> Result<T, String> {
    match postcard::take_from_bytes(state) {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(format!("{} bytes are left over of {}", rest.len(), state.len())),
        Err(error) => Err(format!("{} bytes are not what was saved: {error}", state.len())),
    }
}

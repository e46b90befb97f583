//! Saved state of routers.

use isotherm_core::router::RouterError;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) fn bytes<T: Serialize>(state: &T) -> Vec<u8> {
    // Plain data always serialises into memory.
    postcard::to_stdvec(state).unwrap_or_default()
}

pub(crate) fn read<T: DeserializeOwned>(state: &[u8]) -> Result<T, RouterError> {
    postcard::from_bytes(state).map_err(|error| RouterError::State(error.to_string()))
}

/// Reads one finite number for each expert.
pub(crate) fn read_per_expert(state: &[u8], experts: usize) -> Result<Vec<f64>, RouterError> {
    let numbers: Vec<f64> = read(state)?;
    if numbers.len() != experts {
        return Err(RouterError::State(format!("it is for {} experts, the model has {experts}", numbers.len())));
    }
    if numbers.iter().all(|number| number.is_finite()) {
        return Ok(numbers);
    }
    Err(RouterError::State("it holds a value that is not a finite number".to_owned()))
}

//! Saved state of routers.

use isotherm_core::router::RouterError;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The bytes of a state.
pub(crate) fn bytes<T: Serialize>(state: &T) -> Vec<u8> {
    // Plain data always serialises into memory.
    postcard::to_stdvec(state).unwrap_or_default()
}

/// The state of such bytes.
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

/// Saves one value of a layer of `experts` experts.
pub(crate) fn bytes_of_layer<T: Serialize>(experts: usize, value: T) -> Vec<u8> {
    bytes(&(experts as u32, value))
}

/// Reads what [`bytes_of_layer`] has saved, of a layer of as many experts.
pub(crate) fn read_of_layer<T: DeserializeOwned>(state: &[u8], experts: usize) -> Result<T, RouterError> {
    let (found, value): (u32, T) = read(state)?;
    if found as usize == experts {
        return Ok(value);
    }
    Err(RouterError::State(format!("it is for {found} experts, the model has {experts}")))
}

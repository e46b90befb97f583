//! Checks that several kinds make on their options, each with an example in its message.

use std::fs::File;
use std::path::PathBuf;

use isotherm_core::input::InputError;
use isotherm_core::workload::WorkloadError;

/// An option that does not fit.
pub(crate) fn fault(option: &'static str, message: impl Into<String>) -> WorkloadError {
    WorkloadError::Option { option, message: message.into() }
}

/// Refuses a value that is not finite and greater than zero.
pub(crate) fn require_positive(option: &'static str, value: f64, example: &str) -> Result<(), WorkloadError> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(fault(option, format!("must be finite and greater than 0, found {value}; for example `{option} = {example}`")))
}

/// Refuses a value that is not finite or below zero.
pub(crate) fn require_not_negative(option: &'static str, value: f64, example: &str) -> Result<(), WorkloadError> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    Err(fault(option, format!("must be finite and at least 0, found {value}; for example `{option} = {example}`")))
}

/// Above this a count is surely a slip of the hand.
const MOST: u64 = 10_000_000;

/// Refuses a count of zero, and one that no machine would finish.
pub(crate) fn require_some(option: &'static str, value: u64, example: &str) -> Result<(), WorkloadError> {
    if (1..=MOST).contains(&value) {
        return Ok(());
    }
    Err(fault(option, format!("must be from 1 to {MOST}, found {value}; for example `{option} = {example}`")))
}

/// Opens a data file; the fault says where relative names are looked up.
pub(crate) fn open(file: &str) -> Result<File, InputError> {
    let place = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    File::open(file).map_err(|error| {
        InputError::new(
            file,
            format!("the file cannot be opened ({error})"),
            format!("expected a readable file; a relative name starts at {}", place.display()),
        )
    })
}

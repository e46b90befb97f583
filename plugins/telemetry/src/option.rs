//! Checks of options that more than one source has.

use isotherm_core::telemetry::TelemetryError;
use isotherm_core::time::SimDuration;

/// A fault of one option: what is wrong, what was expected and an example, in one sentence.
pub(crate) fn fault(option: &'static str, message: impl Into<String>) -> TelemetryError {
    TelemetryError::Option { option, message: message.into() }
}

/// Refuses to poll without letting time pass: such a run would never get past its first instant.
pub(crate) fn check_period(period: SimDuration) -> Result<(), TelemetryError> {
    if period.is_zero() {
        return Err(fault(
            "period",
            "the time between two polls is zero; expected a positive duration, for example \"100 ms\"",
        ));
    }
    Ok(())
}

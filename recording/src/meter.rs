//! What reads devices.

use thiserror::Error;

use crate::device::DeviceFacts;
use crate::reading::Reading;

/// Reads all devices of one source, now. Live: what it gives depends on the hardware and the clock.
///
/// Every implementation keeps: one reading a device and call, in the order of [`Meter::devices`], also of a device that is lost;
/// [`Entry::Value::changed`](crate::Entry) is true to one poll; no value is older than the source says or made up.
pub trait Meter: Send {
    /// Where the readings come from, for headers and messages: `nvml`, or the address of an exporter.
    fn source(&self) -> String;

    /// The devices, as found at the start.
    fn devices(&self) -> &[DeviceFacts];

    /// Reads every device once and replaces what is in `out`.
    ///
    /// # Errors
    /// [`MeterError`] if the source as a whole is gone. A device that is lost is no error but a reading that says so.
    fn read(&mut self, out: &mut Vec<Reading>) -> Result<(), MeterError>;

    /// Whether to ask for every signal at every poll from now on, however dear that is: while refresh periods are measured. A meter to which all
    /// signals cost the same has nothing to change.
    fn ask_for_everything(&mut self, everything: bool) {
        let _ = everything;
    }
}

/// Why a source cannot be read. The caller may try again.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum MeterError {
    /// The source is not there: no driver, no permission, nobody listens.
    #[error("{source_name}: not available ({why})")]
    Unavailable {
        /// Its name.
        source_name: String,
        /// Why, and what would help.
        why: String,
    },
    /// It was there and does not answer any more.
    #[error("{source_name}: {why}")]
    Broken {
        /// Its name.
        source_name: String,
        /// What happened.
        why: String,
    },
}

/// Unix time now (ns).
///
/// # Panics
/// Never: a clock before 1970 reads as 0.
#[must_use]
pub fn unix_nanos() -> i64 {
    use std::time::{SystemTime, UNIX_EPOCH};
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

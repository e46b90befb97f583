//! What stands in a scenario for a section that a loaded library describes, while the rest is read.
//!
//! `typetag` only knows what is linked in. So the section is taken out before the scenario is read, its place is held, and the
//! [`Catalogue`](crate::registry::Catalogue)'s own spec is put there afterwards.

use serde::Serialize;

use crate::telemetry::{TelemetryError, TelemetrySource, TelemetrySpec};
use crate::time::SimDuration;

/// Holds the place of a telemetry source. No scenario can name it, and none is run with it.
#[derive(Debug, Serialize)]
struct Awaited;

/// The place of a telemetry source that will be put in later.
pub(super) fn telemetry() -> Box<dyn TelemetrySpec> {
    Box::new(Awaited)
}

impl TelemetrySpec for Awaited {
    fn period(&self) -> SimDuration {
        SimDuration::from_nanos(1)
    }

    fn build(&self, _: usize, _: u64) -> Result<Box<dyn TelemetrySource>, TelemetryError> {
        Err(TelemetryError::Option { option: "kind", message: "no telemetry source has been chosen".to_owned() })
    }

    fn typetag_name(&self) -> &'static str {
        "awaited"
    }

    fn typetag_deserialize(&self) {}
}

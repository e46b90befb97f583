//! `isotherm telemetry export`: devices for Prometheus.

use crate::args::TelemetryExport;
use crate::exit::Code;
use crate::fault::Fault;

/// Serves until Ctrl-C.
pub(super) fn run(_options: &TelemetryExport) -> Result<Code, Fault> {
    Err(Fault::Unavailable("not linked yet".to_owned()))
}

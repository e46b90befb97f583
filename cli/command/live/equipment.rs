//! Finds what a live run works with: loads of plugins, meters, recorders.

use std::path::Path;
use std::sync::Arc;

use isotherm_core::load::{Load, LoadShape};
use isotherm_recording::Meter;

use crate::args;
use crate::fault::Fault;
use crate::live::session::MODEL;

/// Where readings come from if nobody says.
pub(super) fn source_of(options: &args::Equipment) -> &str {
    let usual = if options.load == MODEL { MODEL } else { "nvml" };
    options.source.as_deref().unwrap_or(usual)
}

/// Opens a meter of real GPUs; nothing where `none` is asked for.
pub(super) fn meter(source: &str) -> Result<Option<Box<dyn Meter>>, Fault> {
    match source.split_once('=') {
        None if source == "none" => Ok(None),
        None if source == MODEL => Err(Fault::Usage(
            "--source model reads the modelled GPUs of --load model, and this load is real".to_owned(),
        )),
        _ => Err(Fault::Usage(format!(
            "--source {source} is not known\n  = help: expected nvml, dcgm=URL or none, for example dcgm=http://localhost:9400/metrics"
        ))),
    }
}

/// Opens a load that a plugin offers.
pub(super) fn load(
    options: &args::Equipment,
    shape: &LoadShape,
    scenario: Option<&Path>,
) -> Result<Box<dyn Load>, Fault> {
    let _ = (shape, scenario);
    Err(Fault::Usage(format!("no plugin offers the load `{}`", options.load)))
}

/// The devices of so many GPUs.
pub(super) fn devices(options: &args::Equipment, gpus: u32) -> Vec<u32> {
    if options.devices.is_empty() { (0..gpus).collect() } else { options.devices.clone() }
}

/// The clock of the wall.
pub(super) fn clock() -> Arc<dyn crate::live::clock::Clock> {
    Arc::new(crate::live::clock::WallClock::default())
}

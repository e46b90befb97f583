//! Finds what a live run works with: loads of plugins, meters, recorders.

use std::path::Path;
use std::sync::Arc;

use isotherm_core::load::{Load, LoadShape};
use isotherm_nvml::Effort;
use isotherm_plugin_host::{Environment, Places, Plugins};
use isotherm_recording::header::Header;
use isotherm_recording::recorder::{Recorder, RecorderOptions};
use isotherm_recording::{DeviceFacts, Meter, Reading};

use crate::args::{self, MeterChoice};
use crate::fault::Fault;
use crate::live::monitor::Sink;
use crate::live::session::MODEL;
use crate::plugin_files;
use crate::telemetry::source::open_with;

/// Where readings come from if nobody says.
pub(super) fn source_of(options: &args::Equipment) -> &str {
    let usual = if options.load == MODEL { MODEL } else { "nvml" };
    options.source.as_deref().unwrap_or(usual)
}

/// Refuses a meter that cannot see modelled GPUs.
pub(super) fn of_model(source: &str) -> Result<(), Fault> {
    if source == MODEL || source == "none" {
        return Ok(());
    }
    Err(Fault::Usage(format!("--source {source}: the GPUs of --load model are read by `model` or `none`")))
}

/// Opens a meter of real GPUs; nothing where `none` is asked for.
pub(super) fn meter(source: &str) -> Result<Option<Box<dyn Meter>>, Fault> {
    if source == "none" {
        return Ok(None);
    }
    if source == MODEL {
        let why = "--source model reads the modelled GPUs of --load model, and this load is another one";
        return Err(Fault::Usage(why.to_owned()));
    }
    let source = source.parse().map_err(|expected| Fault::Usage(format!("--source {source}: {expected}; or none")))?;
    // Runs are measured by the energy counters.
    open_with(&MeterChoice { source, nvml_library: None, devices: Vec::new() }, Effort::Energy).map(Some)
}

/// A recorder of everything that a meter reads during a run.
pub(super) fn recorder(path: &Path, source: &str, period: f64, facts: &[DeviceFacts]) -> Result<Sink, Fault> {
    let options = RecorderOptions { replace: true, ..RecorderOptions::default() };
    let recorder = Recorder::create(path, Header::new(source, 1e3 * period, facts), options)
        .map_err(|error| Fault::Unrecorded(error.to_string()))?;
    let mut file = Recorded(Some(recorder));
    Ok(Box::new(move |readings: &[Reading]| match &mut file.0 {
        Some(recorder) => recorder.write(readings).map_err(|error| error.to_string()),
        None => Ok(()),
    }))
}

/// A recording that is finished when nobody writes to it any more.
struct Recorded(Option<Recorder>);

impl Drop for Recorded {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.0.take().map(Recorder::finish) {
            tell!("error: {error}");
        }
    }
}

/// Opens a load that a plugin offers; libraries beside `beside` are looked at too.
pub(super) fn load(options: &args::Equipment, shape: &LoadShape, beside: &Path) -> Result<Box<dyn Load>, Fault> {
    let environment = Environment::of_process();
    let places = Places { named: &options.libraries.files, scenario: Some(beside), environment: &environment };
    let discovery = plugin_files::search(&places);
    let refused: Vec<String> = discovery.refused_by_name().map(ToString::to_string).collect();
    if !refused.is_empty() {
        return Err(Fault::Input(refused.join("\nerror: ")));
    }
    let plugins = Plugins::new(discovery);
    plugins.load(&options.load, shape, &options.load_options).map_err(|error| Fault::Input(error.to_string()))
}

/// The devices of so many GPUs.
///
/// # Errors
/// [`Fault::Usage`] for a device that is named twice: two loads would share it, and its energy would count twice.
pub(super) fn devices(options: &args::Equipment, gpus: u32) -> Result<Vec<u32>, Fault> {
    let named = &options.devices;
    if let Some(twice) = named.iter().enumerate().find_map(|(place, gpu)| named[..place].contains(gpu).then_some(gpu)) {
        return Err(Fault::Usage(format!(
            "--devices: GPU {twice} is named twice; expected each once, for example --devices 0,1"
        )));
    }
    Ok(if named.is_empty() { (0..gpus).collect() } else { named.clone() })
}

/// The clock of the wall.
pub(super) fn clock() -> Arc<dyn crate::live::clock::Clock> {
    Arc::new(crate::live::clock::WallClock::default())
}

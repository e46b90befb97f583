//! `isotherm telemetry export`: devices for Prometheus.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use isotherm_recording::{Meter, Reading};
use isotherm_telemetry::exposition::{Labels, Server};

use crate::args::TelemetryExport;
use crate::exit::{self, Code};
use crate::fault::Fault;
use crate::scenario_file::ScenarioFile;
use crate::telemetry::{Pace, PlayedMeter, Stop, only, open};

/// Serves until Ctrl-C.
pub(super) fn run(options: &TelemetryExport) -> Result<Code, Fault> {
    let stop = Stop::on_signals();
    let (mut meter, labels) = meter(options)?;
    let devices = meter.devices().to_vec();
    let readings: Arc<Mutex<Vec<Reading>>> = Arc::default();
    let shown = Arc::clone(&readings);
    let text = move || labels.render(&devices, &shown.lock().unwrap_or_else(PoisonError::into_inner));
    let mut polling = Polling { readings, latest: Vec::new(), silent: false };
    polling.poll(meter.as_mut());
    let server = Server::start(options.listen, Arc::new(text)).map_err(|error| cannot_listen(options, &error))?;
    tell!("{} at http://{}/metrics; Ctrl-C ends", meter.source(), server.address());
    let started = Instant::now();
    let mut pace = Pace::new(Duration::from_secs_f64(1.0 / options.rate));
    while stop.sleep_until(started + pace.following(started.elapsed())) {
        polling.poll(meter.as_mut());
    }
    Ok(exit::SUCCESS)
}

/// What is read, and what its rows are labelled with: simulated devices are not of this machine.
fn meter(options: &TelemetryExport) -> Result<(Box<dyn Meter>, Labels), Fault> {
    let Some(path) = &options.scenario else {
        let meter = open(&options.meter)?;
        let labels = match meter.source() {
            source if source.contains("simulated") => Labels::simulated("simulated"),
            _ => Labels::of_this_machine(),
        };
        return Ok((meter, labels));
    };
    let file = ScenarioFile::read_with(path, &[], &options.libraries.files)?;
    let meter = only(Box::new(PlayedMeter::play(file)?), &options.meter.devices)?;
    Ok((meter, Labels::simulated("simulated")))
}

fn cannot_listen(options: &TelemetryExport, error: &std::io::Error) -> Fault {
    Fault::Usage(format!(
        "--listen {}: {error}\n  = help: choose a free port of this machine, for example --listen 127.0.0.1:9401; port 0 takes any",
        options.listen
    ))
}

/// The last poll, for whoever asks.
struct Polling {
    readings: Arc<Mutex<Vec<Reading>>>,
    latest: Vec<Reading>,
    silent: bool,
}

impl Polling {
    /// Reads once. A source that does not answer leaves an empty page: old values must not look like new ones.
    fn poll(&mut self, meter: &mut dyn Meter) {
        match meter.read(&mut self.latest) {
            Ok(()) => self.silent = false,
            Err(error) => {
                self.latest.clear();
                if !std::mem::replace(&mut self.silent, true) {
                    tell!("{error}; going on, and asking again");
                }
            }
        }
        // The lock is held for a swap only: a scrape never waits for a device.
        std::mem::swap(&mut *self.readings.lock().unwrap_or_else(PoisonError::into_inner), &mut self.latest);
    }
}

//! `isotherm telemetry`: what real GPUs say of themselves, now.

mod devices;
mod export;
mod record;
mod watch;

use std::time::Duration;

use isotherm_recording::{DeviceFacts, Meter, probe};

use crate::args::Telemetry;
use crate::exit::Code;
use crate::fault::Fault;

/// Does what the subcommand says.
pub(super) fn run(command: &Telemetry) -> Result<Code, Fault> {
    match command {
        Telemetry::Devices(options) => devices::run(options),
        Telemetry::Record(options) => record::run(options),
        Telemetry::Watch(options) => watch::run(options),
        Telemetry::Export(options) => export::run(options),
    }
}

/// How long signals are watched at the start, and how often they are read meanwhile.
const PROBE: [Duration; 2] = [Duration::from_secs(2), Duration::from_millis(10)];

/// The devices of a meter with what was measured of their signals.
fn probed(meter: &mut dyn Meter, quick: bool) -> Vec<DeviceFacts> {
    let mut devices = meter.devices().to_vec();
    if quick {
        return devices;
    }
    for (device, signals) in devices.iter_mut().zip(probe::measure(meter, PROBE[0], PROBE[1])) {
        device.signals = signals;
    }
    devices
}

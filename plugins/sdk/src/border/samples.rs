//! Samples: three arrays on the other side, one list on this one.

use isotherm_core::telemetry::Sample;
use isotherm_core::time::SimTime;
use isotherm_core::units::{Celsius, Watts};

/// Reads samples into `out`; a value that is not a number has not been measured.
pub(super) fn read(taken_ns: &[u64], temperature_degc: &[f64], power_w: &[f64], out: &mut Vec<Sample>) {
    let values = taken_ns.iter().zip(temperature_degc).zip(power_w);
    out.clear();
    out.extend(values.map(|((taken, degc), watts)| Sample {
        taken_at: SimTime::from_nanos(*taken),
        temperature: measured(*degc).map(Celsius::new),
        power: measured(*watts).map(Watts::new),
    }));
}

fn measured(value: f64) -> Option<f64> {
    (!value.is_nan()).then_some(value)
}

/// Writes samples back into the three arrays.
pub(super) fn write(samples: &[Sample], taken_ns: &mut [u64], temperature_degc: &mut [f64], power_w: &mut [f64]) {
    let places = taken_ns.iter_mut().zip(temperature_degc).zip(power_w);
    for (((taken, degc), watts), sample) in places.zip(samples) {
        *taken = sample.taken_at.nanos();
        *degc = sample.temperature.map_or(f64::NAN, Celsius::get);
        *watts = sample.power.map_or(f64::NAN, Watts::get);
    }
}

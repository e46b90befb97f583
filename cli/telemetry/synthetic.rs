//! Two simulated GPUs, so that every command can be tried without hardware.
//!
//! Not the simulator: a load that goes on and off, and temperatures that follow it in closed form, read through the windows and refreshes that
//! an H200's driver has. Everything is a function of the time since the start.

use std::collections::BTreeMap;
use std::time::Instant;

use isotherm_recording::meter::unix_nanos;
use isotherm_recording::{DeviceFacts, Entry, Meter, MeterError, Missing, Reading, Signal};

/// Time between two refreshes (s), as measured on an H200.
const REFRESH: f64 = 0.1;
/// Time of one turn of work and rest (s), and of the work in it.
const TURN: f64 = 30.0;
const WORK: f64 = 20.0;
/// Power at rest with an open context (W).
const REST_W: f64 = 125.0;
/// Poles of die and memory (K/W, s), fitted to an H200; the slow ones stand at their mean.
const DIE: [(f64, f64); 2] = [(0.0315, 0.14), (0.0084, 2.0)];
const MEMORY: [(f64, f64); 2] = [(0.0175, 1.5), (0.0121, 43.0)];
const AMBIENT: f64 = 34.0;
/// What the slow pole of the die adds at the mean of the turn (K/W).
const SLOW_DIE: f64 = 0.0068;

/// A pair of simulated GPUs under a simple load: 20 s of work, 10 s of rest, the second one a third of a turn later and below its power cap.
#[derive(Debug)]
pub struct SyntheticMeter {
    devices: Vec<DeviceFacts>,
    started: Instant,
    began: i64,
    before: Vec<Reading>,
}

impl SyntheticMeter {
    /// Two devices, whose load begins now.
    #[must_use]
    pub fn pair() -> Self {
        let devices = (0..2).map(facts).collect();
        Self { devices, started: Instant::now(), began: unix_nanos(), before: Vec::new() }
    }
}

impl Meter for SyntheticMeter {
    fn source(&self) -> String {
        "synthetic (simulated)".to_owned()
    }

    fn devices(&self) -> &[DeviceFacts] {
        &self.devices
    }

    fn read(&mut self, out: &mut Vec<Reading>) -> Result<(), MeterError> {
        let elapsed = self.started.elapsed();
        let now = self.began.saturating_add(i64::try_from(elapsed.as_nanos()).unwrap_or(i64::MAX));
        out.clear();
        out.extend((0..2).map(|device| read(device, elapsed.as_secs_f64(), now)));
        for (reading, before) in out.iter_mut().zip(&self.before) {
            reading.age_from(before);
        }
        self.before.clone_from(out);
        Ok(())
    }
}

fn facts(index: u32) -> DeviceFacts {
    let missing = Signal::ALL.into_iter().filter(|signal| value(0, 0.0, *signal).is_none());
    DeviceFacts {
        index,
        name: "simulated H200".to_owned(),
        power_limit_w: Some(700.0),
        slowdown_degc: Some(89.0),
        shutdown_degc: Some(95.0),
        max_operating_degc: Some(87.0),
        memory_max_degc: Some(95.0),
        max_sm_mhz: Some(1980.0),
        missing: missing.map(|signal| (signal, Missing::Unsupported)).collect::<BTreeMap<_, _>>(),
        ..DeviceFacts::default()
    }
}

/// What the driver would answer `t` seconds after the start.
fn read(device: u32, t: f64, now: i64) -> Reading {
    let mut reading = Reading { device, begun: now, ended: now, ..Reading::default() };
    // Rounding must not take the instant of a refresh to the one before.
    let refreshed = ((t / REFRESH) + 1e-9).floor() * REFRESH;
    for signal in Signal::ALL {
        let entry = match value(device, refreshed, signal) {
            Some(value) => Entry::Value { value: value.round() as i64, changed: now },
            None => Entry::Missing(Missing::Unsupported),
        };
        reading.set(signal, entry);
    }
    reading
}

fn value(device: u32, t: f64, signal: Signal) -> Option<f64> {
    let (phase, work_w) = load(device);
    let t = t + phase;
    let works = t.rem_euclid(TURN) < WORK;
    let mean = |window: f64| (energy(t, work_w) - energy(t - window, work_w)) / window;
    // Drivers give whole degrees.
    let die = (AMBIENT + SLOW_DIE * mean(TURN) + DIE.iter().map(|pole| rise(t, work_w, *pole)).sum::<f64>()).floor();
    Some(match signal {
        Signal::Power | Signal::PowerMean => 1e3 * mean(1.0),
        Signal::PowerInstant => 1e3 * mean(0.025),
        Signal::Energy => 1e3 * (energy(t, work_w) - energy(phase, work_w)),
        Signal::Temperature => die,
        Signal::MemoryTemperature => {
            (AMBIENT + 2.0 + MEMORY.iter().map(|pole| rise(t, work_w, *pole)).sum::<f64>()).floor()
        }
        Signal::Margin => 87.0 - die,
        // Under the cap the clock dithers in steps of 15 MHz.
        Signal::SmClock if works && device == 0 => 1515.0 + 15.0 * ((t * 10.0).round() as i64 * 7 % 5) as f64,
        Signal::SmClock => 1980.0,
        Signal::MemoryClock => 3201.0,
        Signal::Utilisation => f64::from(u8::from(works)) * 100.0,
        Signal::MemoryUtilisation => f64::from(u8::from(works)) * 38.0,
        Signal::Reasons if works => f64::from(u8::from(device == 0)) * 4.0,
        Signal::Reasons => 1.0,
        Signal::PerformanceState => 0.0,
        Signal::PowerViolation => 1e9 * f64::from(u8::from(device == 0)) * (worked(t) - worked(phase)),
        Signal::ThermalViolation => 0.0,
        Signal::PowerLimit => 700e3,
        Signal::MemoryPowerMean | Signal::MemoryPowerInstant | Signal::ModulePowerInstant => return None,
    })
}

/// Where in its turn a device begins (s), and its power at work (W).
const fn load(device: u32) -> (f64, f64) {
    if device == 0 { (TURN, 690.0) } else { (2.0 * TURN - TURN / 3.0, 585.0) }
}

/// Seconds of work from 0 to `t`.
fn worked(t: f64) -> f64 {
    (t / TURN).floor() * WORK + t.rem_euclid(TURN).min(WORK)
}

/// Energy from 0 to `t` (J).
fn energy(t: f64, work_w: f64) -> f64 {
    REST_W * t + (work_w - REST_W) * worked(t)
}

/// What one pole adds (K), once the load has gone on for ever: rise and decay of each turn end where the next one begins.
fn rise(t: f64, work_w: f64, (kelvin_per_watt, seconds): (f64, f64)) -> f64 {
    let decay = |time: f64| (-time / seconds).exp();
    let into = t.rem_euclid(TURN);
    let lowest = (1.0 - decay(WORK)) * decay(TURN - WORK) / (1.0 - decay(TURN));
    let rising = |time: f64| 1.0 - (1.0 - lowest) * decay(time);
    let share = if into < WORK { rising(into) } else { rising(WORK) * decay(into - WORK) };
    kelvin_per_watt * (REST_W + (work_w - REST_W) * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_is_the_integral_of_power() {
        for device in 0..2 {
            // Means over a second, read every second, leave nothing out.
            let watts: f64 = (1..=60).map(|t| value(device, f64::from(t), Signal::Power).unwrap() / 1e3).sum();
            let joules = value(device, 60.0, Signal::Energy).unwrap() / 1e3;
            assert!((watts - joules).abs() < 1e-6 * joules, "{watts} against {joules}");
        }
    }

    #[test]
    fn temperatures_follow_the_load_and_stay_below_the_limits() {
        let die: Vec<f64> = (0..300).map(|t| value(0, f64::from(t) / 10.0, Signal::Temperature).unwrap()).collect();
        let (lowest, highest) = (die.iter().copied().fold(f64::MAX, f64::min), die.iter().copied().fold(0.0, f64::max));
        assert!((38.0..45.0).contains(&lowest) && (60.0..70.0).contains(&highest), "{lowest} to {highest}");
        assert_eq!(
            value(0, 0.0, Signal::Temperature),
            value(0, TURN, Signal::Temperature),
            "each turn is like the last"
        );
    }

    #[test]
    fn values_change_only_at_refreshes() {
        assert_eq!(read(0, 7.31, 0), read(0, 7.39, 0));
        assert_ne!(read(0, 7.31, 0), read(0, 7.41, 0), "the counter goes on");
        let missing = read(0, 1.0, 0).get(Signal::MemoryPowerMean);
        assert_eq!(missing, Entry::Missing(Missing::Unsupported), "nothing is filled in");
    }
}

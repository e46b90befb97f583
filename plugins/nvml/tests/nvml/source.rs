//! The meter as a telemetry source, and measured.

use std::time::Duration;

use isotherm_core::telemetry::{Sample, TelemetrySource, TelemetrySpec, Truth};
use isotherm_core::time::{SimDuration, SimTime};
use isotherm_nvml::NvmlSpec;
use isotherm_recording::choice::{Choice, DeviceName, PowerSource};
use isotherm_recording::{DeviceFacts, Meter, MeterSource, Signal, probe};

use crate::stand_in::{StandIn, stand_in};

fn spec(stand_in: &StandIn, devices: Vec<DeviceName>) -> NvmlSpec {
    NvmlSpec { devices, library: Some(stand_in.library()), ..NvmlSpec::default() }
}

fn sample(source: &mut dyn TelemetrySource, now_ms: u64, gpus: usize) -> Vec<(Option<f64>, Option<f64>)> {
    let mut out = vec![Sample::default(); gpus];
    let now = SimTime::ZERO + SimDuration::from_millis(now_ms);
    source.sample(now, &vec![Truth::default(); gpus], &mut out).unwrap();
    assert!(out.iter().all(|sample| sample.taken_at <= now));
    out.iter()
        .map(|sample| (sample.temperature.map(|value| value.get()), sample.power.map(|value| value.get())))
        .collect()
}

#[test]
fn gpus_play_the_devices_that_the_scenario_names() {
    let stand_in = stand_in!("gpus 2\ntemperature 40\ngpu 1 temperature 60\ngpu 1 field 185 71500");
    let uuid = "GPU-00000000-0000-0000-0000-000000000001".to_owned();
    let spec = spec(&stand_in, vec![DeviceName::Uuid(uuid), DeviceName::Index(0)]);
    let mut source = spec.build(2, 7).unwrap();
    assert_eq!(sample(source.as_mut(), 0, 2), [(Some(60.0), Some(71.5)), (Some(40.0), Some(76.0))]);
}

#[test]
fn too_few_devices_are_an_option_that_does_not_fit() {
    let stand_in = stand_in!("gpus 2");
    let message = spec(&stand_in, Vec::new()).build(4, 7).err().unwrap().to_string();
    assert!(message.starts_with("`devices`: 2 found for 4 GPUs (0: NVIDIA H200, 1: NVIDIA H200); "), "{message}");
}

#[test]
fn a_power_that_the_device_lacks_is_an_option_that_does_not_fit() {
    let stand_in = stand_in!("field 186 not_supported");
    let spec = NvmlSpec { power: PowerSource::Instant, ..spec(&stand_in, Vec::new()) };
    let message = spec.build(1, 7).err().unwrap().to_string();
    assert!(message.starts_with("`power`: device 0 (NVIDIA H200) does not give \"instant\"; "), "{message}");
}

#[test]
fn a_machine_without_a_driver_has_a_reason() {
    let stand_in = stand_in!("init driver_not_loaded");
    let message = spec(&stand_in, Vec::new()).build(1, 7).err().unwrap().to_string();
    assert!(message.starts_with("nvml: not available (the NVIDIA driver is not loaded; "), "{message}");
}

#[test]
fn a_device_lost_in_mid_run_is_an_event_and_the_run_goes_on() {
    let stand_in = stand_in!("gpus 2\nfield 83 5000000");
    let mut source = MeterSource::new(Box::new(stand_in.open()), &Choice::default(), 2).unwrap();
    let events = source.events();
    stand_in.play("gpus 2\ngpu 1 all lost");
    stand_in.wait(100);
    assert_eq!(sample(&mut source, 100, 2), [(Some(31.0), Some(76.0)), (None, None)]);
    stand_in.play("gpus 2\nfield 83 1");
    stand_in.wait(1000);
    assert_eq!(sample(&mut source, 1100, 2), [(Some(31.0), Some(76.0)); 2]);
    let texts: Vec<_> = events.take().into_iter().map(|event| event.text).collect();
    assert_eq!(
        texts,
        [
            "GPU 1 (device 1, NVIDIA H200) is lost",
            "GPU 0 (device 0, NVIDIA H200) began its counters anew",
            "GPU 1 (device 1, NVIDIA H200) answers again; its counters began anew",
        ]
    );
}

/// A pace at which every wait passes on the stand-in's clocks: the meter's and that of its script.
struct Pace<'a> {
    stand_in: &'a StandIn,
    script: &'a str,
    elapsed: Duration,
}

impl probe::Pace for Pace<'_> {
    fn now(&mut self) -> i64 {
        i64::try_from(self.elapsed.as_nanos()).unwrap()
    }

    fn wait(&mut self, time: Duration) {
        self.elapsed += time;
        self.stand_in.wait(i64::try_from(time.as_millis()).unwrap());
        self.stand_in.play(&format!("time {}\n{}", self.elapsed.as_secs_f64(), self.script));
    }
}

#[test]
fn refresh_and_window_of_every_signal_are_measured() {
    let script = "refresh 100\nfield 186 wave 90000 690000 8\nfield 83 integral 90000 690000 8\ntemperature 41";
    let stand_in = stand_in!(script);
    let mut meter = stand_in.open_sparing();
    let mut pace = Pace { stand_in: &stand_in, script, elapsed: Duration::ZERO };
    meter.measure_at(Duration::from_secs(2), &mut pace);
    let [DeviceFacts { signals: facts, .. }] = meter.devices() else { panic!("one device") };
    let energy = facts[&Signal::Energy];
    assert_eq!((energy.refresh_ms, energy.window_ms), (Some(100.0), None));
    assert!(energy.steps >= 17, "{energy:?}");
    let instant = facts[&Signal::PowerInstant];
    assert_eq!((instant.refresh_ms, instant.window_ms), (Some(100.0), Some(25.0)));
    assert_eq!((facts[&Signal::Temperature].refresh_ms, facts[&Signal::Temperature].steps), (None, 0));
    assert_eq!(facts[&Signal::Power].window_ms, Some(1000.0));
    assert!(!facts.contains_key(&Signal::ModulePowerInstant), "what the device does not give has no facts");
}

#[test]
fn power_from_the_counter_is_that_of_the_device() {
    // 200 W, refreshed every 100 ms; polled every 20 ms.
    let script = "refresh 100\nfield 83 count 5000000 200000\n";
    let stand_in = stand_in!(script);
    let choice = Choice { power: PowerSource::Energy, ..Choice::default() };
    let mut source = MeterSource::new(Box::new(stand_in.open()), &choice, 1).unwrap();
    for poll in 1..=100_u64 {
        stand_in.wait(20);
        stand_in.play(&format!("time {}\n{script}", poll as f64 * 0.02));
        let (_, power) = sample(&mut source, poll * 20, 1)[0];
        match poll * 20 {
            // Two moves are needed.
            0..200 => assert_eq!(power, None),
            at => assert!(power.is_some_and(|watts| (watts - 200.0).abs() < 1e-6), "{power:?} at {at} ms"),
        }
    }
}

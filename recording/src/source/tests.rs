//! A source on a meter whose readings are written down beforehand.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use isotherm_core::time::SimDuration;

use super::*;
use crate::device::DeviceFacts;
use crate::meter::MeterError;
use crate::reading::Missing;

const MS: i64 = 1_000_000;

/// What the device of one poll is made to say, in ms after the first: instant, standing, and signals with their changes.
type Told<'a> = (i64, Standing, &'a [(Signal, i64, i64)]);

/// Gives the readings it was made of, one poll after the other; none at a poll is a failure.
struct Written {
    devices: Vec<DeviceFacts>,
    polls: VecDeque<Option<Vec<Reading>>>,
}

impl Meter for Written {
    fn source(&self) -> String {
        "written".to_owned()
    }

    fn devices(&self) -> &[DeviceFacts] {
        &self.devices
    }

    fn read(&mut self, out: &mut Vec<Reading>) -> Result<(), MeterError> {
        let next = self.polls.pop_front().unwrap();
        let broken = || MeterError::Broken { source_name: "written".to_owned(), why: "nothing came".to_owned() };
        *out = next.ok_or_else(broken)?;
        Ok(())
    }
}

fn reading((at, standing, values): Told<'_>) -> Reading {
    let mut reading = Reading { begun: at * MS, ended: at * MS, standing, ..Reading::default() };
    if standing == Standing::Lost {
        reading.entries = [Entry::Missing(Missing::Lost); Signal::COUNT];
    }
    for (signal, value, changed) in values {
        reading.set(*signal, Entry::Value { value: *value, changed: changed * MS });
    }
    reading
}

fn facts(index: u32) -> DeviceFacts {
    DeviceFacts { index, name: "H200".to_owned(), ..DeviceFacts::default() }
}

/// A source of one GPU that was told these readings.
fn told(power: PowerSource, polls: &[Option<Told<'_>>]) -> MeterSource {
    let polls = polls.iter().map(|poll| poll.map(|told| vec![reading(told)])).collect();
    let meter = Written { devices: vec![facts(0)], polls };
    MeterSource::new(Box::new(meter), &Choice { power, ..Choice::default() }, 1).unwrap()
}

fn sample(source: &mut MeterSource, now_ms: u64) -> (u64, Option<f64>, Option<f64>) {
    let mut out = [Sample::default()];
    let now = SimTime::ZERO + SimDuration::from_millis(now_ms);
    source.sample(now, &[Truth::default()], &mut out).unwrap();
    let [Sample { taken_at, temperature, power }] = out;
    (taken_at.nanos() / MS as u64, temperature.map(Celsius::get), power.map(Watts::get))
}

fn texts(source: &MeterSource) -> Vec<String> {
    source.events().take().into_iter().map(|event| event.text).collect()
}

use Signal::{Energy, Power as Shown, PowerInstant, PowerMean, Temperature};
use Standing::{Lost, Present, Reset};

#[test]
fn a_sample_is_as_old_as_its_youngest_value() {
    let mut source = told(
        PowerSource::Mean,
        &[
            Some((0, Present, &[(Temperature, 41, -70), (PowerMean, 71_500, -90)])),
            Some((100, Present, &[(Temperature, 41, -70), (PowerMean, 72_000, 80)])),
            Some((200, Present, &[(Temperature, 42, 200), (PowerMean, 72_000, 80)])),
        ],
    );
    assert_eq!(sample(&mut source, 0), (0, Some(41.0), Some(71.5)), "never before time 0");
    assert_eq!(sample(&mut source, 100), (80, Some(41.0), Some(72.0)));
    assert_eq!(sample(&mut source, 200), (200, Some(42.0), Some(72.0)));
}

#[test]
fn jitter_does_not_turn_time_around() {
    let still: &[(Signal, i64, i64)] = &[(Temperature, 41, 0)];
    let mut source = told(PowerSource::Mean, &[Some((10, Present, still)), Some((125, Present, still))]);
    assert_eq!(sample(&mut source, 100).0, 90);
    assert_eq!(sample(&mut source, 200).0, 90, "115 ms on the clock for 100 in the simulation");
}

#[test]
fn each_kind_of_power_comes_from_its_signal() {
    let all: &[(Signal, i64, i64)] = &[(Shown, 1000, 0), (PowerMean, 2000, 0), (PowerInstant, 3000, 0)];
    let shown: &[(Signal, i64, i64)] = &[(Shown, 1000, 0)];
    for (power, values, expected) in [
        (PowerSource::Mean, all, Some(2.0)),
        (PowerSource::Instant, all, Some(3.0)),
        (PowerSource::Mean, shown, Some(1.0)),
        (PowerSource::Instant, shown, None),
    ] {
        assert_eq!(sample(&mut told(power, &[Some((0, Present, values))]), 0).2, expected, "{power:?}");
    }
}

#[test]
fn power_from_the_counter_is_its_rise_over_a_second_between_its_own_moves() {
    // 100 W: 10 J every 100 ms, polled every 50 ms; then 200 W from 2 s on.
    let energy = |at: i64| 10_000 * (at / 100) + 10_000 * ((at - 2000).max(0) / 100);
    let polls: Vec<_> = (0..80).map(|poll| (poll * 50, [(Energy, energy(poll * 50), poll * 50 / 100 * 100)])).collect();
    let polls: Vec<_> = polls.iter().map(|(at, values)| Some((*at, Present, values.as_slice()))).collect();
    let mut source = told(PowerSource::Energy, &polls);
    let powers: Vec<_> = (0..80).map(|poll| sample(&mut source, poll * 50)).collect();
    assert!(powers[..4].iter().all(|(_, _, power)| power.is_none()), "one move is no step: {powers:?}");
    assert_eq!(powers[5], (200, None, Some(100.0)));
    assert_eq!(powers[40].2, Some(100.0));
    assert_eq!(powers[50].2, Some(150.0), "half of the second");
    assert_eq!(powers[60].2, Some(200.0));
    assert_eq!(powers[79], (3900, None, Some(200.0)));
}

#[test]
fn a_counter_that_began_anew_is_no_power() {
    let polls: Vec<_> = [0, 100, 200, 300, 400, 500, 600]
        .map(|at| {
            (at, if at == 300 { Reset } else { Present }, [(Energy, if at < 300 { 90_000 + at } else { at - 300 }, at)])
        })
        .into();
    let polls: Vec<_> = polls.iter().map(|(at, standing, values)| Some((*at, *standing, values.as_slice()))).collect();
    let mut source = told(PowerSource::Energy, &polls);
    let powers: Vec<_> = (0..7).map(|poll| sample(&mut source, poll * 100).2).collect();
    assert_eq!(powers, [None, None, Some(1.0), None, None, None, Some(1.0)]);
    assert_eq!(texts(&source), ["GPU 0 (device 0, H200) began its counters anew"]);
}

#[test]
fn a_lost_device_is_absent_and_an_event_and_the_run_goes_on() {
    let there: &[(Signal, i64, i64)] = &[(Temperature, 41, 0)];
    let back: &[(Signal, i64, i64)] = &[(Temperature, 38, 400)];
    let mut source = told(
        PowerSource::Mean,
        &[
            Some((0, Present, there)),
            Some((100, Lost, &[])),
            Some((200, Lost, &[])),
            Some((400, Reset, back)),
            Some((500, Present, back)),
        ],
    );
    assert_eq!(sample(&mut source, 0), (0, Some(41.0), None));
    assert_eq!(sample(&mut source, 100), (0, None, None));
    assert_eq!(sample(&mut source, 200), (0, None, None));
    assert_eq!(texts(&source), ["GPU 0 (device 0, H200) is lost"], "once");
    assert_eq!(sample(&mut source, 400), (400, Some(38.0), None));
    assert_eq!(sample(&mut source, 500), (400, Some(38.0), None));
    assert_eq!(texts(&source), ["GPU 0 (device 0, H200) answers again; its counters began anew"]);
}

#[test]
fn a_meter_that_fails_is_an_event_and_the_run_goes_on() {
    let there: &[(Signal, i64, i64)] = &[(Temperature, 41, 0)];
    let mut source = told(PowerSource::Mean, &[Some((0, Present, there)), None, None, Some((300, Present, there))]);
    assert_eq!(sample(&mut source, 0).1, Some(41.0));
    assert_eq!(sample(&mut source, 100).1, None, "what was read before is not read again");
    assert_eq!(sample(&mut source, 200).1, None);
    assert_eq!(sample(&mut source, 300).1, Some(41.0));
    assert_eq!(texts(&source), ["written: nothing came", "written answers again"]);
}

#[test]
fn gpus_play_the_devices_that_were_chosen() {
    let of = |degc| vec![(Temperature, degc, 0)];
    let readings = [40, 50, 60].map(|degc| reading((0, Present, &of(degc)))).to_vec();
    let mut devices: Vec<_> = (0..3).map(facts).collect();
    devices[2].is_partitioned = true;
    let meter = Written { devices, polls: [Some(readings)].into() };
    let choice = Choice {
        devices: vec![crate::choice::DeviceName::Index(2), crate::choice::DeviceName::Index(0)],
        ..Choice::default()
    };
    let mut source = MeterSource::new(Box::new(meter), &choice, 2).unwrap();
    let mut out = [Sample::default(); 2];
    source.sample(SimTime::ZERO, &[Truth::default(); 2], &mut out).unwrap();
    assert_eq!(out.map(|sample| sample.temperature.unwrap().get()), [60.0, 40.0]);
    let note =
        "GPU 0 (device 2, H200) is cut into instances (MIG): temperature and power are those of the whole device";
    assert_eq!(texts(&source), [note]);
}

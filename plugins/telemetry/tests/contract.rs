//! What every telemetry source promises, asked of every source of this crate by one suite.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use isotherm_core::telemetry::{Sample, TelemetrySource, TelemetrySpec, Truth};
use isotherm_core::time::{SimDuration, SimTime};
use isotherm_core::units::{Celsius, Watts};
use isotherm_telemetry::KINDS;

const GPUS: usize = 5;
/// Times of polls (ms): regular, in a tie, close together, far apart.
const POLLS: [u64; 14] = [0, 0, 100, 200, 200, 200, 201, 300, 1_000, 5_000, 5_000, 60_000, 500_000, 3_600_000];

type Spec = Box<dyn TelemetrySpec>;
type Readings = Vec<Vec<Sample>>;

fn spec(text: &str) -> Spec {
    toml::from_str(text).unwrap_or_else(|fault| panic!("{fault}\n{text}"))
}

fn build(spec: &Spec, seed: u64) -> Box<dyn TelemetrySource> {
    spec.build(GPUS, seed).unwrap()
}

fn instant(poll: usize) -> SimTime {
    SimTime::ZERO + SimDuration::from_millis(POLLS[poll])
}

/// A state that changes between polls, differs between GPUs, and is not always known.
fn truth(poll: usize) -> Vec<Truth> {
    let unknown = |value: f64, every: usize| if poll % every == every - 1 { f64::NAN } else { value };
    (0..GPUS)
        .map(|gpu| Truth {
            temperature: Celsius::new(unknown(30.0 + 7.3 * gpu as f64 + 1.7 * poll as f64, 5)),
            power: Watts::new(unknown(80.0 + 100.0 * gpu as f64 - 3.1 * poll as f64, 7)),
        })
        .collect()
}

/// What the source reads at the polls from `first` on, into a buffer that holds something else before.
fn read(source: &mut dyn TelemetrySource, first: usize) -> Readings {
    let before =
        Sample { taken_at: SimTime::MAX, temperature: Some(Celsius::new(f64::NAN)), power: Some(Watts::new(f64::NAN)) };
    (first..POLLS.len())
        .map(|poll| {
            let mut samples = vec![before; GPUS];
            source.sample(instant(poll), &truth(poll), &mut samples).unwrap();
            samples
        })
        .collect()
}

/// The suite.
fn check(text: &str) {
    let spec = spec(text);
    let whole = read(build(&spec, 7).as_mut(), 0);
    samples_are_of_the_past_and_numbers(&whole, text);
    assert_eq!(whole, read(build(&spec, 7).as_mut(), 0), "the same seed gives the same samples\n{text}");
    let written = toml::to_string(&spec).unwrap();
    assert_eq!(
        whole,
        read(build(&self::spec(&written), 7).as_mut(), 0),
        "written back it is the same source\n{written}"
    );
    assert!(!spec.period().is_zero());
    assert_eq!(spec.prescribes_temperature(), spec.warning().is_some(), "what is prescribed is marked\n{text}");
    a_saved_source_goes_on(&spec, &whole, text);
    a_tie_reads_alike_without_memory(&spec, text);
    foreign_state_is_no_panic(&spec);
}

fn samples_are_of_the_past_and_numbers(readings: &Readings, text: &str) {
    let mut last = vec![SimTime::ZERO; GPUS];
    for (poll, samples) in readings.iter().enumerate() {
        for (sample, last) in samples.iter().zip(&mut last) {
            assert!(sample.taken_at <= instant(poll), "poll {poll}: {sample:?} is from the future\n{text}");
            assert!(sample.taken_at >= *last, "poll {poll}: {sample:?} is older than the one before\n{text}");
            assert!(sample.temperature.is_none_or(|value| value.get().is_finite()), "{sample:?}\n{text}");
            assert!(sample.power.is_none_or(|value| value.get().is_finite()), "{sample:?}\n{text}");
            *last = sample.taken_at;
        }
    }
}

fn a_saved_source_goes_on(spec: &Spec, whole: &Readings, text: &str) {
    let mut source = build(spec, 7);
    for poll in 0..POLLS.len() {
        let saved = source.save();
        let mut restored = build(spec, 7);
        restored.load(&saved).unwrap();
        assert_eq!(restored.save(), saved, "poll {poll}\n{text}");
        assert_eq!(read(restored.as_mut(), poll), whole[poll..], "poll {poll}\n{text}");
        source.sample(instant(poll), &truth(poll), &mut [Sample::default(); GPUS]).unwrap();
    }
}

fn a_tie_reads_alike_without_memory(spec: &Spec, text: &str) {
    let mut source = build(spec, 7);
    for poll in 0..POLLS.len() {
        let mut samples = [[Sample::default(); GPUS]; 2];
        for again in &mut samples {
            source.sample(instant(poll), &truth(poll), again).unwrap();
        }
        assert!(!source.save().is_empty() || samples[0] == samples[1], "poll {poll}\n{text}");
    }
}

fn foreign_state_is_no_panic(spec: &Spec) {
    let mut source = build(spec, 7);
    let saved = source.save();
    for bytes in [vec![0], vec![0xff; 3], vec![0xff; 400], saved[..saved.len() / 2].to_vec()] {
        if bytes != saved {
            assert!(source.load(&bytes).is_err(), "{bytes:?}");
        }
    }
    assert_eq!(source.save(), saved, "a refused state changes nothing");
}

#[test]
fn fixed_keeps_the_contract() {
    check("kind = \"fixed\"\ncold = \"20 degC\"\nhot_range = [\"60 degC\", \"80 degC\"]\nhot_gpus = [0, 4]\n");
    check("kind = \"fixed\"\ntemperatures = [\"0 degC\", \"1 degC\", \"2.5 degC\", \"3 degC\", \"-4 degC\"]\n");
}

#[test]
fn synthetic_keeps_the_contract() {
    for option in ["", "lag = \"450 ms\"", "noise = \"0.7 K\"", "resolution = \"0 K\"", "resolution = \"0.1 K\""] {
        check(&format!("kind = \"synthetic\"\n{option}\n"));
    }
    check("kind = \"synthetic\"\nlag = \"1 s\"\nnoise = \"2 K\"\nresolution = \"0 K\"\nperiod = \"20 ms\"\n");
}

#[test]
fn replay_keeps_the_contract() {
    let ours = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios/data/h200");
    let gaps = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&gaps, "t_s,gpu,power_mw,temp_c\n0,1,,\n0.15,0,90000,41\n0.15,0,,42\n0.2,1,80500,\n7,0,1,43\n")
        .unwrap();
    let files = format!("files = ['{ours}/single-1.csv.gz', '{ours}/holds-3.csv.gz', '{}']", gaps.path().display());
    for options in [
        "",
        "at_end = \"loop\"",
        "start = \"3.3 s\"",
        "speed = 0.3",
        "start = \"1 s\"\nat_end = \"loop\"\nspeed = 17.3",
    ] {
        check(&format!("kind = \"replay\"\n{files}\n{options}\n"));
    }
}

#[test]
fn no_kind_is_left_out() {
    // What reads real hardware cannot give the same samples again; `tests/dcgm` is about it.
    let repeatable = KINDS.iter().filter(|kind| !spec(kind.example).is_live());
    let checked = ["fixed", "synthetic", "replay"];
    assert!(repeatable.map(|kind| kind.name).eq(checked), "give every kind a test in this file");
}

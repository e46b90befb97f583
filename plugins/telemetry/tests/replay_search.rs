//! A replay against the plainest one there is: unroll the recording, go through all rows, keep the last that is not late.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fmt::Write as _;

use isotherm_core::telemetry::{Sample, TelemetrySpec, Truth};
use isotherm_core::time::SimTime;
use isotherm_core::units::{Celsius, Watts};
use isotherm_telemetry::ReplaySpec;
use proptest::prelude::*;

/// A row: GPU, time since the row before (ms), temperature (degC), power (mW).
type Row = (u8, u64, Option<i16>, Option<u32>);

/// Speeds as a power of two, so that mapping times is exact in whole nanoseconds.
fn mapped(nanos: u64, doublings: i32) -> u64 {
    if doublings < 0 { nanos >> -doublings } else { nanos << doublings }
}

fn csv(rows: &[Row]) -> String {
    let mut text = "power_mw,t_s,note,gpu,temp_c\n".to_owned();
    let mut millis = 1_795_378_419_453_u64;
    for (gpu, step, temperature, power) in rows {
        millis += step;
        let cell = |value: Option<String>| value.unwrap_or_default();
        let (temperature, power) = (temperature.map(|t| t.to_string()), power.map(|p| p.to_string()));
        writeln!(text, "{},{}.{:03},x,{gpu},{}", cell(power), millis / 1000, millis % 1000, cell(temperature)).unwrap();
    }
    text
}

/// The sample of one GPU, by going through `passes` of the rows.
fn by_hand(rows: &[Row], gpu: u8, position: u64, start: u64, doublings: i32, looped: bool) -> Sample {
    let first = rows[0].1;
    let length: u64 = rows.iter().map(|row| row.1).sum::<u64>() - first;
    let passes = if looped { position / (length * 1_000_000) + 1 } else { 1 };
    let mut sample = Sample::default();
    for pass in 0..passes {
        let mut millis = pass * length;
        for (index, row) in rows.iter().enumerate() {
            millis += if index == 0 { 0 } else { row.1 };
            let nanos = millis * 1_000_000;
            if row.0 == gpu && nanos <= position {
                sample = Sample {
                    taken_at: SimTime::from_nanos(mapped(nanos.saturating_sub(start), -doublings)),
                    temperature: row.2.map(|t| Celsius::new(f64::from(t))),
                    power: row.3.map(|p| Watts::new(f64::from(p) / 1000.0)),
                };
            }
        }
    }
    sample
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn replay_finds_the_row_that_a_search_by_hand_finds(
        rows in prop::collection::vec(
            (0_u8..3, 0_u64..400, prop::option::weighted(0.8, -5_i16..95), prop::option::weighted(0.8, 0_u32..700_000)),
            1..40,
        ),
        start_share in 0_u64..=100,
        doublings in -2_i32..=2,
        looped in any::<bool>(),
        polls in prop::collection::vec(0_u64..20_000, 1..20),
    ) {
        let length: u64 = rows[1..].iter().map(|row| row.1).sum();
        prop_assume!(length > 0 || !looped);
        let start = length * start_share / 100;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, csv(&rows)).unwrap();
        let spec: ReplaySpec = toml::from_str(&format!(
            "files = ['{}']\nstart = '{start} ms'\nspeed = {:?}\nat_end = '{}'",
            file.path().display(),
            f64::from(doublings).exp2(),
            if looped { "loop" } else { "hold" },
        )).unwrap();
        let mut gpus: Vec<u8> = rows.iter().map(|row| row.0).collect();
        gpus.sort_unstable();
        gpus.dedup();

        let mut source = spec.build(gpus.len(), 1).unwrap();
        let mut samples = vec![Sample::default(); gpus.len()];
        let mut polls = polls;
        polls.sort_unstable();
        for poll in polls {
            let now = poll * 1_000_000;
            source.sample(SimTime::from_nanos(now), &vec![Truth::default(); gpus.len()], &mut samples).unwrap();
            let start = start * 1_000_000;
            let position = start + mapped(now, doublings);
            for (gpu, sample) in gpus.iter().zip(&samples) {
                let expected = by_hand(&rows, *gpu, position, start, doublings, looped);
                prop_assert_eq!(*sample, expected, "GPU {} at {} ms", gpu, poll);
            }
        }
    }
}

/// A decimal a thousand times as large, which no product of doubles is exactly.
fn milliwatts(watts: f64) -> String {
    let scientific = format!("{watts:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap();
    format!("{digits}e{}", exponent.parse::<i32>().unwrap() + 3)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// What a run saw comes back to the last bit at the instants at which it saw it.
    #[test]
    fn the_record_of_a_run_gives_its_samples_again(
        polls in prop::collection::vec(
            (1_u64..2_000_000_000_000, prop::collection::vec(
                (0_u64..3_000_000_000, prop::option::of(-20.0..110.0_f64), prop::option::of(0.0..1200.0_f64)), 3)),
            1..20,
        ),
    ) {
        let mut text = "t_s,gpu,temp_c,power_mw,age_ns\n".to_owned();
        let (mut now, mut seen) = (0, Vec::new());
        for (step, values) in polls {
            let mut samples = Vec::new();
            for (gpu, (age, temperature, power)) in values.into_iter().enumerate() {
                let (age, seconds, nanos) = (age.min(now), now / 1_000_000_000, now % 1_000_000_000);
                let celsius = temperature.map(|degrees| degrees.to_string()).unwrap_or_default();
                let watts = power.map(milliwatts).unwrap_or_default();
                writeln!(text, "{seconds}.{nanos:09},{gpu},{celsius},{watts},{age}").unwrap();
                samples.push(Sample {
                    taken_at: SimTime::from_nanos(now - age),
                    temperature: temperature.map(Celsius::new),
                    power: power.map(Watts::new),
                });
            }
            seen.push((now, samples));
            now += step;
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, text).unwrap();
        let mut source = ReplaySpec::of([file.path().to_str().unwrap()]).build(3, 1).unwrap();
        let bits = |sample: &Sample| {
            (sample.taken_at, sample.temperature.map(|t| t.get().to_bits()), sample.power.map(|p| p.get().to_bits()))
        };
        for (now, samples) in &seen {
            let mut again = [Sample::default(); 3];
            source.sample(SimTime::from_nanos(*now), &[Truth::default(); 3], &mut again).unwrap();
            for (sample, again) in samples.iter().zip(&again) {
                prop_assert_eq!(bits(sample), bits(again), "at {} ns", now);
            }
        }
    }
}

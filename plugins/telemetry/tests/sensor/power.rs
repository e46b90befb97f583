//! Power signals against closed forms.

use isotherm_core::telemetry::{Sample, TelemetrySpec};
use isotherm_core::time::SimTime;

use super::{Steps, run, spec, truth};

/// Readings at the multiples of 100 ms (W).
fn watts(readings: &[(SimTime, Sample)]) -> Vec<(f64, f64)> {
    let refreshes = readings.iter().filter(|(now, _)| now.nanos() % 100_000_000 == 0);
    refreshes.map(|(now, sample)| (now.seconds(), sample.power.unwrap().get())).collect()
}

fn mean(values: impl Iterator<Item = f64> + Clone) -> f64 {
    values.clone().sum::<f64>() / values.count() as f64
}

#[test]
fn after_a_step_the_mean_climbs_linearly_for_one_second() {
    // The step lies between two refreshes.
    let step = Steps(vec![(0.0, 123.0), (2.145, 690.0)]);
    for (now, reading) in watts(&run(&spec(""), 1, 5.0, |s| step.at(s))) {
        let expected = 123.0 + 567.0 * (now - 2.145).clamp(0.0, 1.0);
        assert!((reading - expected).abs() < 1e-6, "{now}: {reading}, not {expected}");
    }
}

#[test]
fn a_window_that_is_no_multiple_of_the_refresh_is_exact_too() {
    let step = Steps(vec![(0.0, 100.0), (1.0, 500.0), (1.3, 200.0)]);
    let window = 0.37;
    for (now, reading) in watts(&run(&spec("power_window = \"370 ms\""), 1, 4.0, |s| step.at(s))) {
        let past = |s: f64| if s < 0.0 { 100.0 * s } else { step.at(s).energy.get() };
        let expected = (past(now) - past(now - window)) / window;
        assert!((reading - expected).abs() < 1e-6, "{now}: {reading}, not {expected}");
    }
}

#[test]
fn the_world_is_asked_for_nothing_finer_than_needed() {
    let asked = |options: &str| {
        let times = run(&spec(options), 1, 0.399, |_| truth(40.0, 100.0, 0.0));
        times.iter().map(|(now, _)| now.nanos() / 1_000_000).collect::<Vec<_>>()
    };
    assert_eq!(asked(""), [0, 100, 200, 300]);
    assert_eq!(asked("power = \"exact\""), [0, 100, 200, 300]);
    assert_eq!(asked("power = \"energy\""), [0, 100, 200, 300]);
    assert_eq!(asked("power = \"instant\""), [0, 75, 100, 175, 200, 275, 300, 375]);
    assert_eq!(asked("period = \"250 ms\""), [0, 100, 200, 250, 300]);
    assert_eq!(asked("power_window = \"130 ms\""), [0, 70, 100, 170, 200, 270, 300, 370]);
}

#[test]
fn the_instant_sees_a_quarter_of_the_time() {
    // 25 ms of every 100 ms at 700 W: all of it in the window, none of it, and half of it.
    for (phase, expected) in [(0.075, 700.0), (0.0, 100.0), (0.0625, 400.0)] {
        let load = Steps::duty([100.0, 700.0], 0.1, 0.25, phase, 3.0);
        let readings = watts(&run(&spec("power = \"instant\""), 1, 2.9, |s| load.at(s)));
        for (now, reading) in &readings[1..] {
            assert!((reading - expected).abs() < 1e-6, "{phase} {now}: {reading}");
        }
    }
}

#[test]
fn a_load_that_repeats_near_the_refresh_aliases_as_it_was_recorded() {
    // Duty asked for, true mean and mean of NVML's instant readings (W) of a product switched on and off every 100 ms on an H200: the table of
    // the research note, within a watt of `single-1` where phases are cut alike. On level: the first instants of the product, before the cap acts.
    let (idle, on) = (125.0, 755.0);
    for (duty, true_mean, recorded) in
        [(0.2, 336.5, 195.8), (0.4, 471.0, 456.0), (0.6, 612.0, 650.0), (0.8, 660.0, 719.0)]
    {
        let share = (true_mean - idle) / (on - idle);
        let read = |signal: &str, phase: f64| {
            let load = Steps::duty([idle, on], 0.1, share, phase, 5.0);
            let readings = watts(&run(&spec(&format!("power = \"{signal}\"")), 1, 4.9, |s| load.at(s)));
            mean(readings.into_iter().filter(|(now, _)| *now > 1.5).map(|(_, watts)| watts))
        };
        let phases = (0..100).map(|ms| f64::from(ms) / 1000.0);
        let nearest =
            phases.clone().map(|phase| read("instant", phase) - recorded).min_by(|a, b| a.abs().total_cmp(&b.abs()));
        // Steps of 1 ms in phase are steps of 25 W in the reading.
        assert!(nearest.unwrap().abs() <= 12.6, "duty {duty}: {nearest:?} W from what was read");
        for phase in phases.step_by(10) {
            assert!((read("mean", phase) - true_mean).abs() < 1e-6, "duty {duty}: the mean is true at any phase");
        }
        // The instant is true only where its error has been averaged away, over all phases.
        let drifting = Steps::duty([idle, on], 0.101, share, 0.0, 12.0);
        let readings = watts(&run(&spec("power = \"instant\""), 1, 11.1, |s| drifting.at(s)));
        let one_beat = readings.into_iter().filter(|(now, _)| *now > 0.95 && *now < 11.05).map(|(_, watts)| watts);
        assert!((mean(one_beat) - true_mean).abs() < 0.01 * true_mean, "duty {duty}");
    }
}

#[test]
fn the_counter_advances_every_tick_in_whole_units() {
    let steady = |s: f64| truth(40.0, 123.456_7, 123.456_7 * s);
    let readings = watts(&run(&spec("power = \"energy\""), 1, 30.0, steady));
    for (now, reading) in &readings {
        // A millijoule in a tenth of a second.
        assert!((reading / 0.01 - (reading / 0.01).round()).abs() < 1e-4, "{now}: {reading}");
        assert!((reading - 123.456_7).abs() < 0.01, "{now}: {reading}");
    }
    // What is cut off comes back: the counter loses nothing.
    assert!((mean(readings.iter().map(|(_, watts)| *watts)) - 123.456_7).abs() < 1e-4);
}

#[test]
fn between_its_ticks_the_counter_stands_still() {
    let step = Steps(vec![(0.0, 100.0), (1.0, 500.0)]);
    let options = "power = \"energy\"\nrefresh = \"25 ms\"\nperiod = \"25 ms\"\ncounter_step = \"0 J\"";
    for (now, sample) in run(&spec(options), 1, 2.0, |s| step.at(s)) {
        let expected = if now.nanos() < 1_100_000_000 { 100.0 } else { 500.0 };
        assert!((sample.power.unwrap().get() - expected).abs() < 1e-6, "{now:?}: {sample:?}");
    }
}

#[test]
fn what_is_read_between_two_refreshes_is_old_and_says_so() {
    let warming = |s: f64| truth(40.0 + 10.0 * s, 100.0 * s, 50.0 * s * s);
    for (now, sample) in run(&spec("period = \"30 ms\"\npower = \"exact\"\nresolution = \"0 K\""), 1, 2.0, warming) {
        let read_at = now.nanos() - now.nanos() % 30_000_000;
        let taken = (read_at - read_at % 100_000_000) as f64 / 1e9;
        assert!((sample.taken_at.seconds() - taken).abs() < 1e-12, "{now:?}: {sample:?}");
        assert!((sample.temperature.unwrap().get() - 40.0 - 10.0 * taken).abs() < 1e-9);
        assert!((sample.power.unwrap().get() - 100.0 * taken).abs() < 1e-9);
    }
}

#[test]
fn a_lost_refresh_leaves_the_old_values_and_their_age() {
    let warming = |s: f64| truth(40.0 + s, 100.0, 100.0 * s);
    let read = |dropouts: &str, seed| {
        let options = format!("dropouts = {dropouts}\nresolution = \"0 K\"\nnoise = \"1 K\"\nlag = \"300 ms\"");
        run(&spec(&options), seed, 2000.0, warming)
    };
    let (whole, holed) = (read("0.0", 3), read("0.25", 3));
    let mut lost = 0;
    for index in 0..whole.len() {
        let (now, sample) = holed[index];
        if sample.taken_at == now {
            assert_eq!(sample, whole[index].1, "where both see a value, it is the same");
        } else {
            assert_eq!(sample, holed[index - 1].1);
            lost += 1;
        }
    }
    // Five standard errors of a share.
    let (n, share) = (whole.len() as f64, f64::from(lost) / whole.len() as f64);
    assert!((share - 0.25).abs() < 5.0 * (0.25 * 0.75 / n).sqrt(), "{share}");
    assert_ne!(read("0.25", 4), holed, "another seed loses others");
    assert!(read("1.0", 3).iter().all(|(_, sample)| *sample == whole[0].1), "the first is never lost");
}

#[test]
fn what_the_model_does_not_know_is_absent_as_long_as_a_mean_needs_it() {
    let holed = |s: f64| truth(f64::NAN, 100.0, if (1.95..2.05).contains(&s) { f64::NAN } else { 100.0 * s });
    for (now, sample) in run(&spec("power_window = \"300 ms\""), 1, 4.0, holed) {
        let tenth = (now.seconds() * 10.0).round() as u32;
        assert_eq!(sample.power.is_none(), [20, 23].contains(&tenth), "{now:?}: {sample:?}");
        assert_eq!(sample.temperature, None);
    }
}

#[test]
fn a_source_that_is_told_at_other_instants_takes_energy_to_grow_evenly() {
    let mut source = spec("").build(1, 1).unwrap();
    let mut out = [Sample::default()];
    let mut read = |ms: u64, joules: f64| {
        source.sample(SimTime::from_nanos(ms * 1_000_000), &[truth(40.0, 100.0, joules)], &mut out).unwrap();
        (out[0].taken_at.nanos() / 1_000_000, out[0].power.unwrap().get())
    };
    assert_eq!(read(0, 0.0), (0, 100.0));
    // 200 W for 3 s, told once: the last second is 200 W.
    let (taken, watts) = read(3_010, 602.0);
    assert!(taken == 3_010 && (watts - 200.0).abs() < 1e-9, "{taken} {watts}");
    assert_eq!(read(3_050, 9_999.0).0, 3_010, "no refresh, no news");
}

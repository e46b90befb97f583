//! What is read of a device that works.

use std::collections::BTreeMap;

use isotherm_nvml::Effort;
use isotherm_recording::{Entry, Meter, Missing, Signal, Standing};

use crate::stand_in::{BEGIN, MILLISECOND, StandIn, read, read_one, stand_in};

#[test]
fn every_signal_is_read() {
    let stand_in = stand_in!(
        "power 71000\nfield 185 72000\nfield 186 73000\nfield 83 5000000000000\nfield 185:2 36000\nfield 186:2 37000\n\
         field 186:1 90000\nfield 82 44\ntemperature 41\nmargin 46\nsm_clock 1980\nmemory_clock 3201\nutilisation 97\n\
         memory_utilisation 55\nreasons 4294967300\npstate 2\npower_violation 123456789012\nthermal_violation 7\n\
         power_limit 650000"
    );
    let mut meter = stand_in.open();
    stand_in.wait(50);
    let reading = read_one(&mut meter);
    let expected = [
        71_000,
        72_000,
        73_000,
        5_000_000_000_000,
        36_000,
        37_000,
        90_000,
        41,
        44,
        46,
        1980,
        3201,
        97,
        55,
        4_294_967_300,
        2,
        123_456_789_012,
        7,
        650_000,
    ];
    for (signal, expected) in Signal::ALL.into_iter().zip(expected) {
        assert_eq!(reading.value(signal), Some(expected), "{signal:?}");
    }
    assert_eq!(reading.standing, Standing::Present);
    assert_eq!((reading.begun, reading.ended), (BEGIN + 50 * MILLISECOND, BEGIN + 50 * MILLISECOND));
}

#[test]
fn facts_are_those_of_the_device() {
    let stand_in = stand_in!(
        "gpus 2\ngpu 1 name NVIDIA A100-SXM4-80GB\ngpu 1 capability 80\ngpu 1 mig 1\ngpu 1 utilisation not_supported\n\
         gpu 1 field 82 no_permission"
    );
    let meter = stand_in.open();
    let [first, second] = meter.devices() else { panic!("two devices") };
    assert_eq!((first.index, first.name.as_str()), (0, "NVIDIA H200"));
    assert_eq!(first.uuid.as_deref(), Some("GPU-00000000-0000-0000-0000-000000000000"));
    assert_eq!(first.driver.as_deref(), Some("580.159.04"));
    assert_eq!((first.power_limit_w, first.max_sm_mhz), (Some(700.0), Some(1980.0)));
    assert_eq!((first.slowdown_degc, first.shutdown_degc), (Some(89.0), Some(95.0)));
    assert_eq!((first.max_operating_degc, first.memory_max_degc), (Some(87.0), Some(95.0)));
    assert!(!first.is_partitioned);
    assert_eq!(first.signals[&Signal::Power].window_ms, Some(1000.0));
    assert_eq!(first.signals[&Signal::PowerInstant].window_ms, Some(25.0));
    assert_eq!(first.signals[&Signal::Temperature].window_ms, None);
    assert_eq!(first.missing.iter().collect::<Vec<_>>(), [(&Signal::ModulePowerInstant, &Missing::Unsupported)]);

    assert_eq!((second.index, second.name.as_str()), (1, "NVIDIA A100-SXM4-80GB"));
    assert!(second.is_partitioned);
    assert_eq!(second.signals[&Signal::Power].window_ms, Some(25.0), "the A100's power is the instant's");
    assert_eq!(second.missing[&Signal::Utilisation], Missing::Unsupported);
    assert_eq!(second.missing[&Signal::MemoryUtilisation], Missing::Unsupported);
    assert_eq!(second.missing[&Signal::MemoryTemperature], Missing::NoPermission);
    assert_eq!(meter.source(), "nvml");
}

#[test]
fn limits_that_are_given_as_distances_only_are_signed() {
    let unsupported =
        "slowdown not_supported\nshutdown not_supported\nmax_operating not_supported\nmemory_max not_supported";
    for eight_below in ["4294967288", "-8 as i32", "-8 as i64"] {
        let stand_in = stand_in!(&format!("{unsupported}\ntemperature 33\nmargin 54\nfield 193 {eight_below}"));
        let meter = stand_in.open();
        let [facts] = meter.devices() else { panic!("one device") };
        assert_eq!(meter.temperature_limits()[0].shutdown, Some(-8), "{eight_below}");
        assert_eq!(meter.temperature_limits()[0].slowdown, Some(-2));
        assert_eq!(meter.temperature_limits()[0].operating, Some(0));
        assert_eq!(facts.max_operating_degc, Some(87.0));
        assert_eq!((facts.slowdown_degc, facts.shutdown_degc), (Some(89.0), Some(95.0)));
        assert_eq!(facts.memory_max_degc, None, "nothing says what the memory's distance counts from");
    }
}

#[test]
fn values_come_in_any_type_and_blanks_are_no_values() {
    let stand_in =
        stand_in!("field 185 71000 as double\nfield 186 72000 as i64\nfield 83 99 as ulong\nfield 82 44 as u16");
    let mut meter = stand_in.open();
    let reading = read_one(&mut meter);
    let value = |signal| reading.value(signal);
    assert_eq!([value(Signal::PowerMean), value(Signal::PowerInstant)], [Some(71_000), Some(72_000)]);
    assert_eq!([value(Signal::Energy), value(Signal::MemoryTemperature)], [Some(99), Some(44)]);

    stand_in.play(
        "field 185 blank\nfield 186 blank as double\nfield 83 blank\nenergy blank\nfield 82 44 as 9\npower blank\nutilisation blank",
    );
    let reading = read_one(&mut meter);
    let invalid = Entry::Missing(Missing::Invalid);
    for signal in [
        Signal::PowerMean,
        Signal::PowerInstant,
        Signal::Energy,
        Signal::MemoryTemperature,
        Signal::Power,
        Signal::Utilisation,
    ] {
        assert_eq!(reading.get(signal), invalid, "{signal:?}");
    }
    assert_eq!(reading.value(Signal::MemoryUtilisation), Some(0), "the other half of the answer is good");

    stand_in.play("field 185 71000");
    assert_eq!(read_one(&mut meter).value(Signal::PowerMean), Some(71_000), "what was blank once is asked again");
}

#[test]
fn a_value_is_as_old_as_it_has_been_the_same() {
    let stand_in = stand_in!("temperature 41\nfield 186 70000");
    let mut meter = stand_in.open();
    stand_in.wait(20);
    let changed = |reading: &isotherm_recording::Reading, signal| match reading.get(signal) {
        Entry::Value { changed, .. } => (changed - BEGIN) / MILLISECOND,
        Entry::Missing(missing) => panic!("{missing:?}"),
    };
    let reading = read_one(&mut meter);
    assert_eq!(changed(&reading, Signal::Temperature), 0, "since the meter was opened");

    stand_in.play("temperature 41\nfield 186 70001");
    stand_in.wait(20);
    let reading = read_one(&mut meter);
    assert_eq!(changed(&reading, Signal::Temperature), 0);
    assert_eq!(changed(&reading, Signal::PowerInstant), 40);
}

#[test]
fn what_a_device_does_not_give_is_not_asked_for_again() {
    let stand_in = stand_in!(
        "log 1\nfield 82 not_supported\npower no_permission\nmargin not_supported\nutilisation not_supported\n\
         reasons not_supported\nfield 185:2 not_supported\nfield 186:2 not_supported"
    );
    let mut meter = stand_in.open();
    stand_in.calls();
    let reading = read_one(&mut meter);
    let calls = ["fields", "field 185", "field 186", "field 83", "temperature", "sm_clock", "memory_clock", "pstate"];
    let rest = ["power_violation", "thermal_violation", "power_limit"];
    assert!(stand_in.calls().iter().map(|call| &call[2..]).eq(calls.into_iter().chain(rest)));
    assert_eq!(reading.get(Signal::Power), Entry::Missing(Missing::NoPermission));
    assert_eq!(reading.get(Signal::Margin), Entry::Missing(Missing::Unsupported));
    assert_eq!(reading.get(Signal::MemoryTemperature), Entry::Missing(Missing::Unsupported));
}

/// How often a key is asked for in 20 s at 20 Hz, the meter's beginning not counted.
fn calls_in_20_s(effort: Effort) -> Option<BTreeMap<String, u32>> {
    let stand_in = StandIn::playing("log 1")?;
    let mut meter = stand_in.open_sparing();
    meter.set_effort(effort);
    stand_in.calls();
    for _ in 0..400 {
        stand_in.wait(50);
        let reading = read_one(&mut meter);
        let missing = Signal::ALL.into_iter().filter(|signal| reading.value(*signal).is_none());
        assert!(missing.eq([Signal::ModulePowerInstant]), "between two calls the last answer stands");
    }
    let mut counts = BTreeMap::new();
    stand_in.calls().into_iter().for_each(|call| *counts.entry(call[2..].to_owned()).or_default() += 1);
    Some(counts)
}

#[test]
fn what_is_dear_or_slow_is_asked_for_less_often() {
    let Some(spare) = calls_in_20_s(Effort::Spare) else { return };
    let expected = [
        ("field 185", 400),
        ("field 185:2", 200),
        ("field 186", 400),
        ("field 186:2", 200),
        ("field 82", 200),
        ("field 83", 10),
        ("fields", 400),
        ("margin", 2),
        ("memory_clock", 200),
        ("power", 200),
        ("power_limit", 20),
        ("power_violation", 10),
        ("pstate", 20),
        ("reasons", 200),
        ("sm_clock", 200),
        ("temperature", 200),
        ("thermal_violation", 2),
        ("utilisation", 200),
    ];
    assert_eq!(spare, expected.map(|(key, count)| (key.to_owned(), count)).into());

    let mut with_energy = spare;
    with_energy.insert("field 83".to_owned(), 400);
    assert_eq!(calls_in_20_s(Effort::Energy), Some(with_energy));

    let full = calls_in_20_s(Effort::Full).unwrap();
    assert!(full.values().all(|count| *count == 400), "{full:?}");
}

#[test]
fn what_was_not_asked_for_is_as_old_as_it_is() {
    let stand_in = stand_in!("temperature 41\nfield 83 5000");
    let mut meter = stand_in.open_sparing();
    stand_in.play("temperature 42\nfield 83 6000");
    stand_in.wait(50);
    let reading = read_one(&mut meter);
    let entry = |value, changed_ms: i64| Entry::Value { value, changed: BEGIN + changed_ms * MILLISECOND };
    assert_eq!((reading.get(Signal::Temperature), reading.get(Signal::Energy)), (entry(41, 0), entry(5000, 0)));
    stand_in.wait(50);
    let reading = read_one(&mut meter);
    assert_eq!((reading.get(Signal::Temperature), reading.get(Signal::Energy)), (entry(42, 100), entry(5000, 0)));
    stand_in.wait(1900);
    assert_eq!(read_one(&mut meter).get(Signal::Energy), entry(6000, 2000));
}

#[test]
fn energy_comes_from_the_field_or_else_from_its_own_call() {
    let stand_in = stand_in!("log 1\nfield 83 not_supported\nenergy 77");
    let mut meter = stand_in.open();
    assert_eq!(read_one(&mut meter).value(Signal::Energy), Some(77));
    assert!(stand_in.calls().contains(&"0 energy".to_owned()));
    let stand_in = stand_in!("log 1\nfield 83 78\nenergy 77");
    let mut meter = stand_in.open();
    assert_eq!(read_one(&mut meter).value(Signal::Energy), Some(78));
    assert!(!stand_in.calls().contains(&"0 energy".to_owned()));
}

#[test]
fn two_devices_are_read_in_order() {
    let stand_in = stand_in!("gpus 2\ntemperature 40\ngpu 1 temperature 60");
    let mut meter = stand_in.open();
    let readings = read(&mut meter);
    let seen: Vec<_> = readings.iter().map(|reading| (reading.device, reading.value(Signal::Temperature))).collect();
    assert_eq!(seen, [(0, Some(40)), (1, Some(60))]);
}

#[test]
fn the_moving_script_is_of_one_piece() {
    let script = include_str!("../stand_in/moving.script");
    let stand_in = stand_in!(script);
    let mut meter = stand_in.open();
    let mut at = |seconds: f64| {
        stand_in.play(&format!("{script}\ntime {seconds}"));
        read(&mut meter)
    };
    let (before, after) = (at(8.0), at(24.0));
    let joules = (after[0].value(Signal::Energy).unwrap() - before[0].value(Signal::Energy).unwrap()) as f64 / 1000.0;
    assert!((joules - 390.0 * 16.0).abs() < 0.01, "two whole periods between 90 and 690 W: {joules}");
    assert_ne!(after[0].value(Signal::Temperature), before[0].value(Signal::Temperature));
    // A second's mean of the counter is the mean that is shown.
    let (before, after) = (at(30.0), at(31.0));
    for (before, after) in before.iter().zip(&after) {
        let counted = after.value(Signal::Energy).unwrap() - before.value(Signal::Energy).unwrap();
        assert!((counted - after.value(Signal::PowerMean).unwrap()).abs() <= 2, "{after:?}");
    }
}

#[test]
fn ten_thousand_polls_need_no_more_room() {
    let stand_in = stand_in!("gpus 2\ngpu 1 power not_supported");
    let mut meter = stand_in.open();
    let mut readings = Vec::new();
    meter.read(&mut readings).unwrap();
    let (room, place) = (readings.capacity(), readings.as_ptr());
    let facts = meter.devices().to_vec();
    for _ in 0..10_000 {
        stand_in.wait(20);
        meter.read(&mut readings).unwrap();
        assert_eq!((readings.len(), readings.capacity(), readings.as_ptr()), (2, room, place));
    }
    assert_eq!(meter.devices(), facts, "facts are those of the start");
}

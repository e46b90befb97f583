//! Devices that fall off the bus, drivers that are loaded again, calls that are slow.

use isotherm_nvml::Effort;
use isotherm_recording::{Entry, Meter, Missing, Signal, Standing};

use crate::stand_in::{BEGIN, MILLISECOND, StandIn, read, read_one, stand_in};

const LOST: Entry = Entry::Missing(Missing::Lost);

#[test]
fn a_lost_device_says_so_and_comes_back_by_its_identity() {
    for fault in ["lost", "uninitialized", "not_found"] {
        let stand_in = stand_in!("gpus 2");
        let mut meter = stand_in.open();
        stand_in.play(&format!("gpus 2\ngpu 1 all {fault}"));
        stand_in.wait(50);
        let readings = read(&mut meter);
        assert_eq!((readings[0].standing, readings[1].standing), (Standing::Present, Standing::Lost), "{fault}");
        assert_eq!(readings[1].entries, [LOST; Signal::COUNT]);
        assert!(readings[0].value(Signal::Temperature).is_some());

        // It comes back at another index.
        stand_in.play(
            "gpus 3\ngpu 1 uuid GPU-new\ngpu 2 uuid GPU-00000000-0000-0000-0000-000000000001\ngpu 2 temperature 77\ngpu 2 field 83 6000000",
        );
        stand_in.wait(50);
        assert_eq!(read(&mut meter)[1].standing, Standing::Lost, "it is not asked again at once");
        stand_in.wait(1000);
        let readings = read(&mut meter);
        assert_eq!((readings[1].device, readings[1].standing), (1, Standing::Present), "{fault}");
        assert_eq!(readings[1].value(Signal::Temperature), Some(77));
        let Entry::Value { changed, .. } = readings[1].get(Signal::Temperature) else { panic!("{fault}") };
        assert_eq!(changed, readings[1].begun, "no value is older than its return");
    }
}

#[test]
fn one_lost_field_is_a_lost_device() {
    let stand_in = stand_in!("");
    let mut meter = stand_in.open();
    stand_in.play("field 186 lost");
    assert_eq!(read_one(&mut meter).standing, Standing::Lost);
}

#[test]
fn a_lost_device_is_tried_less_and_less_often() {
    let stand_in = stand_in!("gpus 2\nlog 1");
    let mut meter = stand_in.open();
    let mut attempts = |script: &str| {
        stand_in.play(&format!("gpus 2\nlog 1\n{script}"));
        stand_in.calls();
        let mut seconds = Vec::new();
        for tenth in 0..=1000 {
            read(&mut meter);
            if stand_in.calls().contains(&"1 attach".to_owned()) {
                seconds.push(tenth / 10);
            }
            stand_in.wait(100);
        }
        seconds
    };
    assert_eq!(attempts("gpu 1 all lost"), [1, 3, 7, 15, 31, 61, 91]);
    // What can be attached and still does not answer counts as a failure too.
    attempts("");
    assert_eq!(attempts("gpu 1 fields lost"), [1, 3, 7, 15, 31, 61, 91]);
}

#[test]
fn counters_that_begin_anew_are_a_reset() {
    let stand_in = stand_in!("field 83 5000000\ntemperature 40");
    let mut meter = stand_in.open();
    stand_in.play("field 83 10\ntemperature 40");
    stand_in.wait(50);
    let reading = read_one(&mut meter);
    assert_eq!((reading.standing, reading.value(Signal::Energy)), (Standing::Reset, Some(10)));
    let Entry::Value { changed, .. } = reading.get(Signal::Temperature) else { panic!("{reading:?}") };
    assert_eq!(changed, BEGIN + 50 * MILLISECOND, "nothing is known to be older than the reset");
    stand_in.wait(50);
    assert_eq!(read_one(&mut meter).standing, Standing::Present, "once");
}

#[test]
fn what_was_asked_for_before_a_reset_is_forgotten() {
    let stand_in = stand_in!("field 83 5000000\npower_violation 900\nthermal_violation 800");
    let mut meter = stand_in.open_sparing();
    stand_in.play("field 83 10\npower_violation 9\nthermal_violation 8");
    stand_in.wait(2000);
    let reading = read_one(&mut meter);
    assert_eq!((reading.standing, reading.value(Signal::PowerViolation)), (Standing::Reset, Some(9)));
    let not_asked = Entry::Missing(Missing::NotAsked);
    assert_eq!(reading.get(Signal::ThermalViolation), not_asked, "800 was before the reset");
    stand_in.wait(50);
    let reading = read_one(&mut meter);
    assert_eq!((reading.standing, reading.value(Signal::ThermalViolation)), (Standing::Present, Some(8)), "one reset");
}

#[test]
fn a_driver_loaded_again_is_initialised_again() {
    let stand_in = stand_in!("gpus 2\nfield 83 5000000");
    let mut meter = stand_in.open();
    stand_in.play("gpus 2\ninit driver_not_loaded\nloads 2");
    stand_in.wait(50);
    let standings =
        |meter: &mut isotherm_nvml::NvmlMeter| read(meter).iter().map(|reading| reading.standing).collect::<Vec<_>>();
    assert_eq!(standings(&mut meter), [Standing::Lost; 2]);
    stand_in.wait(1000);
    assert_eq!(standings(&mut meter), [Standing::Lost; 2], "the driver is not there yet");

    stand_in.play("gpus 2\nloads 2\nfield 83 10");
    stand_in.wait(2000);
    assert_eq!(standings(&mut meter), [Standing::Reset; 2], "its counters began anew while it was away");
    stand_in.wait(50);
    assert_eq!(standings(&mut meter), [Standing::Present; 2]);
}

#[test]
fn a_device_that_is_lost_from_the_start_has_its_place() {
    let stand_in = stand_in!("gpus 2\ngpu 0 all lost");
    let mut meter = stand_in.open();
    assert_eq!(meter.devices()[0].name, "unknown");
    assert_eq!(meter.devices()[0].missing[&Signal::Temperature], Missing::Lost);
    let readings = read(&mut meter);
    assert_eq!((readings[0].standing, readings[1].standing), (Standing::Lost, Standing::Present));
    stand_in.play("gpus 2");
    stand_in.wait(1000);
    assert_eq!(read(&mut meter)[0].standing, Standing::Present);
}

#[test]
fn a_device_of_other_users_is_there_and_says_nothing() {
    let stand_in = stand_in!("gpus 2\ngpu 0 attach no_permission");
    let mut meter = stand_in.open();
    let readings = read(&mut meter);
    assert_eq!(readings[0].entries, [Entry::Missing(Missing::NoPermission); Signal::COUNT]);
    assert!(readings[1].value(Signal::Temperature).is_some());
}

#[test]
fn a_failure_of_one_call_is_its_code_and_asked_again() {
    let stand_in = stand_in!("");
    let mut meter = stand_in.open();
    stand_in.play("temperature timeout\nfields unknown");
    let reading = read_one(&mut meter);
    assert_eq!(reading.get(Signal::Temperature), Entry::Missing(Missing::Failed(10)));
    assert_eq!(reading.get(Signal::PowerInstant), Entry::Missing(Missing::Failed(999)));
    assert_eq!(reading.value(Signal::Power), Some(76_000));
    stand_in.play("");
    assert_eq!(read_one(&mut meter).value(Signal::Temperature), Some(31));
}

#[test]
fn a_slow_call_shows_as_the_time_between_begin_and_end() {
    let stand_in: StandIn = stand_in!("gpus 2\ngpu 0 delay temperature 30");
    // The stand-in sleeps, so this one goes by the system's clock; at least as long as asked for is what a sleep promises.
    let mut meter = isotherm_nvml::NvmlMeter::open(Some(&stand_in.library())).unwrap();
    meter.set_effort(Effort::Full);
    let readings = read(&mut meter);
    assert!(readings[0].ended - readings[0].begun >= 30 * MILLISECOND, "{:?}", readings[0]);
    assert!(readings[1].begun >= readings[0].ended, "devices are read one after the other");
    assert!(readings[1].value(Signal::Temperature).is_some());
}

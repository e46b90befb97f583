//! What is written as an exporter's page is read back as it was.

use isotherm_recording::dcgm::names::{FACTS, FIELDS, of_signal};
use isotherm_recording::{DeviceFacts, Entry, Missing, Reading, Signal, Standing};
use isotherm_telemetry::dcgm::scrape;
use isotherm_telemetry::exposition::{Labels, render};
use proptest::prelude::*;

use crate::page;

const NOW: i64 = 7;

/// An entry that can be: a value in the range of its signal, or none.
fn entry(signal: Signal) -> BoxedStrategy<Entry> {
    let missing = Just(Entry::Missing(Missing::NotAsked));
    match of_signal(signal) {
        None => missing.boxed(),
        Some(field) => {
            let value = field.range.clone().prop_map(|value| Entry::Value { value, changed: NOW });
            prop_oneof![3 => value, 1 => missing].boxed()
        }
    }
}

fn reading(device: u32) -> impl Strategy<Value = Reading> {
    Signal::ALL.map(entry).prop_map(move |entries| Reading { device, entries, ..Reading::default() })
}

/// Labels with everything that has to be escaped in them; an empty one is none.
fn label() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9 ,={}\"\\\\\nµ-]{1,12}"
}

fn facts(index: u32) -> impl Strategy<Value = DeviceFacts> {
    let limit = || prop::option::of((0..20_000_u32).prop_map(|value| f64::from(value) / 8.0));
    (label(), prop::option::of(label()), prop::option::of(label()), [limit(), limit(), limit(), limit(), limit()])
        .prop_map(
            move |(
                name,
                uuid,
                driver,
                [slowdown_degc, shutdown_degc, max_operating_degc, memory_max_degc, max_sm_mhz],
            )| {
                let limits = DeviceFacts { slowdown_degc, shutdown_degc, max_operating_degc, ..DeviceFacts::default() };
                DeviceFacts { index, name, uuid, driver, memory_max_degc, max_sm_mhz, ..limits }
            },
        )
}

proptest! {
    #[test]
    fn a_rendered_page_is_read_back_as_it_was(
        devices in [facts(0), facts(1), facts(12)],
        readings in [reading(0), reading(1), reading(12)],
        host in prop::option::of(label()),
    ) {
        let labels = Labels { hostname: host.clone(), more: vec![("site".to_owned(), "a\"b".to_owned())] };
        let text = labels.render(&devices, &readings);
        let page = scrape(&text, NOW);
        // A device of which nothing is known has no row.
        let has_limits = |place: usize| FACTS.iter().any(|fact| (fact.get)(&devices[place]).is_some());
        let has_values = |place: usize| readings[place].entries.iter().any(|entry| entry.value().is_some());
        let has_rows = |place: usize| has_limits(place) || has_values(place);
        let shown: Vec<usize> = (0..3).filter(|place| has_rows(*place)).collect();
        prop_assume!(!shown.is_empty());
        let page = page.unwrap();
        prop_assert_eq!(page.devices.len(), shown.len());
        prop_assert_eq!(page.skipped, 0);
        for (device, place) in page.devices.iter().zip(shown) {
            prop_assert_eq!(&device.entries, &readings[place].entries);
            prop_assert_eq!(&device.host, &host);
            let known = DeviceFacts {
                signals: device.facts.signals.clone(),
                missing: device.facts.missing.clone(),
                power_limit_w: readings[place].value(Signal::PowerLimit).map(|value| value as f64 / 1000.0),
                ..devices[place].clone()
            };
            prop_assert_eq!(&device.facts, &known);
        }
    }
}

#[test]
fn a_real_page_survives_being_passed_on() {
    for name in ["exporter-3.txt", "exporter-4.txt"] {
        let first = scrape(&page(name), NOW).unwrap();
        let devices: Vec<DeviceFacts> = first.devices.iter().map(|device| device.facts.clone()).collect();
        let readings: Vec<Reading> = first
            .devices
            .iter()
            .map(|device| Reading { device: device.facts.index, entries: device.entries, ..Reading::default() })
            .collect();
        let hostname = first.devices[0].host.clone();
        let again = scrape(&Labels { hostname, more: Vec::new() }.render(&devices, &readings), NOW).unwrap();
        for (first, again) in first.devices.iter().zip(&again.devices) {
            let values = |entries: &[Entry; Signal::COUNT]| entries.map(Entry::value);
            assert_eq!(values(&again.entries), values(&first.entries), "{name}");
            assert_eq!((&again.facts.signals, &again.facts.uuid), (&first.facts.signals, &first.facts.uuid), "{name}");
        }
    }
}

#[test]
fn the_page_is_written_as_the_exporter_writes_it() {
    let device = DeviceFacts {
        index: 1,
        name: "NVIDIA \"H200\"".to_owned(),
        uuid: Some("GPU-7a1c".to_owned()),
        driver: Some("580.82.07".to_owned()),
        slowdown_degc: Some(89.0),
        ..DeviceFacts::default()
    };
    let mut reading = Reading { device: 1, ..Reading::default() };
    for (signal, value) in [(Signal::Power, 76_400), (Signal::Energy, 12_345), (Signal::Temperature, -3)] {
        reading.set(signal, Entry::Value { value, changed: 0 });
    }
    reading.set(Signal::MemoryPowerMean, Entry::Value { value: 40_000, changed: 0 });
    let labels = "{gpu=\"1\",UUID=\"GPU-7a1c\",device=\"nvidia1\",modelName=\"NVIDIA \\\"H200\\\"\",Hostname=\"node-1\",\
        DCGM_FI_DRIVER_VERSION=\"580.82.07\",isotherm=\"simulated\"}";
    let expected = [
        "# HELP DCGM_FI_DEV_GPU_TEMP GPU temperature (in C).\n# TYPE DCGM_FI_DEV_GPU_TEMP gauge\nDCGM_FI_DEV_GPU_TEMP{} -3\n",
        "# HELP DCGM_FI_DEV_POWER_USAGE Power draw (in W).\n# TYPE DCGM_FI_DEV_POWER_USAGE gauge\nDCGM_FI_DEV_POWER_USAGE{} 76.400000\n",
        "# HELP DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION Total energy consumption since boot (in mJ).\n\
         # TYPE DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION counter\nDCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{} 12345\n",
        "# HELP DCGM_FI_DEV_SLOWDOWN_TEMP Slowdown temperature for the device (in C).\n\
         # TYPE DCGM_FI_DEV_SLOWDOWN_TEMP gauge\nDCGM_FI_DEV_SLOWDOWN_TEMP{} 89\n",
    ];
    assert_eq!(Labels::simulated("node-1").render(&[device], &[reading]), expected.concat().replace("{}", labels));
}

#[test]
fn what_is_lost_or_not_read_has_no_row() {
    let devices = [0, 1].map(|index| DeviceFacts { index, slowdown_degc: Some(89.0), ..DeviceFacts::default() });
    let lost = Reading { standing: Standing::Lost, ..Reading::default() };
    assert_eq!(render(&devices, &[lost]), "");
    assert_eq!(render(&devices, &[]), "");
    assert_eq!(render(&[], &[Reading::default()]), "");
}

#[test]
fn every_value_of_every_field_has_a_row_of_its_own() {
    let mut reading = Reading::default();
    for field in &FIELDS {
        reading.set(field.signal, Entry::Value { value: *field.range.start(), changed: 0 });
    }
    let text = render(&[DeviceFacts::default()], &[reading]);
    for field in &FIELDS {
        let rows = text.lines().filter(|line| line.starts_with(&format!("{}{{", field.name))).count();
        assert_eq!(rows, 1, "{}", field.name);
    }
}

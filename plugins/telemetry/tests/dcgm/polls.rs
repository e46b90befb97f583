//! One poll after the other: ages, lost devices, counters that begin anew, several hosts.

use std::time::Duration;

use isotherm_recording::{Entry, Meter, Missing, Reading, Signal, Standing};
use isotherm_telemetry::dcgm::DcgmMeter;

use crate::exporter::{Exporter, Reply};
use crate::page;

/// The readings of one poll a page; the first page is what the meter is opened with.
fn polls(pages: &[&str]) -> Vec<Vec<Reading>> {
    let exporter = Exporter::start(pages.iter().map(|page| Reply::page(page)).collect());
    let mut meter = DcgmMeter::open_within(&exporter.url(), Duration::from_secs(10)).unwrap();
    let poll = |_: &&str| {
        let mut readings = vec![Reading::default(); 7];
        meter.read(&mut readings).unwrap();
        readings
    };
    pages[1..].iter().map(poll).collect()
}

fn changed(reading: &Reading, signal: Signal) -> i64 {
    let Entry::Value { changed, .. } = reading.get(signal) else { panic!("{reading:?}") };
    changed
}

#[test]
fn a_value_that_stays_grows_old() {
    let first = "DCGM_FI_DEV_GPU_TEMP{gpu=\"0\"} 45\nDCGM_FI_DEV_POWER_USAGE{gpu=\"0\"} 100\n";
    let second = "DCGM_FI_DEV_GPU_TEMP{gpu=\"0\"} 45\nDCGM_FI_DEV_POWER_USAGE{gpu=\"0\"} 101\n";
    let polls = polls(&[first, first, second]);
    let [before, after] = [&polls[0][0], &polls[1][0]];
    assert_eq!(changed(before, Signal::Temperature), before.ended);
    assert_eq!(changed(after, Signal::Temperature), before.ended);
    assert_eq!(changed(after, Signal::Power), after.ended);
    assert!(after.begun <= after.ended && before.ended <= after.begun);
}

#[test]
fn a_device_that_disappears_is_lost_until_it_is_back() {
    let both = "DCGM_FI_DEV_GPU_TEMP{gpu=\"0\"} 45\nDCGM_FI_DEV_GPU_TEMP{gpu=\"1\"} 50\n";
    let one = "DCGM_FI_DEV_GPU_TEMP{gpu=\"0\"} 45\nDCGM_FI_DEV_GPU_TEMP{gpu=\"7\"} 50\n";
    let none = "# TYPE DCGM_FI_DEV_GPU_TEMP gauge\n";
    let polls = polls(&[both, both, one, none, both]);
    let standings: Vec<Vec<_>> =
        polls.iter().map(|poll| poll.iter().map(|reading| reading.standing).collect()).collect();
    let (here, lost) = (Standing::Present, Standing::Lost);
    assert_eq!(standings, [vec![here, here], vec![here, lost], vec![lost, lost], vec![here, here]]);
    assert!(polls[1][1].entries.iter().all(|entry| *entry == Entry::Missing(Missing::Lost)));
    assert_eq!((polls[1][1].device, polls[1].len()), (1, 2), "a new device is left out");
    assert_eq!(changed(&polls[3][1], Signal::Temperature), polls[3][1].ended, "nobody saw it in between");
}

#[test]
fn a_counter_that_falls_began_anew() {
    let at = |energy: i64| format!("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{{gpu=\"0\"}} {energy}\n");
    let blank = at(i64::MAX - 13);
    let polls = polls(&[&at(900), &at(1000), &blank, &at(5), &at(6)]);
    let standings: Vec<_> = polls.iter().map(|poll| poll[0].standing).collect();
    assert_eq!(standings, [Standing::Present, Standing::Present, Standing::Reset, Standing::Present]);
    assert_eq!(polls[1][0].get(Signal::Energy), Entry::Missing(Missing::Unsupported));
}

#[test]
fn devices_of_several_hosts_are_numbered_through() {
    let exporter = Exporter::start(vec![Reply::page(&page("federation.txt"))]);
    let mut meter = DcgmMeter::open(&exporter.url()).unwrap();
    let known: Vec<_> = meter.devices().iter().map(|facts| (facts.index, facts.name.clone())).collect();
    let named = |index, name: &str| (index, format!("NVIDIA H200 ({name})"));
    assert_eq!(
        known,
        [
            named(0, "10.0.0.3:9400, GPU 0"),
            named(1, "node-a, GPU 0"),
            named(2, "node-a, GPU 1"),
            named(3, "node-b, GPU 0")
        ]
    );
    assert_eq!(meter.hosts().flatten().collect::<Vec<_>>(), ["10.0.0.3:9400", "node-a", "node-a", "node-b"]);
    let mut readings = Vec::new();
    meter.read(&mut readings).unwrap();
    let seen: Vec<_> =
        readings.iter().map(|reading| (reading.device, reading.value(Signal::Temperature).unwrap())).collect();
    assert_eq!(seen, [(0, 61), (1, 40), (2, 41), (3, 51)]);
}

#[test]
fn a_page_that_names_no_gpu_is_not_opened() {
    let exporter = Exporter::start(vec![Reply::page("# TYPE DCGM_FI_DEV_GPU_TEMP gauge\n")]);
    let fault = DcgmMeter::open(&exporter.url()).err().unwrap().to_string();
    assert!(
        fault.contains("it has no GPU at present; expected rows such as DCGM_FI_DEV_GPU_TEMP{gpu=\"0\"} 41"),
        "{fault}"
    );
}

//! What is read of pages of exporters of all ages.

use isotherm_recording::{Entry, Missing, Signal};
use isotherm_telemetry::dcgm::{Page, ScrapeError, Scraped, scrape};

use crate::page;

const NOW: i64 = 1_800_000_000_000_000_000;

fn read(name: &str) -> Page {
    let page = scrape(&page(name), NOW).unwrap();
    assert_eq!(page.skipped, 0);
    page
}

/// The values of a device, all of which changed now.
fn values(device: &Scraped) -> Vec<(Signal, i64)> {
    let entry = |signal: Signal| match device.entries[signal.index()] {
        Entry::Value { value, changed } => {
            assert_eq!(changed, NOW);
            Some((signal, value))
        }
        Entry::Missing(_) => None,
    };
    Signal::ALL.into_iter().filter_map(entry).collect()
}

fn missing(device: &Scraped, signal: Signal) -> Option<Missing> {
    match device.entries[signal.index()] {
        Entry::Missing(missing) => Some(missing),
        Entry::Value { .. } => None,
    }
}

#[test]
fn exporter_3_lets_blanks_through_and_we_do_not() {
    let page = read("exporter-3.txt");
    let [busy, idle] = &page.devices[..] else { panic!("{page:?}") };
    assert_eq!(busy.host.as_deref(), Some("node-07"));
    assert_eq!(busy.facts.name, "NVIDIA H100 80GB HBM3");
    assert_eq!(busy.facts.uuid.as_deref(), Some("GPU-58e8f5ea-13cc-013a-d88f-2bcf5ae8bc01"));
    assert_eq!(busy.facts.driver.as_deref(), Some("535.129.03"));
    assert_eq!(busy.facts.power_limit_w, Some(700.0));
    assert_eq!(
        values(busy),
        [
            (Signal::Power, 694_123),
            (Signal::Energy, 912_345_678_901),
            (Signal::Temperature, 62),
            (Signal::MemoryTemperature, 71),
            (Signal::SmClock, 1755),
            (Signal::MemoryClock, 2619),
            (Signal::Utilisation, 100),
            (Signal::MemoryUtilisation, 48),
            (Signal::Reasons, 4),
            (Signal::PowerViolation, 52_700_000_000),
            (Signal::PowerLimit, 700_000),
        ]
    );
    assert_eq!((idle.facts.index, idle.host.as_deref()), (1, Some("node-07")));
    assert_eq!(missing(idle, Signal::MemoryTemperature), Some(Missing::Unsupported));
    assert_eq!(missing(idle, Signal::Power), Some(Missing::Unsupported));
    assert_eq!(missing(idle, Signal::Utilisation), Some(Missing::Invalid));
    assert_eq!(missing(idle, Signal::ThermalViolation), Some(Missing::NotAsked));
    assert_eq!(idle.facts.missing[&Signal::Power], Missing::Unsupported);
    assert!(!idle.facts.signals.contains_key(&Signal::Power) && idle.facts.signals.contains_key(&Signal::Temperature));
}

#[test]
fn exporter_4_tells_all_that_dcgm_has() {
    let page = read("exporter-4.txt");
    let [busy, _] = &page.devices[..] else { panic!("{page:?}") };
    assert_eq!(busy.host.as_deref(), Some("node-12"), "the label is `hostname` there");
    assert_eq!(values(busy).len(), 15);
    assert_eq!(busy.entries[Signal::PowerInstant.index()].value(), Some(651_007));
    assert_eq!(busy.entries[Signal::Margin.index()].value(), Some(29));
    let limit = busy.entries[Signal::PowerLimit.index()].value();
    assert_eq!(limit, Some(650_000), "the enforced limit, not the one asked for");
    let facts = &busy.facts;
    assert_eq!((facts.max_sm_mhz, facts.max_operating_degc), (Some(1980.0), Some(87.0)));
    assert_eq!((facts.slowdown_degc, facts.shutdown_degc, facts.memory_max_degc), (Some(89.0), Some(95.0), Some(95.0)));
}

#[test]
fn exporter_1_had_other_names() {
    let page = read("exporter-1.txt");
    let [device] = &page.devices[..] else { panic!("{page:?}") };
    assert_eq!((device.host.as_deref(), device.facts.name.as_str()), (None, ""));
    assert_eq!(device.facts.uuid.as_deref(), Some("GPU-1f7c0bd2-0000-0000-0000-000000000000"));
    assert_eq!(
        values(device),
        [(Signal::Power, 250_500), (Signal::Temperature, 44), (Signal::SmClock, 1530), (Signal::Utilisation, 97)]
    );
    assert_eq!(missing(device, Signal::MemoryTemperature), Some(Missing::Invalid));
}

#[test]
fn an_instance_has_no_watts_and_a_whole_device_keeps_its_own() {
    let page = read("exporter-3-mig.txt");
    let [cut, whole, both] = &page.devices[..] else { panic!("{page:?}") };
    assert!(cut.facts.is_partitioned && !whole.facts.is_partitioned && both.facts.is_partitioned);
    assert_eq!(values(cut), []);
    assert_eq!(missing(cut, Signal::Power), Some(Missing::Unsupported));
    assert_eq!(values(whole), [(Signal::Power, 31_207), (Signal::Temperature, 33)]);
    assert_eq!(values(both), [(Signal::Power, 99_900), (Signal::Temperature, 41)]);
}

#[test]
fn hosts_of_one_page_are_kept_apart_and_old_values_are_old() {
    let page = read("federation.txt");
    let seen: Vec<_> = page
        .devices
        .iter()
        .map(|device| {
            (device.host.as_deref().unwrap(), device.facts.index, device.entries[Signal::Temperature.index()])
        })
        .collect();
    let entry = |value, seconds: i64| Entry::Value { value, changed: seconds * 1_000_000_000 };
    assert_eq!(
        seen,
        [
            ("10.0.0.3:9400", 0, entry(61, 1_700_000_002)),
            ("node-a", 0, entry(40, 1_700_000_001)),
            ("node-a", 1, entry(41, 1_700_000_001)),
            ("node-b", 0, entry(51, 1_700_000_000)),
        ]
    );
    let early = scrape(&crate::page("federation.txt"), 5).unwrap();
    let entry = early.devices[0].entries[Signal::Temperature.index()];
    assert_eq!(entry, Entry::Value { value: 61, changed: 5 }, "nothing is from the future");
}

#[test]
fn of_two_rows_the_better_name_counts_then_the_first_with_a_value() {
    let rows = [
        "DCGM_FI_DEV_POWER_MGMT_LIMIT{gpu=\"0\"} 700",
        "DCGM_FI_DEV_ENFORCED_POWER_LIMIT{gpu=\"0\"} 650",
        "DCGM_FI_DEV_GPU_TEMP{gpu=\"0\",pod=\"a\"} NaN",
        "DCGM_FI_DEV_GPU_TEMP{gpu=\"0\",pod=\"b\"} 40",
        "DCGM_FI_DEV_GPU_TEMP{gpu=\"0\",pod=\"c\"} 40",
    ];
    for rows in [rows.to_vec(), rows.into_iter().rev().collect()] {
        let page = scrape(&(rows.join("\n") + "\n"), NOW).unwrap();
        assert_eq!(values(&page.devices[0]), [(Signal::Temperature, 40), (Signal::PowerLimit, 650_000)]);
    }
    let page =
        scrape("DCGM_FI_DEV_POWER_MGMT_LIMIT{gpu=\"0\"} 700\nDCGM_FI_DEV_ENFORCED_POWER_LIMIT{gpu=\"0\"} NaN\n", NOW);
    assert_eq!(values(&page.unwrap().devices[0]), [(Signal::PowerLimit, 700_000)]);
}

#[test]
fn a_page_that_was_cut_anywhere_says_nothing_wrong() {
    let whole = page("exporter-3.txt");
    let known = scrape(&whole, NOW).unwrap().devices;
    for cut in (0..whole.len()).filter(|cut| whole.is_char_boundary(*cut)) {
        let Ok(page) = scrape(&whole[..cut], NOW) else { continue };
        assert!(whole[..cut].ends_with('\n'), "cut at {cut}");
        for device in &page.devices {
            let whole = known.iter().find(|known| known.facts.index == device.facts.index).unwrap();
            for (signal, value) in values(device) {
                // Of two rows the worse may be all that is left, but it is a row of the page.
                assert_eq!(whole.entries[signal.index()].value(), Some(value), "cut at {cut}");
            }
        }
    }
}

#[test]
fn other_pages_are_refused_with_what_was_expected() {
    for (text, expected) in [
        ("", "the page is empty; "),
        (" \n\r\n", "the page is empty; "),
        ("\n <html><body>GPU Exporter</body></html>", "found a web page; expected metrics in Prometheus's text format"),
        (
            "{\"status\":\"success\"}\n",
            "line 1 is no metric: `{\"status\":\"success\"}`; expected Prometheus's text format",
        ),
        ("node_load1 0.5\n\nup 1\n", "2 metrics, but none of a GPU; expected names such as DCGM_FI_DEV_GPU_TEMP"),
        ("DCGM_FI_DEV_GPU_TEMP 45\n", "1 metrics, but none of a GPU; "),
        ("DCGM_FI_DEV_GPU_TEMP{gpu=\"x\"} 45\n", "1 metrics, but none of a GPU; "),
        ("# HELP up is it?\n", "0 metrics, but none of a GPU; "),
        ("DCGM_FI_DEV_GPU_TEMP{gpu=\"0\"} 4", "the page ends in the middle of line 1; "),
        ("\nDCGM_FI_DEV_GPU_TEMP{gpu=\"0\"} 45\nDCGM_FI", "the page ends in the middle of line 3; "),
    ] {
        let fault = scrape(text, NOW).unwrap_err().to_string();
        assert!(fault.starts_with(expected), "{text:?}: {fault}");
    }
    let long = format!("\u{1b}[31m{}\n", "é".repeat(500));
    let Err(ScrapeError::NotMetrics { found, .. }) = scrape(&long, NOW) else { panic!() };
    assert_eq!(found, format!("[31m{}...", "é".repeat(56)), "short, and without control characters");
}

#[test]
fn a_page_without_rows_is_one_without_devices() {
    let text = "# HELP DCGM_FI_DEV_GPU_TEMP GPU temperature (in C).\n# TYPE DCGM_FI_DEV_GPU_TEMP gauge\n";
    assert_eq!(scrape(text, NOW).unwrap().devices, []);
}

#[test]
fn senseless_lines_are_left_out_and_counted() {
    let text = "DCGM_FI_DEV_GPU_TEMP{gpu=\"0\"} 45\n]]]\nDCGM_FI_DEV_SM_CLOCK{gpu=\"0\" 1755\nDCGM_FI_DEV_PSTATE{gpu=\"0\"} P0\n";
    let page = scrape(text, NOW).unwrap();
    assert_eq!(page.skipped, 2);
    assert_eq!(values(&page.devices[0]), [(Signal::Temperature, 45)]);
    assert_eq!(
        missing(&page.devices[0], Signal::PerformanceState),
        Some(Missing::Invalid),
        "a value of the wrong type"
    );
}

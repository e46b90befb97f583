//! `kind = "dcgm"` as a scenario uses it.

use isotherm_core::telemetry::{Sample, TelemetrySource, TelemetrySpec, Truth};
use isotherm_core::time::{SimDuration, SimTime};
use isotherm_telemetry::DcgmSpec;

use crate::exporter::{Exporter, Reply};
use crate::page;

fn spec(exporter: &Exporter, options: &str) -> Box<dyn TelemetrySpec> {
    toml::from_str(&format!("kind = \"dcgm\"\nurl = \"{}\"\n{options}", exporter.url())).unwrap()
}

/// What each GPU shows at each of `polls` seconds: temperature (degC) and power (mW).
fn shown(spec: &dyn TelemetrySpec, gpus: usize, polls: u64) -> Vec<Vec<(Option<f64>, Option<f64>)>> {
    let mut source = spec.build(gpus, 0).unwrap();
    let poll = |second: u64| {
        let mut samples = vec![Sample::default(); gpus];
        let now = SimTime::ZERO + SimDuration::from_millis(1000 * second);
        source.sample(now, &vec![Truth::default(); gpus], &mut samples).unwrap();
        assert!(samples.iter().all(|sample| sample.taken_at <= now), "{samples:?}");
        samples
            .iter()
            .map(|sample| (sample.temperature.map(|t| t.get()), sample.power.map(|p| (p.get() * 1e3).round())))
            .collect()
    };
    (0..polls).map(poll).collect()
}

#[test]
fn gpus_play_the_devices_of_the_page() {
    let exporter = Exporter::start(vec![Reply::page(&page("exporter-4.txt"))]);
    let (busy, idle) = ((Some(58.0), Some(648_951.0)), (Some(27.0), Some(76_412.0)));
    assert_eq!(shown(spec(&exporter, "").as_ref(), 2, 2), [[busy, idle], [busy, idle]]);
    assert_eq!(shown(spec(&exporter, "devices = [1]").as_ref(), 1, 1), [[idle]]);
    let by_uuid = "devices = [1, \"GPU-7a1c3a40-0f5e-4c58-9d1b-0c6a5d2f1e10\"]\npower = \"instant\"";
    let instant = [(Some(27.0), Some(76_033.0)), (Some(58.0), Some(651_007.0))];
    assert_eq!(shown(spec(&exporter, by_uuid).as_ref(), 2, 1), [instant]);
}

#[test]
fn blanks_are_absent_and_a_failed_poll_ends_nothing() {
    let whole = page("exporter-4.txt");
    let blank = Reply::page(&whole.replace("} 58\n", "} 9223372036854775794\n"));
    let failed = Reply::answer("500 Internal Server Error", "text/plain", "");
    let whole = Reply::page(&whole);
    let exporter = Exporter::start(vec![whole.clone(), whole.clone(), blank, failed, whole]);
    let read = [(Some(58.0), Some(648_951.0))];
    assert_eq!(shown(spec(&exporter, "").as_ref(), 1, 4), [read, [(None, Some(648_951.0))], [(None, None)], read]);
}

#[test]
fn what_does_not_fit_is_told_before_the_run() {
    let exporter = Exporter::start(vec![Reply::page(&page("exporter-3.txt"))]);
    for (options, expected) in [
        (
            "devices = [0, 7]",
            "`devices`: there is no device 7; found are 0: NVIDIA H100 80GB HBM3, 1: NVIDIA H100 80GB HBM3",
        ),
        ("power = \"instant\"", "`power`: device 0 (NVIDIA H100 80GB HBM3) does not give \"instant\""),
    ] {
        let fault = spec(&exporter, options).build(2, 0).err().unwrap().to_string();
        assert!(fault.starts_with(expected), "{fault}");
    }
    let fault = spec(&exporter, "").build(3, 0).err().unwrap().to_string();
    assert!(fault.starts_with("`devices`: 2 found for 3 GPUs"), "{fault}");
}

#[test]
fn the_table_is_written_back_with_its_defaults() {
    let exporter = Exporter::start(vec![Reply::page("")]);
    let written = toml::to_string(&spec(&exporter, "")).unwrap();
    let url = exporter.url();
    assert_eq!(written, format!("kind = \"dcgm\"\nurl = \"{url}\"\nperiod = \"1 s\"\npower = \"mean\"\n"));
}

#[test]
fn what_happens_to_a_device_is_an_event() {
    let whole = page("exporter-4.txt");
    let one: String =
        whole.lines().filter(|line| !line.contains("gpu=\"1\"")).map(|line| format!("{line}\n")).collect();
    let pages = [&whole, &whole, &one, ""].map(Reply::page);
    let exporter = Exporter::start(pages.to_vec());
    let mut source = DcgmSpec::at(exporter.url()).source(2).unwrap();
    for _ in 0..3 {
        source.sample(SimTime::ZERO, &[Truth::default(); 2], &mut [Sample::default(); 2]).unwrap();
    }
    let told: Vec<String> = source.events().take().into_iter().map(|event| event.text).collect();
    let empty = "the page is empty; an exporter that was just started has nothing yet, else its log tells why";
    assert_eq!(told, ["GPU 1 (device 1, NVIDIA H200) is lost".to_owned(), format!("{}: {empty}", exporter.url())]);
}

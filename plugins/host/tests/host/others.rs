//! Telemetry sources and placements of a library behind the core's traits.

use isotherm_core::id::{ExpertId, GpuId};
use isotherm_core::placement::{Placement, PlacementContext, PlacementError, PlacementSpec};
use isotherm_core::telemetry::{Sample, TelemetryError, TelemetrySource, Truth};
use isotherm_core::time::{SimDuration, SimTime};
use isotherm_core::units::{Celsius, Joules, Watts};

use crate::catalogue::Controls;

fn source(controls: &Controls, options: &str) -> Box<dyn TelemetrySource> {
    controls.telemetry(options).unwrap().build(2, 7).unwrap()
}

const TRUTH: [Truth; 2] =
    [Truth { temperature: Celsius::new(40.0), power: Watts::new(300.0), energy: Joules::new(f64::NAN) }; 2];

fn poll(source: &mut dyn TelemetrySource, out: &mut [Sample]) -> Result<(), TelemetryError> {
    source.sample(SimTime::from_nanos(1_000), &TRUTH, out)
}

#[test]
fn samples_cross_the_border() {
    let Some(controls) = Controls::new() else { return };
    let mut out = [Sample::default(); 2];
    let mut echo = source(&controls, "");
    poll(&mut *echo, &mut out).unwrap();
    let first = Sample {
        taken_at: SimTime::from_nanos(1_000),
        temperature: Some(Celsius::new(41.0)),
        power: Some(Watts::new(300.0)),
    };
    assert_eq!(out, [first, Sample { power: None, ..first }]);
    let before = out;
    poll(&mut *source(&controls, "fault = 'keeps'\n"), &mut out).unwrap();
    assert_eq!(out, before, "preset to the last samples");
    let state = echo.save();
    let mut other = source(&controls, "");
    other.load(&state).unwrap();
    poll(&mut *other, &mut out).unwrap();
    assert_eq!(out[0].temperature, Some(Celsius::new(42.0)), "it goes on with the second poll");
    let error = other.load(&[1]).unwrap_err().to_string();
    assert!(error.starts_with("telemetry state: ") && error.ends_with("these are no 4 bytes"), "{error}");
}

#[test]
fn the_traits_of_a_source_follow_from_its_options() {
    let Some(controls) = Controls::new() else { return };
    let spec = controls.telemetry("period_ms = 20\n").unwrap();
    assert_eq!(
        (spec.period(), spec.prescribes_temperature(), spec.warning()),
        (SimDuration::from_millis(20), false, None)
    );
    assert_eq!(toml::to_string(&*spec).unwrap(), "kind = \"acme/echo\"\nfault = \"\"\nperiod_ms = 20\n");
    let spec = controls.telemetry("fault = 'prescribes'\n").unwrap();
    assert_eq!((spec.prescribes_temperature(), spec.warning()), (true, Some("temperatures are told")));
    let found = controls.telemetry("period_ms = 0\n").unwrap_err();
    assert!(found.contains("has named no time between two polls; expected at least 1 ns"), "{found}");
    let Err(TelemetryError::Option { option, message }) = spec.build(9, 7) else { panic!("too many GPUs") };
    assert_eq!((option, message), ("period_ms", format!("too many GPUs for it ({})", controls.subject("acme/echo"))));
}

#[test]
fn a_source_that_breaks_the_contract_ends_the_run_with_its_name() {
    let Some(controls) = Controls::new() else { return };
    let message = |fault: &str| {
        let mut source = source(&controls, &format!("fault = '{fault}'\n"));
        let error = poll(&mut *source, &mut [Sample::default(); 2]).unwrap_err().to_string();
        error.replace(&controls.subject("acme/echo"), "X")
    };
    assert_eq!(message("fail"), "X failed while sampling: the pipe is closed");
    assert_eq!(message("future"), "X broke the interface: a sample from 5 ns after the poll of GPU 0");
    assert_eq!(message("infinite"), "X broke the interface: an infinite sample (41 degC, inf W) of GPU 0");
    let mut source = source(&controls, "");
    assert!(source.sample(SimTime::ZERO, &TRUTH[..1], &mut [Sample::default(); 2]).is_err());
}

fn place(spec: &dyn PlacementSpec, context: &PlacementContext<'_>) -> Result<Vec<Vec<u32>>, String> {
    let placement = spec.place(context).map_err(|error| {
        assert!(matches!(error, PlacementError::Unusable(_)));
        error.to_string()
    })?;
    let copies = |expert| placement.copies(ExpertId(expert)).iter().map(|gpu| gpu.0).collect();
    Ok((0..placement.experts() as u32).map(copies).collect())
}

#[test]
fn placements_cross_the_border() {
    let Some(controls) = Controls::new() else { return };
    let spec = controls.placement("").unwrap();
    let start = PlacementContext::at_start(3, 3);
    assert_eq!(place(&*spec, &start), Ok(vec![vec![2], vec![1], vec![0]]));
    let current = Placement::contiguous(3, 3);
    let samples = [Sample::default(); 3];
    let measured = start.measured(&[1.0, 20.0, 1.0], &[1.0; 3], &samples, &current, &[GpuId(2)]);
    assert_eq!(place(&*spec, &measured), Ok(vec![vec![0], vec![1, 2], vec![0]]));
    assert_eq!(spec.rebalance(), None);
    let every = controls.placement("every_batches = 50\n").unwrap();
    assert_eq!(every.rebalance().map(|rebalance| rebalance.every_batches), Some(50));
    assert_eq!(toml::to_string(&*every).unwrap(), "kind = \"acme/reverse\"\nevery_batches = 50\n");
}

#[test]
fn what_is_no_placement_is_refused_with_the_name_of_the_plugin() {
    let Some(controls) = Controls::new() else { return };
    let message = |fault: &str| {
        let spec = controls.placement(&format!("fault = '{fault}'\n")).unwrap();
        let error = place(&*spec, &PlacementContext::at_start(3, 3)).unwrap_err();
        error.replace(&controls.subject("acme/reverse"), "X")
    };
    assert_eq!(message("fail"), "X failed while placing experts: no room");
    assert_eq!(message("stray"), "X has placed expert 3, but there are 3");
    assert_eq!(message("homeless"), "X has made no placement: expert 1 is on no GPU");
}

//! What allocates once everything has its size, counted by an allocator: no gate, no router, no event between batches; a batch only what its record
//! keeps, a fleet what its windows keep.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use std::path::Path;
use std::sync::Arc;

use isotherm::scenario_file::ScenarioFile;
use isotherm_core::buffer::LINE;
use isotherm_core::fleet::{FleetModel, FleetRun, GroupRouter};
use isotherm_core::gate::{GateBatch, GateScratch};
use isotherm_core::id::BatchId;
use isotherm_core::placement::Placement;
use isotherm_core::population::GateSample;
use isotherm_core::rng::fill_standard_normal;
use isotherm_core::router::{ClusterView, Feedback, PerLayer, Router, RouterContext, RouterSpec, ThermalHint};
use isotherm_core::routing::{Routing, RoutingOptions};
use isotherm_core::simulation::Simulation;
use isotherm_core::telemetry::Sample;
use isotherm_core::time::SimTime;
use isotherm_core::units::{Celsius, Watts};
use isotherm_core::workload::{Arrival, WorkloadContext, WorkloadSpec};
use isotherm_core::world::{GateWindow, WorldSpec};
use isotherm_routers::{Baseline, KINDS};

const EXPERTS: usize = 64;
const TOP_K: usize = 8;
const GPUS: usize = 8;
/// Batches after which all buffers have their size.
const WARM_UP: u32 = 3;

fn step(
    router: &mut dyn Router,
    batch: u32,
    gate: &GateBatch,
    costs: &[f64],
    placement: &Placement,
    out: &mut Routing,
) {
    let now = SimTime::from_nanos(u64::from(batch) * 50_000_000);
    let sample = |gpu: usize| Sample {
        taken_at: now,
        temperature: Some(Celsius::new(60.0 + gpu as f64)),
        power: Some(Watts::new(400.0)),
    };
    let samples: [Sample; GPUS] = std::array::from_fn(sample);
    let view = ClusterView::empty()
        .with_declared_costs(costs)
        .at(now, BatchId(batch), placement, &samples)
        .with_true_costs(costs);
    router.route(gate, &view, out).unwrap();
    let joules: [f64; EXPERTS] = std::array::from_fn(|e| f64::from(out.counts[e]) * costs[e]);
    let seconds: [f64; EXPERTS] = std::array::from_fn(|e| f64::from(out.counts[e]) * 1e-5);
    router.feedback(&Feedback::new(now, BatchId(batch), &out.counts, &joules, &seconds)).unwrap();
}

#[test]
fn routing_allocates_nothing_after_warm_up() {
    let costs: Vec<f64> = (0..EXPERTS).map(|e| if e % 4 == 3 { 2.0 } else { 0.5 }).collect();
    let placement = Placement::contiguous(EXPERTS, GPUS);
    let gates: Vec<GateBatch> = (0..8)
        .map(|batch| {
            let mut logits = vec![0.0; 512 * EXPERTS];
            fill_standard_normal([1, 2], batch, &mut logits);
            GateBatch::from_logits(EXPERTS, TOP_K, logits)
        })
        .collect();
    let hint = ThermalHint { kelvin_per_watt: 0.05, time_constant_s: 60.0, ambient_degc: 30.0, idle_w: 80.0 };
    let options = RoutingOptions::default();
    for kind in KINDS {
        let text = match kind.name {
            "prescribed" => format!("kind = \"prescribed\"\nusage = {:?}", vec![1_000_000; EXPERTS]),
            _ => kind.example.to_owned(),
        };
        let spec: Box<dyn RouterSpec> = toml::from_str(&text).unwrap();
        let context =
            RouterContext::new(EXPERTS, TOP_K, &costs, 5).with_options(&options).with_hardware(&placement, Some(hint));
        let mut router = spec.build(&context).unwrap();
        let mut out = Routing::new(EXPERTS, TOP_K);
        for batch in 0..WARM_UP {
            step(router.as_mut(), batch, &gates[batch as usize % gates.len()], &costs, &placement, &mut out);
        }
        let counted = allocation_counter::measure(|| {
            for batch in WARM_UP..WARM_UP + 20 {
                step(router.as_mut(), batch, &gates[batch as usize % gates.len()], &costs, &placement, &mut out);
            }
        });
        assert_eq!(counted.count_total, 0, "{}: {counted:?}", kind.name);
    }
}

/// A gate is computed in the memory of one that all runs have passed.
#[test]
fn a_gate_in_used_memory_allocates_nothing() {
    const TOKENS: usize = 512;
    for workload in [
        "kind = \"gaussian\"",
        "kind = \"gaussian\"\nsource = \"logits\"\nskew = 0.5",
        "kind = \"gaussian\"\nsource = \"logits\"\ngate = \"uniform\"",
    ] {
        let spec: Box<dyn WorkloadSpec> = toml::from_str(workload).unwrap();
        let stream =
            spec.build(&WorkloadContext { experts: EXPERTS, top_k: TOP_K, seed: 1, batches: &[], layer: 0 }).unwrap();
        let mut scratch = GateScratch::default();
        let mut gate = |used: Option<GateBatch<'static>>, batch| {
            used.into_iter().for_each(|used| scratch.reuse(used));
            let mut logits = scratch.logits();
            stream.logits_into(BatchId(batch), TOKENS, &mut logits).unwrap();
            GateBatch::with_scratch(EXPERTS, TOP_K, logits, &mut scratch)
        };
        let first = gate(None, 0);
        let mut last = None;
        let counted = allocation_counter::measure(|| {
            let second = gate(Some(first), 1);
            last = Some(gate(Some(second), 2));
        });
        assert_eq!(counted.count_total, 0, "{workload}: {counted:?}");
        let fresh = GateBatch::from_logits(EXPERTS, TOP_K, stream.logits(BatchId(2), TOKENS).unwrap());
        let last = last.unwrap();
        assert_eq!(format!("{last:?}"), format!("{fresh:?}"), "{workload}: and is the same gate");
        assert_eq!(last.parts().logits.as_ptr().addr() % LINE, 0);
    }
}

/// A scenario, settings, and what the record of one of its batches keeps: experts' use, temperatures, power and time at work of the GPUs, and on
/// devices their clocks and the temperatures of their memories.
type Case = (&'static str, &'static [&'static str], u64);

const DEVICES: Case = ("device", &["arrivals.tokens=2048"], 6);
/// Batches that are counted.
const COUNTED: u64 = 200;

/// Allocations and events of a run after its first batches.
fn of_a_run((scenario, settings, _): Case, more: &str) -> (u64, u64) {
    const WARM: usize = 40;
    let batches = WARM + COUNTED as usize;
    let mut set = vec![format!("arrivals.batches={batches}"), more.to_owned()];
    set.extend(settings.iter().map(|setting| (*setting).to_owned()));
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{scenario}.toml"));
    let file = ScenarioFile::read(&scenario, &set).unwrap_or_else(|fault| panic!("{fault}"));
    let scenario = &file.plan.worlds[0].scenario;
    let arrivals: Arc<[Arrival]> = scenario.arrivals.batches(0).unwrap().into();
    let spec = WorldSpec::of(scenario, Arc::clone(&arrivals)).unwrap();
    let (experts, top_k) = (spec.experts as usize, spec.top_k as usize);
    let gate = |batch: u32| {
        let layer = |layer| {
            let mut logits = vec![0.0; arrivals[batch as usize].tokens as usize * experts];
            fill_standard_normal([1, layer], u64::from(batch), &mut logits);
            Arc::new(GateBatch::from_logits(experts, top_k, logits))
        };
        (BatchId(batch), (0..spec.layers).map(layer).collect())
    };
    let window = Arc::new(GateWindow::of_layers((0..batches as u32).map(gate)));
    let costs = vec![1.0; experts];
    let router = Baseline::default().build(&RouterContext::new(experts, top_k, &costs, 1)).unwrap();
    let source = scenario.telemetry.build(spec.gpus as usize, 0).unwrap();
    let mut simulation = Simulation::new(Arc::new(spec), router, source).unwrap();
    while simulation.completed() < WARM {
        assert!(simulation.advance_events(&window, 1).unwrap().is_none());
    }
    let mut events = 0;
    let counted = allocation_counter::measure(|| {
        while simulation.completed() < batches {
            simulation.advance_events(&window, 1).unwrap();
            events += 1;
        }
    });
    (counted.count_total, events)
}

/// Buffers that grow now and then: queues, lists of records, what governors remember of a second. Far fewer than one a batch.
const GROWN: u64 = 50;

#[test]
fn events_between_batches_allocate_nothing() {
    let ((few_allocations, few_events), (allocations, events)) =
        (of_a_run(DEVICES, "telemetry.period=\"100 ms\""), of_a_run(DEVICES, "telemetry.period=\"100 us\""));
    assert!(events > 10 * few_events, "{events} events and {few_events}");
    assert!(allocations <= few_allocations + 20, "{allocations} in {events} events, {few_allocations} in {few_events}");
}

#[test]
fn a_batch_allocates_only_what_its_record_keeps() {
    let cases: [Case; 6] = [
        DEVICES,
        ("device", &["arrivals.tokens=2048", "dispatch.copies=\"by-speed\""], 6),
        ("device", &["arrivals.tokens=2048", "model.layers=4"], 6),
        ("classic", &["arrivals.seq_length=8"], 4),
        ("classic", &["arrivals.seq_length=8", "model.layers=4"], 4),
        ("placement-8gpu", &["dispatch.copies=\"local-first\""], 6),
    ];
    for case in cases {
        let (allocations, _) = of_a_run(case, "name=\"counted\"");
        assert!(allocations <= case.2 * COUNTED + GROWN, "{case:?}: {allocations} for {COUNTED} batches");
        assert!(allocations >= case.2 * COUNTED, "{case:?}: {allocations}: a record has become smaller");
    }
}

/// Allocations and events of a fleet in a minute of its time that begins after half a minute.
fn of_a_fleet(set: &[String], router: usize) -> (u64, u64) {
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/fleet-small.toml");
    let file = ScenarioFile::read(&scenario, set).unwrap_or_else(|fault| panic!("{fault}"));
    let plan = &file.plan.worlds[0];
    let scenario = &plan.scenario;
    let arrivals: Arc<[Arrival]> = scenario.arrivals.batches(0).unwrap().into();
    let model = Arc::new(FleetModel::of(scenario, arrivals, 0).unwrap());
    let (experts, top_k) = (model.experts as usize, model.top_k as usize);
    let sample = |layer| {
        let mut logits = vec![0.0; 1024 * experts];
        fill_standard_normal([1, 2], layer, &mut logits);
        Arc::new(GateSample::new(GateBatch::from_logits(experts, top_k, logits), None))
    };
    let samples: Vec<Arc<GateSample>> = (0..u64::from(model.layers)).map(sample).collect();
    let context = RouterContext::new(experts, top_k, &model.declared_costs, 0)
        .with_options(&plan.variants[router].options)
        .with_hardware(&model.placement, scenario.hardware.thermal_hint());
    let spec = plan.variants[router].spec.as_ref();
    let routers = (0..model.groups()).map(|_| GroupRouter {
        router: PerLayer::build(spec, &context, model.layers).unwrap(),
        is_reference: spec.is_reference(),
    });
    let routers = routers.collect();
    let source = scenario.telemetry.build(model.gpus(), 0).unwrap();
    let mut fleet = FleetRun::new(model, &scenario.tier, &samples, routers, source).unwrap();
    while fleet.now() < SimTime::from_nanos(30_000_000_000) {
        assert!(!fleet.advance(1).unwrap());
    }
    let mut events = 0;
    let counted = allocation_counter::measure(|| {
        while fleet.now() < SimTime::from_nanos(90_000_000_000) {
            fleet.advance(1).unwrap();
            events += 1;
        }
    });
    (counted.count_total, events)
}

#[test]
fn a_fleet_allocates_only_what_its_windows_keep() {
    // Six windows, with a row that loses most of its air and fans that follow the dies: other laws for the sweep, again and again.
    const WINDOWS: u64 = 6;
    for tier in ["mean-field", "counts"] {
        for router in [0, 1] {
            let (allocations, events) = of_a_fleet(&[format!("tier.kind=\"{tier}\"")], router);
            assert!(allocations <= 8 * WINDOWS, "{tier}, router {router}: {allocations} in {events} events");
        }
    }
}

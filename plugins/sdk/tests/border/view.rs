//! What an author's code is shown: the arrays of the host, and what is kept of them between calls.

use std::ptr;

use isotherm_plugin::abi::{Batch, PENALISED, RouterContext, THERMAL};

use crate::given::{Given, feedback};
use crate::host::Instance;

const CONFIG: &str = r#"{"act": "prices"}"#;

#[test]
fn a_context_is_what_the_host_says() {
    let given = Given::new();
    let similarity: Vec<f64> = (0..16).map(|at| if at % 5 == 0 { 1.0 } else { 0.25 }).collect();
    let context = RouterContext {
        flags: THERMAL,
        floor: 1,
        combine: PENALISED,
        similarity: similarity.as_ptr(),
        similarity_charge: 3.5,
        kelvin_per_watt: 0.125,
        time_constant_s: 30.0,
        ambient_degc: 25.0,
        idle_w: 125.0,
        ..given.context()
    };
    let seen = &Instance::create("test/probe", CONFIG, &context).unwrap().seen()[0];
    for part in [
        "experts: 4, top_k: 2, declared_costs: [0.5, 0.5, 2.0, 2.0], seed: 42",
        "floor: 1, combine: Penalised, similarity: Some(Similarity { matrix: [[1.0, 0.25, 0.25, 0.25], [0.25, 1.0,",
        "charge: 3.5",
        "layer: 1",
        "first: [0, 1, 2, 4, 5], gpus: [GpuId(0), GpuId(0), GpuId(0), GpuId(1), GpuId(1)]",
        "ThermalHint { kelvin_per_watt: 0.125, time_constant_s: 30.0, ambient_degc: 25.0, idle_w: 125.0 }",
    ] {
        assert!(seen.contains(part), "{part} is not in {seen}");
    }
    let seen = &given.probe(CONFIG).unwrap().seen()[0];
    assert!(seen.contains("similarity: None") && seen.contains("thermal: None"), "{seen}");
}

#[test]
fn a_view_is_what_the_host_says() {
    let mut given = Given::new();
    let instance = given.probe(CONFIG).unwrap();
    let costs = [9.0, 8.0, 7.0, 6.0];
    let batch = Batch { true_costs: costs.as_ptr(), ..given.batch() };
    given.route_batch(&instance, &batch).unwrap();
    let seen = instance.seen();
    for part in [
        "now: SimTime(1000), batch: BatchId(9), layer: 1",
        "first: [0, 1, 2, 4, 5]",
        "TokenSources { gpus: [GpuId(0), GpuId(1)], gpus_per_node: 1 }",
        "Sample { taken_at: SimTime(5), temperature: Some(Celsius(40.0)), power: None }",
        "Sample { taken_at: SimTime(6), temperature: None, power: Some(Watts(300.0)) }",
        "declared_costs: [0.5, 0.5, 2.0, 2.0]",
        "true_costs: [9.0, 8.0, 7.0, 6.0]",
    ] {
        assert!(seen[1].contains(part), "{part} is not in {}", seen[1]);
    }
    let parts = [
        format!("logits: {:?}", given.logits),
        format!("reference_experts: {:?}", given.reference_experts),
        "entropy_nats: 1.25, log_sum_exp: 2.25, kl_nats: Some(0.0)".to_owned(),
        "masked: false".to_owned(),
    ];
    assert!(parts.iter().all(|part| seen[2].contains(part)), "{}", seen[2]);
}

#[test]
fn what_is_not_known_is_not_there() {
    let mut given = Given::new();
    let bare = RouterContext { declared_costs: ptr::null(), ..given.context() };
    let instance = Instance::create("test/probe", CONFIG, &bare).unwrap();
    let unknown = Batch {
        devices: 0,
        declared_costs: ptr::null(),
        sample_taken_ns: ptr::null(),
        sample_temperature_degc: ptr::null(),
        sample_power_w: ptr::null(),
        copy_first: ptr::null(),
        copy_device: ptr::null(),
        source_devices: ptr::null(),
        sources: 0,
        ..given.batch()
    };
    given.route_batch(&instance, &unknown).unwrap();
    let seen = &instance.seen()[1];
    let expected = "placement: None, sources: None, samples: [], declared_costs: [], oracle: None";
    assert!(seen.contains(expected), "{seen}");

    let instance = given.probe(CONFIG).unwrap();
    given.route_batch(&instance, &unknown).unwrap();
    let seen = &instance.seen()[1];
    assert!(seen.contains("declared_costs: [0.5, 0.5, 2.0, 2.0]"), "known from the start, {seen}");
}

#[test]
fn samples_and_placement_are_kept_while_the_revision_is_the_same() {
    let mut given = Given::new();
    given.revision = 7;
    let instance = given.probe(CONFIG).unwrap();
    let degc_and_home = |given: &mut Given| {
        given.route(&instance).unwrap();
        let seen = instance.seen();
        let view = &seen[seen.len() - 2];
        (view.contains("Celsius(40.0)"), view.contains("first: [0, 1, 2, 4, 5]"))
    };
    assert_eq!(degc_and_home(&mut given), (true, true));
    given.degc[0] = 50.0;
    (given.copy_first, given.copy_device) = (vec![0, 1, 2, 3, 4], vec![0, 0, 1, 1]);
    assert_eq!(degc_and_home(&mut given), (true, true), "the host says that nothing is new");
    given.revision = 8;
    assert_eq!(degc_and_home(&mut given), (false, false));
    given.revision = 0;
    given.degc[0] = 40.0;
    assert_eq!(degc_and_home(&mut given), (true, false), "0 says nothing");
}

#[test]
fn feedback_is_what_the_host_says() {
    let instance = Given::new().probe(CONFIG).unwrap();
    feedback(&instance).unwrap();
    let expected = "Feedback { now: SimTime(2000), batch: BatchId(9), layer: 1, assignments: [1, 2, 3, 0], \
                    joules: [0.5, 1.0, 6.0, 0.0], seconds: [0.25, 0.25, 0.25, 0.25] }";
    assert_eq!(instance.seen()[1], expected);
}

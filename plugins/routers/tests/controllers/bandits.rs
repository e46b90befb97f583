//! `ucb` and `thompson`: costs that nobody declared.

use isotherm_core::gate::GateBatch;
use isotherm_core::router::{Feedback, Router, RouterSpec};
use isotherm_core::routing::Routing;
use isotherm_routers::{EnergyPenalty, Thompson, Ucb};

use crate::bench::{build, gate, refusal, serve, view_at};

const COSTS: [f64; 8] = [0.5, 0.5, 0.75, 0.5, 1.0, 0.5, 2.0, 2.0];

fn both(lambda: f64) -> [(&'static str, Box<dyn RouterSpec>); 2] {
    [("ucb", Box::new(Ucb::new(lambda))), ("thompson", Box::new(Thompson::new(lambda)))]
}

/// Constant costs are known after one batch in which everybody served: from then on these are the static penalty.
#[test]
fn constant_costs_are_learned_at_once() {
    let mut known = build_with(&EnergyPenalty::new(0.5), &COSTS);
    for (name, spec) in both(0.5) {
        let mut router = build(spec.as_ref(), 8, 2);
        for batch in 0..6 {
            let gate = gate(batch, 8, 2, 400);
            let found = serve(router.as_mut(), &gate, &view_at(batch, 0.0), &COSTS);
            let view = view_at(batch, 0.0).with_declared_costs(&COSTS);
            let expected =
                if batch == 0 { gate.reference().clone() } else { serve(known.as_mut(), &gate, &view, &COSTS) };
            assert_eq!(found.experts, expected.experts, "{name}, batch {batch}");
        }
    }
}

fn build_with(spec: &dyn RouterSpec, costs: &[f64]) -> Box<dyn Router> {
    spec.build(&isotherm_core::router::RouterContext::new(8, 2, costs, 3)).unwrap()
}

/// One expert a batch at a price that lets nobody else in: the bandit finds the cheap one although its first costs are noisy, and finds the new one
/// after costs have moved.
#[test]
fn the_cheap_expert_is_found_again_after_costs_move() {
    for (name, spec) in both(1000.0) {
        let mut router = build(spec.as_ref(), 8, 1);
        let mut served = [[0_u32; 8]; 2];
        let mut noise = vec![0.0; 8 * 1200];
        isotherm_core::rng::fill_standard_normal([8, 8], 0, &mut noise);
        for batch in 0..1200_u32 {
            let moved = usize::from(batch >= 600);
            let gate = gate(batch, 8, 1, 1);
            let mut routing = Routing::new(8, 1);
            router.route(&gate, &view_at(batch, 0.0), &mut routing).unwrap();
            let e = routing.experts[0] as usize;
            if batch % 600 >= 300 {
                served[moved][e] += 1;
            }
            // Expert 2 is cheap, later expert 5; a spread of 0.1 J on every reading.
            let cheap = [2, 5][moved];
            let mut joules = [0.0; 8];
            joules[e] = if e == cheap { 0.5 } else { 1.0 } + 0.1 * f64::from(noise[batch as usize * 8 + e]);
            router
                .feedback(&Feedback::new(view_at(batch, 0.0).now, gate_id(batch), &routing.counts, &joules, &joules))
                .unwrap();
        }
        assert!(served[0][2] > 200 && served[1][5] > 200, "{name}: {served:?}");
    }
}

fn gate_id(batch: u32) -> isotherm_core::id::BatchId {
    isotherm_core::id::BatchId(batch)
}

#[test]
fn lambda_zero_is_the_baseline_and_a_constant_changes_nothing() {
    for (name, spec) in both(0.0) {
        let mut router = build(spec.as_ref(), 8, 2);
        for batch in 0..5 {
            let gate = gate(batch, 8, 2, 60);
            assert_eq!(&serve(router.as_mut(), &gate, &view_at(batch, 0.0), &COSTS), gate.reference(), "{name}");
        }
    }
    let dearer = COSTS.map(|cost| cost + 64.0);
    for (name, spec) in both(0.7) {
        let run = |costs: &[f64]| -> Vec<Routing> {
            let mut router = build(spec.as_ref(), 8, 2);
            (0..8).map(|batch| serve(router.as_mut(), &gate(batch, 8, 2, 60), &view_at(batch, 0.0), costs)).collect()
        };
        assert_eq!(run(&COSTS), run(&dearer), "{name}");
    }
}

/// An expert that nobody has tried: `ucb` takes it for as cheap as the cheapest.
#[test]
fn an_untried_expert_is_hoped_to_be_cheap() {
    let mut router = build(&Ucb { width: 0.0, ..Ucb::new(10.0) }, 3, 1);
    // Expert 2 is never first here.
    let first = GateBatch::from_logits(3, 1, vec![1.0, 0.0, -1.0, 0.0, 1.0, -1.0]);
    serve(router.as_mut(), &first, &view_at(0, 0.0), &[1.0, 3.0, 2.0]);
    let second = GateBatch::from_logits(3, 1, vec![0.0, 1.0, 0.5]);
    assert_eq!(
        serve(router.as_mut(), &second, &view_at(1, 0.0), &[1.0, 3.0, 2.0]).experts,
        [2],
        "not 1, which is dear"
    );
}

#[test]
fn bad_options_are_refused_by_name() {
    let specs: [(&str, Box<dyn RouterSpec>); 4] = [
        ("lambda", Box::new(Ucb::new(-1.0))),
        ("forget", Box::new(Ucb { forget: 2.0, ..Ucb::new(1.0) })),
        ("width", Box::new(Thompson { width: f64::INFINITY, ..Thompson::new(1.0) })),
        ("forget", Box::new(Thompson { forget: -0.1, ..Thompson::new(1.0) })),
    ];
    for (option, spec) in specs {
        let message = refusal(spec.as_ref());
        assert!(message.contains(&format!("`{option}`")) && message.contains("for example"), "{message}");
    }
}

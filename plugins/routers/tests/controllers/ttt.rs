//! `ttt`: its fixed point, and its guards.

use isotherm_core::gate::GateBatch;
use isotherm_core::router::Router;
use isotherm_routers::{TestTimeTrained, TttState};

use crate::bench::{build, gate, refusal, serve, view_at};

const COSTS: [f64; 8] = [0.5, 0.5, 0.8, 0.5, 1.1, 0.5, 2.0, 2.0];

fn state(router: &dyn Router) -> TttState {
    postcard::from_bytes(&router.save()).unwrap()
}

/// Mean KL(softmax(z + b) || softmax(z)) from the logits, in f64.
fn divergence(gate: &GateBatch, bias: &[f64]) -> f64 {
    let softmax = |row: &[f32], bias: &[f64]| -> Vec<f64> {
        let exponentials: Vec<f64> = row.iter().zip(bias).map(|(z, b)| (f64::from(*z) + b).exp()).collect();
        let sum: f64 = exponentials.iter().sum();
        exponentials.iter().map(|e| e / sum).collect()
    };
    let zero = vec![0.0; bias.len()];
    let of = |row: &[f32]| {
        let (p, p0) = (softmax(row, bias), softmax(row, &zero));
        p.iter().zip(&p0).map(|(p, p0)| p * (p / p0).ln()).sum::<f64>()
    };
    gate.logits().chunks_exact(bias.len()).map(of).sum::<f64>() / gate.tokens() as f64
}

/// b = -(lambda / beta) c + constant, whatever the route there.
#[test]
fn the_fixed_point_is_the_static_penalty() {
    let gate = gate(1, 8, 2, 500);
    for (lambda, beta, momentum) in [(0.5, 1.0, 0.0), (0.3, 2.0, 0.0), (0.5, 1.0, 0.7)] {
        let spec = TestTimeTrained { beta, eta: 4.0, momentum, ..TestTimeTrained::new(lambda) };
        let mut router = build(&spec, 8, 2);
        for batch in 0..400 {
            serve(router.as_mut(), &gate, &view_at(batch, 0.0), &COSTS);
        }
        let bias = state(router.as_ref()).bias;
        for (b, c) in bias.iter().zip(&COSTS) {
            let (found, expected) = (b - bias[0], -lambda / beta * (c - COSTS[0]));
            assert!((found - expected).abs() < 1e-6, "lambda {lambda}, beta {beta}: {found} against {expected}");
        }
        assert!(bias.iter().sum::<f64>().abs() < 1e-5, "the bias keeps its sum");
    }
}

#[test]
fn lambda_zero_is_the_baseline_with_every_guard() {
    let spec = TestTimeTrained { momentum: 0.5, kl_limit: Some(0.0), reset: Some(3), ..TestTimeTrained::new(0.0) };
    let mut router = build(&spec, 8, 2);
    for batch in 0..10 {
        let gate = gate(batch, 8, 2, 100);
        assert_eq!(&serve(router.as_mut(), &gate, &view_at(batch, 0.0), &COSTS), gate.reference());
    }
    assert!(state(router.as_ref()).bias.iter().all(|b| *b == 0.0));
}

/// On the batch a step was taken on, the divergence after it is at most the limit, and halving finds more than half of what is allowed.
#[test]
fn the_step_guard_holds_the_divergence_at_its_limit() {
    let gate = gate(4, 8, 2, 300);
    for limit in [1e-4, 0.01, 0.05] {
        let spec = TestTimeTrained { eta: 8.0, kl_limit: Some(limit), ..TestTimeTrained::new(3.0) };
        let mut router = build(&spec, 8, 2);
        let mut most: f64 = 0.0;
        for batch in 0..60 {
            serve(router.as_mut(), &gate, &view_at(batch, 0.0), &COSTS);
            let found = divergence(&gate, &state(router.as_ref()).bias);
            assert!(found <= limit + 2e-6, "batch {batch}: {found} above {limit}");
            most = most.max(found);
        }
        assert!(most > 0.5 * limit, "the limit {limit} is used: {most}");
        let free = {
            let spec = TestTimeTrained { kl_limit: None, ..spec };
            let mut router = build(&spec, 8, 2);
            (0..60).for_each(|batch| drop(serve(router.as_mut(), &gate, &view_at(batch, 0.0), &COSTS)));
            divergence(&gate, &state(router.as_ref()).bias)
        };
        assert!(free > 2.0 * limit, "without the guard it is {free}");
    }
}

#[test]
fn a_limit_that_is_never_reached_changes_no_bit() {
    let run = |kl_limit| {
        let mut router = build(&TestTimeTrained { kl_limit, ..TestTimeTrained::new(0.5) }, 8, 2);
        for batch in 0..20 {
            serve(router.as_mut(), &gate(batch, 8, 2, 64), &view_at(batch, 0.0), &COSTS);
        }
        router.save()
    };
    assert_eq!(run(None), run(Some(10.0)));
}

#[test]
fn a_reset_forgets_the_bias_and_keeps_the_costs() {
    let mut router = build(&TestTimeTrained { reset: Some(5), ..TestTimeTrained::new(0.5) }, 8, 2);
    for batch in 0..20 {
        serve(router.as_mut(), &gate(batch, 8, 2, 64), &view_at(batch, 0.0), &COSTS);
        let TttState { bias, costs, .. } = state(router.as_ref());
        assert_eq!((batch + 1) % 5 == 0, bias.iter().all(|b| *b == 0.0), "batch {batch}");
        assert!(batch < 10 || (costs[6] - 2.0).abs() < 0.01);
    }
}

#[test]
fn bad_options_are_refused_by_name() {
    let spec = TestTimeTrained::new(0.5);
    for (option, spec) in [
        ("momentum", TestTimeTrained { momentum: 1.0, ..spec.clone() }),
        ("momentum", TestTimeTrained { momentum: -0.1, ..spec.clone() }),
        ("kl_limit", TestTimeTrained { kl_limit: Some(f64::NAN), ..spec.clone() }),
        ("reset", TestTimeTrained { reset: Some(0), ..spec.clone() }),
        ("rho", TestTimeTrained { rho: 1.5, ..spec }),
    ] {
        let message = refusal(&spec);
        assert!(message.contains(&format!("`{option}`")) && message.contains("for example"), "{message}");
    }
}

//! The routers that shape the load: against plain loops, and what they refuse.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use isotherm_core::gate::GateBatch;
use isotherm_core::id::BatchId;
use isotherm_core::rng::fill_standard_normal;
use isotherm_core::router::{ClusterView, Feedback, Router, RouterContext, RouterError, RouterSpec};
use isotherm_core::routing::{Affinity, Combine, DROPPED, Routing, RoutingOptions, Similarity};
use isotherm_core::time::SimTime;
use isotherm_routers::{
    Baseline, BiasUpdate, Drop, DualAscent, ExpertChoice, Nodes, NoisyTopK, PerExpert, SelectionBias, Shares, Sinkhorn,
    capacity_of,
};

/// Normal logits, tilted so that low experts are popular.
fn gate(experts: usize, top_k: usize, tokens: usize, block: u64) -> GateBatch<'static> {
    let mut logits = vec![0.0; tokens * experts];
    fill_standard_normal([3, 5], block, &mut logits);
    for row in logits.chunks_exact_mut(experts) {
        for (expert, z) in row.iter_mut().enumerate() {
            *z -= 1.5 * expert as f32 / experts as f32;
        }
    }
    GateBatch::from_logits(experts, top_k, logits)
}

fn build(spec: &dyn RouterSpec, gate: &GateBatch, options: &RoutingOptions) -> Result<Box<dyn Router>, RouterError> {
    let costs: Vec<f64> = (0..gate.experts()).map(|e| 0.5 + f64::from(e as u32 % 3)).collect();
    spec.build(&RouterContext::new(gate.experts(), gate.reference().top_k(), &costs, 9).with_options(options))
}

fn route(router: &mut dyn Router, gate: &GateBatch) -> Routing<'static> {
    let costs: Vec<f64> = (0..gate.experts()).map(|e| 0.5 + f64::from(e as u32 % 3)).collect();
    let mut routing = Routing::new(gate.experts(), gate.reference().top_k());
    router.route(gate, &ClusterView::empty().with_declared_costs(&costs), &mut routing).unwrap();
    routing.check().unwrap();
    routing
}

fn routed(spec: &dyn RouterSpec, gate: &GateBatch) -> Routing<'static> {
    route(build(spec, gate, &RoutingOptions::PLAIN).unwrap().as_mut(), gate)
}

fn tell(router: &mut dyn Router, routing: &Routing) {
    let joules: Vec<f64> = routing.counts.iter().map(|n| 2.0 * f64::from(*n)).collect();
    router.feedback(&Feedback::new(SimTime::ZERO, BatchId(0), &routing.counts, &joules, &joules)).unwrap();
}

#[test]
fn sigmoid_and_mass_change_weights_and_not_the_choice() {
    let gate = gate(8, 2, 100, 0);
    let sigmoid = |z: f32| 1.0 / (1.0 + (-f64::from(z)).exp());
    for (score, renormalise) in [(Affinity::Sigmoid, true), (Affinity::Sigmoid, false), (Affinity::Softmax, false)] {
        let spec = Baseline { score, renormalise, ..Baseline::default() };
        assert!(!spec.is_reference());
        let routing = routed(&spec, &gate);
        assert_eq!(routing.experts, gate.reference().experts);
        for (token, (row, weights)) in routing.experts.chunks_exact(2).zip(routing.weights.chunks_exact(2)).enumerate()
        {
            let logits = &gate.logits()[token * 8..][..8];
            let own: Vec<f64> = match score {
                Affinity::Sigmoid => row.iter().map(|e| sigmoid(logits[*e as usize])).collect(),
                Affinity::Softmax => {
                    let all: f64 = logits.iter().map(|z| f64::from(*z).exp()).sum();
                    row.iter().map(|e| f64::from(logits[*e as usize]).exp() / all).collect()
                }
            };
            let sum = if renormalise { own.iter().sum() } else { 1.0 };
            for (found, expected) in weights.iter().zip(own) {
                assert!((f64::from(*found) - expected / sum).abs() < 1e-6);
            }
        }
    }
}

/// Against a loop that hands out the places of each expert one by one.
#[test]
fn capacity_drops_the_weakest_or_the_last() {
    let (experts, k, tokens) = (8, 2, 100);
    let gate = gate(experts, k, tokens, 1);
    for (drop, factor) in [(Drop::Probability, 1.0), (Drop::Position, 1.0), (Drop::Probability, 1.25)] {
        let spec = Baseline { capacity: Some(factor), drop, ..Baseline::default() };
        let routing = routed(&spec, &gate);
        let capacity = capacity_of(factor, tokens, k, experts);
        let mut claims: Vec<(usize, usize)> = (0..k).flat_map(|place| (0..tokens).map(move |t| (place, t))).collect();
        let expert = |(place, token): (usize, usize)| gate.reference().experts[token * k + place] as usize;
        if drop == Drop::Probability {
            let p = |claim: (usize, usize)| gate.probability(claim.1, expert(claim));
            claims.sort_by(|a, b| p(*b).total_cmp(&p(*a)).then(a.1.cmp(&b.1)));
        }
        let (mut left, mut expected) = (vec![capacity; experts], vec![DROPPED; tokens * k]);
        for claim in claims {
            let e = expert(claim);
            if left[e] > 0 {
                left[e] -= 1;
                expected[claim.1 * k + claim.0] = e as u32;
            }
        }
        assert_eq!(routing.experts, expected, "{drop:?} {factor}");
        assert!(routing.dropped() > 0 && routing.counts.iter().all(|n| *n as usize <= capacity));
        assert!(routing.counts.contains(&(capacity as u32)));
        for (row, weights) in routing.experts.chunks_exact(k).zip(routing.weights.chunks_exact(k)) {
            let sum: f32 = weights.iter().sum();
            let served = row.iter().any(|e| *e != DROPPED);
            assert!((sum - f32::from(u8::from(served))).abs() < 1e-6, "{row:?} {weights:?}");
        }
    }
    // Room for all: nothing changes.
    let roomy = Baseline { capacity: Some(8.0), ..Baseline::default() };
    assert_eq!(&routed(&roomy, &gate).experts, &gate.reference().experts);
    assert_eq!(&routed(&roomy, &gate).weights, &gate.reference().weights);
}

/// Against a loop over groups in f64.
#[test]
fn node_limited_choice_is_within_the_best_groups() {
    let (experts, k, groups, limit) = (32, 4, 8, 2);
    let gate = gate(experts, k, 50, 2);
    for score in [Affinity::Softmax, Affinity::Sigmoid] {
        let spec = Baseline { score, nodes: Some(Nodes { groups, limit }), ..Baseline::default() };
        let routing = routed(&spec, &gate);
        for (row, logits) in routing.experts.chunks_exact(k).zip(gate.logits().chunks_exact(experts)) {
            let affinity = |z: f32| match score {
                Affinity::Softmax => f64::from(z).exp(),
                Affinity::Sigmoid => 1.0 / (1.0 + (-f64::from(z)).exp()),
            };
            let mut scores: Vec<(f64, usize)> = logits
                .chunks_exact(4)
                .map(|group| {
                    let mut own: Vec<f64> = group.iter().map(|z| affinity(*z)).collect();
                    own.sort_by(|a, b| b.total_cmp(a));
                    own[..2].iter().sum()
                })
                .enumerate()
                .map(|(group, score)| (score, group))
                .collect();
            scores.sort_by(|a, b| b.0.total_cmp(&a.0));
            let allowed = [scores[0].1, scores[1].1];
            let mut order: Vec<usize> = (0..experts).filter(|e| allowed.contains(&(e / 4))).collect();
            order.sort_by(|a, b| logits[*b].total_cmp(&logits[*a]));
            let expected: Vec<u32> = order[..k].iter().map(|e| *e as u32).collect();
            assert_eq!(row, expected);
        }
    }
}

#[test]
fn expert_choice_fills_every_expert_and_keeps_the_floor() {
    let (experts, k, tokens) = (8, 2, 120);
    let gate = gate(experts, k, tokens, 3);
    let routing = routed(&ExpertChoice::default(), &gate);
    let capacity = capacity_of(1.0, tokens, k, experts) as u32;
    assert!(routing.counts.iter().all(|n| *n <= capacity));
    assert!(routing.dropped() > 0, "some tokens are taken by fewer than k");
    // As much capacity as tokens: everybody is taken by everybody, and keeps its best: the baseline.
    let all = routed(&ExpertChoice { capacity: 4.0, ..ExpertChoice::default() }, &gate);
    assert_eq!(all.experts, gate.reference().experts);
    let options = RoutingOptions { floor: 1, ..RoutingOptions::PLAIN };
    let floored = route(build(&ExpertChoice::default(), &gate, &options).unwrap().as_mut(), &gate);
    for (row, own) in floored.experts.chunks_exact(k).zip(gate.reference().experts.chunks_exact(k)) {
        assert_eq!(row[0], own[0]);
    }
    // Shares of one expert alone.
    let shares = Shares::Given((0..experts).map(|e| f64::from(u8::from(e == 5))).collect());
    let one = routed(&ExpertChoice { shares, ..ExpertChoice::default() }, &gate);
    assert_eq!(one.counts, [0, 0, 0, 0, 0, tokens as u32, 0, 0]);
}

#[test]
fn sinkhorn_balances_what_top_1_takes() {
    let gate = gate(8, 1, 4000, 4);
    let most = |routing: &Routing| f64::from(*routing.counts.iter().max().unwrap()) / 500.0;
    assert!(most(gate.reference()) > 1.5, "{}", most(gate.reference()));
    let sharp = Sinkhorn { epsilon: 0.1, iterations: 400, ..Sinkhorn::default() };
    assert!(most(&routed(&sharp, &gate)) < 1.05, "{}", most(&routed(&sharp, &gate)));
    let stopped = Sinkhorn { tolerance: 0.01, iterations: 10_000, ..sharp };
    assert!(most(&routed(&stopped, &gate)) < 1.05, "it ends long before ten thousand");
    let none = routed(&Sinkhorn { iterations: 0, ..Sinkhorn::default() }, &gate);
    assert_eq!(&none, gate.reference(), "no iteration is the baseline");
}

#[test]
fn selection_bias_evens_the_load() {
    let spec = |update| SelectionBias { gamma: 0.02, update, ..SelectionBias::default() };
    for update in [BiasUpdate::Sign, BiasUpdate::Proportional] {
        let first = gate(16, 4, 512, 0);
        let mut router = build(&spec(update), &first, &RoutingOptions::PLAIN).unwrap();
        let violation = |routing: &Routing| f64::from(*routing.counts.iter().max().unwrap()) / 128.0 - 1.0;
        let before = violation(&route(router.as_mut(), &first));
        let mut late = 0.0;
        for batch in 0..200 {
            let routing = route(router.as_mut(), &gate(16, 4, 512, batch));
            tell(router.as_mut(), &routing);
            late += if batch >= 150 { violation(&routing) / 50.0 } else { 0.0 };
        }
        // What chance leaves: the largest of 16 counts of mean 128 is about 1.8 sigma above it.
        assert!(before > 0.5 && late < 0.25, "{update:?}: {before} {late}");
    }
}

#[test]
fn dual_ascent_holds_its_cap() {
    let first = gate(8, 2, 1000, 0);
    let costs: Vec<f64> = (0..8).map(|e| 0.5 + f64::from(e % 3)).collect();
    let mean = |r: &Routing| r.counts.iter().zip(&costs).map(|(n, c)| f64::from(*n) * c).sum::<f64>() / 2000.0;
    let free = mean(first.reference());
    let cap = 0.8 * free;
    let mut router = build(&DualAscent::new(cap), &first, &RoutingOptions::PLAIN).unwrap();
    let mut held = 0.0;
    for batch in 0..200 {
        let routing = route(router.as_mut(), &gate(8, 2, 1000, batch));
        let joules: Vec<f64> = routing.counts.iter().zip(&costs).map(|(n, c)| f64::from(*n) * c).collect();
        router.feedback(&Feedback::new(SimTime::ZERO, BatchId(0), &routing.counts, &joules, &joules)).unwrap();
        held += if batch >= 100 { mean(&routing) / 100.0 } else { 0.0 };
    }
    assert!((held / cap - 1.0).abs() < 0.01, "free {free}, cap {cap}, held {held}");
}

#[test]
fn noise_is_of_the_seed_and_silent_at_zero() {
    let gate = gate(8, 2, 300, 5);
    let spec = NoisyTopK { noise: PerExpert::All(0.5), ..NoisyTopK::default() };
    assert_eq!(routed(&spec, &gate), routed(&spec, &gate));
    assert_ne!(routed(&spec, &gate).experts, gate.reference().experts);
    assert_eq!(&routed(&NoisyTopK { scale: 0.0, ..spec }, &gate), gate.reference());
    // A quiet expert is where the gate put it: softplus(-60) is nothing.
    let quiet = NoisyTopK { noise: PerExpert::All(-60.0), ..NoisyTopK::default() };
    assert_eq!(routed(&quiet, &gate).experts, gate.reference().experts);
}

/// Saved after any batch and loaded into a new router, it goes on the same; and it refuses what is no such state.
#[test]
fn state_saves_and_restores() {
    let specs: [Box<dyn RouterSpec>; 6] = [
        Box::new(Baseline { capacity: Some(1.5), ..Baseline::default() }),
        Box::new(NoisyTopK::default()),
        Box::new(ExpertChoice::default()),
        Box::new(Sinkhorn::default()),
        Box::new(SelectionBias { gamma: 0.1, ..SelectionBias::default() }),
        Box::new(DualAscent::new(0.7)),
    ];
    for spec in specs {
        let first = gate(8, 2, 64, 0);
        let mut router = build(spec.as_ref(), &first, &RoutingOptions::PLAIN).unwrap();
        for batch in 0..5 {
            let mut again = build(spec.as_ref(), &first, &RoutingOptions::PLAIN).unwrap();
            again.load(&router.save()).unwrap();
            let gate = gate(8, 2, 64, batch);
            let routing = route(router.as_mut(), &gate);
            assert_eq!(routing, route(again.as_mut(), &gate), "{spec:?}");
            tell(router.as_mut(), &routing);
        }
        assert!(router.load(&[0xff; 3]).is_err(), "{spec:?}");
    }
}

#[test]
fn bad_options_are_refused_by_name_with_an_example() {
    let gate = gate(8, 2, 4, 0);
    let base = Baseline::default();
    let plain = RoutingOptions::PLAIN;
    let floor = RoutingOptions { floor: 1, ..plain.clone() };
    let penalised = RoutingOptions { combine: Combine::Penalised, ..plain.clone() };
    let same = (0..8).map(|i| (0..8).map(|j| f64::from(u8::from(i == j))).collect()).collect();
    let similar = RoutingOptions { similarity: Some(Similarity { matrix: same, charge: 1.0 }), ..plain.clone() };
    let nodes = |groups, limit| Baseline { nodes: Some(Nodes { groups, limit }), ..base };
    let capacity = |capacity| Baseline { capacity: Some(capacity), ..base };
    let sinkhorn = Sinkhorn::default;
    let cases: [(&str, Box<dyn RouterSpec>, &RoutingOptions); 24] = [
        ("capacity", Box::new(capacity(0.99)), &plain),
        ("capacity", Box::new(capacity(f64::NAN)), &plain),
        ("floor", Box::new(capacity(1.0)), &floor),
        ("nodes", Box::new(nodes(3, 2)), &plain),
        ("nodes", Box::new(nodes(0, 1)), &plain),
        ("nodes", Box::new(nodes(8, 1)), &plain),
        ("nodes", Box::new(nodes(4, 5)), &plain),
        ("combine", Box::new(Baseline { score: Affinity::Sigmoid, ..base }), &penalised),
        ("combine", Box::new(Baseline { renormalise: false, ..base }), &penalised),
        ("noise", Box::new(NoisyTopK { noise: PerExpert::Each(vec![0.1; 7]), ..NoisyTopK::default() }), &plain),
        ("noise", Box::new(NoisyTopK { noise: PerExpert::All(f64::INFINITY), ..NoisyTopK::default() }), &plain),
        ("scale", Box::new(NoisyTopK { scale: -1.0, ..NoisyTopK::default() }), &plain),
        ("capacity", Box::new(ExpertChoice { capacity: 0.5, ..ExpertChoice::default() }), &plain),
        ("shares", Box::new(ExpertChoice { shares: Shares::Given(vec![1.0]), ..ExpertChoice::default() }), &plain),
        ("combine", Box::new(ExpertChoice::default()), &penalised),
        ("similarity", Box::new(ExpertChoice::default()), &similar),
        ("epsilon", Box::new(Sinkhorn { epsilon: 0.0, ..sinkhorn() }), &plain),
        ("tolerance", Box::new(Sinkhorn { tolerance: f64::NAN, ..sinkhorn() }), &plain),
        ("targets", Box::new(Sinkhorn { targets: Shares::Given(vec![-1.0; 8]), ..sinkhorn() }), &plain),
        ("targets", Box::new(Sinkhorn { targets: Shares::Given(vec![0.0; 8]), ..sinkhorn() }), &plain),
        ("gamma", Box::new(SelectionBias { gamma: -0.1, ..SelectionBias::default() }), &plain),
        ("combine", Box::new(SelectionBias::default()), &penalised),
        ("cap", Box::new(DualAscent::new(-1.0)), &plain),
        ("combine", Box::new(DualAscent::new(1.0)), &penalised),
    ];
    for (key, spec, options) in cases {
        match build(spec.as_ref(), &gate, options) {
            Err(RouterError::Option { option, message }) => {
                assert_eq!(option, key, "{message}");
                let (_, example) = message.rsplit_once('`').unwrap().0.rsplit_once('`').unwrap();
                assert!(example.contains('='), "{key}: {message}");
            }
            Err(other) => panic!("{key}: {other}"),
            Ok(_) => panic!("{key} was accepted: {spec:?}"),
        }
    }
}

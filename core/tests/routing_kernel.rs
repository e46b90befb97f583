//! The selection kernel against plain loops, and on everything a gate or a router may throw at it.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use isotherm_core::gate::{Fidelity, GateBatch};
use isotherm_core::routing::{
    Affinity, Combine, GateSummary, Probabilities, Routing, RoutingOptions, Rule, Selector, Similarity,
};
use proptest::prelude::*;

fn select(selector: &mut Selector, gate: &GateBatch, rule: Rule<'_>) -> Routing<'static> {
    let mut routing = Routing::new(gate.experts(), gate.reference().top_k());
    selector.select(gate, rule, None, &mut routing);
    routing.check().unwrap();
    routing
}

fn bits(weights: &[f32]) -> Vec<u32> {
    weights.iter().map(|w| w.to_bits()).collect()
}

/// A similarity of experts that falls with the difference of their numbers.
fn neighbours(experts: usize, charge: f64) -> Similarity {
    let entry = |i: usize, j: usize| 1.0 / (1.0 + 0.37 * i.abs_diff(j) as f64);
    Similarity { matrix: (0..experts).map(|i| (0..experts).map(|j| entry(i, j)).collect()).collect(), charge }
}

/// Experts by falling score, equal scores by rising index.
fn ranked(scores: &[f64]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..scores.len() as u32).collect();
    order.sort_by(|a, b| scores[*b as usize].total_cmp(&scores[*a as usize]).then(a.cmp(b)));
    order
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Priced,
    Probability,
    Softmax,
    Sigmoid,
    Given,
}

const KINDS: [Kind; 5] = [Kind::Priced, Kind::Probability, Kind::Softmax, Kind::Sigmoid, Kind::Given];

impl Kind {
    fn rule<'a>(self, price: &'a [f32], given: &'a [f32]) -> Rule<'a> {
        match self {
            Self::Priced => Rule::PricedLogit { price },
            Self::Probability => Rule::Probability { price },
            Self::Softmax | Self::Sigmoid => Rule::Affinity { price },
            Self::Given => Rule::Given { scores: given },
        }
    }

    fn affinity(self) -> Affinity {
        if self == Self::Sigmoid { Affinity::Sigmoid } else { Affinity::Softmax }
    }

    /// Scores of one token in f64.
    fn scores(self, z: &[f64], price: &[f32], given: &[f32], k: usize) -> Vec<f64> {
        let most = z.iter().copied().fold(f64::MIN, f64::max);
        let e: Vec<f64> = z.iter().map(|z| (z - most).exp()).collect();
        let mut sorted = e.clone();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let (mass, all): (f64, f64) = (sorted[..k].iter().sum(), e.iter().sum());
        let score = |i: usize| match self {
            Self::Priced => z[i],
            Self::Probability => e[i] / mass,
            Self::Softmax => e[i] / all,
            Self::Sigmoid => 1.0 / (1.0 + (-z[i]).exp()),
            Self::Given => f64::from(given[i]),
        };
        (0..z.len()).map(|i| score(i) - if self == Self::Given { 0.0 } else { f64::from(price[i]) }).collect()
    }
}

/// Unpenalised weights of the chosen experts.
fn gate_weights(kind: Kind, z: &[f64], chosen: &[u32]) -> Vec<f64> {
    let mass = |e: &u32| match kind {
        Kind::Sigmoid => 1.0 / (1.0 + (-z[*e as usize]).exp()),
        _ => z[*e as usize].exp(),
    };
    let sum: f64 = chosen.iter().map(mass).sum();
    chosen.iter().map(|e| mass(e) / sum).collect()
}

/// Every rule with every option, against a loop over all experts in f64. Logits and prices are multiples of 1/64 and similarities far apart, so
/// that rounding decides no order.
#[test]
fn every_rule_with_every_option_is_what_a_plain_loop_gives() {
    let (experts, k, tokens) = (11, 4, 37);
    let mut compared = 0;
    let noise = |i: usize, salt: usize| ((i * 7919 + salt * 104_729) % 509) as f32 / 64.0 - 4.0;
    let logits: Vec<f32> = (0..tokens * experts).map(|i| noise(i, 1)).collect();
    let given: Vec<f32> = (0..tokens * experts).map(|i| noise(i, 2)).collect();
    let gate = GateBatch::from_logits(experts, k, logits.clone());
    for kind in KINDS {
        let scale = if matches!(kind, Kind::Priced | Kind::Given) { 1.0 } else { 0.07 };
        let price: Vec<f32> = (0..experts).map(|e| scale * (noise(e, 3) + 4.0) + 0.001 * e as f32).collect();
        for floor in 0..=k {
            for charge in [None, Some(f64::from(scale))] {
                let similarity = charge.map(|charge| neighbours(experts, charge));
                let options = RoutingOptions { floor: floor as u32, similarity, ..RoutingOptions::PLAIN };
                let mut selector = Selector::new(&options).weighing(kind.affinity(), true);
                let routing = select(&mut selector, &gate, kind.rule(&price, &given));
                for token in 0..tokens {
                    let row = token * experts..(token + 1) * experts;
                    let z: Vec<f64> = logits[row.clone()].iter().map(|z| f64::from(*z)).collect();
                    let own = &ranked(&z)[..k];
                    let mut scores = kind.scores(&z, &price, &given[row], k);
                    if let Some(similarity) = &options.similarity {
                        for (j, score) in scores.iter_mut().enumerate() {
                            let near = own.iter().map(|i| similarity.matrix[*i as usize][j]).fold(0.0, f64::max);
                            *score -= similarity.charge * (1.0 - near);
                        }
                    }
                    own[..floor].iter().for_each(|e| scores[*e as usize] = f64::MIN);
                    let chosen = [&own[..floor], &ranked(&scores)[..k - floor]].concat();
                    let what = format!("{kind:?} floor {floor} charge {charge:?} token {token}: {scores:?}");
                    assert_eq!(routing.experts[token * k..][..k], chosen, "{what}");
                    let weights = gate_weights(kind, &z, &chosen);
                    for (found, expected) in routing.weights[token * k..][..k].iter().zip(&weights) {
                        assert!((f64::from(*found) - expected).abs() < 1e-6, "{what}: {found} {expected}");
                    }
                    compared += 1;
                }
            }
        }
    }
    assert_eq!(compared, 5 * 5 * 2 * tokens);
}

/// Numbers a gate should not give, but may.
fn anything() -> impl Strategy<Value = f32> {
    prop_oneof![
        6 => -5.0..5.0_f32,
        1 => Just(f32::NAN),
        1 => Just(f32::INFINITY),
        1 => Just(f32::NEG_INFINITY),
        1 => Just(f32::MAX),
        1 => Just(f32::MIN),
        1 => prop_oneof![Just(0.0), Just(-0.0), Just(1e30), Just(-1e38), Just(1000.0), Just(f32::MIN_POSITIVE)],
    ]
}

fn assert_total(routing: &Routing, gate: &GateBatch, what: &str) {
    let k = routing.top_k();
    routing.check().unwrap();
    assert_eq!(routing.dropped(), 0, "{what}");
    for row in routing.weights.chunks_exact(k) {
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{what}: {row:?}");
    }
    let Fidelity { mass_regret, combine_weight_tv, topk_agreement, exact_match, routing_entropy_nats } =
        gate.fidelity(routing);
    for (value, most) in [
        (mass_regret, 1.0),
        (combine_weight_tv, 1.0),
        (topk_agreement, 1.0),
        (exact_match, 1.0),
        (routing_entropy_nats, (k as f64).ln()),
    ] {
        assert!((-1e-6..=most + 1e-6).contains(&value), "{what}: {value}");
    }
    let summary = routing.gate.unwrap();
    assert!(summary.entropy_nats.is_finite() && summary.log_sum_exp.is_finite(), "{what}: {summary:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever logits, prices and given scores are: k different experts, weights that sum to 1, metrics that are numbers.
    #[test]
    fn any_logits_any_prices_any_options(
        logits in prop::collection::vec(anything(), 0..200),
        price in prop::collection::vec(anything(), 9),
        given in prop::collection::vec(anything(), 200),
        experts in 1..10_usize, k in 1..10_usize, floor in 0..10_usize, charge in prop_oneof![Just(None), Just(Some(0.3)), Just(Some(1e300))],
    ) {
        let k = k.min(experts);
        let tokens = logits.len() / experts;
        let gate = GateBatch::from_logits(experts, k, logits[..tokens * experts].to_vec());
        assert_total(gate.reference(), &gate, "reference");
        prop_assert!(gate.mean_probability().iter().all(|p| (0.0..=1.0 + 1e-6).contains(p)));
        let similarity = charge.map(|charge| neighbours(experts, charge));
        for combine in [Combine::SelectionOnly, Combine::Penalised] {
            let options = RoutingOptions { floor: floor.min(k) as u32, combine, similarity: similarity.clone() };
            for kind in KINDS {
                let mut selector = Selector::new(&options).weighing(kind.affinity(), true);
                let rule = kind.rule(&price[..experts], &given[..tokens * experts]);
                let mut kept = Probabilities::default();
                let mut routing = Routing::new(experts, k);
                selector.select(&gate, rule, Some(&mut kept), &mut routing);
                assert_total(&routing, &gate, &format!("{kind:?} {options:?}"));
                for (row, own) in routing.experts.chunks_exact(k).zip(gate.reference().experts.chunks_exact(k)) {
                    prop_assert_eq!(&row[..options.floor as usize], &own[..options.floor as usize]);
                }
                let all = (0..tokens).flat_map(|t| (0..experts).map(move |e| (t, e)));
                prop_assert!(all.clone().all(|(t, e)| (0.0..=1.0).contains(&kept.get(t, e).unwrap())));
                for affinity in [Affinity::Softmax, Affinity::Sigmoid] {
                    let mut selector = Selector::new(&options).weighing(affinity, false);
                    let weights = select(&mut selector, &gate, rule).weights;
                    prop_assert!(weights.iter().all(|w| (0.0..=1.0 + 1e-6).contains(w)), "{:?}", weights);
                }
            }
        }
        let usable: Vec<f64> = price[..experts].iter().map(|p| f64::from(p.clamp(-50.0, 50.0))).map(|p| if p.is_nan() { 0.0 } else { p }).collect();
        let priced: Vec<f32> = usable.iter().map(|p| *p as f32).collect();
        let routing = select(&mut Selector::default(), &gate, Rule::PricedLogit { price: &priced });
        prop_assert!(gate.kl_to_priced(&usable, routing.gate.unwrap()).is_finite());
    }

    /// A price of zero, of either sign, is the baseline bit for bit, whatever the rule and the options are.
    #[test]
    fn a_price_of_zero_is_the_baseline(
        logits in prop::collection::vec(prop_oneof![3 => -5.0..5.0_f32, 1 => -400.0..400.0_f32, 1 => Just(1.0), 1 => Just(f32::NEG_INFINITY)], 1..200),
        experts in 1..10_usize, k in 1..10_usize, floor in 0..10_usize, zero in prop_oneof![Just(0.0), Just(-0.0)],
        penalised in any::<bool>(),
    ) {
        let k = k.min(experts);
        let tokens = logits.len() / experts;
        let gate = GateBatch::from_logits(experts, k, logits[..tokens * experts].to_vec());
        let combine = if penalised { Combine::Penalised } else { Combine::SelectionOnly };
        let options = RoutingOptions { floor: floor.min(k) as u32, combine, similarity: Some(neighbours(experts, 0.5)) };
        let price = vec![zero; experts];
        let plain = select(&mut Selector::default(), &gate, Rule::Logit);
        prop_assert_eq!(&plain, gate.reference());
        for options in [RoutingOptions::PLAIN, options] {
            for kind in KINDS {
                let mut selector = Selector::new(&options).weighing(kind.affinity(), true);
                let routing = select(&mut selector, &gate, kind.rule(&price, gate.logits()));
                prop_assert_eq!(&routing.experts, &plain.experts);
                if kind != Kind::Sigmoid {
                    prop_assert_eq!(bits(&routing.weights), bits(&plain.weights));
                    // Of given scores only the router knows how far they are from the gate.
                    let divergence = plain.gate.unwrap().kl_nats.filter(|_| kind != Kind::Given);
                    prop_assert_eq!(routing.gate, plain.gate.map(|gate| GateSummary { kl_nats: divergence, ..gate }));
                }
            }
        }
    }
}

#[test]
fn odd_shapes_work() {
    for (experts, k, tokens) in [(1, 1, 5), (8, 2, 0), (6, 6, 33), (4096, 2, 17), (300, 300, 3), (4096, 64, 1)] {
        let logits: Vec<f32> = (0..experts * tokens).map(|i| ((i * 7919) % 65_521) as f32 / 1e4).collect();
        let gate = GateBatch::from_logits(experts, k, logits.clone());
        let price = vec![0.1; experts];
        for (floor, kind) in (0..=1).flat_map(|floor| KINDS.map(|kind| (floor, kind))) {
            let options = RoutingOptions { floor, ..RoutingOptions::PLAIN };
            let routing = select(&mut Selector::new(&options), &gate, kind.rule(&price, &logits));
            assert_total(&routing, &gate, &format!("{experts} experts, top {k}, {tokens} tokens, {kind:?}"));
            // The same price everywhere moves nobody.
            assert_eq!(routing.experts, gate.reference().experts);
        }
    }
}

/// The documented replacements, one by one.
#[test]
fn logits_that_are_no_numbers_have_a_meaning() {
    let (nan, inf, least) = (f32::NAN, f32::INFINITY, f32::MIN);
    let gate = |row: [f32; 4]| GateBatch::from_logits(4, 2, row.to_vec());
    assert_eq!(gate([nan, 3.0, -inf, 2.0]).logits(), [least, 3.0, least, 2.0]);
    assert_eq!(gate([inf, 3.0, inf, 2.0]).logits(), [1003.0, 3.0, 1003.0, 2.0]);
    assert_eq!(gate([inf, 3.0, inf, 2.0]).reference().weights, [0.5, 0.5]);
    assert_eq!(gate([nan, -inf, nan, least]).logits(), [0.0; 4]);
    assert_eq!(gate([inf, nan, -inf, nan]).logits(), [0.0, least, least, least]);
    assert!(!gate([1.0, 2.0, 3.0, 4.0]).is_masked());
    // No price makes a token go to a masked expert while it has others, in no space.
    let masked = gate([-inf, 3.0, -inf, -9.0]);
    assert!(masked.is_masked());
    for kind in [Kind::Priced, Kind::Probability, Kind::Softmax, Kind::Sigmoid] {
        let mut selector = Selector::default().weighing(kind.affinity(), true);
        let routing = select(&mut selector, &masked, kind.rule(&[0.0, 50.0, 0.0, 90.0], &[]));
        let mut chosen = routing.experts.clone();
        chosen.sort_unstable();
        assert_eq!(chosen, [1, 3], "{kind:?}");
    }
}

/// Equal scores by rising index, also after a larger score has pushed one of them down.
#[test]
fn the_lower_index_wins_every_tie() {
    for scores in [[1.0, 1.0, 2.0, 1.0], [1.0, 2.0, 2.0, 3.0], [0.0, 0.0, 0.0, 0.0], [3.0, 1.0, 2.0, 1.0]] {
        let expected = ranked(&scores.map(f64::from));
        for k in 1..=4 {
            let gate = GateBatch::from_logits(4, k, scores.to_vec());
            assert_eq!(gate.reference().experts, expected[..k], "{scores:?}");
        }
    }
}

/// Where the chosen experts' probabilities underflow, their weights are still those of the gate.
#[test]
fn weights_survive_underflow() {
    let gate = GateBatch::from_logits(4, 2, vec![0.0, -200.0, -201.0, -1.0]);
    for kind in [Kind::Probability, Kind::Sigmoid] {
        let mut selector = Selector::default().weighing(kind.affinity(), true);
        let routing = select(&mut selector, &gate, kind.rule(&[5.0, 0.0, 0.0, 5.0], &[]));
        assert_eq!(routing.experts, [1, 2]);
        assert!((routing.weights[0] - 0.731_058_6).abs() < 1e-6, "{:?}", routing.weights);
    }
}

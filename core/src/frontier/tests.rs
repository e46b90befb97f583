//! Against enumeration: every routing of a few tokens, and random routings of more.

use proptest::prelude::*;

use super::*;
use crate::gate::GateBatch;
use crate::routing::Routing;

/// All sets of `k` of `experts` experts.
fn sets(experts: usize, k: usize) -> Vec<Vec<u32>> {
    (0..1_u32 << experts)
        .filter(|bits| bits.count_ones() as usize == k)
        .map(|bits| (0..experts as u32).filter(|e| bits >> e & 1 == 1).collect())
        .collect()
}

/// The routing of one set per token.
fn routing(gate: &GateBatch, chosen: &[&[u32]]) -> Routing<'static> {
    let k = gate.reference().top_k();
    let mut routing = Routing::new(gate.experts(), k);
    routing.reset(gate.tokens());
    for (row, set) in routing.experts.chunks_exact_mut(k).zip(chosen) {
        row.copy_from_slice(set);
    }
    routing.weights.fill(1.0 / k as f32);
    routing.count();
    routing.check().unwrap();
    routing
}

/// Energy (J) and mass regret as a run measures them.
fn measured(gate: &GateBatch, routing: &Routing, costs: &[f64]) -> (f64, f64) {
    let joules = routing.counts.iter().zip(costs).map(|(n, cost)| f64::from(*n) * cost).sum();
    (joules, gate.fidelity(routing).mass_regret)
}

/// Energy and regret of every routing of all tokens.
fn all_routings(gate: &GateBatch, costs: &[f64]) -> Vec<(f64, f64)> {
    let sets = sets(gate.experts(), gate.reference().top_k());
    let mut chosen = vec![0; gate.tokens()];
    let mut found = Vec::new();
    loop {
        let rows: Vec<&[u32]> = chosen.iter().map(|at: &usize| sets[*at].as_slice()).collect();
        found.push(measured(gate, &routing(gate, &rows), costs));
        let Some(digit) = chosen.iter().position(|at| at + 1 < sets.len()) else { return found };
        chosen[..digit].fill(0);
        chosen[digit] += 1;
    }
}

fn frontier(batches: &[(&GateBatch, &[f64])]) -> Frontier {
    let (least, most) = batches
        .iter()
        .flat_map(|(_, costs)| costs.iter())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), c| (least.min(*c), most.max(*c)));
    let mut frontier = Frontier::new(most - least, false);
    let mut sweep = Sweep::default();
    for (gate, costs) in batches {
        sweep.add(gate, costs, &mut frontier);
    }
    frontier
}

/// What no rounding of f64 reaches, and what the promise of the frontier allows.
const NOTHING: f64 = 1e-9;

/// At every resolved price the curve is the true minimum of R + mu E / n, found by enumeration; no routing is below the
/// bound; and where a whole bin lies between two slopes of the hull, the corner between them is reached.
fn holds_against_enumeration(gate: &GateBatch, costs: &[f64]) {
    let (found, tokens) = (all_routings(gate, costs), gate.tokens() as f64);
    let frontier = frontier(&[(gate, costs)]);
    for point in frontier.points(16) {
        let value = point.regret + point.price * point.joules / tokens;
        let least = found.iter().map(|(e, r)| r + point.price * e / tokens).fold(f64::INFINITY, f64::min);
        // Relative to the terms that are added: the price may be thousands per joule.
        let allowed = 1e-12 * (1.0 + point.price * point.joules / tokens);
        assert!((value - least).abs() < allowed, "{point:?}: {value}, enumeration {least}");
    }
    for (joules, regret) in &found {
        let bound = frontier.regret_at(*joules).unwrap();
        assert!(*regret >= bound - NOTHING, "{joules} J at {regret}, frontier {bound}");
    }
    let dearest = found.iter().map(|(e, _)| *e).fold(f64::NEG_INFINITY, f64::max);
    let cheapest = found.iter().map(|(e, _)| *e).fold(f64::INFINITY, f64::min);
    let corner = found.iter().filter(|(e, _)| *e <= cheapest + 1e-9).map(|(_, r)| *r).fold(f64::INFINITY, f64::min);
    let spread =
        costs.iter().fold(0.0_f64, |most, c| most.max(*c)) - costs.iter().fold(f64::INFINITY, |a, c| a.min(*c));
    let gap = smallest_gap(costs);
    // All prices of this corner are resolved.
    if gap > spread / 1000.0 {
        assert!((frontier.regret_at(cheapest).unwrap() - corner).abs() < 1e-9, "the cheapest corner");
    }
    assert!(frontier.regret_at(dearest).unwrap().abs() < NOTHING);
}

fn smallest_gap(costs: &[f64]) -> f64 {
    let mut sorted = costs.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.windows(2).map(|pair| pair[1] - pair[0]).filter(|gap| *gap > 0.0).fold(f64::INFINITY, f64::min)
}

#[test]
fn corners_of_a_hull_by_hand() {
    // Two tokens, top-1 of 3, masses 1, 1/2, 1/4 and 1, 1/4, 1/8 (exact powers), costs 3, 2, 1.
    let ln2 = std::f32::consts::LN_2;
    let gate = GateBatch::from_logits(3, 1, vec![0.0, -ln2, -2.0 * ln2, 0.0, -2.0 * ln2, -3.0 * ln2]);
    let frontier = frontier(&[(&gate, &[3.0, 2.0, 1.0])]);
    // Slopes per joule: token 1 by 3/4 over two joules; token 2 by 7/8 over two (its middle expert is above that line: 3/4).
    let corners = [(6.0, 0.0), (4.0, 0.375), (2.0, 0.8125)];
    for (joules, regret) in corners {
        assert!((frontier.regret_at(joules).unwrap() - regret).abs() < 1e-6, "{joules} J: {frontier:?}");
    }
    assert!(frontier.regret_at(3.0).unwrap() <= (0.375 + 0.8125) / 2.0);
    assert_eq!(frontier.tokens(), 2);
}

#[test]
fn equal_costs_are_a_point_and_no_tokens_are_nothing() {
    let gate = GateBatch::from_logits(4, 2, vec![0.1, 0.4, 0.2, 0.3]);
    let flat = frontier(&[(&gate, &[0.7; 4])]);
    assert!(flat.points(1).all(|point| point.joules == 1.4 && point.regret == 0.0));
    assert!(flat.regret_at(1.4).unwrap().abs() < 1e-12);
    assert_eq!(frontier(&[]).regret_at(1.0), None);
    let nothing = GateBatch::from_logits(4, 2, Vec::new());
    assert_eq!(frontier(&[(&nothing, &[0.1, 0.2, 0.3, 0.4])]).regret_at(0.0), None);
}

#[test]
fn merged_pieces_are_the_whole() {
    let costs = [0.5, 0.5, 2.0, 2.0];
    let batch = |shift: f32| GateBatch::from_logits(4, 2, (0..64).map(|i| (i as f32 * shift).sin()).collect());
    let (a, b) = (batch(0.7), batch(1.3));
    let whole = frontier(&[(&a, &costs), (&b, &costs)]);
    let mut merged = frontier(&[(&a, &costs)]);
    merged.merge(&frontier(&[(&b, &costs)]));
    for (x, y) in whole.points(1).zip(merged.points(1)) {
        assert!((x.joules - y.joules).abs() < 1e-12 && (x.regret - y.regret).abs() < 1e-14, "{x:?} {y:?}");
    }
    assert!(whole.is_sound() && merged.is_sound() && whole.empty_like().is_sound());
    assert_eq!(whole.empty_like(), frontier(&[(&a, &costs)]).empty_like());
}

#[test]
fn strange_scales_and_logits_do_not_panic() {
    for scale in [0.0, -1.0, f64::NAN, f64::INFINITY, f64::MIN_POSITIVE, f64::MAX, 5e-324] {
        let mut strange = Frontier::new(scale, true);
        assert!(strange.is_sound(), "{scale}");
        let rows = vec![f32::NEG_INFINITY, 1.0, 3.0, 0.0, 80.0, -80.0];
        let gate = GateBatch::from_logits(3, 2, rows);
        Sweep::default().add(&gate, &[1.0, 1e-300, 1e300], &mut strange);
        assert!(strange.points(1).all(|point| point.price.is_finite() && !point.regret.is_nan()), "{scale}");
    }
}

/// Costs as they occur: one class, two, a few, all different.
fn costs(experts: usize) -> impl Strategy<Value = Vec<f64>> {
    prop_oneof![
        prop::collection::vec(prop_oneof![Just(0.5), Just(2.0)], experts),
        prop::collection::vec(prop_oneof![Just(0.0), Just(0.3), Just(1.0), Just(1.1)], experts),
        prop::collection::vec(0.1_f64..3.0, experts),
    ]
}

/// Logits, some of them equal.
fn logits(length: usize) -> impl Strategy<Value = Vec<f32>> {
    prop_oneof![
        prop::collection::vec(-3.0_f32..3.0, length),
        prop::collection::vec(prop_oneof![Just(0.0_f32), Just(1.0), Just(1.000_000_1), Just(-120.0)], length),
    ]
}

fn tiny() -> impl Strategy<Value = (usize, usize, Vec<f32>, Vec<f64>)> {
    (1_usize..=5, 1_usize..=2, 1_usize..=3).prop_flat_map(|(experts, k, tokens)| {
        (Just(experts), Just(k.min(experts)), logits(experts * tokens), costs(experts))
    })
}

/// Costs, and batches of logits and choices.
type Stream = (usize, usize, Vec<f64>, Vec<f32>, Vec<u64>);

fn larger() -> impl Strategy<Value = Stream> {
    (2_usize..=40, 1_usize..=8, 1_usize..=40).prop_flat_map(|(experts, k, tokens)| {
        let choices = prop::collection::vec(any::<u64>(), tokens);
        (Just(experts), Just(k.min(experts)), costs(experts), logits(experts * tokens), choices)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_routing_of_a_few_tokens_is_below_and_the_curve_is_reached((experts, k, logits, costs) in tiny()) {
        holds_against_enumeration(&GateBatch::from_logits(experts, k, logits), &costs);
    }

    /// Routings from "nearly the reference" to "anything", and those of the Lagrangian rule itself.
    #[test]
    fn no_routing_is_below((experts, k, costs, logits, choices) in larger()) {
        let gate = GateBatch::from_logits(experts, k, logits);
        let frontier = frontier(&[(&gate, &costs)]);
        for price in [0.0, 0.02, 0.1, 0.3, 1.0, 10.0] {
            let rows: Vec<Vec<u32>> = gate
                .logits()
                .chunks_exact(experts)
                .zip(&choices)
                .map(|(row, noise)| {
                    let mut order: Vec<u32> = (0..experts as u32).collect();
                    let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                    let score = |e: u32| {
                        // The noise of a quarter of the tokens is none.
                        let some = if noise % 4 == 0 { 0.0 } else { (noise.rotate_left(e) % 97) as f64 / 970.0 };
                        f64::from((row[e as usize] - most).exp()) + some - price * costs[e as usize]
                    };
                    order.sort_by(|a, b| score(*b).total_cmp(&score(*a)));
                    order.truncate(k);
                    order
                })
                .collect();
            let rows: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
            let (joules, regret) = measured(&gate, &routing(&gate, &rows), &costs);
            let bound = frontier.regret_at(joules).unwrap();
            prop_assert!(regret >= bound - NOTHING, "{joules} J at {regret}, frontier {bound}");
        }
        let point = frontier.points(1).last().unwrap();
        prop_assert!((frontier.regret_at(point.joules).unwrap() - point.regret).abs() < NOTHING);
    }

    /// Two classes are also a case of many: the walk over lines gives the same curve as the sorted rows.
    #[test]
    fn two_classes_are_a_case_of_many(logits in prop::collection::vec(-3.0_f32..3.0, 12 * 20), hot in 1_usize..12, k in 1_usize..=6) {
        let gate = GateBatch::from_logits(12, k, logits);
        let costs: Vec<f64> = (0..12).map(|e| if e < hot { 2.0 } else { 0.5 }).collect();
        // A third class that differs in the last bit only.
        let mut nearly = costs.clone();
        nearly[0] = 2.0 + 4.0 * f64::EPSILON;
        nearly[11] = if hot < 11 { 0.5 - f64::EPSILON } else { 0.5 };
        let (pairs, lines) = (frontier(&[(&gate, &costs)]), frontier(&[(&gate, &nearly)]));
        for (a, b) in pairs.points(1).zip(lines.points(1)) {
            // An exchange at an edge itself may fall on either side of it: compare what has a meaning, R + mu E.
            let value = |p: FrontierPoint| p.regret + a.price * p.joules / 20.0;
            prop_assert!((value(a) - value(b)).abs() < 1e-12 * (1.0 + a.price * 60.0), "{a:?} {b:?}");
        }
    }
}

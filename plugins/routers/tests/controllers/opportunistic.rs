//! `opportunistic` against a plain reading of its definition.

use std::collections::BTreeSet;

use isotherm_core::gate::GateBatch;
use isotherm_routers::Opportunistic;

use crate::bench::{build, gate, refusal, serve, view_at};

fn of(keep: u32) -> Opportunistic {
    Opportunistic { keep: Some(keep), ..Opportunistic::default() }
}

/// Experts of every token as sets, from the definition.
fn by_hand(gate: &GateBatch, keep: usize, k: usize) -> Vec<BTreeSet<u32>> {
    let order = |row: &[f32]| -> Vec<u32> {
        let mut order: Vec<u32> = (0..row.len() as u32).collect();
        order.sort_by(|a, b| row[*b as usize].total_cmp(&row[*a as usize]).then(a.cmp(b)));
        order
    };
    let rows: Vec<Vec<u32>> = gate.logits().chunks_exact(gate.experts()).map(order).collect();
    let active: BTreeSet<u32> = rows.iter().flat_map(|order| order[..keep].to_vec()).collect();
    assert!(active.len() >= k);
    rows.iter().map(|order| order.iter().copied().filter(|e| active.contains(e)).take(k).collect()).collect()
}

#[test]
fn the_rest_comes_from_the_active_ones() {
    for (experts, k, keep, tokens) in [(16, 4, 2, 5), (64, 8, 4, 16), (8, 2, 1, 3), (64, 8, 1, 40)] {
        let mut router = build(&of(keep), experts, k);
        for batch in 0..5 {
            let gate = gate(batch, experts, k, tokens);
            let found = serve(router.as_mut(), &gate, &view_at(batch, 0.0), &vec![1.0; experts]);
            let sets: Vec<BTreeSet<u32>> =
                found.experts.chunks_exact(k).map(|row| row.iter().copied().collect()).collect();
            assert_eq!(sets, by_hand(&gate, keep as usize, k));
            let active = |counts: &[u32]| counts.iter().filter(|n| **n > 0).count();
            assert!(active(&found.counts) <= active(&gate.reference().counts));
        }
    }
}

#[test]
fn keeping_all_and_waking_for_nothing_are_the_baseline() {
    for spec in [of(4), Opportunistic { keep: Some(1), wake: Some(0.0) }] {
        let mut router = build(&spec, 32, 4);
        for batch in 0..5 {
            let gate = gate(batch, 32, 4, 6);
            assert_eq!(&serve(router.as_mut(), &gate, &view_at(batch, 0.0), &[1.0; 32]), gate.reference());
        }
    }
}

/// A higher threshold wakes fewer.
#[test]
fn the_threshold_is_between_the_two() {
    let gate = gate(3, 64, 8, 12);
    let active = |wake| {
        let mut router = build(&Opportunistic { keep: Some(2), wake }, 64, 8);
        let found = serve(router.as_mut(), &gate, &view_at(0, 0.0), &[1.0; 64]);
        found.counts.iter().filter(|n| **n > 0).count()
    };
    let found = [Some(0.0), Some(0.1), Some(0.2), Some(0.4), None].map(active);
    assert!(found.is_sorted_by(|a, b| a >= b) && found[0] > found[2] && found[2] > found[4], "{found:?}");
}

/// One token with k0 = 1 keeps one expert; the others are woken for it, nothing is dropped.
#[test]
fn too_few_active_experts_are_filled_up() {
    let gate = gate(7, 16, 4, 1);
    let mut router = build(&of(1), 16, 4);
    let found = serve(router.as_mut(), &gate, &view_at(0, 0.0), &[1.0; 16]);
    assert_eq!(&found.experts, &gate.reference().experts, "of one token the probable ones are its own");
    assert_eq!(found.dropped(), 0);
}

#[test]
fn bad_options_are_refused_by_name() {
    for (option, spec) in [("keep", of(0)), ("keep", of(3)), ("wake", Opportunistic { keep: None, wake: Some(-1.0) })] {
        let message = refusal(&spec);
        assert!(message.contains(&format!("`{option}`")) && message.contains("for example"), "{message}");
    }
}

//! Eight price routers on one batch against eight separate runs.

use std::hint::black_box;

use isotherm_core::gate::GateBatch;
use isotherm_core::routing::{Routing, Rule, Selector};

use crate::gate::{D_MODEL, TOKENS, drawn, gate};
use crate::measure::{Bound, Report, in_turns};
use crate::select::prices;

const ROUTERS: usize = 8;

pub(crate) fn measure(report: &mut Report) {
    if !report.wants("sharing") {
        return;
    }
    let hidden = drawn(2, TOKENS * D_MODEL);
    for (experts, top_k) in [(8, 2), (64, 8), (256, 8)] {
        let gate = gate(experts);
        let prices: Vec<Vec<f32>> = (1..=ROUTERS).map(|n| prices(experts, n as f32)).collect();
        // What a run pays for a batch: logits, reference routing, its own choice, and what the choice gives up.
        let batch = || GateBatch::from_logits(experts, top_k, gate.logits(black_box(&hidden)));
        let route = |gate: &GateBatch, price: &[f32], selector: &mut Selector, out: &mut Routing| {
            selector.select(gate, Rule::PricedLogit { price }, None, out);
            black_box(gate.fidelity(out));
        };
        let (mut one, mut other) = (Selector::default(), Selector::default());
        let (mut out, mut other_out) = (Routing::new(experts, top_k), Routing::new(experts, top_k));
        let times = in_turns(&mut [
            &mut || {
                let gate = batch();
                prices.iter().for_each(|price| route(&gate, price, &mut one, &mut out));
            },
            &mut || prices.iter().for_each(|price| route(&batch(), price, &mut other, &mut other_out)),
        ]);
        let share = times.median(|round| round[0] / round[1]);
        report.line(
            &format!("sharing, {ROUTERS} price routers, {experts} experts, top {top_k}, to separate runs"),
            share,
            "",
            Bound::AtMost(0.333),
        );
    }
}

//! Good routers decide as the core's own kernel does.

use isotherm_core::gate::GateBatch;
use isotherm_core::id::BatchId;
use isotherm_core::placement::Placement;
use isotherm_core::router::{ClusterView, Feasibility, RouterContext, RouterSpec};
use isotherm_core::routing::{Routing, RoutingOptions, Rule, Selector};
use isotherm_core::telemetry::Sample;
use isotherm_core::time::SimTime;
use isotherm_core::units::Celsius;

use crate::fixtures::{EXPERTS, TOP_K, build, gate, logits, open, route, router};

#[test]
fn prices_choose_as_the_kernel_does() {
    let costs: Vec<f64> = (0..EXPERTS).map(|e| 0.25 * e as f64).collect();
    let options = RoutingOptions { floor: 1, ..RoutingOptions::PLAIN };
    let spec = router(&open("routers"), "fixtures/price", r#"{"step":1.5}"#).unwrap();
    let mut priced = spec.build(&RouterContext::new(EXPERTS, TOP_K, &costs, 7).with_options(&options)).unwrap();
    let gate = gate(300);
    let view = ClusterView::empty().with_declared_costs(&costs);
    let found = route(&mut *priced, &gate, &view).unwrap();
    let price: Vec<f32> = costs.iter().map(|cost| (1.5 * cost) as f32).collect();
    let mut expected = Routing::new(EXPERTS, TOP_K);
    Selector::new(&options).select(&gate, Rule::PricedLogit { price: &price }, None, &mut expected);
    assert_eq!(found, expected);
    assert_ne!(&found, gate.reference());
    assert_eq!(priced.operations_per_token(), 8.0);
}

#[test]
fn scores_choose_as_the_kernel_does() {
    let placement = Placement::contiguous(EXPERTS, 4);
    let degc = [30.0, 95.0, 40.0, 80.0];
    let samples = degc.map(|degc| Sample { temperature: Some(Celsius::new(degc)), ..Sample::default() });
    let view = ClusterView::empty().at(SimTime::ZERO, BatchId(0), &placement, &samples);
    let mut cool = build(&open("routers"), "fixtures/cool");
    let gate = gate(300);
    let found = route(&mut *cool, &gate, &view).unwrap();
    let warm = |place: usize| (0.01 * degc[place % EXPERTS / 2]) as f32;
    let scores: Vec<f32> = gate.logits().iter().enumerate().map(|(place, logit)| logit - warm(place)).collect();
    let mut expected = Routing::new(EXPERTS, TOP_K);
    Selector::default().select(&gate, Rule::Given { scores: &scores }, None, &mut expected);
    assert_eq!(found, expected);
    assert_eq!(cool.feasibility(), Some(Feasibility::Feasible));
}

#[test]
fn batches_of_all_sizes_fit() {
    let mut wear = build(&open("routers"), "fixtures/wear");
    for tokens in [1, 0, 2_048, 3, 0, 5_000, 64] {
        let gate = gate(tokens);
        let found = route(&mut *wear, &gate, &ClusterView::empty()).unwrap();
        assert_eq!(found.experts, gate.reference().experts, "nothing is worn yet");
        assert_eq!(found.check(), Ok(()));
    }
}

#[test]
fn one_expert_and_many() {
    for (experts, top_k) in [(1, 1), (256, 8)] {
        let costs = vec![1.0; experts];
        let spec = router(&open("routers"), "fixtures/wear", "{}").unwrap();
        let mut wear = spec.build(&RouterContext::new(experts, top_k, &costs, 7)).unwrap();
        let gate = GateBatch::from_logits(experts, top_k, logits(20, experts));
        assert_eq!(route(&mut *wear, &gate, &ClusterView::empty()).unwrap().experts, gate.reference().experts);
        let other = crate::fixtures::gate(1);
        assert!(route(&mut *wear, &other, &ClusterView::empty()).unwrap_err().to_string().contains("another layer"));
    }
}

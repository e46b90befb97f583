//! The same types linked in: found by their names, and doing what they do behind their tables.

use isotherm_plugin::abi::{PRICES, SCORES};
use isotherm_plugin::placement::{PlacementContext, PlacementSpec};
use isotherm_plugin::router::{ClusterView, RouterContext, RouterSpec};
use isotherm_plugin::routing::{Routing, Rule, Selector};
use isotherm_plugin::telemetry::{Sample, TelemetrySpec, Truth};
use isotherm_plugin::time::SimTime;
use isotherm_plugin::{gate::GateBatch, serde_json};

use crate::given::{EXPERTS, Given, TOP_K};

fn linked(options: &str) -> Box<dyn RouterSpec> {
    serde_json::from_str(&format!(r#"{{"kind": "test/probe", {options}}}"#)).unwrap()
}

/// The routing of a linked router on a gate.
fn routed(spec: &dyn RouterSpec, gate: &GateBatch<'_>) -> Routing<'static> {
    let costs = [0.5, 0.5, 2.0, 2.0];
    let mut router = spec.build(&RouterContext::new(EXPERTS, TOP_K, &costs, 42)).unwrap();
    let mut routing = Routing::new(EXPERTS, TOP_K);
    router.route(gate, &ClusterView::empty().with_declared_costs(&costs), &mut routing).unwrap();
    routing
}

#[cfg_attr(miri, ignore = "the core's kernel asks the processor what it can do, which Miri does not know")]
#[test]
fn a_decision_means_the_same_linked_in_and_behind_the_table() {
    for options in [r#""act": "prices", "price": 0.75"#, r#""act": "scores", "price": 0.75"#, r#""act": "nothing""#] {
        let mut given = Given::new();
        let instance = given.probe(&format!("{{{options}}}")).unwrap();
        let form = given.route(&instance).unwrap().form;
        let gate = GateBatch::from_logits(EXPERTS, TOP_K, given.logits.clone());
        // What a host does with either form.
        let rule = match form {
            PRICES => Rule::PricedLogit { price: &given.made.prices },
            SCORES => Rule::Given { scores: &given.made.scores },
            other => panic!("form {other}"),
        };
        let mut expected = Routing::new(EXPERTS, TOP_K);
        Selector::default().select(&gate, rule, None, &mut expected);
        assert_eq!(routed(&*linked(options), &gate), expected, "{options}");
    }
}

#[cfg_attr(miri, ignore = "the core's kernel asks the processor what it can do, which Miri does not know")]
#[test]
fn an_assignment_is_counted_where_the_author_has_not() {
    let gate = GateBatch::from_logits(EXPERTS, TOP_K, Given::new().logits);
    let uncounted = routed(&*linked(r#""act": "assign-uncounted""#), &gate);
    assert_eq!((&uncounted.counts, uncounted.gate), (&gate.reference().counts, None));
    assert_eq!(routed(&*linked(r#""act": "assign""#), &gate).experts, gate.reference().experts);
}

#[test]
fn a_linked_router_is_saved_and_loaded() {
    let context = RouterContext::new(EXPERTS, TOP_K, &[1.0; 4], 0);
    let spec = linked(r#""oracle": true"#);
    assert!(spec.uses_oracle() && !spec.is_reference());
    let mut router = spec.build(&context).unwrap();
    let state = router.save();
    assert!(!state.is_empty());
    router.load(&state).unwrap();
    assert_eq!(router.save(), state);
    router.load(&[0xff]).unwrap_err();
    assert_eq!(router.save(), state, "nothing has changed");
    assert!(linked(r#""act": "option-in-start""#).build(&context).is_err());
}

#[test]
fn a_source_and_a_policy_are_linked_in_too() {
    let spec: Box<dyn TelemetrySpec> = serde_json::from_str(r#"{"kind": "test/drifting", "kelvin": 2.0}"#).unwrap();
    assert_eq!(
        (spec.period().nanos(), spec.warning(), spec.prescribes_temperature()),
        (100_000_000, Some("it drifts"), false)
    );
    let mut source = spec.build(2, 0).unwrap();
    let mut samples = [Sample::default(); 2];
    source.sample(SimTime::ZERO, &[Truth::default(); 2], &mut samples).unwrap();
    assert_eq!(samples[0].temperature.unwrap().get(), 2.0);
    let state = source.save();
    source.sample(SimTime::ZERO, &[Truth::default(); 2], &mut samples).unwrap();
    source.load(&state).unwrap();
    assert_eq!(source.save(), state);

    let spec: Box<dyn PlacementSpec> = serde_json::from_str(r#"{"kind": "test/all-on", "home": 1}"#).unwrap();
    let placement = spec.place(&PlacementContext::at_start(3, 2)).unwrap();
    assert_eq!(placement.loads_of_gpus(&[1.0; 3], 2), [0.0, 3.0]);
    assert_eq!(spec.rebalance().unwrap().every_batches, 1);
}

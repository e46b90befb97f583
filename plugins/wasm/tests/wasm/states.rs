//! Saved states, and options.

use isotherm_core::id::BatchId;
use isotherm_core::router::{ClusterView, Feedback, Router, RouterError, RouterSpec};
use isotherm_core::time::SimTime;
use isotherm_plugin_wasm::OptionsFault;

use crate::fixtures::{EXPERTS, build, gate, open, route, router};

fn learn(router: &mut dyn Router) {
    let assignments = [40, 0, 0, 3, 9, 0, 0, 76];
    let feedback = Feedback::new(SimTime::ZERO, BatchId(0), &assignments, &[0.0; EXPERTS], &[0.0; EXPERTS]);
    router.feedback(&feedback).expect("a router that learns");
}

#[test]
fn a_restored_router_goes_on_where_the_saved_one_was() {
    let module = open("routers");
    let (mut first, mut second) = (build(&module, "fixtures/wear"), build(&module, "fixtures/wear"));
    let (gate, view) = (gate(64), ClusterView::empty());
    let fresh = route(&mut *first, &gate, &view).unwrap();
    learn(&mut *first);
    let worn = route(&mut *first, &gate, &view).unwrap();
    assert_ne!(worn, fresh, "it has learnt");
    assert_eq!(route(&mut *second, &gate, &view).unwrap(), fresh, "instances share nothing");
    second.load(&first.save()).unwrap();
    assert_eq!(route(&mut *second, &gate, &view).unwrap(), worn);
    assert_eq!(second.save(), first.save());
}

#[test]
fn bytes_that_are_no_state_are_refused() {
    let module = open("routers");
    let state = |result: Result<(), RouterError>| match result {
        Err(RouterError::State(message)) => message,
        other => panic!("{other:?}"),
    };
    let mut wear = build(&module, "fixtures/wear");
    assert!(state(wear.load(&[1, 2, 3, 0])).ends_with("that is the wear of another number of experts"));
    assert!(state(wear.load(&[9])).ends_with("has saved no such bytes"));
    let mut price = build(&module, "fixtures/price");
    assert_eq!((price.save(), price.load(&[])), (Vec::new(), Ok(())));
    assert!(state(price.load(&[5, 0])).ends_with("keeps no state"));
}

#[test]
fn a_state_that_could_not_be_saved_says_so_when_it_is_restored() {
    let module = open("faults");
    let (endless, mut other) = (build(&module, "faults/sink"), build(&module, "faults/sink"));
    let Err(RouterError::State(message)) = other.load(&endless.save()) else { panic!("there is no such state") };
    assert!(
        message.contains("it could not be saved: plugin `faults/sink` 0.1.0 (faults.wasm) wrote more"),
        "{message}"
    );
}

#[test]
fn options_are_checked_and_filled_in_by_the_module() {
    let module = open("routers");
    let spec = router(&module, "fixtures/price", "{}").unwrap();
    assert_eq!(serde_json::to_string(spec.options()).unwrap(), r#"{"step":0.5}"#);
    let boxed: Box<dyn RouterSpec> = Box::new(spec);
    assert_eq!(serde_json::to_string(&boxed).unwrap(), r#"{"kind":"fixtures/price","step":0.5}"#);
    let fault = router(&module, "fixtures/price", r#"{"step":-1.5}"#).unwrap_err();
    let OptionsFault::Options { reports, .. } = &fault else { panic!("{fault}") };
    assert_eq!(reports[0].pointer, "/step");
    let words = "plugin `fixtures/price` 1.2.3 (routers.wasm): /step: `step` is negative; expected a number";
    assert!(fault.to_string().starts_with(words), "{fault}");
    let fault = router(&module, "fixtures/none", "{}").unwrap_err().to_string();
    assert!(fault.ends_with("offers no router `fixtures/none`, but fixtures/price, fixtures/cool, fixtures/wear"));
}

#[test]
fn messages_reach_the_log_without_control_characters() {
    use std::sync::Mutex;
    static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let module = open("routers").with_log(|level, plugin, message| {
        SAID.lock().unwrap().push(format!("{level:?} {plugin}: {message}"));
    });
    let spec = router(&module, "fixtures/price", r#"{"step":101}"#).unwrap();
    spec.build(&isotherm_core::router::RouterContext::new(8, 2, &[], 7)).unwrap();
    let said = SAID.lock().unwrap().join("\n");
    assert_eq!(said, "Warning fixtures 1.2.3 (routers.wasm): prices\u{fffd}[31m are high");
}

//! What a router must not do, and what the user is told: its run ends, and nothing else does.

use isotherm_core::router::{ClusterView, RouterError};
use isotherm_plugin_wasm::{Limits, Module};

use crate::fixtures::{build, file, gate, open, route};

fn fails(module: &Module, name: &str) -> String {
    let mut router = build(module, name);
    match route(&mut *router, &gate(64), &ClusterView::empty()) {
        Err(RouterError::Failed(message)) => message,
        other => panic!("{name} did not fail: {other:?}"),
    }
}

#[test]
fn every_fault_is_named_with_plugin_version_file_and_place() {
    let faults = open("faults");
    for (name, words) in [
        ("loop", "took more than 20000000 instructions in one call, which is the limit (in `loop`)"),
        ("trap", "was stopped: wasm trap: wasm `unreachable` instruction executed (in `trap`)"),
        ("outside", "was stopped: wasm trap: out of bounds memory access (in `outside`)"),
        ("flood", "took more than 20000000 instructions in one call, which is the limit (in `flood`)"),
        ("bulk", "took more than 20000000 instructions in one call, which is the limit (in `bulk`)"),
        ("twice", "broke the interface: token 0 goes to expert 0 twice"),
        ("form", "broke the interface: there is no form 7 of a decision; expected 0, 1 or 2"),
        ("nan", "broke the interface: NaN operations a token; expected a number of at least 0"),
        ("status", "failed while routing: no experts left"),
    ] {
        let message = fails(&faults, &format!("faults/{name}"));
        let subject = format!("plugin `faults/{name}` 0.1.0 (faults.wasm) ");
        assert_eq!(message.strip_prefix(&subject), Some(words), "{message}");
    }
}

#[test]
fn memory_ends_at_its_limit() {
    let message = fails(&open("faults"), "faults/hog");
    let words = "bytes of memory; the limit is 8388608 (in `hog`)";
    assert!(
        message.starts_with("plugin `faults/hog` 0.1.0 (faults.wasm) asked for 8") && message.ends_with(words),
        "{message}"
    );
}

#[test]
fn a_pointer_out_of_its_memory_is_not_followed() {
    let message = fails(&open("faults"), "faults/pointer");
    let words = "handed over a text of 128 bytes at address 4294967040, but its memory has";
    assert!(message.contains(words), "{message}");
}

#[test]
fn a_function_of_another_type_is_found_before_the_first_batch() {
    let faults = open("faults");
    let spec = crate::fixtures::router(&faults, "faults/signature", "{}").unwrap();
    let context = isotherm_core::router::RouterContext::new(8, 2, &[], 7);
    let error = isotherm_core::router::RouterSpec::build(&spec, &context).err().expect("it cannot be called");
    let message = error.to_string();
    assert!(message.contains("of its table a function of type") && message.contains("for `route`"), "{message}");
}

#[test]
fn an_instance_that_was_stopped_harms_no_other() {
    let faults = open("faults");
    let mut good = build(&faults, "faults/sink");
    let before = route(&mut *good, &gate(64), &ClusterView::empty()).unwrap();
    fails(&faults, "faults/hog");
    fails(&faults, "faults/trap");
    assert_eq!(route(&mut *good, &gate(64), &ClusterView::empty()).unwrap(), before);
}

#[test]
fn the_same_fuel_ends_at_the_same_instruction() {
    // A router stays within a limit or does not: between two limits one apart there is no third outcome.
    let works = |fuel_per_call| {
        let module = Module::open(&file("routers"), Limits { fuel_per_call, ..crate::fixtures::LIMITS }).unwrap();
        let mut router = build(&module, "fixtures/wear");
        route(&mut *router, &gate(64), &ClusterView::empty()).is_ok()
    };
    let (mut least, mut most) = (1_000, 1_000_000);
    assert!(!works(least) && works(most));
    while most - least > 1 {
        let middle = least.midpoint(most);
        if works(middle) { most = middle } else { least = middle }
    }
    assert!((0..5).all(|_| works(most) && !works(least)), "{least} instructions are too few, {most} are enough");
}

#[test]
fn a_batch_that_does_not_fit_the_memory_is_refused_before_the_call() {
    let module = Module::open(&file("routers"), Limits { memory_bytes: 1 << 20, ..crate::fixtures::LIMITS }).unwrap();
    let mut router = build(&module, "fixtures/wear");
    assert!(route(&mut *router, &gate(64), &ClusterView::empty()).is_ok());
    let message = route(&mut *router, &gate(100_000), &ClusterView::empty()).unwrap_err().to_string();
    assert!(message.contains("bytes of memory; the limit is 1048576"), "{message}");
    assert!(route(&mut *router, &gate(64), &ClusterView::empty()).is_ok(), "the next batch may be smaller");
}

//! Panics at every entry: told with their place, and the instance of no more use until it is restored.

use isotherm_plugin::abi::{PANIC, STATE};

use crate::given::{Given, feedback};
use crate::host::{Failure, HOST, SAID, enter};

/// Message and place, which is in the plugin's own source.
#[track_caller]
fn assert_panicked(failure: &Failure, message: &str) {
    assert_eq!(failure.status, PANIC, "{failure:?}");
    let (pointer, text) = failure.only();
    let (place, found) = text.split_once(": ").unwrap();
    let (file, line) = place.strip_prefix("panicked at ").unwrap().split_once(".rs:").unwrap();
    assert!(pointer.is_empty() && file.ends_with("plugin"), "{text}");
    let numbers: Vec<u32> = line.split(':').map(|number| number.parse().unwrap()).collect();
    assert_eq!((numbers.len(), found), (2, message));
}

#[track_caller]
fn assert_poisoned<T: std::fmt::Debug>(result: Result<T, Failure>) {
    let failure = result.unwrap_err();
    assert_eq!(failure.status, STATE);
    assert_eq!(failure.only().1, "this instance has panicked before; restore a saved state, or destroy it");
}

#[test]
fn in_create_it_leaves_no_instance() {
    let failure = Given::new().probe(r#"{"act": "panic-in-start"}"#).unwrap_err();
    assert_panicked(&failure, "start of 4 experts");
}

#[test]
fn in_route_it_poisons_the_instance_until_it_is_restored() {
    let mut given = Given::new();
    let instance = given.probe(r#"{"act": "panic-in-route"}"#).unwrap();
    let state = instance.save().unwrap();
    assert_panicked(&given.route(&instance).unwrap_err(), "route of 3 tokens");
    assert_poisoned(given.route(&instance));
    assert_poisoned(feedback(&instance));
    assert_poisoned(instance.save());
    assert_eq!(instance.restore(&[0xff]).unwrap_err().status, STATE);
    assert_poisoned(instance.save());
    instance.restore(&state).unwrap();
    assert_eq!(instance.save().unwrap(), state);
    feedback(&instance).unwrap();
    assert_panicked(&given.route(&instance).unwrap_err(), "route of 3 tokens");
}

#[test]
fn in_feedback_save_and_restore_it_is_told() {
    let given = Given::new();
    let instance = given.probe(r#"{"act": "panic-in-feedback"}"#).unwrap();
    assert_panicked(&feedback(&instance).unwrap_err(), "feedback of batch9");
    assert_poisoned(feedback(&instance));
    let instance = given.probe(r#"{"act": "panic-in-save"}"#).unwrap();
    assert_panicked(&instance.save().unwrap_err(), "save");
    assert_poisoned(feedback(&instance));
    let instance = given.probe(r#"{"act": "panic-in-load"}"#).unwrap();
    assert_panicked(&instance.restore(&[1, 2]).unwrap_err(), "load of 2 bytes");
    assert_poisoned(feedback(&instance));
}

#[test]
fn a_payload_without_text_still_has_a_place() {
    let mut given = Given::new();
    let instance = given.probe(r#"{"act": "panic-with-number"}"#).unwrap();
    assert_panicked(&given.route(&instance).unwrap_err(), "a panic without a message");
}

#[test]
fn in_a_destructor_it_goes_no_further_than_the_log() {
    enter(&HOST);
    let mut given = Given::new();
    let instance = given.probe(r#"{"act": "panic-in-drop"}"#).unwrap();
    given.route(&instance).unwrap();
    drop(instance);
    let said = SAID.lock().unwrap();
    let told = said.iter().any(|(level, text)| *level == 1 && text.contains("was destroyed") && text.ends_with("drop"));
    assert!(told, "{said:?}");
}

#[test]
fn other_instances_are_not_touched() {
    let mut given = Given::new();
    let (bad, good) = (given.probe(r#"{"act": "panic-in-route"}"#).unwrap(), given.probe("{}").unwrap());
    given.route(&bad).unwrap_err();
    given.route(&good).unwrap();
}

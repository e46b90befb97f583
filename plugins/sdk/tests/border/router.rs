//! Routers behind their table: options, forms of a decision, state.

use std::ptr;

use isotherm_plugin::abi::{
    ABI, ASSIGNMENT, CONFIG, COUNTED, DESCRIBED, DIVERGENCE, Decision, FAILED, INFEASIBLE, IS_REFERENCE, PRICES,
    RouterV1, SCORES, STATE, Str, USES_ORACLE,
};

use crate::given::{Given, feedback};
use crate::host::{HOST, Instance, call, configure, table};

#[test]
fn options_come_back_with_their_defaults() {
    let (resolved, flags) = configure("test/probe", r#"{"act": "prices"}"#).unwrap();
    assert_eq!((resolved.as_str(), flags), (r#"{"act":"prices","price":1.0,"oracle":false}"#, 0));
    assert_eq!(configure("test/probe", r#"{"oracle": true}"#).unwrap().1, USES_ORACLE);
    assert_eq!(configure("test/first-experts", "{}").unwrap(), (r#"{"from":0}"#.to_owned(), IS_REFERENCE));
}

#[test]
fn wrong_options_are_reported_with_their_place() {
    for (config, pointer, message) in [
        (r#"{"price": "dear"}"#, "/price", "invalid type: string \"dear\", expected f32"),
        (r#"{"prise": 1}"#, "/prise", "unknown field `prise`, expected one of `act`, `price`, `oracle`"),
        ("[]", "", "options are a JSON object, found `[]`; for example `{}`"),
    ] {
        let failure = configure("test/probe", config).unwrap_err();
        assert_eq!((failure.status, failure.only()), (CONFIG, (pointer, message)));
        assert_eq!(Given::new().probe(config).unwrap_err(), failure, "`create` says the same");
    }
    let failure = Given::new().probe(r#"{"act": "option-in-start"}"#).unwrap_err();
    assert_eq!((failure.status, failure.only()), (CONFIG, ("/price", "does not fit; for example `price = 1.0`")));
    let failure = Instance::create("test/first-experts", r#"{"from": 3}"#, &Given::new().context()).unwrap_err();
    assert_eq!((failure.status, failure.only()), (CONFIG, ("/from", "is too far on")));
}

#[test]
fn text_that_is_not_utf_8_is_refused() {
    let bytes = [b'{', 0xff, b'}'];
    let config = Str { ptr: bytes.as_ptr().cast(), len: bytes.len() };
    let given = Given::new();
    let (table, mut instance) = (table::<RouterV1>("test/probe"), ptr::null_mut());
    let failure = call(|error| unsafe { (table.create)(&HOST, config, &given.context(), &mut instance, error) });
    let failure = failure.unwrap_err();
    assert_eq!(failure.status, ABI);
    assert!(failure.only().1.starts_with("`config` is not UTF-8"), "{failure:?}");
    assert!(instance.is_null(), "nothing has been made");
}

#[test]
fn prices_are_for_the_host_to_apply() {
    let mut given = Given::new();
    let instance = given.probe(r#"{"act": "prices", "price": 0.75}"#).unwrap();
    let decision = given.route(&instance).unwrap();
    assert_eq!((decision.form, decision.flags, decision.feasibility), (PRICES, 0, 0));
    assert_eq!(decision.operations_per_token, 0.75);
    assert_eq!(given.made.prices, [0.75, 0.0, 0.0, 0.0]);
    assert_eq!(given.made.experts, [77; 6], "nothing else is written");
}

#[test]
fn a_router_that_decides_nothing_leaves_the_gate_as_it_is() {
    let mut given = Given::new();
    let instance = given.probe("{}").unwrap();
    assert_eq!(given.route(&instance).unwrap().form, PRICES);
    assert_eq!(given.made, Given::new().made);
}

#[test]
fn scores_are_adjusted_in_place() {
    let mut given = Given::new();
    let instance = given.probe(r#"{"act": "scores", "price": 8.0}"#).unwrap();
    assert_eq!(given.route(&instance).unwrap().form, SCORES);
    for (at, (score, logit)) in given.made.scores.iter().zip(&given.logits).enumerate() {
        assert_eq!(*score, if at % 4 == 0 { logit - 8.0 } else { *logit });
    }
}

#[test]
fn an_assignment_is_written_where_the_host_wants_it() {
    let mut given = Given::new();
    let instance = given.probe(r#"{"act": "assign", "oracle": true}"#).unwrap();
    let Decision { form, flags, feasibility, entropy_nats, log_sum_exp, kl_nats, .. } = given.route(&instance).unwrap();
    assert_eq!((form, flags, feasibility), (ASSIGNMENT, COUNTED | DESCRIBED | DIVERGENCE, INFEASIBLE));
    assert_eq!((entropy_nats, log_sum_exp, kl_nats), (1.5, 2.5, 0.25));
    assert_eq!((&given.made.experts, &given.made.counts), (&given.reference_experts, &vec![1, 2, 2, 1]));

    let mut given = Given::new();
    let instance = given.probe(r#"{"act": "assign-uncounted"}"#).unwrap();
    assert_eq!(given.route(&instance).unwrap().flags, 0, "the host counts and describes");
    assert_eq!(given.made.experts, given.reference_experts);

    let mut given = Given::new();
    let instance = Instance::create("test/first-experts", r#"{"from": 1}"#, &given.context()).unwrap();
    let decision = given.route(&instance).unwrap();
    assert_eq!((decision.form, decision.flags), (ASSIGNMENT, COUNTED));
    assert_eq!((&given.made.experts[..], &given.made.counts[..]), (&[1, 2, 1, 2, 1, 2][..], &[0, 3, 3, 0][..]));
}

#[test]
fn a_router_that_fails_says_so_and_goes_on() {
    let mut given = Given::new();
    let instance = given.probe(r#"{"act": "fail"}"#).unwrap();
    for _ in 0..2 {
        let failure = given.route(&instance).unwrap_err();
        assert_eq!((failure.status, failure.only()), (FAILED, ("", "as it was told")));
    }
    let instance = given.probe(r#"{"act": "replace"}"#).unwrap();
    let failure = given.route(&instance).unwrap_err();
    assert_eq!(failure.status, FAILED);
    assert!(failure.only().1.contains("have been replaced or resized"), "{failure:?}");
    assert_eq!(given.made.experts, [77; 6], "and the host's buffers are as they were");
}

#[test]
fn no_tokens_need_no_arrays() {
    let mut given = Given::with_tokens(0);
    let instance = given.probe(r#"{"act": "assign"}"#).unwrap();
    let mut batch = given.batch();
    (batch.logits, batch.row_max, batch.top_mass) = (ptr::null(), ptr::null(), ptr::null());
    (batch.reference_experts, batch.reference_weights) = (ptr::null(), ptr::null());
    let decision = given.route_batch(&instance, &batch).unwrap();
    assert_eq!((decision.form, decision.flags & COUNTED), (ASSIGNMENT, COUNTED));
}

#[test]
fn a_restored_instance_is_the_saved_one() {
    let mut given = Given::new();
    let saved = given.probe(r#"{"act": "prices"}"#).unwrap();
    given.route(&saved).unwrap();
    feedback(&saved).unwrap();
    let other = given.probe(r#"{"act": "prices"}"#).unwrap();
    other.restore(&saved.save().unwrap()).unwrap();
    assert_eq!(other.seen(), saved.seen());
    assert_eq!(other.seen().len(), 4, "start, view, gate, feedback");

    let before = other.save().unwrap();
    for garbage in [&[][..], &[0xff; 40], &before[..before.len() - 1]] {
        assert_eq!(other.restore(garbage).unwrap_err().status, STATE);
        assert_eq!(other.save().unwrap(), before, "nothing has changed");
    }
    let first = Instance::create("test/first-experts", "{}", &given.context()).unwrap();
    given.route(&first).unwrap();
    assert_eq!(first.save().unwrap(), [1]);
    first.restore(&[0]).unwrap();
    assert_eq!(first.save().unwrap(), [0]);
}

#[test]
fn what_breaks_the_interface_is_refused_without_being_read() {
    let mut given = Given::new();
    let instance = given.probe(r#"{"act": "assign"}"#).unwrap();
    let refused = |failure: crate::host::Failure, what: &str| {
        assert_eq!(failure.status, ABI, "{failure:?}");
        assert!(failure.only().1.contains(what), "{failure:?}, expected {what}");
    };
    for (what, spoil) in [
        ("`batch` has a struct_size", (|batch| batch.struct_size -= 4) as fn(&mut isotherm_plugin::abi::Batch)),
        ("a call for 5 experts, top 2; the instance was made for 4, top 2", |batch| batch.experts = 5),
        ("a call for 4 experts, top 3", |batch| batch.top_k = 3),
        ("`logits` is null; expected 12 values", |batch| batch.logits = ptr::null()),
        ("`row_max` is not aligned", |batch| batch.row_max = batch.row_max.wrapping_byte_add(2)),
        ("`mean_probability` is null", |batch| batch.mean_probability = ptr::null()),
        ("`sample_power_w` is null; expected 2 values", |batch| batch.sample_power_w = ptr::null()),
        ("names GPU 1, but there are 1", |batch| batch.devices = 1),
        ("`copy_device` is null", |batch| batch.copy_device = ptr::null()),
    ] {
        let mut batch = given.batch();
        spoil(&mut batch);
        refused(given.route_batch(&instance, &batch).unwrap_err(), what);
    }
    given.copy_first = vec![1, 0, 2, 4, 5];
    refused(given.route(&instance).unwrap_err(), "are no placement");

    let mut given = Given::new();
    let batch = given.batch();
    let route = instance.table.route;
    let mut small = Decision { struct_size: 12, ..given.decision() };
    refused(call(|error| unsafe { route(instance.pointer, &batch, &mut small, error) }).unwrap_err(), "`decision`");
    let null = ptr::null_mut();
    refused(call(|error| unsafe { route(instance.pointer, &batch, null, error) }).unwrap_err(), "`decision` is null");
    let mut decision = given.decision();
    refused(
        call(|error| unsafe { route(null.cast(), &batch, &mut decision, error) }).unwrap_err(),
        "`instance` is null",
    );
    decision.prices = ptr::null_mut();
    refused(call(|error| unsafe { route(instance.pointer, &batch, &mut decision, error) }).unwrap_err(), "`prices`");
    assert!(given.route(&instance).is_ok(), "none of it has done harm");

    // Nobody has to listen.
    assert_eq!(unsafe { route(instance.pointer, ptr::null(), &mut decision, ptr::null()) }, ABI);
    unsafe { (instance.table.destroy)(ptr::null_mut()) };
}

#[test]
fn a_context_that_does_not_fit_makes_no_instance() {
    let given = Given::new();
    for (what, spoil) in [
        (
            "`context` has a struct_size",
            (|context| context.struct_size = 8) as fn(&mut isotherm_plugin::abi::RouterContext),
        ),
        ("0 experts", |context| context.experts = 0),
        ("expected top_k from 1", |context| context.top_k = 5),
        ("names GPU 1", |context| context.devices = 1),
    ] {
        let mut context = given.context();
        spoil(&mut context);
        let failure = Instance::create("test/probe", "{}", &context).unwrap_err();
        assert_eq!(failure.status, ABI);
        assert!(failure.only().1.contains(what), "{failure:?}");
    }
    let context = isotherm_plugin::abi::RouterContext { floor: 3, ..given.context() };
    let failure = Instance::create("test/probe", "{}", &context).unwrap_err();
    assert_eq!((failure.status, failure.only().0), (CONFIG, "/floor"));
    let table = table::<RouterV1>("test/probe");
    let (context, config) = (given.context(), Str::new("{}"));
    let mut instance = ptr::null_mut();
    let create = |host, place| call(|error| unsafe { (table.create)(host, config, &context, place, error) });
    assert!(create(ptr::null(), &mut instance).unwrap_err().only().1.contains("`host` is null"));
    assert!(create(&HOST, ptr::null_mut()).unwrap_err().only().1.contains("`instance` is null"));
}

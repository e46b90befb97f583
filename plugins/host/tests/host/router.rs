//! Routers of a library behind the core's traits.

use isotherm_core::dispatch::TokenSources;
use isotherm_core::gate::{GateBatch, GateParts};
use isotherm_core::id::{BatchId, GpuId};
use isotherm_core::placement::Placement;
use isotherm_core::router::{
    ClusterView, Feasibility, Feedback, Router, RouterContext, RouterError, RouterSpec, ThermalHint,
};
use isotherm_core::routing::{Combine, GateSummary, Routing, RoutingOptions, Rule, Selector, Similarity};
use isotherm_core::telemetry::Sample;
use isotherm_core::time::SimTime;
use isotherm_core::units::{Celsius, Watts};
use isotherm_plugin_abi::Batch;
use isotherm_plugin_host::FloatControl;

use crate::catalogue::Controls;

const COSTS: [f64; 4] = [3.0, 0.0, 2.0, 0.5];

/// Twenty tokens over four experts, top 2.
fn gate() -> GateBatch<'static> {
    let logits = (0..80_u8).map(|i| f32::from(i.wrapping_mul(37) % 16) / 4.0).collect();
    GateBatch::from_logits(4, 2, logits)
}

fn build(spec: &dyn RouterSpec, options: &RoutingOptions) -> Box<dyn Router> {
    spec.build(&RouterContext::new(4, 2, &COSTS, 7).with_options(options)).unwrap()
}

fn instance(controls: &Controls, form: &str) -> Box<dyn Router> {
    build(&*controls.router(&format!("lambda = 0.4\nform = '{form}'\n")).unwrap(), &RoutingOptions::PLAIN)
}

fn route(router: &mut dyn Router) -> Result<Routing<'static>, RouterError> {
    let mut routing = Routing::new(4, 2);
    let view = ClusterView::empty().with_declared_costs(&COSTS);
    router.route(&gate(), &view, &mut routing).map(|()| routing)
}

fn prices() -> Vec<f32> {
    COSTS.iter().map(|cost| (0.4 * cost) as f32).collect()
}

#[test]
fn prices_are_what_the_kernel_makes_of_them() {
    let Some(controls) = Controls::new() else { return };
    let spec = controls.router("lambda = 0.4\n").unwrap();
    let matrix = (0..4).map(|i| (0..4).map(|j| if i == j { 1.0 } else { 0.5 }).collect()).collect();
    let similar = Similarity { matrix, charge: 0.3 };
    for options in [
        RoutingOptions::PLAIN,
        RoutingOptions { floor: 1, ..RoutingOptions::PLAIN },
        RoutingOptions { combine: Combine::Penalised, ..RoutingOptions::PLAIN },
        RoutingOptions { similarity: Some(similar), ..RoutingOptions::PLAIN },
    ] {
        let mut expected = Routing::new(4, 2);
        Selector::new(&options).select(&gate(), Rule::PricedLogit { price: &prices() }, None, &mut expected);
        let routing = route(&mut *build(&*spec, &options)).unwrap();
        assert_eq!(routing, expected, "{options:?}");
        assert_ne!(routing, *gate().reference(), "the prices matter");
    }
}

#[test]
fn scores_are_adjusted_in_place() {
    let Some(controls) = Controls::new() else { return };
    let gate = gate();
    let rows = gate.logits().chunks_exact(4);
    let scores: Vec<f32> = rows.flat_map(|row| row.iter().zip(prices()).map(|(z, price)| z - price)).collect();
    for options in [RoutingOptions::PLAIN, RoutingOptions { floor: 1, ..RoutingOptions::PLAIN }] {
        let mut expected = Routing::new(4, 2);
        Selector::new(&options).select(&gate, Rule::Given { scores: &scores }, None, &mut expected);
        let spec = controls.router("lambda = 0.4\nform = 'scores'\n").unwrap();
        let mut router = build(&*spec, &options);
        assert_eq!(route(&mut *router).unwrap(), expected);
        assert_eq!(route(&mut *router).unwrap(), expected, "the scores are the logits again");
    }
}

#[test]
fn scores_are_only_for_routers_that_say_so() {
    let Some(controls) = Controls::new() else { return };
    let Err(RouterError::Failed(message)) = ({
        let spec = controls.named_router("acme/prices", "lambda = 0.4\nform = 'form-1'\n").unwrap();
        route(&mut *build(&*spec, &RoutingOptions::PLAIN))
    }) else {
        panic!("there are no scores")
    };
    assert!(message.ends_with("it adjusts scores, but its table of functions does not say so"), "{message}");
}

#[test]
fn an_assignment_is_taken_as_it_is_and_counted() {
    let Some(controls) = Controls::new() else { return };
    let gate = gate();
    let routing = route(&mut *instance(&controls, "assignment")).unwrap();
    let reference = gate.reference();
    assert_eq!((&routing.experts, &routing.weights), (&reference.experts, &reference.weights));
    assert_eq!((&routing.counts, routing.gate), (&reference.counts, None));
    let mut counted = instance(&controls, "counted");
    let routing = route(&mut *counted).unwrap();
    assert_eq!(routing.counts, reference.counts);
    let summary = GateSummary { entropy_nats: 1.5, log_sum_exp: 2.5, kl_nats: Some(0.25) };
    assert_eq!(routing.gate, Some(summary));
    assert_eq!((counted.operations_per_token(), counted.feasibility()), (7.0, Some(Feasibility::Infeasible)));
    // What is wrong in it is found as for every router.
    assert!(route(&mut *instance(&controls, "miscounted")).unwrap().check().is_err());
    assert!(route(&mut *instance(&controls, "twice")).unwrap().check().is_err());
}

#[test]
fn failures_name_plugin_version_and_file() {
    let Some(controls) = Controls::new() else { return };
    let subject = controls.subject("acme/controls");
    let message = |form: &str| match route(&mut *instance(&controls, form)) {
        Err(RouterError::Failed(message)) => message.strip_prefix(&subject).unwrap_or(&message).to_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(message("fail"), " failed while routing: the pump has stopped");
    assert_eq!(message("panic"), " panicked at src/lib.rs:10:5: boom");
    assert_eq!(message("silent"), " answered with the unknown status 42 while routing: it does not say why");
    let broken = " broke the interface: there is no";
    assert_eq!(message("form-9"), format!("{broken} form 9 of a decision; expected 0, 1 or 2"));
    assert_eq!(message("feasibility-9"), format!("{broken} feasibility 9; expected 0, 1 or 2"));
    let operations = " broke the interface: NaN operations a token; expected a number of at least 0";
    assert_eq!(message("operations"), operations);
    let mut router = instance(&controls, "assignment");
    let wrong = Feedback::new(SimTime::ZERO, BatchId(0), &[0; 4], &[-1.0; 4], &[0.0; 4]);
    let error = router.feedback(&wrong).unwrap_err().to_string();
    assert_eq!(error, format!("{subject} failed while learning from feedback: negative energy"));
}

#[test]
fn an_instance_that_cannot_be_made_is_a_fault_of_an_option() {
    let Some(controls) = Controls::new() else { return };
    let fault = |options: &str| match controls.router(options).unwrap().build(&RouterContext::new(4, 2, &COSTS, 7)) {
        Err(RouterError::Option { option, message }) => (option, message),
        other => panic!("{:?}", other.map(|_| ())),
    };
    let subject = controls.subject("acme/controls");
    let expected = ("lambda", format!("more than there are experts ({subject})"));
    assert_eq!(fault("lambda = 5\n"), expected);
    let expected = ("kind", format!("{subject} panicked at src/new.rs:3:1: no"));
    assert_eq!(fault("lambda = 1\nform = 'no-create'\n"), expected);
}

#[test]
fn the_context_crosses_the_border() {
    let Some(controls) = Controls::new() else { return };
    let spec = controls.router("lambda = 1\nform = 'context'\n").unwrap();
    let placement = Placement::single(vec![GpuId(2), GpuId(1), GpuId(0), GpuId(2)]);
    let hint = ThermalHint { kelvin_per_watt: 0.05, time_constant_s: 9.0, ambient_degc: 25.0, idle_w: 60.0 };
    let matrix = vec![vec![1.0, 0.25, 0.0, 0.0]; 4];
    let options =
        RoutingOptions { floor: 1, combine: Combine::Penalised, similarity: Some(Similarity { matrix, charge: 0.5 }) };
    let costs = [0.5, 0.75, 1.0, 1.0];
    let context = RouterContext::new(4, 2, &costs, 99).with_options(&options).for_layer(3);
    let Err(error) = spec.build(&context.with_hardware(&placement, Some(hint))) else { panic!("it was told to fail") };
    let seen =
        "4/2 layer 3 devices 3 floor 1 combine 1 seed 99 cost 0.75 charge 0.5 similar 0.25 copy 1 thermal 1 0.05 60";
    assert!(error.to_string().ends_with(seen), "{error}");
}

/// What the plugin says that it has seen.
fn seen(router: &mut dyn Router, gate: &GateBatch<'_>, view: &ClusterView<'_>) -> String {
    let error = router.route(gate, view, &mut Routing::new(4, 2)).unwrap_err().to_string();
    error.split_once("routing: ").unwrap().1.to_owned()
}

#[test]
fn the_batch_and_the_cluster_cross_the_border() {
    let Some(controls) = Controls::new() else { return };
    let mut router = instance(&controls, "observe");
    let gate = gate();
    let first = gate.reference().experts[0];
    let nothing =
        "now 0 revision 0 devices 0 taken 0 degc -1 watts -1 masked 0 copy -1 source -1 of 0 node 0 cost -1 true -1";
    let empty = seen(&mut *router, &gate, &ClusterView::empty());
    let size = size_of::<Batch>();
    assert_eq!(empty, format!("aligned 1 size {size} tokens 20 batch 0 layer 0 {nothing} reference {first}"));

    let placement = Placement::single(vec![GpuId(2), GpuId(1), GpuId(0), GpuId(2)]);
    let cool = Sample { taken_at: SimTime::from_nanos(500), temperature: Some(Celsius::new(31.5)), power: None };
    let hot = Sample { temperature: Some(Celsius::new(80.0)), power: Some(Watts::new(400.0)), ..cool };
    let (cool, hot) = ([cool; 3], [hot; 3]);
    let gpus = [GpuId(1), GpuId(2)];
    let view = |samples, revision| {
        ClusterView::empty()
            .at(SimTime::from_nanos(900), BatchId(5), &placement, samples)
            .with_sources(TokenSources::new(&gpus, 2))
            .with_declared_costs(&COSTS)
            .with_true_costs(&[9.0, 8.0, 7.0, 6.0])
            .in_layer(2)
            .of_revision(revision)
    };
    let rest = "masked 0 copy 1 source 1 of 2 node 2 cost 0 true 8";
    let told = |revision: u64, sample: &str| {
        format!(
            "aligned 1 size {size} tokens 20 batch 5 layer 2 now 900 revision {revision} devices 3 taken 500 {sample} {rest} reference {first}"
        )
    };
    let look = |router: &mut dyn Router, samples, revision| seen(router, &gate, &view(samples, revision));
    assert_eq!(look(&mut *router, &cool, 7), told(7, "degc 31.5 watts nan"));
    assert_eq!(look(&mut *router, &hot, 7), told(7, "degc 31.5 watts nan"), "the core says that nothing has changed");
    assert_eq!(look(&mut *router, &hot, 8), told(8, "degc 80 watts 400"));
    assert_eq!(look(&mut *router, &cool, 0), told(0, "degc 31.5 watts nan"));
    let state = router.save();
    assert_eq!(look(&mut *router, &hot, 9), told(9, "degc 80 watts 400"));
    router.load(&state).unwrap();
    assert_eq!(look(&mut *router, &cool, 9), told(0, "degc 31.5 watts nan"), "of another run, perhaps");
    assert_eq!(look(&mut *router, &cool, 9), told(9, "degc 31.5 watts nan"));
}

#[test]
fn logits_are_aligned_wherever_they_were() {
    let Some(controls) = Controls::new() else { return };
    let mut router = instance(&controls, "observe");
    let gate = gate();
    for shift in 0..3 {
        let shifted: Vec<f32> = [vec![0.0; shift], gate.logits().to_vec()].concat();
        let moved = GateBatch::from_parts(GateParts { logits: &shifted[shift..], ..gate.parts() });
        assert!(seen(&mut *router, &moved, &ClusterView::empty()).starts_with("aligned 1 "), "{shift}");
    }
    let nothing = GateBatch::from_logits(4, 2, Vec::new());
    let mut prices = instance(&controls, "prices");
    let view = ClusterView::empty().with_declared_costs(&COSTS);
    let mut routing = Routing::new(4, 2);
    prices.route(&nothing, &view, &mut routing).unwrap();
    assert_eq!((routing.tokens(), routing.counts.to_vec()), (0, vec![0; 4]));
}

#[test]
fn a_batch_of_another_shape_is_refused_before_the_library_sees_it() {
    let Some(controls) = Controls::new() else { return };
    let mut router = instance(&controls, "prices");
    let gate = GateBatch::from_logits(3, 2, vec![0.0; 6]);
    let error = router.route(&gate, &ClusterView::empty(), &mut Routing::new(3, 2)).unwrap_err().to_string();
    assert!(error.ends_with("the batch is of another layer's shape"), "{error}");
}

#[test]
fn states_are_saved_and_restored() {
    let Some(controls) = Controls::new() else { return };
    let mut router = instance(&controls, "counted");
    route(&mut *router).unwrap();
    let feedback = Feedback::new(SimTime::ZERO, BatchId(0), &[1; 4], &[2.0; 4], &[0.0; 4]);
    router.feedback(&feedback).unwrap();
    let state = router.save();
    let mut other = instance(&controls, "counted");
    assert_ne!(other.save(), state);
    other.load(&state).unwrap();
    assert_eq!(other.save(), state);
    assert_eq!(other.feasibility(), Some(Feasibility::Infeasible), "a run may go on before its batch has ended");
    let subject = controls.subject("acme/controls");
    let error = other.load(&state[4..]).unwrap_err().to_string();
    let expected =
        format!("router state: {subject} has no usable state while restoring its state: these are no 12 bytes");
    assert_eq!(error, expected);
    assert!(matches!(other.load(&[9]), Err(RouterError::State(_))));

    let unsaved = instance(&controls, "no-save").save();
    let error = instance(&controls, "counted").load(&unsaved).unwrap_err().to_string();
    let expected =
        format!("router state: it could not be saved: {subject} failed while saving its state: the disk is full");
    assert_eq!(error, expected);

    let spec = controls.named_router("acme/idle", "").unwrap();
    let mut idle = build(&*spec, &RoutingOptions::PLAIN);
    assert!(idle.save().is_empty(), "a router without memory");
    idle.load(&[]).unwrap();
    assert!(idle.load(&[1, 2, 0]).unwrap_err().to_string().ends_with("keeps no state"));
}

#[test]
#[cfg(target_arch = "x86_64")]
fn the_control_word_is_put_back_after_an_instance_was_made() {
    let Some(controls) = Controls::new() else { return };
    let before = FloatControl::read();
    instance(&controls, "float");
    assert_eq!(FloatControl::read(), before);
}

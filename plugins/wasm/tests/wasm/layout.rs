//! Every field at its place: a module in C writes down what it sees.

use isotherm_core::dispatch::TokenSources;
use isotherm_core::id::{BatchId, GpuId};
use isotherm_core::placement::Placement;
use isotherm_core::router::{ClusterView, Feasibility, Feedback, RouterContext, RouterSpec, ThermalHint};
use isotherm_core::routing::{Combine, GateSummary, RoutingOptions, Similarity};
use isotherm_core::telemetry::Sample;
use isotherm_core::time::SimTime;
use isotherm_core::units::{Celsius, Watts};

use crate::fixtures::{EXPERTS, TOP_K, gate, open, route, router};

/// What the module has seen since the last question.
fn seen(router: &dyn isotherm_core::router::Router, from: &mut usize) -> Vec<f64> {
    let state = router.save();
    let all: Vec<f64> = state.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
    let new = all[*from..].to_vec();
    *from = all.len();
    new
}

#[test]
fn a_module_sees_what_the_host_shows() {
    let mut matrix = vec![vec![0.25; EXPERTS]; EXPERTS];
    (0..EXPERTS).for_each(|e| matrix[e][e] = 1.0);
    let similarity = Some(Similarity { matrix, charge: 1.5 });
    let options = RoutingOptions { floor: 1, combine: Combine::Penalised, similarity };
    let costs: Vec<f64> = (0..EXPERTS).map(|e| 0.5 + e as f64).collect();
    let placement = Placement::contiguous(EXPERTS, 4);
    let thermal = ThermalHint { kelvin_per_watt: 0.1, time_constant_s: 9.0, ambient_degc: 25.0, idle_w: 60.0 };
    let context = RouterContext::new(EXPERTS, TOP_K, &costs, 77)
        .with_options(&options)
        .for_layer(3)
        .with_hardware(&placement, Some(thermal));
    let spec = router(&open("witness"), "fixtures/witness", "{}").unwrap();
    let mut witness = spec.build(&context).unwrap();
    let mut from = 0;
    let first = seen(&*witness, &mut from);
    let mut expected = vec![1.0, 1.0, 2.0, f64::from(b'{')];
    expected.extend([1.0, 1.0, 8.0, 2.0, 3.0, 4.0, 1.0, 1.0, 77.0]);
    expected.extend([0.5, 7.5, 1.0, 1.0, 1.5, 0.0, 8.0, 0.0, 3.0, 0.1, 9.0, 25.0, 60.0]);
    assert_eq!(first, expected);

    let samples: Vec<Sample> = (0..4)
        .map(|gpu| Sample {
            taken_at: SimTime::from_nanos(100 + gpu),
            temperature: Some(Celsius::new(50.0 + gpu as f64)),
            power: Some(Watts::new(300.0 + gpu as f64)),
        })
        .collect();
    let gpus = [GpuId(0), GpuId(1), GpuId(3)];
    let view = ClusterView::empty()
        .with_declared_costs(&costs)
        .at(SimTime::from_nanos(12_345), BatchId(6), &placement, &samples)
        .with_sources(TokenSources::new(&gpus, 2))
        .in_layer(3)
        .of_revision(9)
        .with_true_costs(&costs);
    let gate = gate(5);
    let routing = route(&mut *witness, &gate, &view).unwrap();
    let parts = gate.parts();
    macro_rules! ends {
        ($array:expr) => {
            [f64::from($array[0]), f64::from($array[$array.len() - 1])]
        };
    }
    let mut expected = vec![1.0, 0.0, 5.0, 8.0, 2.0, 6.0, 3.0, 4.0, 12_345.0, 9.0];
    expected.extend(ends!(parts.logits));
    expected.extend(ends!(parts.reference_experts));
    expected.extend(ends!(parts.reference_weights));
    expected.extend(ends!(parts.reference_counts));
    expected.extend(ends!(parts.row_max));
    expected.extend(ends!(parts.top_mass));
    expected.extend(ends!(parts.top_probability));
    expected.extend(ends!(parts.mean_probability));
    expected.extend([parts.summary.entropy_nats, parts.summary.log_sum_exp]);
    expected.extend([0.5, 7.5, 0.5, 7.5, 100.0, 103.0, 50.0, 53.0, 300.0, 303.0, 0.0, 8.0, 0.0, 3.0]);
    expected.extend([0.0, 3.0, 3.0, 2.0, 1.0, 1.0, 0.0, 0.0]);
    assert_eq!(seen(&*witness, &mut from), expected);
    let described = GateSummary { entropy_nats: 1.25, log_sum_exp: 2.5, kl_nats: Some(0.125) };
    assert_eq!(routing.gate, Some(described));
    assert_eq!(witness.feasibility(), Some(Feasibility::Infeasible));
    assert_eq!(witness.operations_per_token(), 42.0);

    let assignments: Vec<u32> = (0..EXPERTS as u32).map(|e| 10 + e).collect();
    let feedback = Feedback::new(SimTime::from_nanos(99), BatchId(4), &assignments, &costs, &costs).in_layer(3);
    witness.feedback(&feedback).unwrap();
    assert_eq!(
        seen(&*witness, &mut from),
        [1.0, 8.0, 4.0, 3.0, 99.0, 10.0, 17.0, 0.5, 7.5, 0.5, 7.5],
        "and what a batch has cost"
    );
}

#[test]
fn there_is_one_nan() {
    let spec = router(&open("witness"), "fixtures/not-a-number", "{}").unwrap();
    let placement = Placement::contiguous(EXPERTS, 4);
    let context = RouterContext::new(EXPERTS, TOP_K, &[1.0; EXPERTS], 7).with_hardware(&placement, None);
    let state = spec.build(&context).unwrap().save();
    // The processor's own would be negative on x86.
    let nan = [0x7ff8_0000_0000_0000_u64.to_le_bytes().as_slice(), &0x7fc0_0000_u32.to_le_bytes(), &[0]].concat();
    assert_eq!(state, nan, "and the byte that says that no limit was to be kept");
}

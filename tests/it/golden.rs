//! Golden vectors: routing, test-time training and metrics against an independent implementation in float64.
//!
//! The folder is `tests/golden`, or whatever `ISOTHERM_GOLDEN` names: any set in the same format can be checked.

use std::path::PathBuf;

use isotherm::statistics::estimate;
use isotherm_core::gate::{Fidelity, GateBatch};
use isotherm_core::id::BatchId;
use isotherm_core::metrics::{LoadBalance, linear_percentile, nearest_rank, saving_percent};
use isotherm_core::router::{ClusterView, Feedback, Router, RouterContext, RouterSpec};
use isotherm_core::routing::{Combine, Probabilities, Routing, RoutingOptions, Rule, Selector};
use isotherm_core::time::SimTime;
use isotherm_routers::{Baseline, EnergyPenalty, Space, TestTimeTrained, TttState};
use serde_json::Value;

use crate::lab::announce;

const TOLERANCE: f64 = 1e-5;

/// Weights from the penalised logits, as the golden vectors have them.
pub(crate) const PENALISED: RoutingOptions = RoutingOptions { combine: Combine::Penalised, ..RoutingOptions::PLAIN };

/// Compares and counts.
pub(crate) struct Checker {
    pub(crate) compared: usize,
}

impl Checker {
    pub(crate) fn close(&mut self, what: &str, found: f64, expected: &Value) {
        let expected = expected.as_f64().unwrap_or_else(|| panic!("{what}: the golden value is no number"));
        assert!((found - expected).abs() <= TOLERANCE, "{what}: found {found}, expected {expected}");
        self.compared += 1;
    }

    pub(crate) fn all_close<'a>(
        &mut self,
        what: &str,
        found: impl IntoIterator<Item = f64>,
        expected: impl IntoIterator<Item = &'a Value>,
    ) {
        let (found, expected): (Vec<_>, Vec<_>) = (found.into_iter().collect(), expected.into_iter().collect());
        assert_eq!(found.len(), expected.len(), "{what}: number of values");
        for (index, (found, expected)) in found.into_iter().zip(expected).enumerate() {
            self.close(&format!("{what}[{index}]"), found, expected);
        }
    }

    pub(crate) fn same(&mut self, what: &str, found: &[u32], expected: &Value) {
        let expected: Vec<u32> = flat(expected).iter().map(|v| v.as_u64().unwrap() as u32).collect();
        assert_eq!(found, expected, "{what}");
        self.compared += 1;
    }
}

pub(crate) fn folder() -> PathBuf {
    std::env::var_os("ISOTHERM_GOLDEN").map_or_else(|| crate::lab::root().join("tests/golden"), PathBuf::from)
}

pub(crate) fn read(name: &str) -> Value {
    let path = folder().join(name);
    let text =
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("golden vectors {}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("golden vectors {}: {error}", path.display()))
}

/// All numbers of nested arrays, in order.
pub(crate) fn flat(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().flat_map(flat).collect(),
        other => vec![other],
    }
}

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    flat(value).iter().map(|v| v.as_f64().unwrap()).collect()
}

pub(crate) fn gate_of(logits: &Value, top_k: usize) -> GateBatch<'static> {
    let experts = logits[0].as_array().unwrap().len();
    GateBatch::from_logits(experts, top_k, numbers(logits).iter().map(|z| *z as f32).collect())
}

pub(crate) fn routed(spec: &dyn RouterSpec, gate: &GateBatch, top_k: usize, costs: &[f64]) -> Routing<'static> {
    routed_with(spec, gate, top_k, costs, &RoutingOptions::PLAIN)
}

pub(crate) fn routed_with(
    spec: &dyn RouterSpec,
    gate: &GateBatch,
    top_k: usize,
    costs: &[f64],
    options: &RoutingOptions,
) -> Routing<'static> {
    let context = RouterContext::new(gate.experts(), top_k, costs, 0).with_options(options);
    let mut router = spec.build(&context).unwrap();
    let mut routing = Routing::new(gate.experts(), top_k);
    router.route(gate, &ClusterView::empty().with_declared_costs(costs), &mut routing).unwrap();
    routing.check().unwrap();
    routing
}

pub(crate) fn widened(values: &[f32]) -> impl Iterator<Item = f64> + '_ {
    values.iter().map(|v| f64::from(*v))
}

#[test]
fn routing_vectors() {
    let golden = read("routing.json");
    let mut check = Checker { compared: 0 };
    for case in golden["cases"].as_array().unwrap() {
        routing_case(case, &mut check);
    }
    for case in golden["edge_cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let k = case["top_k"].as_u64().unwrap() as usize;
        let gate = gate_of(&case["logits"], k);
        probabilities(name, &gate, k, &case["probs"], &mut check);
        let routing = routed(&Baseline::default(), &gate, k, &vec![1.0; gate.experts()]);
        check.same(name, &routing.experts, &case["indices"]);
        check.all_close(name, widened(&routing.weights), flat(&case["weights"]));
    }
    announce(&format!("golden: {} routing vectors compared in {}", check.compared, folder().display()));
}

fn probabilities(name: &str, gate: &GateBatch, k: usize, expected: &Value, check: &mut Checker) {
    let mut kept = Probabilities::default();
    let mut routing = Routing::new(gate.experts(), k);
    Selector::default().select(gate, Rule::Logit, Some(&mut kept), &mut routing);
    let found: Vec<f64> = (0..gate.tokens())
        .flat_map(|t| (0..gate.experts()).map(move |e| (t, e)))
        .map(|(t, e)| f64::from(kept.get(t, e).unwrap()))
        .collect();
    check.all_close(&format!("{name}: probs"), found, flat(expected));
}

fn routing_case(case: &Value, check: &mut Checker) {
    let name = case["name"].as_str().unwrap();
    let k = case["top_k"].as_u64().unwrap() as usize;
    let (costs, hot) = (numbers(&case["costs"]), case["hot"].as_array().unwrap());
    gate_product(name, case, check);
    let gate = gate_of(&case["logits"], k);
    probabilities(name, &gate, k, &case["probs"], check);
    let baseline = routed(&Baseline::default(), &gate, k, &costs);
    check.same(name, &baseline.experts, &case["baseline"]["indices"]);
    check.all_close(name, widened(&baseline.weights), flat(&case["baseline"]["weights"]));

    for step in case["penalty_sweep"].as_array().unwrap() {
        let lambda = step["lambda"].as_f64().unwrap();
        let what = format!("{name} lambda {lambda}");
        let shifted =
            numbers(&case["logits"]).into_iter().enumerate().map(|(i, z)| z - lambda * costs[i % costs.len()]);
        check.all_close(&format!("{what}: logits"), shifted, flat(&step["penalised_logits"]));
        let routing = routed_with(&EnergyPenalty::new(lambda), &gate, k, &costs, &PENALISED);
        check.same(&what, &routing.experts, &step["indices"]);
        check.all_close(&what, widened(&routing.weights), flat(&step["weights"]));
        metrics(&what, &gate, &routing, &baseline, (&costs, hot), Some(lambda), &step["metrics"], check);

        let selection_only = routed(&EnergyPenalty::new(lambda), &gate, k, &costs);
        check.same(&what, &selection_only.experts, &step["indices"]);
        check.all_close(&what, widened(&selection_only.weights), flat(&step["weights_selection_only"]));
        let tv = gate.fidelity(&selection_only).combine_weight_tv;
        check.close(&what, tv, &step["combine_weight_tv_selection_only"]);
    }
    for step in case["probability_penalty"].as_array().unwrap() {
        let mu = step["mu"].as_f64().unwrap();
        let what = format!("{name} mu {mu}");
        let spec = EnergyPenalty { space: Space::Probability, ..EnergyPenalty::new(mu) };
        let routing = routed(&spec, &gate, k, &costs);
        check.same(&what, &routing.experts, &step["indices"]);
        check.all_close(&what, widened(&routing.weights), flat(&step["weights_selection_only"]));
        metrics(&what, &gate, &routing, &baseline, (&costs, hot), None, &step["metrics"], check);
    }
}

/// The gate product through candle, as the `gaussian` workload makes it.
fn gate_product(name: &str, case: &Value, check: &mut Checker) {
    use candle_core::{Device, Tensor};
    let matrix = |key: &str| {
        let columns = case[key][0].as_array().unwrap().len();
        let values: Vec<f32> = numbers(&case[key]).iter().map(|v| *v as f32).collect();
        Tensor::from_vec(values.clone(), (values.len() / columns, columns), &Device::Cpu).unwrap()
    };
    let product = matrix("x").matmul(&matrix("w").t().unwrap()).unwrap();
    let logits: Vec<f32> = product.flatten_all().unwrap().to_vec1().unwrap();
    check.all_close(&format!("{name}: x w'"), widened(&logits), flat(&case["logits"]));
}

#[expect(clippy::too_many_arguments, reason = "one argument per ingredient of the golden metrics")]
fn metrics(
    what: &str,
    gate: &GateBatch,
    routing: &Routing,
    baseline: &Routing,
    (costs, hot): (&[f64], &[Value]),
    lambda: Option<f64>,
    expected: &Value,
    check: &mut Checker,
) {
    let joules = |r: &Routing| r.counts.iter().zip(costs).map(|(n, c)| f64::from(*n) * c).sum::<f64>();
    let all: u32 = routing.counts.iter().sum();
    let hot_count: u32 = routing.counts.iter().zip(hot).filter(|(_, hot)| hot.as_bool().unwrap()).map(|(n, _)| n).sum();
    let hot_share = f64::from(hot_count) / f64::from(all);
    let load = LoadBalance::of(&routing.counts.iter().map(|n| f64::from(*n)).collect::<Vec<_>>());
    let Fidelity { mass_regret, combine_weight_tv, topk_agreement, exact_match, routing_entropy_nats } =
        gate.fidelity(routing);
    let own = routing.gate.unwrap();
    let least = costs.iter().copied().fold(f64::INFINITY, f64::min);
    let price: Vec<f64> = costs.iter().map(|c| lambda.unwrap_or(0.0) * (c - least)).collect();
    check.same(&format!("{what}: usage"), &routing.counts, &expected["usage"]);
    for (key, found) in [
        ("energy_j", joules(routing)),
        ("energy_savings_percent", saving_percent(joules(routing), joules(baseline))),
        ("hot_share", hot_share),
        ("thermal_imbalance_signed", 1.0 - 2.0 * hot_share),
        ("thermal_imbalance_abs", (1.0 - 2.0 * hot_share).abs()),
        ("routing_entropy_nats", routing_entropy_nats),
        ("gate_entropy_nats", own.entropy_nats),
        ("mass_regret", mass_regret),
        ("combine_weight_tv", combine_weight_tv),
        ("gate_kl_nats", gate.kl_to_priced(&price, own)),
        ("topk_agreement", topk_agreement),
        ("exact_match", exact_match),
    ] {
        check.close(&format!("{what}: {key}"), found, &expected[key]);
    }
    // What a run records; a price on probabilities makes no distribution of its own.
    assert_eq!(own.kl_nats.is_some(), lambda.is_some(), "{what}");
    if let Some(kl) = own.kl_nats {
        check.close(&format!("{what}: recorded gate_kl_nats"), kl, &expected["gate_kl_nats"]);
    }
    load_metrics(what, &load, expected, check);
}

fn load_metrics(what: &str, load: &LoadBalance, expected: &Value, check: &mut Checker) {
    for (key, found) in [
        ("entropy_nats", load.entropy_nats),
        ("entropy_bits", load.entropy_bits()),
        ("entropy_normalised", load.entropy_normalised),
        ("effective_experts", load.effective_experts()),
        ("max_over_mean", load.max_over_mean),
        ("max_violation", load.max_violation()),
        ("cv", load.cv),
        ("gini", load.gini),
    ] {
        check.close(&format!("{what}: {key}"), found, &expected[key]);
    }
}

#[test]
fn ttt_vectors() {
    let golden = read("ttt.json");
    let mut check = Checker { compared: 0 };
    for case in golden["cases"].as_array().unwrap() {
        ttt_case(case, &mut check);
    }
    announce(&format!("golden: {} ttt vectors compared in {}", check.compared, folder().display()));
}

fn ttt_case(case: &Value, check: &mut Checker) {
    let name = case["name"].as_str().unwrap();
    let k = case["top_k"].as_u64().unwrap() as usize;
    let number = |key: &str| case[key].as_f64().unwrap();
    let costs = numbers(&case["costs"]);
    let spec = TestTimeTrained {
        beta: number("beta"),
        eta: number("lr"),
        rho: number("rho"),
        ..TestTimeTrained::new(number("lambda"))
    };
    let context = RouterContext::new(costs.len(), k, &costs, 0).with_options(&PENALISED);
    let mut router = spec.build(&context).unwrap();
    let batches = case["logit_batches"].as_array().unwrap().iter().zip(case["steps"].as_array().unwrap());
    for (step, (logits, expected)) in batches.enumerate() {
        let what = format!("{name} step {step}");
        let gate = gate_of(logits, k);
        let mut routing = Routing::new(costs.len(), k);
        router.route(&gate, &ClusterView::empty(), &mut routing).unwrap();
        check.same(&what, &routing.counts, &expected["usage"]);
        let routed = state_of(router.as_ref());
        let joules: Vec<f64> = routing.counts.iter().zip(&costs).map(|(n, c)| f64::from(*n) * c).collect();
        let seconds = vec![0.0; costs.len()];
        let feedback = Feedback::new(SimTime::ZERO, BatchId(step as u32), &routing.counts, &joules, &seconds);
        router.feedback(&feedback).unwrap();
        let learned = state_of(router.as_ref());
        // Loss and gradient are taken with the new costs and the old bias.
        let at_step = TttState { costs: learned.costs.clone(), ..routed };
        let mut gradient = vec![0.0; costs.len()];
        at_step.gradient(&spec, &mut gradient);
        check.all_close(&format!("{what}: c_hat"), learned.costs, flat(&expected["c_hat"]));
        check.all_close(&format!("{what}: grad"), gradient, flat(&expected["grad"]));
        check.all_close(&format!("{what}: bias"), learned.bias, flat(&expected["bias"]));
        check.close(&format!("{what}: loss"), at_step.loss(&spec, &gate, routing.gate.unwrap()), &expected["loss"]);
    }
}

fn state_of(router: &dyn Router) -> TttState {
    postcard::from_bytes(&router.save()).unwrap()
}

#[test]
fn metric_vectors() {
    let golden = read("metrics.json");
    let mut check = Checker { compared: 0 };
    for case in golden["counts"].as_array().unwrap() {
        let counts = numbers(&case["counts"]);
        load_metrics(&format!("counts {counts:?}"), &LoadBalance::of(&counts), case, &mut check);
    }
    let percentiles = &golden["percentiles"];
    let values = numbers(&percentiles["values"]);
    for (key, expected) in percentiles["nearest_rank"].as_object().unwrap() {
        check.close(key, nearest_rank(&values, key.parse::<f64>().unwrap() / 100.0).unwrap(), expected);
    }
    for (key, expected) in percentiles["linear"].as_object().unwrap() {
        check.close(key, linear_percentile(&values, key.parse::<f64>().unwrap() / 100.0).unwrap(), expected);
    }
    let interval = &golden["confidence_interval"];
    let found = estimate(&numbers(&interval["values"])).unwrap();
    let half = found.ci95.unwrap();
    check.close("mean", found.mean, &interval["mean"]);
    check.all_close("ci95", [found.mean - half, found.mean + half], flat(&interval["ci95"]));
    announce(&format!("golden: {} metric vectors compared in {}", check.compared, folder().display()));
}

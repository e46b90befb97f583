//! Golden vectors of the strategies: `strategies.json`, one test for each.

use isotherm_core::gate::GateBatch;
use isotherm_core::id::BatchId;
use isotherm_core::metrics::LoadBalance;
use isotherm_core::router::{ClusterView, Feedback, Router, RouterContext, RouterSpec};
use isotherm_core::routing::{Probabilities, Routing, RoutingOptions, Rule, Selector};
use isotherm_core::time::SimTime;
use isotherm_routers::{
    DualAscent, ExpertChoice, SelectionBias, Shares, Sinkhorn, Transport, add_noise, tokens_of_experts,
};
use serde_json::Value;

use crate::golden::{Checker, PENALISED, flat, folder, gate_of, numbers, read, widened};
use crate::lab::announce;

/// Runs `compare` on one strategy of the golden file and says how much was compared.
fn strategy(name: &str, compare: impl FnOnce(&Value, &mut Checker)) {
    let golden = read("strategies.json");
    let mut check = Checker { compared: 0 };
    compare(&golden[name], &mut check);
    assert!(check.compared > 0);
    announce(&format!("golden: {} {name} vectors compared in {}", check.compared, folder().display()));
}

fn narrowed(values: &Value) -> Vec<f32> {
    numbers(values).iter().map(|v| *v as f32).collect()
}

fn top_k(case: &Value) -> usize {
    case["top_k"].as_u64().unwrap() as usize
}

fn build(spec: &dyn RouterSpec, gate: &GateBatch, costs: &[f64], options: &RoutingOptions) -> Box<dyn Router> {
    spec.build(&RouterContext::new(gate.experts(), gate.reference().top_k(), costs, 0).with_options(options)).unwrap()
}

fn route(router: &mut dyn Router, gate: &GateBatch, costs: &[f64]) -> Routing<'static> {
    let mut routing = Routing::new(gate.experts(), gate.reference().top_k());
    router.route(gate, &ClusterView::empty().with_declared_costs(costs), &mut routing).unwrap();
    routing.check().unwrap();
    routing
}

/// Tells the router what the batch cost: `costs` joules an assignment.
fn tell(router: &mut dyn Router, step: usize, routing: &Routing, costs: &[f64]) {
    let joules: Vec<f64> = routing.counts.iter().zip(costs).map(|(n, c)| f64::from(*n) * c).collect();
    let seconds = vec![0.0; costs.len()];
    let feedback = Feedback::new(SimTime::ZERO, BatchId(step as u32), &routing.counts, &joules, &seconds);
    router.feedback(&feedback).unwrap();
}

#[test]
fn noisy_top_k_vectors() {
    strategy("noisy_topk", |case, check| {
        let gate = gate_of(&case["logits"], top_k(case));
        let mut noisy = gate.logits().to_vec();
        add_noise(&mut noisy, &narrowed(&case["eps"]), &narrowed(&case["noise_raw"]));
        check.all_close("noisy logits", widened(&noisy), flat(&case["noisy_logits"]));
        let mut routing = Routing::new(gate.experts(), top_k(case));
        Selector::new(&PENALISED).select(&gate, Rule::Given { scores: &noisy }, None, &mut routing);
        check.same("indices", &routing.experts, &case["indices"]);
        check.all_close("weights", widened(&routing.weights), flat(&case["weights"]));
    });
}

#[test]
fn expert_choice_vectors() {
    strategy("expert_choice", |cases, check| {
        for case in cases.as_array().unwrap() {
            let capacity: Vec<usize> = numbers(&case["capacity"]).iter().map(|c| *c as usize).collect();
            let experts = capacity.len();
            let gate = gate_of(&case["logits"], experts);
            let mut probabilities = Probabilities::default();
            let mut routing = Routing::new(experts, experts);
            Selector::default().select(&gate, Rule::Logit, Some(&mut probabilities), &mut routing);
            let chosen = tokens_of_experts(&probabilities, &capacity);
            for (expert, tokens) in chosen.iter().enumerate() {
                check.same(&format!("tokens of expert {expert}"), tokens, &case["tokens_of_expert"][expert]);
            }
            // The router, with room for every expert that takes a token.
            let total: usize = capacity.iter().sum();
            let shares = capacity.iter().map(|c| *c as f64).collect();
            let spec = ExpertChoice { shares: Shares::Given(shares), ..ExpertChoice::default() };
            // Its capacities add up to T k: as many tokens as the golden vectors only where k tells it so.
            let k = total / gate.tokens();
            if k * gate.tokens() == total {
                let narrow = gate_of(&case["logits"], k);
                let routing = route(build(&spec, &narrow, &[], &RoutingOptions::PLAIN).as_mut(), &narrow, &[]);
                for (token, taken) in numbers(&case["experts_per_token"]).iter().enumerate() {
                    let row = &routing.experts[token * k..][..k];
                    let served = row.iter().filter(|expert| (**expert as usize) < experts).count();
                    assert_eq!(served, (*taken as usize).min(k), "token {token}");
                }
                check.compared += 1;
            }
        }
    });
}

#[test]
fn sinkhorn_vectors() {
    strategy("sinkhorn", |cases, check| {
        for case in cases.as_array().unwrap() {
            let gate = gate_of(&case["logits"], top_k(case));
            let targets = numbers(&case["column_target"]);
            let iterations = case["iterations"].as_u64().unwrap() as u32;
            let epsilon = case["epsilon"].as_f64().unwrap();
            let mut transport = Transport::default();
            assert!(transport.solve(&gate, epsilon, &targets, iterations, 0.0) <= iterations);
            let plan: Vec<f64> = (0..gate.tokens())
                .flat_map(|t| (0..targets.len()).map(move |e| (t, e)))
                .map(|(t, e)| transport.plan(t, e))
                .collect();
            let column = |e: usize| plan.iter().skip(e).step_by(targets.len()).sum::<f64>();
            check.all_close("column sums", (0..targets.len()).map(column), flat(&case["column_sums"]));
            let row_sums = plan.chunks_exact(targets.len()).map(|row| row.iter().sum());
            check.all_close("row sums", row_sums, flat(&case["row_sums"]));
            check.all_close("plan", plan.iter().copied(), flat(&case["plan"]));
            let spec = Sinkhorn { epsilon, iterations, targets: Shares::Given(targets), ..Sinkhorn::default() };
            let routing = route(build(&spec, &gate, &[], &RoutingOptions::PLAIN).as_mut(), &gate, &[]);
            check.same("indices", &routing.experts, &case["indices"]);
            check.all_close("weights", widened(&routing.weights), flat(&case["weights_from_gate"]));
        }
    });
}

#[test]
fn selection_bias_vectors() {
    strategy("selection_bias", |case, check| {
        let spec = SelectionBias { gamma: case["gamma"].as_f64().unwrap(), ..SelectionBias::default() };
        let batches: Vec<GateBatch> =
            case["logit_batches"].as_array().unwrap().iter().map(|logits| gate_of(logits, top_k(case))).collect();
        let mut router = build(&spec, &batches[0], &[], &RoutingOptions::PLAIN);
        let mut last = Routing::default();
        for (step, (gate, expected)) in batches.iter().zip(case["steps"].as_array().unwrap()).enumerate() {
            last = route(router.as_mut(), gate, &[]);
            check.same(&format!("step {step}: usage"), &last.counts, &expected["usage"]);
            let load = LoadBalance::of(&last.counts.iter().map(|n| f64::from(*n)).collect::<Vec<_>>());
            check.close("max violation", load.max_violation(), &expected["max_violation"]);
            tell(router.as_mut(), step, &last, &vec![1.0; gate.experts()]);
            let bias: Vec<f64> = postcard::from_bytes(&router.save()).unwrap();
            check.all_close(&format!("step {step}: bias"), bias, flat(&expected["bias"]));
        }
        check.same("last indices", &last.experts, &case["last_indices"]);
        check.all_close("last weights", widened(&last.weights), flat(&case["last_weights"]));
    });
}

#[test]
fn dual_ascent_vectors() {
    strategy("dual_ascent", |case, check| {
        let costs = numbers(&case["costs"]);
        let spec = DualAscent {
            eta: case["eta"].as_f64().unwrap(),
            ..DualAscent::new(case["cap_j_per_assignment"].as_f64().unwrap())
        };
        let batches = case["logit_batches"].as_array().unwrap().iter().map(|logits| gate_of(logits, top_k(case)));
        let context = RouterContext::new(costs.len(), top_k(case), &costs, 0);
        let mut router = spec.build(&context).unwrap();
        for (step, (gate, expected)) in batches.zip(case["steps"].as_array().unwrap()).enumerate() {
            let routing = route(router.as_mut(), &gate, &costs);
            check.same(&format!("step {step}: usage"), &routing.counts, &expected["usage"]);
            let joules: f64 = routing.counts.iter().zip(&costs).map(|(n, c)| f64::from(*n) * c).sum();
            let assignments: u32 = routing.counts.iter().sum();
            check.close("mean cost", joules / f64::from(assignments), &expected["mean_cost"]);
            tell(router.as_mut(), step, &routing, &costs);
            let (_, mu): (u32, f64) = postcard::from_bytes(&router.save()).unwrap();
            check.close(&format!("step {step}: mu"), mu, &expected["mu"]);
        }
    });
}

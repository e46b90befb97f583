//! One batch of 2,048 tokens through the built-in routers: the decision alone, and for `ttt` the learning step with it.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use isotherm_core::gate::GateBatch;
use isotherm_core::id::BatchId;
use isotherm_core::placement::Placement;
use isotherm_core::rng::fill_standard_normal;
use isotherm_core::router::{ClusterView, Feedback, RouterContext, RouterSpec, ThermalHint};
use isotherm_core::routing::Routing;
use isotherm_core::telemetry::Sample;
use isotherm_core::time::SimTime;
use isotherm_core::units::{Celsius, Watts};
use isotherm_routers::{
    Baseline, Cap, EnergyPenalty, MpcShare, Opportunistic, Pid, PrimalDual, Tent, TestTimeTrained, Thompson, Ucb,
};

const TOKENS: usize = 2048;

fn logits(experts: usize) -> Vec<f32> {
    let mut logits = vec![0.0; TOKENS * experts];
    fill_standard_normal([7, 11], 0, &mut logits);
    logits
}

fn benches(criterion: &mut Criterion) {
    for (experts, top_k) in [(8, 2), (64, 8)] {
        // The classic experiment: a quarter of the experts costs four times as much.
        let costs: Vec<f64> = (0..experts).map(|e| if e < experts - experts / 4 { 0.5 } else { 2.0 }).collect();
        let context = RouterContext::new(experts, top_k, &costs, 1);
        let view = ClusterView::empty().with_declared_costs(&costs);
        let gate = GateBatch::from_logits(experts, top_k, logits(experts));
        let mut group = criterion.benchmark_group(format!("route/{experts}-experts-top-{top_k}"));
        group.throughput(Throughput::Elements(TOKENS as u64));
        let specs: [(&str, Box<dyn RouterSpec>); 3] = [
            ("baseline", Box::new(Baseline::default())),
            ("energy-penalty", Box::new(EnergyPenalty::new(0.1))),
            ("ttt", Box::new(TestTimeTrained::new(0.1))),
        ];
        for (name, spec) in specs {
            let mut router = spec.build(&context).expect("the options fit");
            let mut routing = Routing::new(experts, top_k);
            group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
                bencher.iter(|| {
                    router.route(black_box(&gate), &view, &mut routing).expect("no router fails here");
                    let joules: Vec<f64> =
                        routing.counts.iter().zip(&costs).map(|(n, cost)| f64::from(*n) * cost).collect();
                    let feedback = Feedback::new(SimTime::ZERO, BatchId(0), &routing.counts, &joules, &joules);
                    router.feedback(&feedback).expect("no router fails here");
                });
            });
        }
        // What a run computes of every batch beside the decision.
        let routing = {
            let mut routing = Routing::new(experts, top_k);
            let mut router = EnergyPenalty::new(0.1).build(&context).expect("the options fit");
            router.route(&gate, &view, &mut routing).expect("no router fails here");
            routing
        };
        group.bench_function("fidelity", |bencher| bencher.iter(|| gate.fidelity(black_box(&routing))));
        group.bench_function("churn", |bencher| bencher.iter(|| black_box(&routing).churn()));
        // What all routers of a comparison share.
        group.bench_function("gate-batch", |bencher| {
            bencher.iter_batched(
                || logits(experts),
                |logits| GateBatch::from_logits(experts, top_k, logits),
                criterion::BatchSize::LargeInput,
            );
        });
    }
}

/// Routers with a memory of the GPUs or of costs, with a new sample of every GPU before each batch. `ttt` with a limit that is broken again and
/// again shows what the trials of its step guard cost.
fn controllers(criterion: &mut Criterion) {
    let (experts, top_k, gpus) = (64, 8, 8);
    let costs: Vec<f64> = (0..experts).map(|e| if e < 48 { 0.5 } else { 2.0 }).collect();
    let placement = Placement::contiguous(experts, gpus);
    let hint = ThermalHint { kelvin_per_watt: 0.05, time_constant_s: 40.0, ambient_degc: 35.0, idle_w: 125.0 };
    let context = RouterContext::new(experts, top_k, &costs, 1).with_hardware(&placement, Some(hint));
    let gate = GateBatch::from_logits(experts, top_k, logits(experts));
    let cap = Celsius::new(60.0);
    let specs: [(&str, Box<dyn RouterSpec>); 9] = [
        ("baseline", Box::new(Baseline::default())),
        ("primal-dual", Box::new(PrimalDual::new(Cap::Temperature(cap)))),
        ("pid", Box::new(Pid::new(Cap::Temperature(cap)))),
        ("mpc-share", Box::new(MpcShare::new(cap))),
        ("ucb", Box::new(Ucb::new(0.1))),
        ("thompson", Box::new(Thompson::new(0.1))),
        ("opportunistic", Box::new(Opportunistic::default())),
        ("tent", Box::new(Tent::new(0.5))),
        ("ttt-guarded", Box::new(TestTimeTrained { kl_limit: Some(0.001), ..TestTimeTrained::new(1.0) })),
    ];
    let mut group = criterion.benchmark_group("control/64-experts-top-8");
    group.throughput(Throughput::Elements(TOKENS as u64));
    for (name, spec) in specs {
        let mut router = spec.build(&context).expect("the options fit");
        let (mut routing, mut batch) = (Routing::new(experts, top_k), 0_u64);
        let mut joules = vec![0.0; experts];
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| {
                batch += 1;
                let now = SimTime::from_nanos(batch * 10_000_000);
                let samples: [Sample; 8] = std::array::from_fn(|gpu| Sample {
                    taken_at: now,
                    temperature: Some(Celsius::new(50.0 + 2.0 * gpu as f64)),
                    power: Some(Watts::new(400.0)),
                });
                let view = ClusterView::empty().with_declared_costs(&costs);
                let view = view.at(now, BatchId(batch as u32), &placement, &samples);
                router.route(black_box(&gate), &view, &mut routing).expect("no router fails here");
                for (joules, (n, cost)) in joules.iter_mut().zip(routing.counts.iter().zip(&costs)) {
                    *joules = f64::from(*n) * cost;
                }
                let feedback = Feedback::new(now, BatchId(batch as u32), &routing.counts, &joules, &joules);
                router.feedback(&feedback).expect("no router fails here");
            });
        });
    }
}

criterion_group!(route, benches, controllers);
criterion_main!(route);

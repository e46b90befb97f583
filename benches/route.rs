//! One batch of 2,048 tokens through the built-in routers: the decision alone, and for `ttt` the learning step with it.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use isotherm_core::gate::GateBatch;
use isotherm_core::id::BatchId;
use isotherm_core::rng::fill_standard_normal;
use isotherm_core::router::{ClusterView, Feedback, RouterContext, RouterSpec};
use isotherm_core::routing::Routing;
use isotherm_core::time::SimTime;
use isotherm_routers::{Baseline, EnergyPenalty, TestTimeTrained};

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

criterion_group!(route, benches);
criterion_main!(route);

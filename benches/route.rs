//! One batch of 2,048 tokens through every router of the registry: the decision, and the learning step with it.

mod registry;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use isotherm_core::frontier::{Frontier, Sweep};
use isotherm_core::gate::GateBatch;

use registry::{Layer, TOKENS, logits};

fn benches(criterion: &mut Criterion) {
    for (experts, top_k) in [(8, 2), (64, 8)] {
        let mut layer = Layer::new(experts, top_k);
        let mut group = criterion.benchmark_group(format!("route/{experts}-experts-top-{top_k}"));
        group.throughput(Throughput::Elements(TOKENS as u64));
        for (name, mut router) in layer.routers() {
            group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
                bencher.iter(|| layer.step(router.as_mut()));
            });
        }
        // What a run computes of every batch beside the decision.
        let (_, mut router) = layer.routers().swap_remove(1);
        layer.step(router.as_mut());
        group.bench_function("fidelity", |bencher| bencher.iter(|| layer.gate.fidelity(black_box(&layer.routing))));
        group.bench_function("churn", |bencher| bencher.iter(|| black_box(&layer.routing).churn()));
        // What all routers of a comparison share: the frontier, with two costs and with as many as there are experts.
        let own: Vec<f64> = (0..experts).map(|e| 0.5 + 1.5 * ((e * 37 % experts) as f64 / experts as f64)).collect();
        for (name, costs) in [("frontier, two costs", &layer.costs), ("frontier, all costs differ", &own)] {
            let (mut frontier, mut sweep) = (Frontier::new(1.5, false), Sweep::default());
            group.bench_function(name, |bencher| {
                bencher.iter(|| sweep.add(black_box(&layer.gate), costs, &mut frontier))
            });
        }
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

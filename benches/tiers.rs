//! A batch of 2,048 tokens through a gate of 512 x 256, top-8, in every tier: tokens against draws.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use isotherm_core::gate::GateBatch;
use isotherm_core::id::BatchId;
use isotherm_core::population::{GateSample, Population};
use isotherm_core::rng::{Domain, Stream};
use isotherm_core::router::{ClusterView, Router, RouterContext, RouterSpec};
use isotherm_core::routing::Routing;
use isotherm_core::tier::{Tier, TierSpec};
use isotherm_core::workload::{TokenStream, WorkloadContext, WorkloadSpec};
use isotherm_routers::EnergyPenalty;
use isotherm_workloads::{Gate, Gaussian, Source};

const EXPERTS: usize = 256;
const TOP_K: usize = 8;
const TOKENS: usize = 2048;

fn stream(source: Source) -> Box<dyn TokenStream> {
    let context = WorkloadContext { experts: EXPERTS, top_k: TOP_K, seed: 1, batches: &[], layer: 0 };
    let spec = Gaussian { source, gate: Gate::Orthogonal, ..Gaussian::default() };
    spec.build(&context).expect("the options fit")
}

fn router(costs: &[f64]) -> Box<dyn Router> {
    EnergyPenalty::new(0.5).build(&RouterContext::new(EXPERTS, TOP_K, costs, 1)).expect("the options fit")
}

fn benches(criterion: &mut Criterion) {
    let costs: Vec<f64> = (0..EXPERTS).map(|e| if e % 4 == 3 { 2.0 } else { 0.5 }).collect();
    let view = ClusterView::empty().with_declared_costs(&costs);
    let mut routing = Routing::new(EXPERTS, TOP_K);
    let mut group = criterion.benchmark_group("tiers/2048-tokens-512-256-experts-top-8");
    let hidden = stream(Source::Hidden);
    let mut penalty = router(&costs);
    let logits = hidden.logits(BatchId(0), TOKENS).expect("logits");
    let gate = GateBatch::from_logits(EXPERTS, TOP_K, logits);
    group.bench_function("token, hidden states and product", |bencher| {
        bencher.iter(|| hidden.logits(black_box(BatchId(7)), TOKENS).expect("logits"));
    });
    group.bench_function("token, route", |bencher| {
        bencher.iter(|| penalty.route(black_box(&gate), &view, &mut routing).expect("routed"));
    });
    group.bench_function("token, all of a batch", |bencher| {
        bencher.iter(|| {
            let logits = hidden.logits(black_box(BatchId(7)), TOKENS).expect("logits");
            let gate = GateBatch::from_logits(EXPERTS, TOP_K, logits);
            penalty.route(&gate, &view, &mut routing).expect("routed");
            black_box(gate.fidelity(&routing))
        });
    });
    let drawn = stream(Source::Logits);
    for kind in [Tier::Counts, Tier::MeanField] {
        let tier = TierSpec::new(kind);
        let sample = GateSample::of(drawn.as_ref(), 0, EXPERTS, TOP_K, &tier).expect("a sample");
        let mut population = Population::new(Arc::new(sample), &tier);
        let mut penalty = router(&costs);
        let (mut counts, mut batch) = ([0; EXPERTS], 0);
        group.bench_function(format!("{}, a batch", kind.name()), |bencher| {
            bencher.iter(|| {
                population.apply(penalty.as_mut(), black_box(&view), &mut routing).expect("applied");
                batch += 1;
                population.draw(TOKENS as u32, &mut Stream::open(1, Domain::Workload, batch, "counts"), &mut counts);
                counts[0]
            });
        });
        let mut other = router(&costs);
        group.bench_function(format!("{}, a batch whose prices have changed", kind.name()), |bencher| {
            let halved: Vec<f64> = costs.iter().map(|cost| 0.5 * cost).collect();
            let views = [view, ClusterView::empty().with_declared_costs(&halved)];
            bencher.iter(|| {
                batch += 1;
                population.apply(other.as_mut(), &views[batch as usize % 2], &mut routing).expect("applied");
                population.draw(TOKENS as u32, &mut Stream::open(1, Domain::Workload, batch, "counts"), &mut counts);
                counts[0]
            });
        });
    }
    group.finish();
}

criterion_group!(tiers, benches);
criterion_main!(tiers);

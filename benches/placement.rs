//! One placement of the balancing policies, as a run asks for it at a batch boundary.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use isotherm_core::placement::{Placement, PlacementContext, PlacementSpec};
use isotherm_placements::{Eplb, ThermalEplb};

fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("placement");
    for (experts, gpus, replicas) in [(8_usize, 4_usize, 8_u32), (64, 8, 72), (256, 32, 288), (256, 64, 320)] {
        // Popularity falls with the rank, in an order that neighbours do not share.
        let loads: Vec<f64> = (0..experts).map(|e| 1e5 / ((e * 37 + 11) % experts + 1) as f64).collect();
        let speeds: Vec<f64> = (0..gpus).map(|g| 1.0 + 0.01 * (g % 7) as f64).collect();
        let current = Placement::contiguous(experts, gpus);
        let context = PlacementContext::at_start(experts, gpus).with_nodes_of(gpus.min(8)).measured(
            &loads,
            &speeds,
            &[],
            &current,
            &[],
        );
        let size = format!("{experts}-experts-{gpus}-gpus");
        let nodes = (gpus / 8).max(1) as u32;
        let policies: [(&str, Box<dyn PlacementSpec>); 3] = [
            ("eplb", Box::new(Eplb { replicas: Some(replicas), ..Eplb::default() })),
            ("eplb-in-nodes", Box::new(Eplb { replicas: Some(replicas), groups: Some(nodes), ..Eplb::default() })),
            ("thermal-eplb", Box::new(ThermalEplb { replicas: Some(replicas), ..ThermalEplb::default() })),
        ];
        for (name, policy) in policies {
            group.bench_function(BenchmarkId::new(name, &size), |bencher| {
                bencher.iter(|| policy.place(black_box(&context)).expect("the options fit"));
            });
        }
    }
    group.finish();
}

criterion_group!(placement, benches);
criterion_main!(placement);

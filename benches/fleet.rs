//! The physics sweep of a fleet: ten thousand GPUs of 64 kinds one interval on, with four modes each; and a hundred thousand.
//!
//! Time is given an element, which is a GPU. `busy` sets a new power for a tenth of them before every sweep, as a fleet with stretches of a second does.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use isotherm_core::fleet::{Input, StepLaw, Sweep};
use isotherm_core::thermal::{Leakage, LeakageLaw, LeakyModes, RcNetwork};

const KINDS: u32 = 64;
/// Interval of a sweep (s).
const INTERVAL_S: f64 = 0.1;

/// Die, memory, package and heat sink, every kind a little better cooled than the one before.
fn laws() -> Arc<[StepLaw]> {
    let law = |kind: u32| {
        let factor = 0.9 + 0.2 * f64::from(kind) / f64::from(KINDS);
        let links = [(0, 2, 28.0 * factor), (1, 2, 12.0 * factor), (2, 3, 133.0 * factor)];
        let network = RcNetwork::new(&[5.0, 6.1, 247.0, 4756.0], &links, &[0.0, 0.0, 0.0, 195.0 * factor]);
        let leakage = Leakage { node: 0, watts: 60.0, at: 41.0, per_kelvin: 0.015, design: 41.0 };
        let network = network.map(|network| LeakyModes::new(&network, &[leakage], LeakageLaw::Linear));
        let network = network.expect("physical").expect("stable");
        StepLaw::new(&network, &[0.98, 0.02, 0.0, 0.0], &[0.0, 1.0, 0.0, 0.0], 1, INTERVAL_S)
    };
    (0..KINDS).map(law).collect()
}

fn input(gpu: usize, turn: usize) -> Input {
    Input { compute_w: 200.0 + ((gpu * 7919 + turn * 31) % 400) as f64, memory_w: 50.0, inlet: 25.0 }
}

fn sweep(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fleet/sweep");
    for gpus in [10_000_usize, 100_000] {
        group.throughput(Throughput::Elements(gpus as u64));
        let kinds: Vec<u32> = (0..gpus).map(|gpu| (gpu * 7919 % KINDS as usize) as u32).collect();
        let mut fleet = Sweep::new(laws(), &kinds, Input { inlet: 25.0, ..Input::default() }, false);
        (0..gpus).for_each(|gpu| fleet.set(gpu, input(gpu, 0)));
        group.bench_function(BenchmarkId::new("steady", gpus), |bencher| {
            bencher.iter(|| {
                fleet.step();
                black_box(fleet.peak());
            });
        });
        let mut turn = 0;
        group.bench_function(BenchmarkId::new("busy", gpus), |bencher| {
            bencher.iter(|| {
                turn += 1;
                (turn % 10..gpus).step_by(10).for_each(|gpu| fleet.set(gpu, input(gpu, turn)));
                fleet.step();
                black_box(fleet.peak());
            });
        });
    }
    group.finish();
}

criterion_group!(fleet, sweep);
criterion_main!(fleet);

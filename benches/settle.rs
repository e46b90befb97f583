//! The thermal state between two events: settling a network, and predicting when a node reaches a limit.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use isotherm_core::thermal::{Modes, RcNetwork};

const AMBIENT_DEGC: f64 = 30.0;
const POWER_W: f64 = 600.0;
/// Between two batches of some milliseconds [s].
const INTERVAL_S: f64 = 0.02;

/// Die and heat sink; or die, memory, package and heat sink.
fn networks() -> [(&'static str, RcNetwork); 2] {
    let two = RcNetwork::new(&[12.0, 1500.0], &[(0, 1, 60.0)], &[0.0, 22.0]);
    let four = RcNetwork::new(
        &[12.0, 30.0, 200.0, 1500.0],
        &[(0, 2, 60.0), (1, 2, 25.0), (2, 3, 80.0)],
        &[0.0, 0.0, 0.5, 22.0],
    );
    [("2-nodes", two.expect("physical")), ("4-nodes", four.expect("physical"))]
}

fn benches(criterion: &mut Criterion) {
    for (name, network) in networks() {
        let modes = Modes::of(&network);
        let mut power = vec![0.0; network.nodes()];
        power[0] = POWER_W;
        let drive = modes.drive(&power, AMBIENT_DEGC);
        let start = modes.state(&vec![AMBIENT_DEGC; network.nodes()]);
        let mut group = criterion.benchmark_group(format!("thermal/{name}"));
        group.bench_function("settle-with-heat", |bencher| {
            let mut state = start.clone();
            bencher.iter(|| modes.settle_with_heat(&mut state, black_box(&drive), AMBIENT_DEGC, black_box(INTERVAL_S)));
        });
        // Halfway to the steady state, which is the usual case, and out of reach, which is the early answer.
        let steady = modes.steady(&drive, 0);
        for (case, limit) in [("reached", 0.5 * (AMBIENT_DEGC + steady)), ("never-reached", steady + 1.0)] {
            group.bench_function(BenchmarkId::new("first-crossing", case), |bencher| {
                bencher.iter(|| modes.first_crossing(black_box(&start), &drive, 0, black_box(limit), true, 3600.0));
            });
        }
    }
}

criterion_group!(settle, benches);
criterion_main!(settle);

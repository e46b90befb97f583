//! The pending-event set in the hold model: take the earliest event, put it back an exponential increment later.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use isotherm_core::queue::{BinaryHeapQueue, EventQueue, Wheel};
use isotherm_core::rng::{Domain, Stream};
use isotherm_core::time::{SimDuration, SimTime};

/// As large as the simulator's own events may be.
type Payload = [u64; 2];

const MEAN_NS: f64 = 1e9;
/// Increments drawn beforehand: logarithms are not what is measured.
const DRAWN: usize = 1 << 15;

fn increments() -> Vec<SimDuration> {
    let mut stream = Stream::open(7, Domain::Workload, 0, "bench");
    (0..DRAWN).map(|_| SimDuration::from_nanos((stream.exponential() * MEAN_NS) as u64)).collect()
}

fn hold<Q: EventQueue<Payload>>(criterion: &mut Criterion, name: &str) {
    let increments = increments();
    let mut group = criterion.benchmark_group(format!("hold/{name}"));
    for pending in [100_u64, 10_000, 1_000_000] {
        let mut increments = increments.iter().cycle().copied();
        let mut draw = move || increments.next().unwrap_or_default();
        let mut queue = Q::default();
        for number in 0..pending {
            queue.push(SimTime::ZERO + draw(), [number, !number]);
        }
        group.bench_function(BenchmarkId::from_parameter(pending), |bencher| {
            bencher.iter(|| {
                if let Some((at, event)) = queue.pop() {
                    queue.push(at + draw(), black_box(event));
                }
            });
        });
    }
}

fn benches(criterion: &mut Criterion) {
    hold::<Wheel<Payload>>(criterion, "wheel");
    hold::<BinaryHeapQueue<Payload>>(criterion, "binary-heap");
}

criterion_group!(queue, benches);
criterion_main!(queue);

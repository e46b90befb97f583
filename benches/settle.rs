//! The thermal state between two events: settling, leakage, predicting a crossing; and the same networks stepped as HotSpot does.
//!
//! `event` is what the simulator does to a GPU at an event: settle it with its heat, change one block's power, read one
//! temperature. Sizes up to 8 modes are GPUs; 28 to 524 nodes are HotSpot networks of generated floorplans of 4 to 128 blocks.
//!
//! The peer is HotSpot's loop in our words (`settle/hotspot_loop.rs`). The ratio is printed after the groups, from the same run.

#[path = "settle/hotspot_loop.rs"]
mod hotspot_loop;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use isotherm_core::thermal::{LeakScratch, Leakage, LeakageLaw, LeakyModes, Modes, RcNetwork, Watch};
use isotherm_floorplan::modes_of;

use hotspot_loop::{AMBIENT_DEGC, RungeKutta, generated};

const POWER_W: f64 = 600.0;
/// Between two batches of some milliseconds (s).
const INTERVAL_S: f64 = 0.01;

/// Die and heat sink; die, memory, package and heat sink; a die in four parts, two memories, package and heat sink.
fn networks() -> [(&'static str, RcNetwork); 3] {
    let two = RcNetwork::new(&[12.0, 1500.0], &[(0, 1, 60.0)], &[0.0, 22.0]);
    let four = RcNetwork::new(
        &[12.0, 30.0, 200.0, 1500.0],
        &[(0, 2, 60.0), (1, 2, 25.0), (2, 3, 80.0)],
        &[0.0, 0.0, 0.5, 22.0],
    );
    let parts = [(0, 1, 4.0), (1, 2, 4.0), (2, 3, 4.0), (3, 0, 4.0)];
    let down = [(0, 6, 8.0), (1, 6, 8.0), (2, 6, 8.0), (3, 6, 8.0), (4, 6, 15.0), (5, 6, 15.0), (6, 7, 110.0)];
    let links: Vec<_> = parts.into_iter().chain(down).collect();
    let eight = RcNetwork::new(
        &[1.1, 1.1, 1.1, 1.1, 10.0, 10.0, 240.0, 9000.0],
        &links,
        &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 90.0],
    );
    [("2-modes", two.expect("physical")), ("4-modes", four.expect("physical")), ("8-modes", eight.expect("physical"))]
}

/// Everything the simulator does to a GPU at an event.
fn event(modes: &Modes, state: &mut [f64], drive: &mut [f64], watts: f64, seconds: f64) -> (f64, f64) {
    let heat = modes.settle_with_heat(state, drive, AMBIENT_DEGC, seconds);
    modes.add_power(drive, 0, watts);
    (modes.temperature(state, 0), heat.removed)
}

fn gpus(criterion: &mut Criterion) {
    for (name, network) in networks() {
        let modes = Modes::of(&network);
        let mut power = vec![0.0; network.nodes()];
        power[0] = POWER_W;
        let drive = modes.drive(&power, AMBIENT_DEGC);
        let start = modes.state(&vec![AMBIENT_DEGC; network.nodes()]);
        let mut group = criterion.benchmark_group(format!("thermal/{name}"));
        group.bench_function("event", |bencher| {
            let (mut state, mut drive, mut sign) = (start.clone(), drive.clone(), 1.0);
            bencher.iter(|| {
                sign = -sign;
                event(&modes, &mut state, &mut drive, sign * 50.0, black_box(INTERVAL_S))
            });
        });
        group.bench_function("settle-with-heat", |bencher| {
            let mut state = start.clone();
            bencher.iter(|| modes.settle_with_heat(&mut state, black_box(&drive), AMBIENT_DEGC, black_box(INTERVAL_S)));
        });
        // A second is beyond the power series for the fast modes.
        group.bench_function("settle-with-heat-1s", |bencher| {
            let mut state = start.clone();
            bencher.iter(|| modes.settle_with_heat(&mut state, black_box(&drive), AMBIENT_DEGC, black_box(1.0)));
        });
        // Halfway to the steady state, which is the usual case, and out of reach, which is the early answer.
        let steady = modes.steady(&drive, 0);
        for (case, limit) in [("reached", 0.5 * (AMBIENT_DEGC + steady)), ("never-reached", steady + 1.0)] {
            group.bench_function(BenchmarkId::new("first-crossing", case), |bencher| {
                bencher.iter(|| modes.first_crossing(black_box(&start), &drive, 0, black_box(limit), true, 3600.0));
            });
        }
        leaking(&mut group, &network, &power);
    }
}

fn leaking(
    group: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>,
    network: &RcNetwork,
    power: &[f64],
) {
    let source = Leakage { node: 0, watts: 60.0, at: 41.0, per_kelvin: 0.01, design: 50.0 };
    let leaky = LeakyModes::new(network, &[source], LeakageLaw::Exponential).expect("stable");
    let mut drive = vec![0.0; leaky.modes().modes()];
    leaky.drive_into(power, AMBIENT_DEGC, &mut drive);
    let mut state = leaky.modes().state(&vec![AMBIENT_DEGC; network.nodes()]);
    let (mut scratch, mut spare) = (LeakScratch::new(&leaky), Vec::new());
    leaky.advance(&mut state, &drive, AMBIENT_DEGC, 100.0, &mut scratch).expect("no runaway");
    group.bench_function("advance-exponential-leakage", |bencher| {
        let mut state = state.clone();
        bencher.iter(|| leaky.advance(&mut state, &drive, AMBIENT_DEGC, black_box(INTERVAL_S), &mut scratch));
    });
    let threshold = leaky.modes().temperature(&state, 0) + 5.0;
    let watch = Watch { node: 0, threshold, rising: true, horizon: f64::INFINITY };
    group.bench_function("next-check-exponential-leakage", |bencher| {
        bencher.iter(|| leaky.next_check(black_box(&state), &drive, &watch, &mut spare));
    });
}

fn floorplans(criterion: &mut Criterion) {
    let mut lines = Vec::new();
    for blocks in [4, 8, 16, 32, 64, 128] {
        let network = generated(blocks);
        let modes = modes_of(&network).expect("solvable");
        let n = modes.nodes();
        let power = |turn: usize| -> Vec<f64> {
            (0..blocks).map(|b| ((7 * b + 3 * turn) % 11) as f64 * 6.0 / blocks as f64).collect()
        };
        let mut drive = vec![0.0; n];
        let start = modes.state(&vec![AMBIENT_DEGC; n]);
        let mut group = criterion.benchmark_group(format!("floorplan/{n}-nodes"));
        group.bench_function("event", |bencher| {
            let (mut state, mut drive, mut sign) = (start.clone(), modes.drive(&power(0), AMBIENT_DEGC), 1.0);
            bencher.iter(|| {
                sign = -sign;
                event(&modes, &mut state, &mut drive, sign, black_box(INTERVAL_S))
            });
        });
        // All powers new, all temperatures read: what a trace-driven tool does.
        let mut full = |state: &mut [f64], turn: usize| -> f64 {
            modes.drive_into(&power(turn), AMBIENT_DEGC, &mut drive);
            modes.settle(state, &drive, INTERVAL_S);
            (0..blocks).map(|b| modes.temperature(state, b)).sum()
        };
        group.bench_function("trace-row", |bencher| {
            let (mut state, mut turn) = (start.clone(), 0);
            bencher.iter(|| {
                turn += 1;
                full(&mut state, turn)
            });
        });
        group.finish();
        // The ratio, in one run: the same rows through both, each as often as fits in its time.
        let peer = RungeKutta::new(&network);
        let mut state = start.clone();
        let mut temperatures = vec![AMBIENT_DEGC; n];
        let (mut rows, mut tries, clock) = (0, 0, Instant::now());
        while rows < 3 || clock.elapsed() < Duration::from_millis(600) {
            rows += 1;
            tries += peer.interval(&mut temperatures, &power(rows), INTERVAL_S);
        }
        let theirs = clock.elapsed().as_secs_f64() / rows as f64;
        for turn in 1..=rows {
            black_box(full(&mut state, turn));
        }
        let apart = (0..blocks).map(|b| (modes.temperature(&state, b) - temperatures[b]).abs()).fold(0.0, f64::max);
        let (mut turns, clock) = (0, Instant::now());
        while clock.elapsed() < Duration::from_millis(200) {
            for _ in 0..64 {
                turns += 1;
                black_box(full(&mut state, turns));
            }
        }
        let ours = clock.elapsed().as_secs_f64() / turns as f64;
        lines.push(format!(
            "{blocks:>4} blocks {n:>4} nodes: RK4 loop {:>9.1} us a row ({:.0} tries), ours {:>7.3} us, ratio {:>6.0}; block temperatures differ by {apart:.1e} K",
            theirs * 1e6,
            tries as f64 / rows as f64,
            ours * 1e6,
            theirs / ours
        ));
    }
    println!("\n10 ms rows, all powers new, all block temperatures read:");
    lines.iter().for_each(|line| println!("{line}"));
}

fn memory(_: &mut Criterion) {
    // A device's own numbers: its state and its drive.
    let bytes = |modes: usize| 2 * modes * size_of::<f64>();
    println!(
        "10,000 GPUs of 8 modes: {} bytes of state and drive, {} a thousand GPUs",
        10_000 * bytes(8),
        1000 * bytes(8)
    );
}

criterion_group!(settle, gpus, floorplans, memory);
criterion_main!(settle);

//! The limits of this machine: multiply-adds a second of one core, and the latency of a load that waits for the one before it.

use std::hint::black_box;

use isotherm_compare::peak::multiply_adds;
use isotherm_compare::{record, seconds, seconds_each};

/// Nanoseconds a load, through `bytes` in an order that no prefetcher knows.
fn latency(bytes: usize) -> f64 {
    let lines = bytes / 64;
    let mut next: Vec<[u64; 8]> = vec![[0; 8]; lines];
    // Sattolo's shuffle: one cycle through all lines.
    let mut order: Vec<u32> = (0..lines as u32).collect();
    let mut state = 7_u64;
    for last in (1..lines).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        order.swap(last, (state >> 33) as usize % last);
    }
    for (line, to) in order.iter().enumerate() {
        next[line][0] = u64::from(*to);
    }
    let mut at = 0_u64;
    let mut walk = |loads: usize| (0..loads).for_each(|_| at = next[at as usize][0]);
    walk(lines.min(1 << 20));
    let loads = 1 << 21;
    let (elapsed, ()) = seconds(|| walk(black_box(loads)));
    black_box(at);
    elapsed * 1e9 / loads as f64
}

fn main() {
    let operations = multiply_adds();
    let each = seconds_each(0.2, || {
        black_box(multiply_adds());
    });
    record("machine", "multiply-adds of one core", "peak", operations / each / 1e9, "GFLOP/s");
    for (case, bytes) in [("16 KiB", 16 << 10), ("512 KiB", 512 << 10), ("4 MiB", 4 << 20), ("128 MiB", 128 << 20)] {
        record("latency", case, "load", latency(bytes), "ns");
    }
}

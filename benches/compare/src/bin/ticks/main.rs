//! Periodic work on every GPU at the same instants: an event for each, or one sweep over all.
//!
//! The handlers do one multiplication and one addition; the sweep does a real step of four thermal modes with leakage. `ticks [--gpus N]`

mod entities;
mod nexosim_peer;

use std::hint::black_box;
use std::sync::Arc;

use isotherm_compare::{option, record, seconds, seconds_each};
use isotherm_core::fleet::{Input, StepLaw, Sweep};
use isotherm_core::thermal::{Leakage, LeakageLaw, LeakyModes, RcNetwork};

/// Between two ticks [ns].
pub(crate) const PERIOD_NS: u64 = 1_000_000;
/// Ticks that are measured, after as many that warm up.
const TICKS: u64 = 20;

fn sweep(gpus: usize) -> Sweep {
    let links = [(0, 2, 28.0), (1, 2, 12.0), (2, 3, 133.0)];
    let network = RcNetwork::new(&[5.0, 6.1, 247.0, 4756.0], &links, &[0.0, 0.0, 0.0, 195.0]).expect("physical");
    let leakage = Leakage { node: 0, watts: 60.0, at: 41.0, per_kelvin: 0.015, design: 41.0 };
    let network = LeakyModes::new(&network, &[leakage], LeakageLaw::Linear).expect("stable");
    let law = StepLaw::new(&network, &[1.0, 0.0, 0.0, 0.0], &[0.0, 1.0, 0.0, 0.0], 1, 1e-3);
    let mut sweep = Sweep::new(Arc::new([law]), &vec![0; gpus], Input { inlet: 25.0, ..Input::default() }, false);
    for gpu in 0..gpus {
        sweep.set(gpu, Input { compute_w: 300.0 + (gpu % 97) as f64, memory_w: 50.0, inlet: 25.0 });
    }
    sweep
}

fn main() {
    let gpus: u32 = option("--gpus", 10_000);
    let each = 1e9 / (f64::from(gpus) * TICKS as f64);
    let mut entities = entities::Ours::new(gpus);
    entities.advance(TICKS * PERIOD_NS);
    let (elapsed, ()) = seconds(|| entities.advance(2 * TICKS * PERIOD_NS));
    record("ticks", gpus, "isotherm, an event a GPU", elapsed * each, "ns");

    let mut peer = nexosim_peer::Peer::new(gpus);
    peer.advance(TICKS * PERIOD_NS);
    let (elapsed, ()) = seconds(|| peer.advance(TICKS * PERIOD_NS));
    record("ticks", gpus, "NeXosim 1.0, periodic events", elapsed * each, "ns");

    let mut sweep = sweep(gpus as usize);
    let step = seconds_each(0.05, || black_box(&mut sweep).step());
    record("ticks", gpus, "isotherm", step * 1e9 / f64::from(gpus), "ns");
}

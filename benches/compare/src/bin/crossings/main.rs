//! Predicted crossings that are predicted anew: what happens whenever a batch changes the power of a GPU.
//!
//! Each of N GPUs is updated an exponential time after its last update. An update takes back the crossing that was predicted and predicts
//! another, on average seven updates ahead, so that one prediction in eight comes true. Time is that of a useful event: an update, or a
//! crossing that comes true. `crossings [--gpus N]`

mod isotherm;
mod nexosim_peer;
mod simcore_peer;

use isotherm_compare::contest::{Contestant, MEAN_NS, TABLE, compare, increments, mix};
use isotherm_compare::option;
use isotherm_core::queue::{BinaryHeapQueue, Wheel};

/// Mean time from an update to the crossing that it predicts, in mean times between updates.
const AHEAD: f64 = 7.0;

/// What every engine's handlers do; only delivery, scheduling and taking back differ.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Gpus {
    pub(crate) number: u32,
    updates: Vec<u64>,
    crossings: Vec<u64>,
    drawn: usize,
    pub(crate) handled: u64,
    pub(crate) checksum: u64,
}

impl Gpus {
    fn new(number: u32) -> Self {
        Self { number, updates: increments(MEAN_NS), crossings: increments(AHEAD * MEAN_NS), ..Self::default() }
    }

    /// When a GPU is updated next, and when its limit is crossed if it is not [ns from now].
    #[inline(always)]
    pub(crate) fn draw(&mut self) -> (u64, u64) {
        self.drawn += 1;
        // Two tables of one length would repeat their pairs: the second is walked by fives.
        (self.updates[self.drawn % TABLE], self.crossings[(self.drawn * 5 + self.drawn / TABLE) % TABLE])
    }

    /// A GPU is updated.
    #[inline(always)]
    pub(crate) fn update(&mut self, now: u64, gpu: u32) -> (u64, u64) {
        self.count(now, gpu);
        self.draw()
    }

    /// A crossing has come true.
    #[inline(always)]
    pub(crate) fn cross(&mut self, now: u64, gpu: u32) {
        self.count(now, !gpu);
    }

    #[inline(always)]
    fn count(&mut self, now: u64, what: u32) {
        self.handled += 1;
        self.checksum = mix(self.checksum, now, what);
    }
}

fn main() {
    let only = option("--gpus", 0);
    for (gpus, events) in [(1000, 300_000), (10_000, 300_000), (100_000, 300_000)] {
        if only != 0 && only != gpus {
            continue;
        }
        let fleet = Gpus::new(gpus);
        let mut contestants: Vec<Box<dyn Contestant>> = vec![
            Box::new(isotherm::Ours::<Wheel<_>>::new("isotherm", fleet.clone())),
            Box::new(isotherm::Ours::<BinaryHeapQueue<_>>::new("isotherm, binary heap", fleet.clone())),
            Box::new(simcore_peer::Peer::new(fleet.clone())),
            Box::new(nexosim_peer::Peer::new(fleet)),
        ];
        compare("crossings", gpus, &mut contestants, (f64::from(events) / f64::from(gpus) * MEAN_NS) as u64);
    }
}

//! What the share of a GPU takes, by table: in a fleet the same few thousand shares come again and again.
//!
//! A GPU that holds one copy of an expert has a share that is one number, the assignments it serves, so its time is looked up. Shares of
//! several experts are computed. Both come from [`DeviceCost`], as in a run of one group.

use crate::cost::DeviceCost;
use crate::hardware::Clock;
use crate::hardware::kernel::Work;

/// Times and bytes of shares of one expert by the assignments served, grown as far as they are asked for.
#[derive(Clone, Debug)]
pub(super) struct WorkTables {
    cost: DeviceCost,
    /// Time by assignments (s), for each pace that was asked for; see [`Pace`].
    seconds: Vec<Vec<f64>>,
    /// Bytes moved by assignments.
    bytes: Vec<f64>,
    /// Operations of an assignment, in those of the reference type.
    flops_of_row: f64,
}

/// How fast a GPU works: its clock step, and whether its memory is slowed down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    pub(super) step: u32,
    pub(super) memory_slowed: bool,
}

impl Pace {
    fn index(self) -> usize {
        self.step as usize * 2 + usize::from(self.memory_slowed)
    }

    /// Clock (MHz).
    pub(super) fn mhz(self, clock: &Clock) -> f64 {
        clock.mhz(self.step)
    }
}

/// Tables grow by so many entries at least.
const GROWTH: usize = 512;

impl WorkTables {
    pub(super) fn new(cost: &DeviceCost) -> Self {
        Self {
            cost: cost.clone(),
            seconds: vec![Vec::new(); cost.clock.steps() as usize * 2],
            bytes: Vec::new(),
            flops_of_row: cost.work(&[1]).reference_flops,
        }
    }

    /// Makes the tables of `paces` hold shares of up to `most` assignments. `slow_memory` is the rate of memory that is slowed down.
    pub(super) fn reach(&mut self, most: u32, paces: &[Pace], slow_memory: f64) {
        let wanted = most as usize + 1;
        let grown = |len: usize| wanted.max(len + GROWTH);
        if self.bytes.len() < wanted {
            let (from, to) = (self.bytes.len(), grown(self.bytes.len()));
            self.bytes.extend((from..to).map(|count| self.cost.work(&[count as u32]).bytes));
        }
        for pace in paces {
            let table = &mut self.seconds[pace.index()];
            if table.len() < wanted {
                let (mhz, rate) = (pace.mhz(&self.cost.clock), if pace.memory_slowed { slow_memory } else { 1.0 });
                let (from, to) = (table.len(), grown(table.len()));
                table.extend((from..to).map(|n| self.cost.seconds(&self.cost.work(&[n as u32]), mhz, rate)));
            }
        }
    }

    /// Times of shares of one expert at a pace (s), as far as [`WorkTables::reach`] has made them.
    #[inline]
    pub(super) fn seconds(&self, pace: Pace) -> &[f64] {
        &self.seconds[pace.index()]
    }

    /// Bytes of shares of one expert, likewise.
    #[inline]
    pub(super) fn bytes(&self) -> &[f64] {
        &self.bytes
    }

    /// Time and bytes of a share of several experts at a pace (s, bytes).
    pub(super) fn of(&self, counts: &[u32], pace: Pace, slow_memory: f64) -> (f64, f64) {
        let work = self.cost.work(counts);
        let rate = if pace.memory_slowed { slow_memory } else { 1.0 };
        (self.cost.seconds(&work, pace.mhz(&self.cost.clock), rate), work.bytes)
    }

    /// Work of so many assignments that moves so many bytes, as far as energy goes: energy is linear in both.
    #[inline]
    pub(super) fn energy_of(&self, rows: f64, bytes: f64) -> Work {
        Work { reference_flops: rows * self.flops_of_row, bytes, ..Work::default() }
    }
}

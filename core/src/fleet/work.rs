//! What the share of a GPU takes, by table: in a fleet the same few thousand shares come again and again.
//!
//! A GPU that holds one copy of an expert has a share that is one number, the assignments it serves, so its time is looked up. Shares of
//! several experts are computed. Both come from [`DeviceCost`], as in a run of one group.

use crate::cost::DeviceCost;
use crate::hardware::Clock;
use crate::hardware::kernel::{Draw, Work};

/// Times and bytes of shares of one expert by the assignments served, grown as far as they are asked for.
#[derive(Clone, Debug)]
pub(super) struct WorkTables {
    cost: DeviceCost,
    /// Time by assignments (s), for each pace that was asked for; see [`Pace`].
    seconds: Vec<Vec<f64>>,
    /// Bytes moved by assignments.
    bytes: Vec<f64>,
    /// Energy of an assignment's operations by clock step (J).
    row_joules: Vec<f64>,
    /// Energy of a byte: what heats the die, and what heats the memory's side (J).
    byte_joules: (f64, f64),
    /// What a GPU draws by clock step while it waits.
    base: Vec<Draw>,
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
        let (steps, clock) = (0..cost.clock.steps(), &cost.clock);
        let row = Work { reference_flops: cost.work(&[1]).reference_flops, ..Work::default() };
        // Energy is linear in operations and in bytes.
        let byte = Work { bytes: 1.0, ..Work::default() };
        Self {
            row_joules: steps.clone().map(|step| cost.joules(&row, clock.mhz(step)).0).collect(),
            byte_joules: cost.joules(&byte, clock.max_mhz),
            base: steps.map(|step| cost.base(clock.mhz(step))).collect(),
            cost: cost.clone(),
            seconds: vec![Vec::new(); cost.clock.steps() as usize * 2],
            bytes: Vec::new(),
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

    /// Energy of so many assignments that move so many bytes (J): what heats the die, and what heats the memory's side.
    #[inline]
    pub(super) fn joules(&self, rows: f64, bytes: f64, pace: Pace) -> (f64, f64) {
        let (compute, memory) = self.byte_joules;
        (rows * self.row_joules[pace.step as usize] + bytes * compute, bytes * memory)
    }

    /// What a GPU draws while it waits.
    #[inline]
    pub(super) fn base(&self, pace: Pace) -> Draw {
        self.base[pace.step as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::LayerSpec;
    use crate::hardware::DeviceProfile;

    #[test]
    fn tables_say_what_the_device_model_says() {
        let profile: DeviceProfile = toml::from_str(include_str!("../../../scenarios/hardware/h200-sxm.toml")).unwrap();
        let layer: LayerSpec = toml::from_str("d_model = 7168\nd_ff = 2048\ndtype = \"fp8-block\"").unwrap();
        let cost = DeviceCost::of(&layer, 8, &profile, false).unwrap();
        let mut tables = WorkTables::new(&cost);
        let paces = [Pace { step: 109, memory_slowed: false }, Pace { step: 60, memory_slowed: true }];
        for most in [3, 2000] {
            tables.reach(most, &paces, 0.5);
            for count in [0, 1, most / 2, most] {
                let work = cost.work(&[count]);
                for pace in paces {
                    let mhz = cost.clock.mhz(pace.step);
                    let rate = if pace.memory_slowed { 0.5 } else { 1.0 };
                    assert_eq!(tables.seconds(pace)[count as usize], cost.seconds(&work, mhz, rate));
                    assert_eq!(tables.of(&[count], pace, 0.5), (cost.seconds(&work, mhz, rate), work.bytes));
                    assert_eq!(tables.bytes()[count as usize], work.bytes);
                    let (found, expected) =
                        (tables.joules(f64::from(count), work.bytes, pace), cost.joules(&work, mhz));
                    assert!((found.0 - expected.0).abs() <= 1e-12 * expected.0, "{found:?} {expected:?}");
                    assert!((found.1 - expected.1).abs() <= 1e-12 * expected.1, "{found:?} {expected:?}");
                    assert_eq!(tables.base(pace), cost.base(mhz));
                }
            }
        }
    }
}

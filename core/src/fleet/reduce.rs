//! Readings of all GPUs, reduced as they are made: per rack and window, and into histograms.

use super::layout::Layout;
use super::record::{FleetRecord, RackWindow, Spread, Throttled};
use crate::time::SimTime;

/// What was read of one GPU.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reading {
    pub(super) die: f64,
    pub(super) watts: f64,
    pub(super) mhz: f64,
    pub(super) power_cap: bool,
    pub(super) software: bool,
    pub(super) hardware: bool,
}

#[derive(Clone, Copy, Debug)]
struct Sum {
    min: f64,
    sum: f64,
    max: f64,
}

impl Sum {
    const NONE: Self = Self { min: f64::INFINITY, sum: 0.0, max: f64::NEG_INFINITY };

    #[inline]
    fn add(&mut self, value: f64) {
        self.min = if value < self.min { value } else { self.min };
        self.max = if value > self.max { value } else { self.max };
        self.sum += value;
    }

    fn spread(&self, count: f64) -> Spread {
        Spread { min: self.min as f32, mean: (self.sum / count) as f32, max: self.max as f32 }
    }
}

#[derive(Clone, Copy, Debug)]
struct RackSums {
    temperature: Sum,
    power: Sum,
    clock: Sum,
    readings: u64,
    throttled: u64,
}

impl RackSums {
    const NONE: Self = Self { temperature: Sum::NONE, power: Sum::NONE, clock: Sum::NONE, readings: 0, throttled: 0 };
}

/// Readings of the window under way.
#[derive(Clone, Debug)]
pub(super) struct Reduction {
    racks: Vec<RackSums>,
    began: SimTime,
    /// Power cap of every GPU (W).
    cap: Option<f64>,
}

impl Reduction {
    pub(super) fn new(layout: &Layout, cap: Option<f64>) -> Self {
        Self { racks: vec![RackSums::NONE; layout.racks()], began: SimTime::ZERO, cap }
    }

    /// Takes in a reading of a GPU of `rack` that stands for `seconds`.
    #[inline]
    pub(super) fn add(&mut self, rack: usize, reading: &Reading, seconds: f64, record: &mut FleetRecord) {
        let sums = &mut self.racks[rack];
        sums.temperature.add(reading.die);
        sums.power.add(reading.watts);
        sums.clock.add(reading.mhz);
        sums.readings += 1;
        record.temperature.add(reading.die, 1);
        record.power.add(reading.watts, 1);
        record.clock.add(reading.mhz, 1);
        record.power_peak = if reading.watts > record.power_peak { reading.watts } else { record.power_peak };
        if let Some(above) = self.cap.map(|cap| reading.watts - cap).filter(|above| *above > 0.0) {
            record.cap_violation.0 += seconds;
            record.cap_violation.1 += seconds * above;
        }
        let Throttled { power_cap, software, hardware, any } = &mut record.throttled;
        let held = reading.power_cap || reading.software || reading.hardware;
        if held {
            sums.throttled += 1;
            *power_cap += if reading.power_cap { seconds } else { 0.0 };
            *software += if reading.software { seconds } else { 0.0 };
            *hardware += if reading.hardware { seconds } else { 0.0 };
            *any += seconds;
        }
    }

    /// Closes the window: a row for every rack, whose inlets are at `inlet_of_rack` (degC).
    pub(super) fn close(
        &mut self,
        now: SimTime,
        layout: &Layout,
        inlet_of_rack: impl Fn(usize) -> f64,
        record: &mut FleetRecord,
    ) {
        for (rack, sums) in self.racks.iter_mut().enumerate().filter(|(_, sums)| sums.readings > 0) {
            let count = sums.readings as f64;
            record.racks.push(RackWindow {
                rack: rack as u32,
                row: layout.row_of_rack(rack) as u32,
                from: self.began,
                until: now,
                temperature: sums.temperature.spread(count),
                power: sums.power.spread(count),
                clock: sums.clock.spread(count),
                inlet: inlet_of_rack(rack) as f32,
                throttled_share: (sums.throttled as f64 / count) as f32,
            });
            *sums = RackSums::NONE;
        }
        self.began = now;
    }
}

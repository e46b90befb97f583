//! What a power meter would show: the mean of the last second of every GPU, read every tenth of a second.

use serde::{Deserialize, Serialize};

use crate::time::SimTime;

/// Time between two readings.
const PERIOD_NS: u64 = 100_000_000;

/// Readings that make a second.
const WINDOW: usize = 10;

/// Energy counters of all GPUs at the last readings, and the means that were read.
///
/// A settled interval has one power but for its leakage: its energy is spread evenly over it. Polls and governor steps end
/// intervals, so where their periods divide a tenth of a second nothing is spread at all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Meter {
    /// Readings so far, per GPU.
    readings: Vec<u64>,
    /// Energy counter at the last ones (J), `gpus x (WINDOW + 1)`, each at its number modulo the length.
    marks: Vec<f64>,
    /// Mean power of every second that ended at a reading (W), all GPUs.
    pub(super) means: Vec<f32>,
}

impl Meter {
    pub(super) fn new(gpus: usize) -> Self {
        Self { readings: vec![0; gpus], marks: vec![0.0; gpus * (WINDOW + 1)], means: Vec::new() }
    }

    /// The counter of `gpu` went from `before` to `after` (J) between two instants.
    #[inline]
    pub(super) fn settled(&mut self, gpu: usize, (from, before): (SimTime, f64), (until, after): (SimTime, f64)) {
        while (self.readings[gpu] + 1).saturating_mul(PERIOD_NS) <= until.nanos() {
            self.read(gpu, (from, before), (until, after));
        }
    }

    fn read(&mut self, gpu: usize, (from, before): (SimTime, f64), (until, after): (SimTime, f64)) {
        self.readings[gpu] += 1;
        let reading = self.readings[gpu];
        let at = SimTime::from_nanos(reading * PERIOD_NS);
        let joules = before + (after - before) * ((at - from).seconds() / (until - from).seconds());
        let marks = &mut self.marks[gpu * (WINDOW + 1)..][..=WINDOW];
        let place = |reading: u64| (reading % (WINDOW as u64 + 1)) as usize;
        marks[place(reading)] = joules;
        if reading >= WINDOW as u64 {
            // Over one second, so joules are watts.
            self.means.push((joules - marks[place(reading + 1)]) as f32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_of_a_step_in_power_whatever_the_intervals() {
        // 300 W up to 1.25 s, then 500 W up to 2.57 s.
        let joules = |ms: u64| 0.3 * ms.min(1250) as f64 + 0.5 * ms.saturating_sub(1250) as f64;
        for ends in [
            vec![1250, 2570],
            vec![1, 99, 100, 101, 1000, 1250, 1251, 2499, 2500, 2570],
            (1..=257).map(|k| 10 * k).collect(),
        ] {
            let (mut meter, mut last) = (Meter::new(2), 0);
            for ms in ends {
                let at = |ms| (SimTime::from_nanos(ms * 1_000_000), joules(ms));
                meter.settled(1, at(last), at(ms));
                last = ms;
            }
            assert_eq!(meter.means.len(), 16, "at 1.0, 1.1, ..., 2.5 s");
            for (index, mean) in meter.means.iter().enumerate() {
                let ms = 1000 + 100 * index as u64;
                let expected = joules(ms) - joules(ms - 1000);
                assert!((f64::from(*mean) - expected).abs() < 1e-4, "{ms} ms: {mean}, not {expected}");
            }
        }
    }
}

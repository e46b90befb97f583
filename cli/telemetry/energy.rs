//! Whether a device's power and its energy counter tell the same story.

use isotherm_recording::{Entry, Reading, Signal, Standing};
use serde::Serialize;

/// Length of a window (s): over shorter ones the refreshes of the two signals show.
const WINDOW: f64 = 5.0;
/// Power that varies by no more than this share of its highest value counts as steady.
const STEADY: f64 = 0.05;
/// Largest difference that is no mismatch.
const TOLERANCE: f64 = 0.03;
/// Polls that are further apart (s) say too little about what was between them.
const LONGEST_STEP: f64 = 1.0;

/// Compares, window by window, the growth of the energy counter with the integral of the power of the same time.
///
/// The power is the mean of the last second where a device has it. It lags the counter by half a second, so only windows in which it is steady
/// are judged. Windows begin and end where the counter was seen to change, for it stands still in between.
#[derive(Clone, Debug, Default)]
pub struct EnergyCheck {
    /// The last poll: its time (ns) and its power (W).
    last: Option<(i64, f64)>,
    window: Option<Window>,
    counter: Option<i64>,
    /// Integral of the power since the counter last moved (J): only whole steps of the counter are compared.
    pending: f64,
    verdict: Verdict,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    began: i64,
    counter_mj: i64,
    joules: f64,
    lowest: f64,
    highest: f64,
}

/// What was found, in numbers that do not grow with the recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Verdict {
    /// Growth of the counter from when it was first seen to when it last moved (J); what it lost by being reset is not in it.
    pub counter_j: f64,
    /// Integral of the power over the same time (J).
    pub integrated_j: f64,
    /// Windows in which power was steady.
    pub steady_windows: u32,
    /// Those of them that disagree by more than 3 %.
    pub mismatched_windows: u32,
    /// The largest disagreement, integral over counter, minus one; 0.02 is 2 % more power than energy.
    pub worst: f64,
    /// When that window began (ns, Unix time).
    pub worst_at: i64,
}

impl EnergyCheck {
    /// Takes the next reading of the device.
    pub fn add(&mut self, reading: &Reading) {
        let power = reading.value(Signal::PowerMean).or_else(|| reading.value(Signal::Power));
        let (Standing::Present, Some(power)) = (reading.standing, power) else {
            *self = Self { verdict: self.verdict, ..Self::default() };
            return;
        };
        let (now, watts) = (reading.begun, power as f64 / 1e3);
        match self.last {
            Some((before, last)) if seconds(now - before) <= LONGEST_STEP => {
                let joules = 0.5 * (watts + last) * seconds(now - before);
                self.pending += joules;
                if let Some(window) = &mut self.window {
                    window.joules += joules;
                    window.lowest = window.lowest.min(watts);
                    window.highest = window.highest.max(watts);
                }
            }
            _ => self.window = None,
        }
        self.last = Some((now, watts));
        if let Entry::Value { value, .. } = reading.get(Signal::Energy) {
            self.count(now, watts, value);
        }
    }

    /// The counter's part: windows end and begin where it moves.
    fn count(&mut self, now: i64, watts: f64, counter_mj: i64) {
        let Some(before) = self.counter.replace(counter_mj) else {
            self.pending = 0.0;
            return;
        };
        if counter_mj < before {
            self.window = None;
            self.pending = 0.0;
            return;
        }
        if counter_mj == before {
            return;
        }
        self.verdict.counter_j += (counter_mj - before) as f64 / 1e3;
        self.verdict.integrated_j += std::mem::take(&mut self.pending);
        match self.window {
            Some(window) if seconds(now - window.began) < WINDOW => return,
            Some(window) => self.judge(window, counter_mj),
            None => {}
        }
        self.window = Some(Window { began: now, counter_mj, joules: 0.0, lowest: watts, highest: watts });
    }

    fn judge(&mut self, window: Window, counter_mj: i64) {
        let counted = (counter_mj - window.counter_mj) as f64 / 1e3;
        if window.highest - window.lowest > STEADY * window.highest || counted <= 0.0 {
            return;
        }
        let off = window.joules / counted - 1.0;
        self.verdict.steady_windows += 1;
        self.verdict.mismatched_windows += u32::from(off.abs() > TOLERANCE);
        if off.abs() > self.verdict.worst.abs() {
            (self.verdict.worst, self.verdict.worst_at) = (off, window.began);
        }
    }

    /// What was found so far.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        self.verdict
    }
}

fn seconds(nanos: i64) -> f64 {
    nanos as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Polls every 50 ms; the counter moves every 100 ms by `factor` times the energy.
    fn polled(polls: i64, factor: f64, watts: impl Fn(f64) -> f64) -> EnergyCheck {
        let mut check = EnergyCheck::default();
        let mut joules = 1e6;
        for poll in 0..polls {
            let t = poll as f64 * 0.05;
            if poll % 2 == 0 {
                joules += factor * watts(t) * 0.1;
            }
            check.add(&reading(poll * 50_000_000, Some(watts(t)), Some((joules * 1e3) as i64)));
        }
        check
    }

    fn reading(now: i64, watts: Option<f64>, counter_mj: Option<i64>) -> Reading {
        let mut reading = Reading { begun: now, ended: now, ..Reading::default() };
        let entry = |value: i64| Entry::Value { value, changed: now };
        if let Some(watts) = watts {
            reading.set(Signal::Power, entry((watts * 1e3) as i64));
        }
        if let Some(counter) = counter_mj {
            reading.set(Signal::Energy, entry(counter));
        }
        reading
    }

    #[test]
    fn signals_that_agree_are_not_flagged() {
        let verdict = polled(1300, 1.0, |_| 600.0).verdict();
        assert_eq!((verdict.steady_windows, verdict.mismatched_windows), (12, 0));
        assert!(verdict.worst.abs() < 1e-6, "{verdict:?}");
        assert!((verdict.counter_j / verdict.integrated_j - 1.0).abs() < 0.003, "{verdict:?}");
    }

    #[test]
    fn a_counter_that_sees_less_is_flagged() {
        let verdict = polled(1300, 0.9, |_| 600.0).verdict();
        assert_eq!(verdict.mismatched_windows, verdict.steady_windows);
        assert!((verdict.worst - (1.0 / 0.9 - 1.0)).abs() < 1e-3, "{verdict:?}");
    }

    #[test]
    fn unsteady_load_is_not_judged() {
        let verdict = polled(1300, 0.5, |t| if t % 4.0 < 2.0 { 600.0 } else { 125.0 }).verdict();
        assert_eq!(verdict.steady_windows, 0, "{verdict:?}");
        assert!(verdict.counter_j > 0.0);
    }

    #[test]
    fn a_reset_and_a_silence_end_the_window() {
        let mut check = EnergyCheck::default();
        for poll in 0..1000i64 {
            let counter = if poll < 90 { 900_000 + poll * 30_000 } else { poll * 30_000 };
            // Nothing is heard from poll 300 to 399.
            let heard = !(300..400).contains(&poll);
            check.add(&reading(poll * 50_000_000, heard.then_some(600.0), heard.then_some(counter)));
        }
        let verdict = check.verdict();
        assert_eq!(verdict.mismatched_windows, 0, "{verdict:?}");
        assert!(verdict.steady_windows >= 7, "{verdict:?}");
        assert!((verdict.counter_j - 897.0 * 30.0).abs() < 31.0, "{verdict:?}");
    }
}

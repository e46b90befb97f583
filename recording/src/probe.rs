//! How often each signal is refreshed, measured: what a driver documents and what it does differ.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::device::SignalFacts;
use crate::meter::{Meter, unix_nanos};
use crate::reading::{Entry, Reading, Standing};
use crate::signal::Signal;

/// The time a measurement goes by: the system's, or a test's own.
pub trait Pace {
    /// Unix time now (ns).
    fn now(&mut self) -> i64;

    /// Returns after `time`, or later.
    fn wait(&mut self, time: Duration);
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemPace;

impl Pace for SystemPace {
    fn now(&mut self) -> i64 {
        unix_nanos()
    }

    fn wait(&mut self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// Polls for `span`, every `period` or as fast as the meter goes, and says of every device and signal that gave a value how often it changed.
///
/// The refresh period is the median time between two changes: true to one poll, and only an upper bound for what moves less than once a
/// refresh, such as a temperature in whole degrees. What did not change twice has none, and 0 steps. Windows are those that the meter knows.
/// A poll that failed is a gap, across which no step is counted; so is a device that was lost.
///
/// ```no_run
/// # fn example(meter: &mut dyn isotherm_recording::Meter) {
/// use std::time::Duration;
/// use isotherm_recording::{Signal, probe};
/// let facts = probe::measure(meter, Duration::from_secs(2), Duration::from_millis(5));
/// let refresh_ms = facts[0][&Signal::Energy].refresh_ms;
/// assert!(refresh_ms.is_some_and(|refresh_ms| refresh_ms > 90.0), "an H200 counts its energy every 100 ms");
/// # }
/// ```
pub fn measure(meter: &mut dyn Meter, span: Duration, period: Duration) -> Vec<BTreeMap<Signal, SignalFacts>> {
    measure_at(meter, span, period, &mut SystemPace)
}

/// As [`measure`], at a pace of the caller's.
pub fn measure_at(
    meter: &mut dyn Meter,
    span: Duration,
    period: Duration,
    pace: &mut dyn Pace,
) -> Vec<BTreeMap<Signal, SignalFacts>> {
    let mut seen = vec![Changes::default(); meter.devices().len()];
    let mut readings = Vec::with_capacity(seen.len());
    let (span, period) = (nanos(span), nanos(period));
    let begun = pace.now();
    let mut due = begun;
    loop {
        let is_read = meter.read(&mut readings).is_ok();
        for (place, changes) in seen.iter_mut().enumerate() {
            changes.note(readings.get(place).filter(|_| is_read));
        }
        let now = pace.now();
        // What was missed is not made up for: two polls in a row would see nothing that one does not.
        due = due.saturating_add(period).max(now);
        if due.saturating_sub(begun) >= span || now.saturating_sub(begun) >= span {
            break;
        }
        pace.wait(Duration::from_nanos(due.abs_diff(now)));
    }
    seen.iter().zip(meter.devices()).map(|(changes, device)| changes.facts(&device.signals)).collect()
}

fn nanos(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

/// What was seen of one device.
#[derive(Clone, Debug)]
struct Changes {
    signals: [Steps; Signal::COUNT],
}

impl Default for Changes {
    fn default() -> Self {
        Self { signals: std::array::from_fn(|_| Steps::default()) }
    }
}

/// What was seen of one signal.
#[derive(Clone, Debug, Default)]
struct Steps {
    has_value: bool,
    last: Last,
    steps: Vec<i64>,
}

/// The last change of a signal.
#[derive(Clone, Copy, Debug, Default)]
enum Last {
    /// There is no value.
    #[default]
    None,
    /// It has been the same since it was first seen, and nobody knows for how long before.
    Found(i64),
    /// It was seen to change.
    Changed(i64),
}

impl Changes {
    fn note(&mut self, reading: Option<&Reading>) {
        let reading = reading.filter(|reading| reading.standing == Standing::Present);
        for (signal, steps) in Signal::ALL.into_iter().zip(&mut self.signals) {
            steps.note(reading.map(|reading| reading.get(signal)).unwrap_or_default());
        }
    }

    fn facts(&self, known: &BTreeMap<Signal, SignalFacts>) -> BTreeMap<Signal, SignalFacts> {
        let given = Signal::ALL.into_iter().zip(&self.signals).filter(|(_, steps)| steps.has_value);
        given
            .map(|(signal, steps)| {
                let window_ms = known.get(&signal).and_then(|facts| facts.window_ms);
                let count = u32::try_from(steps.steps.len()).unwrap_or(u32::MAX);
                (signal, SignalFacts { refresh_ms: steps.median_ms(), window_ms, steps: count })
            })
            .collect()
    }
}

impl Steps {
    fn note(&mut self, entry: Entry) {
        let Entry::Value { changed, .. } = entry else {
            self.last = Last::None;
            return;
        };
        self.has_value = true;
        self.last = match self.last {
            Last::None => Last::Found(changed),
            Last::Found(same) | Last::Changed(same) if same == changed => return,
            Last::Found(_) => Last::Changed(changed),
            Last::Changed(before) => {
                self.steps.push(changed.saturating_sub(before));
                Last::Changed(changed)
            }
        };
    }

    fn median_ms(&self) -> Option<f64> {
        let mut steps = self.steps.clone();
        steps.sort_unstable();
        let upper = *steps.get(steps.len() / 2)?;
        let lower = steps[(steps.len() - 1) / 2];
        Some((lower as f64 + upper as f64) / 2.0 * 1e-6)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;
    use crate::device::DeviceFacts;
    use crate::meter::MeterError;

    const MS: i64 = 1_000_000;

    /// A clock that moves only when somebody waits, or reads.
    #[derive(Clone, Default)]
    struct Clock(Arc<AtomicI64>);

    impl Pace for Clock {
        fn now(&mut self) -> i64 {
            self.0.load(Ordering::Relaxed)
        }

        fn wait(&mut self, time: Duration) {
            self.0.fetch_add(nanos(time), Ordering::Relaxed);
        }
    }

    /// A device whose energy moves every 100 ms, whose temperature stands still, and which has nothing else.
    struct Ticking {
        clock: Clock,
        devices: Vec<DeviceFacts>,
        last: Reading,
        polls: u32,
        call: Duration,
        fault: fn(u32, &mut Reading) -> bool,
    }

    impl Ticking {
        fn new(call_ms: u64, fault: fn(u32, &mut Reading) -> bool) -> Self {
            let window = SignalFacts { window_ms: Some(1000.0), ..SignalFacts::default() };
            let signals = BTreeMap::from([(Signal::Energy, window), (Signal::Power, window)]);
            Self {
                clock: Clock::default(),
                devices: vec![DeviceFacts { signals, ..DeviceFacts::default() }],
                last: Reading::default(),
                polls: 0,
                call: Duration::from_millis(call_ms),
                fault,
            }
        }
    }

    impl Meter for Ticking {
        fn source(&self) -> String {
            "a test".to_owned()
        }

        fn devices(&self) -> &[DeviceFacts] {
            &self.devices
        }

        fn read(&mut self, out: &mut Vec<Reading>) -> Result<(), MeterError> {
            let now = self.clock.now();
            let mut reading = Reading { begun: now, ended: now, ..Reading::default() };
            reading.set(Signal::Energy, Entry::Value { value: now / (100 * MS), changed: now });
            reading.set(Signal::Temperature, Entry::Value { value: 41, changed: now });
            let is_read = (self.fault)(self.polls, &mut reading);
            self.polls += 1;
            reading.age_from(&self.last);
            self.last = reading.clone();
            out.clear();
            out.push(reading);
            self.clock.wait(self.call);
            if is_read {
                Ok(())
            } else {
                Err(MeterError::Broken { source_name: "a test".to_owned(), why: "a fault".to_owned() })
            }
        }
    }

    fn probe(mut meter: Ticking, period_ms: u64) -> (BTreeMap<Signal, SignalFacts>, u32) {
        let mut clock = meter.clock.clone();
        let facts =
            measure_at(&mut meter, Duration::from_secs(2), Duration::from_millis(period_ms), &mut clock).remove(0);
        (facts, meter.polls)
    }

    #[test]
    fn refresh_is_the_median_step_between_changes() {
        let (facts, polls) = probe(Ticking::new(0, |_, _| true), 5);
        assert_eq!(polls, 400);
        // 19 changes in the 2 s after time 0, which are 18 steps.
        let energy = SignalFacts { refresh_ms: Some(100.0), window_ms: Some(1000.0), steps: 18 };
        let still = SignalFacts::default();
        assert_eq!(facts, BTreeMap::from([(Signal::Energy, energy), (Signal::Temperature, still)]));
    }

    #[test]
    fn a_meter_slower_than_the_period_is_polled_as_fast_as_it_goes() {
        let (facts, polls) = probe(Ticking::new(20, |_, _| true), 5);
        assert_eq!(polls, 100);
        assert_eq!(facts[&Signal::Energy].refresh_ms, Some(100.0));
    }

    #[test]
    fn no_step_is_counted_across_a_gap() {
        let lost = |poll: u32, reading: &mut Reading| {
            if (90..150).contains(&poll) {
                *reading = Reading { standing: Standing::Lost, ..Reading::default() };
            }
            true
        };
        let failed = |poll: u32, _: &mut Reading| !(90..150).contains(&poll);
        for fault in [lost as fn(u32, &mut Reading) -> bool, failed] {
            let (facts, _) = probe(Ticking::new(0, fault), 5);
            // Changes at 100 to 400 ms, then, after what was found at 750 ms, at 800 to 1900 ms.
            assert_eq!(facts[&Signal::Energy].steps, 3 + 11);
            assert_eq!(facts[&Signal::Energy].refresh_ms, Some(100.0));
        }
    }
}

//! Power as a meter gives it: a difference of energies over the time between them.

use std::collections::VecDeque;

use isotherm_core::hardware::{PowerSignal, Sensor};
use isotherm_core::telemetry::Truth;
use serde::{Deserialize, Serialize};

use super::beat::Beat;

/// What a power signal is the mean over, and when the true energy has to be known for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meter {
    signal: PowerSignal,
    /// Length of the mean (ns).
    window: u64,
    /// Unit of the counter (J), where it has one.
    step: f64,
    /// Ends of windows.
    pub(super) end: Beat,
    /// Starts of windows.
    pub(super) start: Beat,
}

impl Meter {
    pub(super) fn new(sensor: &Sensor) -> Self {
        let refresh = sensor.refresh.nanos();
        let (window, step) = match sensor.power {
            PowerSignal::Mean | PowerSignal::Exact => (sensor.power_window.nanos(), 0.0),
            PowerSignal::Instant => (sensor.instant_window.nanos(), 0.0),
            PowerSignal::Energy => (sensor.counter_tick.nanos(), sensor.counter_step.get()),
        };
        let (end, start) = match sensor.power {
            PowerSignal::Mean | PowerSignal::Instant => (Beat::every(refresh), Beat::before(refresh, window)),
            PowerSignal::Energy => (Beat::every(window), Beat::every(window)),
            PowerSignal::Exact => (Beat::every(refresh), Beat::every(refresh)),
        };
        Self { signal: sensor.power, window, step, end, start }
    }

    /// Whether energies are differences: else the power itself is read.
    fn is_mean(&self) -> bool {
        self.signal != PowerSignal::Exact
    }

    /// Notes the energy if a window starts or ends between `last` and `now` (ns).
    pub(super) fn note(&self, history: &mut History, last: Option<u64>, now: u64, truth: &[Truth]) {
        if self.is_mean() && (self.end.is_due(last, now) || self.start.is_due(last, now)) {
            // The counter's last two advances may lie up to two ticks back.
            let reach = if self.signal == PowerSignal::Energy { 2 * self.window } else { self.window };
            history.note(now, reach, truth);
        }
    }

    /// The reading at a refresh at `now` (ns).
    pub(super) fn at(&self, history: &History, now: u64) -> Reading {
        if !self.is_mean() {
            return Reading::Exact;
        }
        let to = match self.signal {
            PowerSignal::Energy => Beat::last_multiple(self.window, now),
            _ => now,
        };
        let from = i128::from(to) - i128::from(self.window);
        let (from, to) = (history.place(from), history.place(to.into()));
        Reading::Mean { from, to, seconds: seconds(self.window.into()), step: self.step }
    }
}

/// How the power of a GPU is read at one refresh.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reading {
    /// As it is.
    Exact,
    /// As the mean between two places of the history.
    Mean { from: Place, to: Place, seconds: f64, step: f64 },
}

impl Reading {
    /// Power of one GPU (W); not a finite number where it is not known.
    pub(super) fn watts(&self, history: &History, gpu: usize, truth: &Truth) -> f64 {
        match *self {
            Self::Exact => truth.power.get(),
            Self::Mean { from, to, seconds, step } => {
                let counter = |place| counted(history.joules(place, gpu), step);
                (counter(to) - counter(from)) / seconds
            }
        }
    }
}

/// What a counter in whole multiples of `step` shows.
fn counted(joules: f64, step: f64) -> f64 {
    if step > 0.0 { (joules / step).floor() * step } else { joules }
}

/// The true energies that windows still need.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct History {
    /// Power of every GPU before the first mark (W).
    before: Vec<f64>,
    /// By ascending time.
    marks: VecDeque<Mark>,
}

/// Energies of all GPUs at one instant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Mark {
    /// Time (ns).
    at: u64,
    /// Energy of every GPU (J).
    joules: Vec<f64>,
}

/// Where an instant lies in a history.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// So long before the first mark (s).
    Before(f64),
    /// On the way from a mark to the next, by this part of it.
    After { mark: usize, part: f64 },
}

impl History {
    /// Notes the energies at `now` (ns), which is not earlier than the last mark, and forgets what is further back than `reach` (ns).
    fn note(&mut self, now: u64, reach: u64, truth: &[Truth]) {
        if self.marks.is_empty() {
            self.before = truth.iter().map(|truth| truth.power.get()).collect();
        }
        let mut joules = Vec::new();
        // The mark at or before the furthest instant stays: what lies after it is between two marks.
        while self.marks.get(1).is_some_and(|mark| mark.at.saturating_add(reach) <= now) {
            joules = self.marks.pop_front().map(|mark| mark.joules).unwrap_or_default();
        }
        joules.clear();
        joules.extend(truth.iter().map(|truth| truth.energy.get()));
        self.marks.push_back(Mark { at: now, joules });
    }

    /// Where `at` (ns) lies.
    fn place(&self, at: i128) -> Place {
        let mark = self.marks.partition_point(|mark| i128::from(mark.at) <= at);
        let Some(mark) = mark.checked_sub(1) else {
            let first = self.marks.front().map_or(0, |mark| mark.at);
            return Place::Before(seconds(i128::from(first) - at));
        };
        let from = self.marks[mark].at;
        let part = self
            .marks
            .get(mark + 1)
            .map_or(0.0, |next| seconds(at - i128::from(from)) / seconds(i128::from(next.at - from)));
        Place::After { mark, part }
    }

    /// Energy of a GPU at a place (J); not a number where nothing was noted.
    fn joules(&self, place: Place, gpu: usize) -> f64 {
        let mark = |mark: usize| self.marks.get(mark).map_or(f64::NAN, |mark| mark.joules[gpu]);
        match place {
            Place::Before(seconds) if seconds > 0.0 => mark(0) - self.before.get(gpu).map_or(0.0, |w| w * seconds),
            Place::Before(_) => mark(0),
            // The next mark may not be known, and is not asked for where nothing depends on it.
            Place::After { mark: at, part: 0.0 } => mark(at),
            Place::After { mark: at, part } => mark(at) + part * (mark(at + 1) - mark(at)),
        }
    }

    /// Whether this can be what `gpus` GPUs left behind up to `last` (ns).
    pub(super) fn is_sound(&self, gpus: usize, last: Option<u64>) -> bool {
        let rises = self.marks.iter().zip(self.marks.iter().skip(1)).all(|(a, b)| a.at < b.at);
        let complete = self.marks.iter().all(|mark| mark.joules.len() == gpus);
        let is_past = self.marks.back().is_none_or(|mark| last.is_some_and(|last| mark.at <= last));
        let before = if self.marks.is_empty() { 0 } else { gpus };
        rises && complete && is_past && self.before.len() == before
    }
}

fn seconds(nanos: i128) -> f64 {
    nanos as f64 / 1e9
}

//! Time of a live run, so that its logic can be tried without waiting.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use isotherm_recording::meter::unix_nanos;

/// What is done again and again; `false` ends it.
pub type Action = Box<dyn FnMut() -> bool + Send>;

/// Tells the time, waits, and lets something be done periodically beside the caller.
pub trait Clock: Send + Sync {
    /// Unix time (ns), never decreasing.
    fn now(&self) -> i64;

    /// Waits (s).
    fn sleep(&self, seconds: f64);

    /// Does something now and then every `seconds`, until it says `false` or what is returned is dropped.
    fn every(&self, seconds: f64, action: Action) -> Ticking;
}

/// Something that is being done periodically; dropping it ends it and waits for the turn in hand.
#[derive(Debug)]
pub struct Ticking {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic in there has been shown already.
            let _ = thread.join();
        }
    }
}

/// The real clock: Unix time at the start, and from then on a clock that nobody sets.
#[derive(Clone, Copy, Debug)]
pub struct WallClock {
    unix: i64,
    started: Instant,
}

impl Default for WallClock {
    fn default() -> Self {
        Self { unix: unix_nanos(), started: Instant::now() }
    }
}

impl Clock for WallClock {
    fn now(&self) -> i64 {
        self.unix + i64::try_from(self.started.elapsed().as_nanos()).unwrap_or(i64::MAX / 2)
    }

    fn sleep(&self, seconds: f64) {
        std::thread::sleep(duration(seconds));
    }

    fn every(&self, seconds: f64, mut action: Action) -> Ticking {
        let stop = Arc::new(AtomicBool::new(false));
        let (flag, period) = (Arc::clone(&stop), duration(seconds));
        let thread = std::thread::spawn(move || {
            let mut due = Instant::now();
            while !flag.load(Ordering::Relaxed) && action() {
                // A turn that took too long is not made up for.
                due = (due + period).max(Instant::now());
                while let Some(left) = due.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
                    if flag.load(Ordering::Relaxed) {
                        return;
                    }
                    std::thread::park_timeout(left);
                }
            }
        });
        Ticking { stop, thread: Some(thread) }
    }
}

fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}

/// A clock that only moves when somebody waits, and does what is due on the way: a minute of a run in a moment, the same every time.
///
/// ```
/// use std::sync::{Arc, atomic::{AtomicU32, Ordering}};
/// use isotherm::live::clock::{Clock, StepClock};
/// let (clock, count) = (StepClock::default(), Arc::new(AtomicU32::new(0)));
/// let counter = Arc::clone(&count);
/// let ticking = clock.every(0.25, Box::new(move || counter.fetch_add(1, Ordering::Relaxed) < 100));
/// clock.sleep(1.0);
/// drop(ticking);
/// clock.sleep(1.0);
/// assert_eq!((clock.now(), count.load(Ordering::Relaxed)), (2_000_000_000, 5));
/// ```
#[derive(Default)]
pub struct StepClock {
    now: AtomicI64,
    due: Mutex<Vec<Due>>,
}

struct Due {
    at: i64,
    period: i64,
    stop: Arc<AtomicBool>,
    action: Action,
}

impl StepClock {
    /// What is due first up to `end`.
    fn take_due(&self, end: i64) -> Option<Due> {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        due.retain(|due| !due.stop.load(Ordering::Relaxed));
        let first = (0..due.len()).min_by_key(|index| due[*index].at)?;
        (due[first].at <= end).then(|| due.swap_remove(first))
    }
}

impl Clock for StepClock {
    fn now(&self) -> i64 {
        self.now.load(Ordering::Relaxed)
    }

    fn sleep(&self, seconds: f64) {
        let end = self.now() + nanos(seconds);
        while let Some(mut due) = self.take_due(end) {
            self.now.store(due.at.max(self.now()), Ordering::Relaxed);
            if (due.action)() {
                due.at += due.period;
                self.due.lock().unwrap_or_else(PoisonError::into_inner).push(due);
            }
        }
        self.now.store(end, Ordering::Relaxed);
    }

    fn every(&self, seconds: f64, mut action: Action) -> Ticking {
        let stop = Arc::new(AtomicBool::new(false));
        if action() {
            let period = nanos(seconds).max(1);
            let due = Due { at: self.now() + period, period, stop: Arc::clone(&stop), action };
            self.due.lock().unwrap_or_else(PoisonError::into_inner).push(due);
        }
        Ticking { stop, thread: None }
    }
}

/// Nanoseconds of a time in seconds.
pub(crate) fn nanos(seconds: f64) -> i64 {
    (seconds * 1e9).round() as i64
}

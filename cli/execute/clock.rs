//! The clock that live runs are held to, and how far they were behind it.
//!
//! A trait, so that nothing but a live run waits: tests bring a clock that stands still until somebody sleeps.

use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use isotherm_core::time::SimTime;
use serde::{Deserialize, Serialize};

/// A clock that goes on by itself.
pub trait Clock: Debug + Send + Sync {
    /// Time since some fixed instant; never goes back.
    fn now(&self) -> Duration;

    /// Returns when [`Clock::now`] is `at` or later, at once if it is already.
    fn sleep_until(&self, at: Duration);
}

/// The clock on the wall, from when this value was made.
#[derive(Clone, Copy, Debug)]
pub struct WallClock(Instant);

impl Default for WallClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for WallClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep_until(&self, at: Duration) {
        std::thread::sleep(at.saturating_sub(self.now()));
    }
}

impl isotherm_core::profiler::Clock for WallClock {
    fn nanos(&self) -> u64 {
        // Of the first 584 years.
        self.0.elapsed().as_nanos() as u64
    }
}

/// How late the instants of a run were handled.
///
/// ```
/// use std::time::Duration;
/// use isotherm::execute::Lag;
/// let mut lag = Lag::default();
/// lag.note(Duration::from_millis(1));
/// lag.note(Duration::from_millis(3));
/// assert_eq!((lag.instants, lag.mean_s, lag.largest_s), (2, 0.002, 0.003));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Lag {
    /// Instants at which something happened.
    pub instants: u64,
    /// Mean time from when they were due to when they were handled (s).
    pub mean_s: f64,
    /// The longest (s).
    pub largest_s: f64,
}

impl Lag {
    /// One more instant, handled `late` after it was due.
    pub fn note(&mut self, late: Duration) {
        let seconds = late.as_secs_f64();
        *self = self.and(&Self { instants: 1, mean_s: seconds, largest_s: seconds });
    }

    /// Of both together.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let instants = self.instants + other.instants;
        let seconds = self.mean_s * self.instants as f64 + other.mean_s * other.instants as f64;
        let mean_s = if instants == 0 { 0.0 } else { seconds / instants as f64 };
        Self { instants, mean_s, largest_s: self.largest_s.max(other.largest_s) }
    }
}

/// Longest sleep without a look at whether to stop.
const LOOK: Duration = Duration::from_millis(100);

/// Holds one run to a clock: simulated time t is start + t.
pub(super) struct Pacer<'a> {
    clock: &'a dyn Clock,
    start: Duration,
    stop: &'a AtomicBool,
    /// How late it was so far.
    pub(super) lag: Lag,
}

impl<'a> Pacer<'a> {
    /// Simulated time 0 is now.
    pub(super) fn from_now(clock: &'a dyn Clock, stop: &'a AtomicBool) -> Self {
        Self { clock, start: clock.now(), stop, lag: Lag::default() }
    }

    /// Waits until `at` has come and notes how late it is; `false` if `stop` was set.
    pub(super) fn wait_for(&mut self, at: SimTime) -> bool {
        let due = self.start.saturating_add(Duration::from_nanos(at.nanos()));
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return false;
            }
            let now = self.clock.now();
            if now >= due {
                self.lag.note(now - due);
                return true;
            }
            self.clock.sleep_until(due.min(now + LOOK));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Only sleepers move it; every sleep ends a little late and is remembered.
    #[derive(Debug, Default)]
    struct Sleepy {
        now: Mutex<Duration>,
        naps: Mutex<Vec<Duration>>,
    }

    impl Clock for Sleepy {
        fn now(&self) -> Duration {
            *self.now.lock().unwrap()
        }

        fn sleep_until(&self, at: Duration) {
            self.naps.lock().unwrap().push(at - self.now());
            *self.now.lock().unwrap() = at + Duration::from_millis(1);
        }
    }

    #[test]
    fn long_waits_are_cut_into_naps_and_what_is_over_is_not_waited_for() {
        let (clock, stop) = (Sleepy::default(), AtomicBool::new(false));
        clock.sleep_until(Duration::from_secs(7));
        clock.naps.lock().unwrap().clear();
        let mut pacer = Pacer::from_now(&clock, &stop);
        assert!(pacer.wait_for(SimTime::from_nanos(250_000_000)));
        let naps: Vec<u128> = clock.naps.lock().unwrap().iter().map(Duration::as_millis).collect();
        assert_eq!(naps, [100, 100, 48], "each ends 1 ms late");
        assert!(pacer.wait_for(SimTime::from_nanos(249_000_000)));
        assert_eq!(clock.naps.lock().unwrap().len(), 3);
        assert_eq!((pacer.lag.instants, pacer.lag.largest_s), (2, 0.002));

        stop.store(true, Ordering::Relaxed);
        assert!(!pacer.wait_for(SimTime::ZERO), "a stop is seen even where nothing is waited for");
    }

    #[test]
    fn the_clock_on_the_wall_is_never_early() {
        let clock = WallClock::default();
        let at = clock.now() + Duration::from_millis(2);
        clock.sleep_until(at);
        assert!(clock.now() >= at);
        clock.sleep_until(Duration::ZERO);
    }
}

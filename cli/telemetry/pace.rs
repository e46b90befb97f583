//! When the next poll is due.

use std::time::Duration;

/// Deadlines at fixed multiples of a period from the start: a late poll moves no later one, so a rate has no drift.
///
/// A deadline that has passed before its poll could begin is skipped and counted. Catching up would put two polls next to each other and
/// pretend that both were in time.
///
/// ```
/// use isotherm::telemetry::Pace;
/// use std::time::Duration;
/// let mut pace = Pace::new(Duration::from_millis(50));
/// assert_eq!(pace.following(Duration::from_millis(8)), Duration::from_millis(50));
/// assert_eq!(pace.following(Duration::from_millis(171)), Duration::from_millis(200), "100 and 150 have passed");
/// assert_eq!(pace.dropped(), 2);
/// ```
#[derive(Clone, Debug)]
pub struct Pace {
    period: Duration,
    /// Number of the deadline that was kept last; the start is number 0.
    kept: u64,
    dropped: u64,
}

impl Pace {
    /// Deadlines every `period`, the first at the start.
    #[must_use]
    pub fn new(period: Duration) -> Self {
        Self { period: period.max(Duration::from_nanos(1)), kept: 0, dropped: 0 }
    }

    /// The first deadline that has not passed, seen from `now`, as time since the start. Called once after every poll.
    pub fn following(&mut self, now: Duration) -> Duration {
        let period = self.period.as_nanos();
        let reachable = u64::try_from(now.as_nanos().div_ceil(period)).unwrap_or(u64::MAX);
        let next = reachable.max(self.kept.saturating_add(1));
        self.dropped += next - self.kept - 1;
        self.kept = next;
        let nanos = period.saturating_mul(u128::from(next));
        Duration::new((nanos / 1_000_000_000) as u64, (nanos % 1_000_000_000) as u32)
    }

    /// Deadlines skipped so far.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Duration = Duration::from_millis(1);

    #[test]
    fn late_polls_move_no_deadline() {
        let mut pace = Pace::new(20 * MILLI);
        let mut now = Duration::ZERO;
        for poll in 1..=10_000u32 {
            // Every poll takes between nothing and a period.
            let done = now + (poll % 20) * MILLI;
            now = pace.following(done);
            assert_eq!(now, 20 * poll * MILLI);
        }
        assert_eq!(pace.dropped(), 0);
    }

    #[test]
    fn what_has_passed_is_skipped_and_counted() {
        let mut pace = Pace::new(10 * MILLI);
        assert_eq!(pace.following(10 * MILLI), 10 * MILLI, "just in time");
        assert_eq!(pace.following(55 * MILLI), 60 * MILLI);
        assert_eq!(pace.dropped(), 4, "20, 30, 40 and 50");
        assert_eq!(pace.following(60 * MILLI), 70 * MILLI, "one poll a deadline");
        assert_eq!(pace.dropped(), 4);
    }

    #[test]
    fn a_third_of_a_second_does_not_drift_in_a_day() {
        let mut pace = Pace::new(Duration::from_nanos(333_333_333));
        let mut due = Duration::ZERO;
        for _ in 0..259_200 {
            due = pace.following(due + MILLI);
        }
        assert_eq!(due, Duration::from_nanos(333_333_333 * 259_200));
    }
}

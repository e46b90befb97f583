//! How long to wait before what did not answer is tried again.

/// First wait (ns).
const FIRST: i64 = 1_000_000_000;
/// Longest wait (ns).
const LONGEST: i64 = 30_000_000_000;

/// The next attempt. Every failure doubles the wait, from 1 s up to 30 s: attaching a broken device can block for seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BackOff {
    at: i64,
    wait: i64,
}

impl BackOff {
    /// After a first failure at `now` (ns).
    pub(crate) const fn since(now: i64) -> Self {
        Self { at: now.saturating_add(FIRST), wait: FIRST }
    }

    /// Whether to try now. A clock that was set back is no reason to wait for hours.
    pub(crate) const fn is_due(self, now: i64) -> bool {
        now >= self.at || self.at.saturating_sub(now) > self.wait
    }

    /// After a further failure at `now`.
    pub(crate) fn again(self, now: i64) -> Self {
        let wait = (self.wait * 2).min(LONGEST);
        Self { at: now.saturating_add(wait), wait }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_half_a_minute() {
        let mut now = 0;
        let mut next = BackOff::since(now);
        let mut waits = Vec::new();
        for _ in 0..8 {
            assert!(!next.is_due(next.at - 1) && next.is_due(next.at));
            waits.push((next.at - now) / 1_000_000_000);
            now = next.at;
            next = next.again(now);
        }
        assert!(next.is_due(next.at - LONGEST - 1), "the clock was set back");
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
    }
}

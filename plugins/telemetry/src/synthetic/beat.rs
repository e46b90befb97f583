//! Instants that come again and again.

/// The instants `offset + k step` (ns), k = 0, 1, ...
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Beat {
    step: u64,
    offset: u64,
}

impl Beat {
    /// Every multiple of `step`, which is not zero.
    pub(super) const fn every(step: u64) -> Self {
        Self { step, offset: 0 }
    }

    /// `lead` before every multiple of `step`, as far as that is not before the start.
    pub(super) const fn before(step: u64, lead: u64) -> Self {
        Self { step, offset: (step - lead % step) % step }
    }

    /// How many there are up to `now`, `now` included.
    const fn count(self, now: u64) -> u64 {
        if now < self.offset { 0 } else { (now - self.offset) / self.step + 1 }
    }

    /// Whether there is one after `last` and not after `now`; always the first time.
    pub(super) fn is_due(self, last: Option<u64>, now: u64) -> bool {
        last.is_none_or(|last| self.count(now) > self.count(last))
    }

    /// The first one after `now`, if the clock can name it.
    pub(super) fn next(self, now: u64) -> Option<u64> {
        self.count(now).checked_mul(self.step)?.checked_add(self.offset)
    }

    /// The last multiple of `step` up to `now`.
    pub(super) const fn last_multiple(step: u64, now: u64) -> u64 {
        now - now % step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beat_comes_at_its_instants_and_at_no_other() {
        for (beat, step, offset) in [
            (Beat::every(100), 100, 0),
            (Beat::before(100, 25), 100, 75),
            (Beat::before(100, 1000), 100, 0),
            (Beat::before(70, 1000), 70, 50),
        ] {
            let is_one = |now: u64| now % step == offset;
            for now in 1..400 {
                assert_eq!(beat.is_due(Some(now - 1), now), is_one(now), "{beat:?} {now}");
                assert_eq!(beat.next(now - 1), (now..).find(|next| is_one(*next)), "{beat:?} {now}");
            }
            assert!(beat.is_due(None, 3));
        }
        assert_eq!(Beat::every(u64::MAX / 2 + 1).next(u64::MAX - 1), None);
    }
}

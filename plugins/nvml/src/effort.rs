//! How much a poll may cost, and so how often each signal is asked for.
//!
//! Measured on an H100 (driver 580.159.04), processor time a call, idle and under load: most answers come from memory that the driver shares,
//! 20 to 60 us. Others wake the device's own processor while this one waits busily: energy 4.1 to 5.3 ms, margin 1.2 to 1.3 ms, a violation
//! time 1.2 to 1.4 ms. At 20 Hz, energy alone would take a tenth of a core.

use isotherm_recording::Signal;

/// How much a meter may cost. What is not asked for at a poll keeps the value and the instant of change of when it was.
///
/// ```
/// use isotherm_nvml::Effort;
/// assert_eq!(Effort::default(), Effort::Spare);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effort {
    /// Under 1 % of a core a GPU at 20 Hz. Powers at every poll; what a driver refreshes every 100 ms or so at most so often; performance
    /// state and power limit once a second; energy and power violation every two seconds; margin and thermal violation every ten.
    #[default]
    Spare,
    /// As [`Effort::Spare`] but energy at every poll: for recordings that a profile is to be fitted to. About a tenth of a core at 20 Hz.
    Energy,
    /// Everything at every poll: for measuring how often each signal is refreshed.
    Full,
}

impl Effort {
    /// Whether a signal is asked for at every poll, however dear.
    pub(crate) fn is_always(self, signal: Signal) -> bool {
        match self {
            Self::Spare => false,
            Self::Energy => signal == Signal::Energy,
            Self::Full => true,
        }
    }
}

/// How often a signal is worth what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Often {
    /// At every poll.
    Always,
    /// As often as drivers refresh it.
    AsRefreshed,
    /// What changes when somebody changes it.
    EverySecond,
    /// What is dear.
    EveryTwoSeconds,
    /// What is dear and says little.
    EveryTenSeconds,
}

impl Often {
    /// Number of them.
    pub(crate) const COUNT: usize = 5;

    /// All of them, each at its own place.
    pub(crate) const ALL: [Self; Self::COUNT] =
        [Self::Always, Self::AsRefreshed, Self::EverySecond, Self::EveryTwoSeconds, Self::EveryTenSeconds];

    const fn period(self) -> i64 {
        let milliseconds = match self {
            Self::Always => 0,
            Self::AsRefreshed => 100,
            Self::EverySecond => 1000,
            Self::EveryTwoSeconds => 2000,
            Self::EveryTenSeconds => 10_000,
        };
        milliseconds * 1_000_000
    }

    /// Whether to ask now. A clock that was set back is no reason to wait for hours.
    pub(crate) const fn is_due(self, due: i64, now: i64) -> bool {
        now >= due || due.saturating_sub(now) > self.period()
    }

    /// When it is due after a call at `now` that was due at `due` (ns): in step with the calls before, unless it has fallen behind.
    pub(crate) const fn next(self, due: i64, now: i64) -> i64 {
        let in_step = due.saturating_add(self.period());
        if in_step > now && in_step.saturating_sub(now) <= self.period() {
            in_step
        } else {
            now.saturating_add(self.period() - EARLY)
        }
    }
}

/// How much too early a poll may come without being put off to the next one (ns).
const EARLY: i64 = 10_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_keep_step_with_polls_that_come_early_and_late() {
        let of = |often: Often, polls: &[i64]| {
            let mut due = i64::MIN;
            let is_called = |poll: &i64| {
                let now = *poll * 1_000_000;
                let is_due = often.is_due(due, now);
                if is_due {
                    due = often.next(due, now);
                }
                is_due
            };
            polls.iter().copied().filter(is_called).collect::<Vec<_>>()
        };
        let polls = [0, 49, 103, 149, 197, 251, 302, 348, 395];
        assert_eq!(of(Often::AsRefreshed, &polls), [0, 103, 197, 302, 395]);
        assert_eq!(of(Often::AsRefreshed, &[0, 700, 750, 795]), [0, 700, 795], "what was missed is not made up for");
        assert_eq!(of(Often::AsRefreshed, &[9000, 9050, 20, 70, 120]), [9000, 20, 120], "the clock was set back");
        assert_eq!(of(Often::Always, &polls), polls);
        assert!(Often::ALL.iter().enumerate().all(|(place, often)| *often as usize == place));
    }
}

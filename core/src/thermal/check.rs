//! When to look again at a leaking device that may cross a threshold: bounds from both sides.
//!
//! Under the exponential law a crossing has no closed form, but it can be enclosed. Around every leaking node's temperature lies a
//! tube. As long as all of them stay inside, each remainder lies between its least and its greatest value in its tube. A
//! conductance matrix has no positive entry off its diagonal, so more power anywhere is never cooler anywhere: the solution
//! with all remainders at their greatest is above the true one, that with the least below it. Both are sums of exponentials, whose
//! first crossings the guaranteed search finds. The time at which either leaves a tube ends what the enclosure says.

use super::leakage::{LeakageLaw, LeakyModes, Source};

/// The answer of [`LeakyModes::next_check`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Check {
    /// Seconds from now.
    pub after_seconds: f64,
    /// Whether the threshold is reached then (to a nanosecond). Otherwise it is not reached before: settle then, and ask again.
    pub certain: bool,
}

/// A device whose threshold is watched; see [`LeakyModes::next_check`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Watch {
    /// The node watched.
    pub node: usize,
    /// The threshold (degC).
    pub threshold: f64,
    /// Whether it is awaited from below.
    pub rising: bool,
    /// No answer later than this is wanted (s).
    pub horizon: f64,
}

/// One tick of the clock (s): two bounds this close are one instant.
const TICK_S: f64 = 1e-9;

/// Narrowest half-width of a tube (K): narrower ones only make checks more frequent.
const TUBE_K: f64 = 0.05;

impl LeakyModes {
    /// When `watch.node` reaches its threshold, or when to ask again; `None` if it does not within the horizon.
    ///
    /// The linear law answers exactly. Under the exponential law the answer is certain when the bounds from both sides agree to
    /// a nanosecond, and else a time before which no crossing can be: an event scheduled for it is never late. Every check is a few times
    /// to a few hundred times closer than the one before, so three or four lead to the crossing; a temperature that hovers
    /// just under its threshold costs a check for every tube it leaves.
    /// `spare` is a buffer of two drives.
    ///
    /// ```
    /// use isotherm_core::thermal::{Leakage, LeakageLaw, LeakyModes, RcNetwork, Watch};
    /// let network = RcNetwork::new(&[12.0, 900.0], &[(0, 1, 60.0)], &[0.0, 22.0]).unwrap();
    /// let leakage = Leakage { node: 0, watts: 60.0, at: 41.0, per_kelvin: 0.015, design: 45.0 };
    /// let leaky = LeakyModes::new(&network, &[leakage], LeakageLaw::Linear).unwrap();
    /// let (mut drive, mut spare) = (vec![0.0; 2], vec![0.0; 4]);
    /// leaky.drive_into(&[500.0, 0.0], 30.0, &mut drive);
    /// let mut state = leaky.modes().state(&[30.0, 30.0]);
    /// let watch = Watch { node: 0, threshold: 45.0, rising: true, horizon: 3600.0 };
    /// let check = leaky.next_check(&state, &drive, &watch, &mut spare).unwrap();
    /// assert!(check.certain);
    /// leaky.modes().settle(&mut state, &drive, check.after_seconds);
    /// assert!((leaky.modes().temperature(&state, 0) - 45.0).abs() < 1e-9);
    /// ```
    #[must_use]
    pub fn next_check(&self, state: &[f64], drive: &[f64], watch: &Watch, spare: &mut Vec<f64>) -> Option<Check> {
        let &Watch { node, threshold, rising, horizon } = watch;
        let crossing = |drive: &[f64], node, threshold, rising, horizon| {
            self.modes.first_crossing(state, drive, node, threshold, rising, horizon)
        };
        if self.law == LeakageLaw::Linear {
            let after = crossing(drive, node, threshold, rising, horizon)?;
            return Some(Check { after_seconds: after, certain: true });
        }
        let now = self.modes.temperature(state, node);
        if if rising { now >= threshold } else { now <= threshold } {
            return Some(Check { after_seconds: 0.0, certain: true });
        }
        let n = self.modes.modes();
        spare.resize(2 * n, 0.0);
        let (least, most) = spare.split_at_mut(n);
        least.copy_from_slice(drive);
        most.copy_from_slice(drive);
        let half = (2.0 * (threshold - now).abs()).max(TUBE_K);
        // Within a tube the leakage grows by the factor e at most: a wider one would promise a power that is never reached, and
        // so checks that come without end.
        let tube = |source: &Source| {
            let temperature = self.modes.temperature(state, source.leakage.node);
            let half = half.min((1.0 / source.leakage.per_kelvin).max(TUBE_K));
            (temperature - half, temperature + half)
        };
        for source in &self.sources {
            let (low, high) = tube(source);
            let (floor, ceiling) = source.remainder_range(low, high);
            self.modes.add_power(least, source.leakage.node, floor);
            self.modes.add_power(most, source.leakage.node, ceiling);
        }
        // The bound that crosses first, and the one that crosses last.
        let (early, late) = if rising { (&*most, &*least) } else { (&*least, &*most) };
        let first = crossing(early, node, threshold, rising, horizon);
        let mut end = first.unwrap_or(f64::INFINITY).min(horizon);
        let mut left_tube = false;
        for source in &self.sources {
            let leaks = source.leakage.node;
            let (low, high) = tube(source);
            for (bound, limit, up) in [(&*most, high, true), (&*least, low, false)] {
                if let Some(exit) = crossing(bound, leaks, limit, up, end) {
                    left_tube |= exit < end;
                    end = end.min(exit);
                }
            }
        }
        if left_tube {
            return Some(Check { after_seconds: end.max(TICK_S), certain: false });
        }
        let first = first?;
        let agreed = crossing(late, node, threshold, rising, first + TICK_S);
        Some(match agreed {
            Some(after) => Check { after_seconds: after, certain: true },
            None => Check { after_seconds: first.max(TICK_S), certain: false },
        })
    }
}

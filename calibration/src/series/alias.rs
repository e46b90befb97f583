//! Loads that go on and off near the sensors' 100 ms, found by the flicker of the energy counter's differences.

use super::Standing;

/// Relative change from one interval to the next that counts as flicker; chosen by eye on single-1 and holds-3.
const FLICKER: f64 = 0.15;
/// Share of flickering intervals above which a load aliases.
const SHARE: f64 = 0.2;
/// The same where no phases are known: a lone spike in a short window must not look like a load of its own.
const SHARE_WITHOUT_PHASES: f64 = 0.3;
/// Half of the time over which the share is taken (s).
const HALF_WINDOW: f64 = 1.0;
/// Sensors and die need this long to forget an aliased load (s).
const AFTER: f64 = 1.0;

/// What may be said about each instant. `phases` are (start, end, duty); `fine` whether the powers are counter differences,
/// without which no flicker can be seen.
pub(super) fn standing(time: &[f64], power: &[f64], phases: &[(f64, f64, f64)], fine: bool) -> Vec<Standing> {
    let mut standing = vec![Standing::Continuous; time.len()];
    let flickers: Vec<bool> = (0..power.len())
        .map(|k| {
            let before = power[k.saturating_sub(1)];
            (power[k] - before).abs() > FLICKER * 0.5 * (power[k] + before)
        })
        .collect();
    let share = |from: f64, to: f64| {
        let range = time.partition_point(|t| *t < from)..time.partition_point(|t| *t < to).min(power.len());
        let inside = flickers.get(range).unwrap_or_default();
        inside.iter().filter(|flicker| **flicker).count() as f64 / inside.len().max(1) as f64
    };
    let mut mark = |from: f64, to: f64| {
        let range = time.partition_point(|t| *t < from)..time.partition_point(|t| *t <= to);
        standing[range].fill(Standing::Aliased);
    };
    if phases.is_empty() {
        if fine {
            for at in time.iter().filter(|at| share(*at - HALF_WINDOW, *at + HALF_WINDOW) > SHARE_WITHOUT_PHASES) {
                mark(at - 0.5 * HALF_WINDOW, at + AFTER);
            }
        }
    } else {
        let cycled = || phases.iter().filter(|(_, _, duty)| *duty > 0.0 && *duty < 1.0);
        // One recorder has one duty period, so its phases are judged together: short ones alone hold too few intervals.
        // One step at either end is no flicker, and a period far from 100 ms shows none.
        let seconds: f64 = cycled().map(|(from, to, _)| to - from).sum();
        let flickering: f64 = cycled().map(|(from, to, _)| share(from + 0.25, to - 0.1) * (to - from)).sum();
        // Without a counter the duty is all there is to go by.
        if !fine || flickering > SHARE * seconds {
            cycled().for_each(|(from, to, _)| mark(*from, to + AFTER));
        }
    }
    standing
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 30 s at a 100 ms grid: 10 s steady, 10 s beating, 10 s steady at another level.
    fn beating() -> (Vec<f64>, Vec<f64>) {
        let time: Vec<f64> = (0..=300).map(|k| f64::from(k) * 0.1).collect();
        let power = (0..300).map(|k| match k {
            0..100 => 125.0,
            100..200 if k % 3 == 0 => 650.0,
            100..200 => 330.0,
            _ => 690.0 + f64::from(k % 5),
        });
        (time, power.collect())
    }

    #[test]
    fn beating_is_found_with_and_without_phases() {
        let (time, power) = beating();
        for phases in [vec![], vec![(0.0, 10.0, 1.0), (10.0, 20.0, 0.5), (20.0, 30.0, 1.0)]] {
            let standing = standing(&time, &power, &phases, true);
            let aliased = |k: usize| standing[k] == Standing::Aliased;
            assert!(!aliased(50) && !aliased(250), "steady loads are not aliased");
            assert!((110..195).all(aliased), "beating loads are");
        }
    }

    #[test]
    fn a_slow_square_wave_is_continuous() {
        let time: Vec<f64> = (0..=300).map(|k| f64::from(k) * 0.1).collect();
        let power: Vec<f64> = (0..300).map(|k| if k / 15 % 2 == 0 { 125.0 } else { 690.0 }).collect();
        assert!(standing(&time, &power, &[], true).iter().all(|s| *s == Standing::Continuous));
    }
}

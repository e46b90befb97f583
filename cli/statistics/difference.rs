//! The difference of two means: on the same tokens, or on different ones.

use super::spread::Spread;
use super::{Estimate, Interval, bootstrap, student};

/// Differences below this share of what is compared are rounding, and count as none.
///
/// Energies are sums of up to some million terms, each rounded at 1e-16 of the sum: two routers that decide alike may differ by 1e-13.
const ROUNDING: f64 = 1e-12;

/// How much larger the second of two means is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// Mean difference and its interval.
    pub estimate: Estimate,
    /// Two-sided p-value of the t test that there is no difference, also beside a bootstrap interval; absent where a side
    /// has one value, or pairs are one.
    pub p_value: Option<f64>,
}

/// `second - first`, value by value: the same seed on the same tokens. `None` if they are not equally many, or none.
///
/// `scale` is the natural size of the values where they may all be close to zero: 100 for a percentage, 1 for a share, 0 if there is
/// none; differences below 1e-12 of it, or of the values themselves, are rounding and count as none. Without any spread p
/// is 1 if there is no difference and 0 if there is one.
///
/// ```
/// use isotherm::statistics::{Interval, paired};
/// // The seeds differ by far more than the routers, but every seed says the same of them.
/// let found = paired(&[10.0, 20.0, 30.0], &[9.1, 19.0, 28.9], 0.0, Interval::StudentT).unwrap();
/// assert!((found.estimate.mean + 1.0).abs() < 1e-12 && found.p_value.unwrap() < 0.01);
/// let same = paired(&[10.0, 20.0], &[10.0, 20.0], 0.0, Interval::StudentT).unwrap();
/// assert_eq!((same.estimate.mean, same.p_value), (0.0, Some(1.0)));
/// ```
#[must_use]
pub fn paired(first: &[f64], second: &[f64], scale: f64, interval: Interval) -> Option<Difference> {
    if first.len() != second.len() {
        return None;
    }
    let differences: Vec<f64> =
        first.iter().zip(second).map(|(a, b)| without_rounding(b - a, scale.max(a.abs()).max(b.abs()))).collect();
    let spread = Spread::of(&differences)?;
    let p_value = (spread.count > 1).then(|| p_value(spread.mean, spread.error, spread.freedom()));
    Some(Difference { estimate: interval.estimate(&differences)?, p_value })
}

/// mean(`second`) - mean(`first`) of values that have nothing to do with each other: Welch's t test, with the degrees of freedom
/// of Satterthwaite, or a bootstrap of both. `None` if a side has nothing; `scale` as for [`paired`].
///
/// ```
/// use isotherm::statistics::{Interval, welch};
/// let found = welch(&[10.0, 20.0, 30.0], &[9.1, 19.0, 28.9], 0.0, Interval::StudentT).unwrap();
/// assert!(found.p_value.unwrap() > 0.9, "one among seeds that differ by ten is nothing");
/// ```
#[must_use]
pub fn welch(first: &[f64], second: &[f64], scale: f64, interval: Interval) -> Option<Difference> {
    let (a, b) = (Spread::of(first)?, Spread::of(second)?);
    let mean = without_rounding(b.mean - a.mean, scale.max(a.mean.abs()).max(b.mean.abs()));
    if a.count < 2 || b.count < 2 {
        return Some(Difference { estimate: Estimate { mean, ci95: None, bounds: None }, p_value: None });
    }
    let error = a.error.hypot(b.error);
    // Shares of the variance rather than fourth powers of it, which overflow first.
    let share = |side: &Spread| if error == 0.0 { 0.5 } else { (side.error / error).powi(2) };
    let freedom = 1.0 / (share(&a).powi(2) / a.freedom() + share(&b).powi(2) / b.freedom());
    let estimate = match interval {
        Interval::Bootstrap { resamples } => {
            Estimate::between(mean, bootstrap::of_difference(first, second, resamples))
        }
        Interval::StudentT if error == 0.0 => Estimate { mean, ci95: Some(0.0), bounds: None },
        Interval::StudentT => Estimate { mean, ci95: student::quantile(freedom).map(|t| t * error), bounds: None },
    };
    Some(Difference { estimate, p_value: Some(p_value(mean, error, freedom)) })
}

fn without_rounding(difference: f64, size: f64) -> f64 {
    if difference.abs() <= ROUNDING * size { 0.0 } else { difference }
}

/// Without any spread the limit of the test: certainty.
fn p_value(mean: f64, error: f64, freedom: f64) -> f64 {
    if mean == 0.0 {
        1.0
    } else if error == 0.0 {
        0.0
    } else {
        student::two_sided_p(mean / error, freedom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIRST: [f64; 6] = [10.1, 11.3, 9.8, 10.9, 12.0, 10.4];
    const SECOND: [f64; 6] = [9.6, 11.1, 9.1, 10.2, 11.9, 9.7];
    const OTHER: [f64; 4] = [9.0, 9.9, 8.7, 10.6];

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() <= 1e-9 * expected.abs(), "{found:e} and not {expected:e}");
    }

    /// `scipy.stats.ttest_rel(second, first)` and its `confidence_interval()`, SciPy 1.17.1.
    #[test]
    fn paired_is_scipys_ttest_rel() {
        let found = paired(&FIRST, &SECOND, 0.0, Interval::StudentT).unwrap();
        close(found.estimate.mean, -0.483333333333334);
        close(found.p_value.unwrap(), 0.007276478827745919);
        close(found.estimate.ci95.unwrap(), 0.28483366541705313);
    }

    /// `scipy.stats.ttest_ind(other, first, equal_var=False)` and its `confidence_interval()`, SciPy 1.17.1.
    #[test]
    fn welch_is_scipys_ttest_ind() {
        let found = welch(&FIRST, &OTHER, 0.0, Interval::StudentT).unwrap();
        close(found.estimate.mean, -1.200000000000001);
        close(found.p_value.unwrap(), 0.06847271807521668);
        close(found.estimate.ci95.unwrap(), 1.3226324130078777);
    }

    #[test]
    fn no_spread_is_no_division_by_zero() {
        let of = |first: &[f64], second: &[f64]| paired(first, second, 0.0, Interval::StudentT).unwrap();
        let constant = of(&[1.0, 2.0, 3.0], &[1.5, 2.5, 3.5]);
        assert_eq!((constant.estimate.mean, constant.estimate.ci95, constant.p_value), (0.5, Some(0.0), Some(0.0)));
        let same = of(&[0.1; 10], &[0.1; 10]);
        assert_eq!((same.estimate.mean, same.estimate.ci95, same.p_value), (0.0, Some(0.0), Some(1.0)));
        let one = of(&[1.0], &[2.0]);
        assert_eq!((one.estimate.mean, one.estimate.ci95, one.p_value), (1.0, None, None));
        let welch = |first: &[f64], second: &[f64]| welch(first, second, 0.0, Interval::StudentT).unwrap();
        let apart = welch(&[1.0; 3], &[2.0; 4]);
        assert_eq!((apart.estimate.mean, apart.estimate.ci95, apart.p_value), (1.0, Some(0.0), Some(0.0)));
        let equal = welch(&[2.0; 3], &[2.0; 4]);
        assert_eq!((equal.estimate.mean, equal.estimate.ci95, equal.p_value), (0.0, Some(0.0), Some(1.0)));
        let lonely = welch(&[2.0], &[1.0, 2.0]);
        assert_eq!((lonely.estimate.ci95, lonely.p_value), (None, None));
        assert_eq!(paired(&[1.0], &[], 0.0, Interval::StudentT), None);
        assert_eq!(super::welch(&[], &[1.0], 0.0, Interval::StudentT), None);
    }

    /// Two ways to add up the same joules are no effect, however many seeds agree on it.
    #[test]
    fn rounding_is_no_difference() {
        let exact = [1e5, 2e5, 3e5, 4e5];
        let rounded = exact.map(|value| value * (1.0 + 3.0 * f64::EPSILON));
        assert_ne!(exact, rounded);
        assert_eq!(paired(&exact, &rounded, 0.0, Interval::StudentT).unwrap().p_value, Some(1.0));
        // Percentages around zero have no size of their own.
        let noise = [2e-14, 2.2e-14, 1.8e-14];
        assert_eq!(paired(&[0.0; 3], &noise, 100.0, Interval::StudentT).unwrap().p_value, Some(1.0));
        assert_eq!(welch(&[0.0; 3], &noise, 100.0, Interval::StudentT).unwrap().p_value, Some(1.0));
        assert!(paired(&[0.0; 3], &noise, 0.0, Interval::StudentT).unwrap().p_value.unwrap() < 0.01);
    }

    proptest! {
        /// The interval excludes zero exactly where p is below 5 %: two routes through the same distribution.
        #[test]
        fn interval_and_p_value_agree(
            first in prop::collection::vec(-10.0..10.0_f64, 2..12),
            second in prop::collection::vec(-8.0..12.0_f64, 12),
        ) {
            let tests = [
                paired(&first, &second[..first.len()], 0.0, Interval::StudentT).unwrap(),
                welch(&first, &second, 0.0, Interval::StudentT).unwrap(),
            ];
            for found in tests {
                let (half, p) = (found.estimate.ci95.unwrap(), found.p_value.unwrap());
                prop_assert!((0.0..=1.0).contains(&p));
                if (p - 0.05).abs() > 1e-6 {
                    prop_assert_eq!(found.estimate.mean.abs() > half, p < 0.05);
                }
            }
        }

        /// Turned round, a difference changes its sign and nothing else; p does not see units.
        #[test]
        fn turned_round_only_the_sign_changes(
            first in prop::collection::vec(-10.0..10.0_f64, 6),
            second in prop::collection::vec(-8.0..12.0_f64, 6),
        ) {
            for test in [paired, welch] {
                let forth = test(&first, &second, 0.0, Interval::StudentT).unwrap();
                let back = test(&second, &first, 0.0, Interval::StudentT).unwrap();
                prop_assert_eq!(forth.estimate.mean, -back.estimate.mean);
                prop_assert!((forth.p_value.unwrap() - back.p_value.unwrap()).abs() < 1e-12);
                let kilo = |values: &[f64]| values.iter().map(|v| v * 1024.0).collect::<Vec<_>>();
                let scaled = test(&kilo(&first), &kilo(&second), 0.0, Interval::StudentT).unwrap();
                prop_assert!((scaled.p_value.unwrap() - forth.p_value.unwrap()).abs() < 1e-12);
            }
        }
    }
}

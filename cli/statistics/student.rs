//! Student's t distribution: the quantile of a 95 % interval and the p-value of a test.

use statrs::distribution::{ContinuousCDF, StudentsT};
use statrs::function::beta::checked_beta_reg;

/// The 97.5 % quantile with `freedom` degrees of freedom; `None` unless there are some.
pub(super) fn quantile(freedom: f64) -> Option<f64> {
    StudentsT::new(0.0, 1.0, freedom).map(|t| t.inverse_cdf(0.975)).ok().filter(|t| t.is_finite())
}

/// Probability of a |t| at least this large if there is no difference. 0 for an infinite `t`.
///
/// `P(|T| >= t) = I(f / (f + t²); f/2, 1/2)` with the regularised incomplete beta function I (Abramowitz and Stegun
/// 26.5.27); for small t its complement, which does not lose the digits of 1 - p.
pub(super) fn two_sided_p(t: f64, freedom: f64) -> f64 {
    let square = t * t;
    if !square.is_finite() {
        return 0.0;
    }
    let p = if square < freedom {
        1.0 - checked_beta_reg(0.5, freedom / 2.0, square / (freedom + square)).unwrap_or(0.0)
    } else {
        checked_beta_reg(freedom / 2.0, 0.5, freedom / (freedom + square)).unwrap_or(1.0)
    };
    p.clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64, relative: f64) {
        assert!((found - expected).abs() <= relative * expected.abs(), "{found:e} and not {expected:e}");
    }

    /// `scipy.stats.t.ppf(0.975, df)`, SciPy 1.17.1. statrs inverts by iteration and stops at 1e-10 or so.
    #[test]
    fn quantiles_are_scipys() {
        for (freedom, expected) in [
            (1.0, 12.706204736174694),
            (2.0, 4.302652729749462),
            (3.7, 2.8675207071911895),
            (9.0, 2.262157162798205),
            (29.0, 2.045229642132703),
            (1e4, 1.960201239890626),
        ] {
            close(quantile(freedom).unwrap(), expected, 1e-9);
        }
        assert_eq!(quantile(0.0), None);
    }

    /// `2 * scipy.stats.t.sf(t, df)`, SciPy 1.17.1; the logarithm of p is good to 1e-13, so p of 1e-114 to some 1e-11.
    #[test]
    fn p_values_are_scipys_down_to_the_smallest() {
        for (t, freedom, expected) in [
            (0.0, 9.0, 1.0),
            (1e-9, 9.0, 0.9999999992239302),
            (0.5, 1.0, 0.7048327646991335),
            (2.0, 3.7, 0.12181720190523398),
            (2.262157162740992, 9.0, 0.0500000000046757),
            (12.5, 9.0, 5.434313181780654e-07),
            (60.0, 9.0, 5.001190471672901e-13),
            (1e5, 9.0, 5.0917940554669804e-42),
            (1e13, 9.0, 5.091794074214037e-114),
            (3.0, 1e4, 0.002706448189997666),
            (40.0, 29.0, 6.346877329729342e-27),
        ] {
            close(two_sided_p(t, freedom), expected, 1e-11);
            close(two_sided_p(-t, freedom), expected, 1e-11);
        }
        assert_eq!(two_sided_p(f64::INFINITY, 9.0), 0.0);
        assert_eq!(two_sided_p(1e200, 9.0), 0.0, "its square is infinite");
    }
}

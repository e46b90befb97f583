//! Means and intervals over seeds.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// A mean over seeds and the half width of its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Mean over the seeds.
    pub mean: f64,
    /// Half width of the two-sided 95 % Student-t interval of the mean; absent for one seed.
    pub ci95: Option<f64>,
}

/// Mean and two-sided 95 % Student-t interval of `values`, in their order; `None` of nothing.
///
/// Savings are paired by seed before they come here: each value is a saving on one token stream.
///
/// ```
/// use isotherm::statistics::estimate;
/// let three = estimate(&[1.0, 2.0, 3.0]).unwrap();
/// assert_eq!(three.mean, 2.0);
/// // t(0.975, 2) = 4.302653, standard error 1/sqrt(3).
/// assert!((three.ci95.unwrap() - 4.302_653 / 3.0_f64.sqrt()).abs() < 1e-5);
/// assert_eq!(estimate(&[7.0]).unwrap().ci95, None);
/// ```
#[must_use]
pub fn estimate(values: &[f64]) -> Option<Estimate> {
    if values.is_empty() {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    if values.len() == 1 {
        return Some(Estimate { mean, ci95: None });
    }
    let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n - 1.0);
    let t = StudentsT::new(0.0, 1.0, n - 1.0).map(|t| t.inverse_cdf(0.975)).ok()?;
    Some(Estimate { mean, ci95: Some(t * (variance / n).sqrt()) })
}

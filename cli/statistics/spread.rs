//! Mean and standard error of a sample.

use super::Estimate;
use super::student;

/// What the tests need to know of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    /// How many values.
    pub(super) count: usize,
    /// Their mean.
    pub(super) mean: f64,
    /// Standard error of the mean; exactly zero if all values are equal, and of one value.
    pub(super) error: f64,
}

impl Spread {
    /// Mean and standard error of `values`, in their order; `None` of nothing and of values that are not finite.
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        let first = *values.first()?;
        if values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        // A sum of equal numbers is rounded; their mean is not.
        if values.iter().all(|value| *value == first) {
            return Some(Self { count: values.len(), mean: first, error: 0.0 });
        }
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n - 1.0);
        Some(Self { count: values.len(), mean, error: (variance / n).sqrt() })
    }

    /// Degrees of freedom of the variance.
    pub(super) fn freedom(&self) -> f64 {
        self.count as f64 - 1.0
    }

    /// Mean and 95 % Student-t interval.
    pub(super) fn student_t(&self) -> Estimate {
        let half = match self.count {
            0 | 1 => None,
            _ if self.error == 0.0 => Some(0.0),
            _ => student::quantile(self.freedom()).map(|t| t * self.error),
        };
        Estimate { mean: self.mean, ci95: half, bounds: None }
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn equal_values_have_no_spread_at_all() {
        // Ten times 0.1 add up to 0.9999999999999999.
        let spread = Spread::of(&[0.1; 10]).unwrap();
        assert_eq!((spread.mean, spread.error), (0.1, 0.0));
        assert_eq!(spread.student_t().ci95, Some(0.0));
    }

    #[test]
    fn nothing_and_what_is_no_number_have_none() {
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(Spread::of(&[1.0, f64::NAN]), None);
        assert_eq!(Spread::of(&[f64::INFINITY; 3]), None);
    }
}

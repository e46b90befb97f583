//! Means, intervals and tests over seeds.
//!
//! | question | answer |
//! |---|---|
//! | how well is a mean known? | [`Interval::estimate`]: Student's t, or a bootstrap on request |
//! | do two routers differ on the same tokens? | [`paired`]: the differences seed by seed |
//! | do they differ on tokens that are not the same? | [`welch`]: two means with unequal variances |
//! | which of many differences are more than luck? | [`holm()`] |
//!
//! No spread over seeds is a case of its own, never a division by zero: values that are all equal have an interval of
//! width zero, a difference of exactly zero has p = 1, and a difference that every seed repeats has p = 0, the limit of
//! the test. Nothing here returns a NaN; where there is no answer (one seed) there is none.

mod bootstrap;
mod difference;
mod holm;
mod spread;
mod student;

pub use bootstrap::FEWEST_TO_RESAMPLE;
pub use difference::{Difference, paired, welch};
pub use holm::holm;

use serde::{Deserialize, Serialize};

use spread::Spread;

/// How a 95 % interval is found.
///
/// In `summary.json` this is `"interval": "student-t"`, or `"interval": "bootstrap", "resamples": 10000`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "interval", rename_all = "kebab-case")]
pub enum Interval {
    /// Student's t: exact for normal values.
    #[default]
    StudentT,
    /// Studentised bootstrap (bootstrap-t): for skewed values; needs [`FEWEST_TO_RESAMPLE`] of them.
    Bootstrap {
        /// How many times the values are drawn again.
        resamples: u32,
    },
}

impl Interval {
    /// What a `--bootstrap N` asks for.
    #[must_use]
    pub fn requested(resamples: Option<u32>) -> Self {
        resamples.map_or(Self::StudentT, |resamples| Self::Bootstrap { resamples })
    }

    /// Mean and two-sided 95 % interval of `values`, in their order; `None` of nothing and of values that are not finite.
    ///
    /// ```
    /// use isotherm::statistics::Interval;
    /// let five = Interval::Bootstrap { resamples: 2000 }.estimate(&[1.0, 1.5, 1.7, 2.4, 9.0]).unwrap();
    /// let [low, high] = five.bounds.unwrap();
    /// // Skewed to the right: what is unknown is how much higher the mean is.
    /// assert!(five.mean - low < high - five.mean);
    /// ```
    #[must_use]
    pub fn estimate(self, values: &[f64]) -> Option<Estimate> {
        let spread = Spread::of(values)?;
        match self {
            Self::StudentT => Some(spread.student_t()),
            Self::Bootstrap { resamples } => {
                Some(Estimate::between(spread.mean, bootstrap::of_mean(values, resamples)))
            }
        }
    }
}

/// A mean over seeds and its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Mean over the seeds.
    pub mean: f64,
    /// Half the width of the two-sided 95 % interval; absent where there is none (one seed).
    pub ci95: Option<f64>,
    /// Where the interval begins and ends, if it is not `mean - ci95` to `mean + ci95`: a bootstrap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounds: Option<[f64; 2]>,
}

impl Estimate {
    fn between(mean: f64, bounds: Option<[f64; 2]>) -> Self {
        Self { mean, ci95: bounds.map(|[low, high]| (high - low) / 2.0), bounds }
    }

    /// Where the interval begins and ends, whichever way it was found.
    #[must_use]
    pub fn interval(&self) -> Option<[f64; 2]> {
        self.bounds.or_else(|| self.ci95.map(|half| [self.mean - half, self.mean + half]))
    }
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
/// assert_eq!(estimate(&[0.1, 0.1, 0.1]).unwrap().ci95, Some(0.0));
/// ```
#[must_use]
pub fn estimate(values: &[f64]) -> Option<Estimate> {
    Interval::StudentT.estimate(values)
}

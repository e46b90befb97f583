//! Histograms with fixed bins: what is left of millions of readings.

use serde::{Deserialize, Serialize};

/// How values fall into bins.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Bins {
    /// Equal bins of `width` from `from` on.
    Linear {
        /// Lower edge of the first bin.
        from: f64,
        /// Width of a bin.
        width: f64,
    },
    /// So many bins of equal ratio for every factor of ten, from `from` on.
    Logarithmic {
        /// Lower edge of the first bin.
        from: f64,
        /// Bins of a decade.
        per_decade: f64,
    },
}

/// How often values fell into bins. Values below the first bin count there; bins grow upwards as they are needed.
///
/// ```
/// use isotherm_core::fleet::{Bins, Histogram};
/// let mut times = Histogram::new(Bins::Logarithmic { from: 1e-6, per_decade: 100.0 });
/// times.add(0.050, 90);
/// times.add(0.080, 10);
/// // Bins are 2.3 % wide, so their middles are within 1.2 %.
/// assert!((times.quantile(0.5).unwrap() / 0.050 - 1.0).abs() < 0.012);
/// assert!((times.quantile(0.99).unwrap() / 0.080 - 1.0).abs() < 0.012);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    bins: Bins,
    counts: Vec<u64>,
}

/// More bins than any histogram here has: what is larger falls into the last.
const MOST_BINS: usize = 4096;

impl Histogram {
    /// An empty histogram.
    #[must_use]
    pub fn new(bins: Bins) -> Self {
        Self { bins, counts: Vec::new() }
    }

    /// Counts a value `times` times.
    #[inline]
    pub fn add(&mut self, value: f64, times: u64) {
        let place = match self.bins {
            Bins::Linear { from, width } => (value - from) / width,
            Bins::Logarithmic { from, per_decade } => libm::log10(value / from) * per_decade,
        };
        // What is no number, and what is below the first bin, becomes 0.
        let bin = (place.max(0.0) as usize).min(MOST_BINS - 1);
        if bin >= self.counts.len() {
            self.counts.resize(bin + 1, 0);
        }
        self.counts[bin] += times;
    }

    /// Values counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Values counted in bins whose middle is at most `value`.
    #[must_use]
    pub fn up_to(&self, value: f64) -> u64 {
        let bins = self.counts.iter().enumerate();
        bins.take_while(|(bin, _)| self.middle(*bin) <= value).map(|(_, count)| count).sum()
    }

    /// Lower and upper edge of a bin.
    #[must_use]
    pub fn edges(&self, bin: usize) -> (f64, f64) {
        let edge = |bin: usize| match self.bins {
            Bins::Linear { from, width } => from + width * bin as f64,
            Bins::Logarithmic { from, per_decade } => from * libm::pow(10.0, bin as f64 / per_decade),
        };
        (edge(bin), edge(bin + 1))
    }

    /// Bins that hold something: lower edge, upper edge, count; rising.
    pub fn filled(&self) -> impl Iterator<Item = (f64, f64, u64)> + '_ {
        let filled = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        filled.map(|(bin, count)| {
            let (from, until) = self.edges(bin);
            (from, until, *count)
        })
    }

    /// The middle of the bin that holds the value of rank ceil(q n); `None` if nothing was counted.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let total = self.total();
        let rank = ((q * total as f64).ceil() as u64).clamp(1, total.max(1));
        let mut seen = 0;
        let bin = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        Some(self.middle(bin))
    }

    fn middle(&self, bin: usize) -> f64 {
        let (from, until) = self.edges(bin);
        match self.bins {
            Bins::Linear { .. } => 0.5 * (from + until),
            Bins::Logarithmic { .. } => libm::sqrt(from * until),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_in_the_bins_that_hold_them() {
        let mut degrees = Histogram::new(Bins::Linear { from: 20.0, width: 1.0 });
        for value in [19.0, 20.0, 20.999, 21.0, 55.5] {
            degrees.add(value, 2);
        }
        let filled: Vec<_> = degrees.filled().collect();
        assert_eq!(filled, [(20.0, 21.0, 6), (21.0, 22.0, 2), (55.0, 56.0, 2)]);
        assert_eq!((degrees.total(), degrees.quantile(0.61), degrees.quantile(1.0)), (10, Some(21.5), Some(55.5)));
        assert_eq!([20.4, 20.5, 55.4, 60.0].map(|value| degrees.up_to(value)), [0, 6, 8, 10]);
        assert_eq!(Histogram::new(Bins::Linear { from: 0.0, width: 1.0 }).quantile(0.5), None);
        let mut times = Histogram::new(Bins::Logarithmic { from: 1e-6, per_decade: 100.0 });
        times.add(f64::NAN, 1);
        times.add(f64::INFINITY, 1);
        assert_eq!(times.total(), 2);
        for value in [3e-6, 0.0123, 8.0, 700.0] {
            let mut alone = Histogram::new(Bins::Logarithmic { from: 1e-6, per_decade: 100.0 });
            alone.add(value, 1);
            let (from, until, _) = alone.filled().next().unwrap();
            assert!(from <= value * (1.0 + 1e-12) && value < until * (1.0 + 1e-12), "{from} {value} {until}");
        }
    }
}

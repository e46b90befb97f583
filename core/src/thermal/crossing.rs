//! The first zero of a sum of decaying exponentials, found by bounds and not by sampling.

/// `f(t) = constant + slope t + sum_i amplitude_i e^(-rate_i t)` for t >= 0.
#[derive(Clone, Debug)]
pub(super) struct ExponentialSum {
    constant: f64,
    slope: f64,
    terms: Vec<(f64, f64)>,
}

/// Intervals narrower than this (s) are not split further: a tenth of the clock's nanosecond.
const RESOLUTION_S: f64 = 1e-10;

/// After this many of its slowest time constants a sum is its limit to the last bit.
const SETTLED: f64 = 60.0;

impl ExponentialSum {
    pub(super) fn constant(constant: f64) -> Self {
        Self { constant, slope: 0.0, terms: Vec::new() }
    }

    pub(super) fn add_constant(&mut self, value: f64) {
        self.constant += value;
    }

    pub(super) fn add_slope(&mut self, value: f64) {
        self.slope += value;
    }

    pub(super) fn add_decay(&mut self, amplitude: f64, rate: f64) {
        self.terms.push((amplitude, rate));
    }

    /// The smallest t in 0..=horizon with f(t) >= 0.
    ///
    /// Walks the interval from the left, halving; a half is dropped only if an upper bound of f over all of it is
    /// negative, or f is monotone there and negative at the deciding end.
    pub(super) fn first_nonnegative(&self, horizon: f64) -> Option<f64> {
        if self.value(0.0) >= 0.0 {
            return Some(0.0);
        }
        let slowest = self.terms.iter().map(|(_, rate)| *rate).fold(f64::INFINITY, f64::min);
        let end = if self.slope == 0.0 && slowest.is_finite() { horizon.min(SETTLED / slowest) } else { horizon };
        let mut open = vec![(0.0, end)];
        while let Some((a, b)) = open.pop() {
            if self.upper_bound(a, b) < 0.0 {
                continue;
            }
            let (falls, rises) = self.monotone(a, b);
            if falls {
                continue; // f(a) < 0 for every interval that is reached
            }
            if rises || b - a < RESOLUTION_S {
                if self.value(b) >= 0.0 {
                    return Some(self.bisect(a, b));
                }
                continue;
            }
            let middle = 0.5 * (a + b);
            open.push((middle, b));
            open.push((a, middle));
        }
        None
    }

    fn value(&self, t: f64) -> f64 {
        let decays: f64 = self.terms.iter().map(|(a, rate)| a * libm::exp(-rate * t)).sum();
        self.constant + self.slope * t + decays
    }

    fn upper_bound(&self, a: f64, b: f64) -> f64 {
        let ramp = (self.slope * a).max(self.slope * b);
        let decays: f64 = self
            .terms
            .iter()
            .map(|(amplitude, rate)| amplitude * libm::exp(-rate * if *amplitude > 0.0 { a } else { b }))
            .sum();
        self.constant + ramp + decays
    }

    /// Whether f certainly falls, or certainly rises, over all of a..b.
    fn monotone(&self, a: f64, b: f64) -> (bool, bool) {
        let (mut least, mut most) = (self.slope, self.slope);
        for &(amplitude, rate) in &self.terms {
            let (at_a, at_b) = (-amplitude * rate * libm::exp(-rate * a), -amplitude * rate * libm::exp(-rate * b));
            least += at_a.min(at_b);
            most += at_a.max(at_b);
        }
        (most <= 0.0, least >= 0.0)
    }

    /// The zero in a..b, where f(a) < 0 <= f(b).
    fn bisect(&self, mut a: f64, mut b: f64) -> f64 {
        loop {
            let middle = 0.5 * (a + b);
            if middle <= a || middle >= b {
                return b;
            }
            if self.value(middle) >= 0.0 {
                b = middle;
            } else {
                a = middle;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(constant: f64, terms: &[(f64, f64)]) -> ExponentialSum {
        ExponentialSum { constant, slope: 0.0, terms: terms.to_vec() }
    }

    #[test]
    fn one_exponential_has_its_logarithm() {
        // 1 - 2 e^-t is zero at ln 2.
        let t = sum(1.0, &[(-2.0, 1.0)]).first_nonnegative(f64::INFINITY);
        assert!((t.unwrap() - std::f64::consts::LN_2).abs() < 1e-14);
    }

    #[test]
    fn a_short_overshoot_is_not_missed() {
        // A bump of about 1 us in a day: 2 (e^-(1e6 t) - e^-(2e6 t)) peaks at 0.5 at t = ln 2 / 1e6.
        let bump = sum(-0.499, &[(2.0, 1e6), (-2.0, 2e6)]);
        let t = bump.first_nonnegative(86_400.0).unwrap();
        assert!(t > 0.0 && t < std::f64::consts::LN_2 * 1e-6, "{t}");
        assert!(sum(-0.501, &[(2.0, 1e6), (-2.0, 2e6)]).first_nonnegative(86_400.0).is_none());
    }

    #[test]
    fn the_limit_itself_is_never_reached() {
        assert_eq!(sum(0.0, &[(-1.0, 1.0)]).first_nonnegative(30.0), None);
    }
}

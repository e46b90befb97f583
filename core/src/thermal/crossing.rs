//! The first zero of a sum of decaying exponentials, found by bounds and not by sampling.

/// `f(t) = constant + slope t + sum_i amplitude_i e^(-rate_i t)` for t >= 0.
#[derive(Clone, Debug)]
pub(super) struct ExponentialSum {
    constant: f64,
    slope: f64,
    terms: Terms,
}

/// Terms kept without an allocation: GPUs have 2 to 8 modes.
const INLINE: usize = 16;

/// Amplitudes and rates.
#[derive(Clone, Debug)]
struct Terms {
    few: [(f64, f64); INLINE],
    len: usize,
    /// All of them, once they are more than `INLINE`.
    many: Vec<(f64, f64)>,
}

impl Terms {
    fn push(&mut self, term: (f64, f64)) {
        if self.len < INLINE {
            self.few[self.len] = term;
        } else {
            if self.len == INLINE {
                self.many.extend_from_slice(&self.few);
            }
            self.many.push(term);
        }
        self.len += 1;
    }

    fn as_slice(&self) -> &[(f64, f64)] {
        if self.len <= INLINE { &self.few[..self.len] } else { &self.many }
    }
}

/// Intervals narrower than this (s) are not split further: a tenth of the clock's nanosecond.
const RESOLUTION_S: f64 = 1e-10;

/// After this many of its slowest time constants a sum is its limit to the last bit.
const SETTLED: f64 = 60.0;

/// Intervals that can wait while the leftmost is examined: each halving adds one, and 1e-10 s is 64 halvings from a century.
const DEPTH: usize = 128;

/// Value, and slope, at one instant, split into the part that falls (positive amplitudes, convex) and the part
/// that rises (negative amplitudes, concave).
#[derive(Clone, Copy, Debug)]
struct Point {
    t: f64,
    convex: f64,
    concave: f64,
    convex_slope: f64,
    concave_slope: f64,
}

impl ExponentialSum {
    pub(super) fn constant(constant: f64) -> Self {
        Self { constant, slope: 0.0, terms: Terms { few: [(0.0, 0.0); INLINE], len: 0, many: Vec::new() } }
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
    /// Walks the interval from the left, splitting; a part is dropped only if an upper bound of f over all of it is
    /// negative, or f is monotone there and negative at the deciding end.
    pub(super) fn first_nonnegative(&self, horizon: f64) -> Option<f64> {
        let terms = self.terms.as_slice();
        let (mut falling, mut rising, mut slowest) = (0.0, 0.0, f64::INFINITY);
        for &(amplitude, rate) in terms {
            *(if amplitude > 0.0 { &mut falling } else { &mut rising }) += amplitude;
            slowest = slowest.min(rate);
        }
        if self.constant + (falling + rising) >= 0.0 {
            return Some(0.0);
        }
        let limit = self.constant + falling;
        // The answer for most devices most of the time: not even without its cold modes. No exponential needed.
        if self.slope <= 0.0 && limit < 0.0 || !(limit - rising).is_finite() || horizon.is_nan() {
            return None;
        }
        // After `end` the sign of f cannot change any more.
        // With a slope that is when it has made up for everything else, and a little for rounding.
        let end = if self.slope == 0.0 {
            SETTLED / slowest
        } else {
            (self.constant.abs() + falling - rising) / self.slope.abs() * (1.0 + 1e-12)
        };
        let end = horizon.min(end);
        if end.is_nan() || end <= 0.0 {
            return None;
        }
        let start = Point { t: 0.0, convex: falling, concave: rising, ..self.at(0.0) };
        self.search(start, self.at(end))
    }

    fn search(&self, start: Point, end: Point) -> Option<f64> {
        let mut left = start;
        let mut waiting = [end; DEPTH];
        let mut count = 1;
        while count > 0 {
            let right = waiting[count - 1];
            let (a, b) = (left.t, right.t);
            // Falls over the whole part, and was negative where it began; or too low anywhere in it.
            let falls = self.slope + right.convex_slope + left.concave_slope <= 0.0;
            if !falls && self.upper_bound(&left, &right) >= 0.0 {
                let rises = self.slope + left.convex_slope + right.concave_slope >= 0.0;
                let ends_above = self.value(&right) >= 0.0;
                if rises && ends_above {
                    return Some(self.newton(a, b));
                }
                if !rises && b - a >= RESOLUTION_S && count < DEPTH {
                    waiting[count] = self.at(split(a, b));
                    count += 1;
                    continue;
                }
                if ends_above {
                    return Some(self.newton(a, b));
                }
            }
            left = right;
            count -= 1;
        }
        None
    }

    fn at(&self, t: f64) -> Point {
        let mut point = Point { t, convex: 0.0, concave: 0.0, convex_slope: 0.0, concave_slope: 0.0 };
        for &(amplitude, rate) in self.terms.as_slice() {
            let value = amplitude * decayed(rate * t);
            if amplitude > 0.0 {
                point.convex += value;
                point.convex_slope -= rate * value;
            } else {
                point.concave += value;
                point.concave_slope -= rate * value;
            }
        }
        point
    }

    fn value(&self, point: &Point) -> f64 {
        self.constant + self.slope * point.t + (point.convex + point.concave)
    }

    /// At least f everywhere between two points.
    ///
    /// The convex part lies under its chord, the concave part under each of its tangents; so f lies under a straight line, whose
    /// maximum is at an end. Both are far closer than taking each part at its own maximum, which is the third bound.
    fn upper_bound(&self, left: &Point, right: &Point) -> f64 {
        let width = right.t - left.t;
        let (ramp_left, ramp_right) = (self.constant + self.slope * left.t, self.constant + self.slope * right.t);
        let from_left = (ramp_left + (left.convex + left.concave))
            .max(ramp_right + (right.convex + (left.concave + left.concave_slope * width)));
        let from_right = (ramp_right + (right.convex + right.concave))
            .max(ramp_left + (left.convex + (right.concave - right.concave_slope * width)));
        let apart = ramp_left.max(ramp_right) + (left.convex + right.concave);
        from_left.min(from_right).min(apart)
    }

    /// The zero in a..b, where f(a) < 0 <= f(b): Newton's steps as long as they stay inside the bracket, halving otherwise. Returns the
    /// bracket's upper end once it is a few roundings wide: f is not negative there.
    fn newton(&self, mut a: f64, mut b: f64) -> f64 {
        // From the left: what warms towards a steady state is concave, and there Newton's steps never overshoot.
        let mut t = a;
        let mut reach = 2.0;
        for _ in 0..200 {
            let point = self.at(t);
            let value = self.value(&point);
            if value >= 0.0 {
                b = t;
            } else {
                a = t;
            }
            let tight = 4.0 * f64::EPSILON * b;
            if b - a <= tight {
                break;
            }
            let slope = self.slope + point.convex_slope + point.concave_slope;
            let mut next = t - value / slope;
            if (next - t).abs() < tight {
                // Newton is done: close the bracket from the other side, further each time rounding says no.
                next = if value >= 0.0 { t - tight * reach * 0.25 } else { t + tight * reach * 0.25 };
                reach *= 2.0;
            }
            t = if next > a && next < b { next } else { 0.5 * (a + b) };
            if t <= a || t >= b {
                break; // a and b are neighbours
            }
        }
        b
    }
}

/// Where to split: rates span decades, so by the geometric mean while the ends do.
fn split(a: f64, b: f64) -> f64 {
    if a == 0.0 && b > 1e-6 {
        b / 32.0
    } else if a > 0.0 && b > 4.0 * a {
        (a * b).sqrt()
    } else {
        0.5 * (a + b)
    }
}

fn decayed(x: f64) -> f64 {
    // e^-745 is the smallest number there is; past 700 come the slow ones.
    if x < 700.0 { libm::exp(-x) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(constant: f64, terms: &[(f64, f64)]) -> ExponentialSum {
        let mut sum = ExponentialSum::constant(constant);
        terms.iter().for_each(|(amplitude, rate)| sum.add_decay(*amplitude, *rate));
        sum
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

    #[test]
    fn a_ramp_without_a_horizon_ends() {
        let mut ramp = sum(-10.0, &[(-1.0, 1.0), (0.5, 3.0)]);
        ramp.add_slope(2.0);
        let t = ramp.first_nonnegative(f64::INFINITY).unwrap();
        assert!((t - 5.0).abs() < 0.01 && t > 5.0, "{t}");
        let mut decaying = sum(-10.0, &[(9.0, 1e-3)]);
        decaying.add_slope(0.1);
        let t = decaying.first_nonnegative(f64::INFINITY).unwrap();
        assert!((0.1 * t + 9.0 * (-1e-3 * t).exp() - 10.0).abs() < 1e-12, "{t}");
        let mut alone = sum(-0.3, &[]);
        alone.add_slope(0.7);
        assert!((alone.first_nonnegative(f64::INFINITY).unwrap() - 3.0 / 7.0).abs() < 1e-12);
        let mut falls = sum(-10.0, &[(-1.0, 1.0), (10.9, 0.5)]);
        falls.add_slope(-2.0);
        assert_eq!(falls.first_nonnegative(f64::INFINITY), None);
    }

    #[test]
    fn many_terms_are_kept_too() {
        let terms: Vec<(f64, f64)> = (0..40).map(|k| (-0.05, f64::from(k + 1))).collect();
        let t = sum(1.0, &terms).first_nonnegative(100.0).unwrap();
        let value: f64 = terms.iter().map(|(a, r)| a * (-r * t).exp()).sum();
        assert!((1.0 + value).abs() < 1e-13, "{t}");
    }

    #[test]
    fn numbers_that_are_none_give_no_crossing() {
        assert_eq!(sum(f64::NAN, &[(-1.0, 1.0)]).first_nonnegative(1.0), None);
        assert_eq!(sum(1.0, &[(f64::NAN, 1.0)]).first_nonnegative(1.0), None);
        assert_eq!(sum(1.0, &[(-2.0, 1.0)]).first_nonnegative(f64::NAN), None);
    }
}

//! The functions of a decaying mode over an interval, for four modes at a time.
//!
//! With x = rate * seconds:
//! `phi1 = (1 - e^-x) / x`, `phi2 = (1 - phi1) / x`, `phi3 = (1/2 - phi2) / x`, at x = 0 the limits 1, 1/2, 1/6.
//! A mode y with constant input u moves by `h phi1 (u - rate y)` and its integral is `h y + h^2 phi2 (u - rate y)`; an input that
//! ramps from 0 to w adds `h phi2 w` and `h^2 phi3 w`.
//!
//! Below [`SERIES`] all three come from one power series: it does not cancel, needs no `exp`, and the compiler widens it to the
//! processor's vectors. That is the usual case: batches last milliseconds, GPUs have time constants above 0.1 s. Above it they
//! come from `libm::exp`. Both use fixed operations in a fixed order, so the bytes are the same everywhere.

/// Modes handled together.
pub(super) const LANES: usize = 4;

/// Up to this x the series is used.
const SERIES: f64 = 0.5;

/// phi1, phi2 and phi3 of four modes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decay {
    pub(super) phi1: [f64; LANES],
    pub(super) phi2: [f64; LANES],
    pub(super) phi3: [f64; LANES],
}

/// Coefficients of phi3: (-1)^k / (k + 3)!. At x = 1/2 the first one left out is 1e-20.
const PHI3: [f64; 14] = {
    let mut c = [0.0; 14];
    let mut factorial = 6.0;
    let mut k = 0;
    while k < 14 {
        c[k] = if k % 2 == 0 { 1.0 } else { -1.0 } / factorial;
        factorial *= (k + 4) as f64;
        k += 1;
    }
    c
};

impl Decay {
    /// The functions at four non-negative `x`.
    #[inline(always)]
    pub(super) fn at(x: &[f64; LANES]) -> Self {
        if x[0] <= SERIES && x[1] <= SERIES && x[2] <= SERIES && x[3] <= SERIES {
            return Self::series(x);
        }
        let mut all = Self { phi1: [0.0; LANES], phi2: [0.0; LANES], phi3: [0.0; LANES] };
        for (lane, &x) in x.iter().enumerate() {
            let [phi1, phi2, phi3] = of_one(x);
            (all.phi1[lane], all.phi2[lane], all.phi3[lane]) = (phi1, phi2, phi3);
        }
        all
    }

    #[inline(always)]
    fn series(x: &[f64; LANES]) -> Self {
        let mut phi3 = [PHI3[13]; LANES];
        for c in PHI3[..13].iter().rev() {
            for lane in 0..LANES {
                phi3[lane] = phi3[lane] * x[lane] + c;
            }
        }
        let (mut phi1, mut phi2) = ([0.0; LANES], [0.0; LANES]);
        for lane in 0..LANES {
            phi2[lane] = 0.5 - x[lane] * phi3[lane];
            phi1[lane] = 1.0 - x[lane] * phi2[lane];
        }
        Self { phi1, phi2, phi3 }
    }
}

/// phi1, phi2, phi3 of one mode; in each lane the same operations as four together.
#[inline(always)]
fn of_one(x: f64) -> [f64; 3] {
    if x <= SERIES {
        let all = Decay::series(&[x; LANES]);
        return [all.phi1[0], all.phi2[0], all.phi3[0]];
    }
    // Past 45 the rest is below half a bit of 1; also spares the slow subnormal numbers.
    let left = if x < 45.0 { libm::exp(-x) } else { 0.0 };
    if x == f64::INFINITY {
        return [0.0; 3];
    }
    let phi1 = (1.0 - left) / x;
    let phi2 = (1.0 - phi1) / x;
    [phi1, phi2, (0.5 - phi2) / x]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// phi_k as the integral over 0..1 of e^(-x s) (1 - s)^(k - 1) / (k - 1)! by Gauss-Legendre, five points on 64 panels: no cancellation.
    fn reference(k: usize, x: f64) -> f64 {
        const NODES: [(f64, f64); 5] = [
            (0.0, 0.568_888_888_888_888_9),
            (0.538_469_310_105_683, 0.478_628_670_499_366_5),
            (-0.538_469_310_105_683, 0.478_628_670_499_366_5),
            (0.906_179_845_938_664, 0.236_926_885_056_189_1),
            (-0.906_179_845_938_664, 0.236_926_885_056_189_1),
        ];
        let panels = 64;
        let weight = |s: f64| match k {
            1 => 1.0,
            2 => s,
            _ => 0.5 * s * s,
        };
        let half = 0.5 / f64::from(panels);
        (0..panels)
            .flat_map(|p| NODES.map(|(at, w)| (half * (f64::from(2 * p + 1) + at), w * half)))
            .map(|(s, w)| w * weight(s) * (-x * (1.0 - s)).exp())
            .sum()
    }

    #[test]
    fn all_three_agree_with_their_integrals() {
        for step in 0..3000 {
            let x = f64::from(step) / 100.0 + 1e-7;
            let found = Decay::at(&[x, 0.1, x, 30.0]);
            for (k, value) in [(1, found.phi1[0]), (2, found.phi2[2]), (3, found.phi3[0])] {
                // e^-(x (1-s)) weights s^(k-1)/(k-1)!: the ramp at the end of the interval.
                let expected = reference(k, x);
                assert!((value / expected - 1.0).abs() < 4e-15, "phi{k}({x}): {value} against {expected}");
            }
        }
    }

    #[test]
    fn a_lane_does_not_depend_on_its_neighbours() {
        for step in 0..1000 {
            let x = f64::from(step) / 500.0;
            let alone = Decay::at(&[x; LANES]);
            let mixed = Decay::at(&[7.0, x, 0.3, 0.0]);
            assert_eq!(alone.phi1[0].to_bits(), mixed.phi1[1].to_bits());
            assert_eq!(alone.phi3[3].to_bits(), mixed.phi3[1].to_bits());
        }
    }

    #[test]
    fn limits() {
        let found = Decay::at(&[0.0, f64::INFINITY, 1e300, 1e-300]);
        assert_eq!((found.phi1[0], found.phi2[0], found.phi3[0]), (1.0, 0.5, 1.0 / 6.0));
        assert_eq!((found.phi1[1], found.phi2[1], found.phi3[1]), (0.0, 0.0, 0.0));
        assert!(found.phi1.iter().chain(&found.phi2).chain(&found.phi3).all(|v| v.is_finite()));
    }
}

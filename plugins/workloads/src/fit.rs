//! Logit offsets under which independent normal logits pick every expert as often as a corpus did.
//!
//! With z_e = u_e + g_e, g_e ~ N(0, 1), expert e is among a token's top k with probability
//! q_e = integral of phi(x - u_e) P(at most k - 1 of the others exceed x) dx, where each other expert exceeds x independently with
//! probability Phi(u_j - x): a Poisson-binomial sum, taken by dynamic programming cut at k. The q_e sum to k.

use core::f64::consts::{FRAC_1_SQRT_2, PI};

/// Step of the quadrature over x, in standard deviations of a logit. The trapezoid rule on a smooth integrand that
/// vanishes at both ends converges faster than any power: halving this step changes no q_e by 1e-12.
const STEP: f64 = 0.05;
/// How far beyond the outermost offsets the integral reaches, in standard deviations.
const REACH: f64 = 8.5;
/// Largest error of the log-odds of an inclusion frequency at which a fit is done: relative to the rarer of picked and not.
pub(crate) const TOLERANCE: f64 = 1e-6;
/// Iterations after which a fit is given up. Corpora take 10 to 30.
pub(crate) const MOST_ITERATIONS: usize = 500;

/// Inclusion frequencies and how each grows with its own offset.
#[derive(Clone, Debug)]
pub(crate) struct Inclusion {
    /// q_e.
    pub(crate) frequency: Vec<f64>,
    /// d q_e / d u_e.
    pub(crate) slope: Vec<f64>,
}

/// Exact inclusion frequencies of top-k at `offsets` [standard deviations of a logit], for 1 <= k < experts.
pub(crate) fn inclusion(offsets: &[f64], top_k: usize) -> Inclusion {
    inclusion_at_step(offsets, top_k, STEP)
}

fn inclusion_at_step(offsets: &[f64], top_k: usize, step: f64) -> Inclusion {
    let experts = offsets.len();
    let (least, most) = offsets.iter().fold((f64::MAX, f64::MIN), |(a, b), u| (a.min(*u), b.max(*u)));
    let points = ((most - least + 2.0 * REACH) / step).ceil() as usize;
    let mut sums = Inclusion { frequency: vec![0.0; experts], slope: vec![0.0; experts] };
    // Row j of `before`: distribution of how many of the experts 0..j exceed x, cut at k; `after`: experts j.. likewise,
    // cumulated, so that "at most k - 1 of the others" is one sum of k products.
    let (mut before, mut after) = (vec![0.0; (experts + 1) * top_k], vec![0.0; (experts + 1) * top_k]);
    let mut exceed = vec![0.0; experts];
    for point in 0..=points {
        let x = least - REACH + point as f64 * step;
        exceed.iter_mut().zip(offsets).for_each(|(p, u)| *p = 0.5 * libm::erfc((x - u) * FRAC_1_SQRT_2));
        before[..top_k].fill(0.0);
        before[0] = 1.0;
        for e in 0..experts {
            let (done, next) = before.split_at_mut((e + 1) * top_k);
            add_one(&done[e * top_k..], exceed[e], &mut next[..top_k]);
        }
        after[experts * top_k..].fill(1.0);
        for e in (0..experts).rev() {
            let (next, done) = after.split_at_mut((e + 1) * top_k);
            add_one(&done[..top_k], exceed[e], &mut next[e * top_k..]);
        }
        for e in 0..experts {
            let (fewer, rest) = (&before[e * top_k..][..top_k], &after[(e + 1) * top_k..][..top_k]);
            let room: f64 = fewer.iter().zip(rest.iter().rev()).map(|(a, b)| a * b).sum();
            let from_offset = x - offsets[e];
            let mass = room * step * libm::exp(-0.5 * from_offset * from_offset) / libm::sqrt(2.0 * PI);
            sums.frequency[e] += mass;
            sums.slope[e] += mass * from_offset;
        }
    }
    sums
}

/// Adds one event of probability `p` to a count's distribution (or cumulated distribution: the recursion is the same).
fn add_one(counts: &[f64], p: f64, out: &mut [f64]) {
    let mut fewer = 0.0;
    for (out, count) in out.iter_mut().zip(counts) {
        *out = count * (1.0 - p) + fewer * p;
        fewer = *count;
    }
}

/// Offsets [standard deviations of a logit], of sum 0, at which the log-odds of every inclusion frequency are its target's to
/// [`TOLERANCE`]: |q - target| < 1e-6 target (1 - target).
///
/// Newton steps on log-odds with the diagonal of the Jacobian, times (E - 1) / E: offsets count only relative to each
/// other, and with that factor the step is exact where all experts are alike. The step is halved whenever the error grows.
///
/// `targets` lie in (0, 1) and sum to `top_k` < experts. `Err` holds the largest error left after
/// [`MOST_ITERATIONS`].
pub(crate) fn fit_offsets(targets: &[f64], top_k: usize) -> Result<Vec<f64>, f64> {
    let experts = targets.len() as f64;
    let log_odds = |q: f64| libm::log(q / (1.0 - q));
    // A logistic variable has 1.7 times the spread of the normal one it resembles.
    let mut offsets: Vec<f64> = targets.iter().map(|q| log_odds(*q) / 1.7).collect();
    let (mut damping, mut last_error) = ((experts - 1.0) / experts, f64::INFINITY);
    for _ in 0..MOST_ITERATIONS {
        centre(&mut offsets);
        let now = inclusion(&offsets, top_k);
        let missing: Vec<f64> = now.frequency.iter().zip(targets).map(|(q, t)| log_odds(*t) - log_odds(*q)).collect();
        let error = missing.iter().fold(0.0_f64, |most, missing| most.max(missing.abs()));
        if error < TOLERANCE {
            return Ok(offsets);
        }
        if error > last_error {
            damping = (0.5 * damping).max(1e-3);
        }
        last_error = error;
        for (at, offset) in offsets.iter_mut().enumerate() {
            let q = now.frequency[at];
            let step = missing[at] * q * (1.0 - q) / now.slope[at];
            *offset += damping * step.clamp(-1.0, 1.0);
        }
    }
    Err(last_error)
}

fn centre(offsets: &mut [f64]) {
    let mean = offsets.iter().sum::<f64>() / offsets.len() as f64;
    offsets.iter_mut().for_each(|u| *u -= mean);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn two_experts_top_one_has_a_closed_form() {
        let found = inclusion(&[0.3, -0.5], 1);
        // P(u0 + g0 > u1 + g1) = Phi((u0 - u1) / sqrt 2).
        let expected = 0.5 * libm::erfc(-0.8 / 2.0);
        assert!((found.frequency[0] - expected).abs() < 1e-12, "{found:?}");
        assert!((found.frequency[1] - (1.0 - expected)).abs() < 1e-12, "{found:?}");
        let slope = (-0.8_f64 * 0.8 / 4.0).exp() / (4.0 * PI).sqrt();
        assert!((found.slope[0] - slope).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn a_finer_quadrature_gives_the_same_frequencies() {
        let offsets: Vec<f64> = (0..64).map(|e| 2.0 * f64::from(e * 37 % 64) / 64.0 - 1.0).collect();
        for top_k in [1, 2, 8, 63] {
            let (coarse, fine) = (inclusion(&offsets, top_k), inclusion_at_step(&offsets, top_k, 0.5 * STEP));
            for (a, b) in coarse.frequency.iter().zip(&fine.frequency) {
                assert!((a - b).abs() < 1e-12, "{a} {b}");
            }
        }
    }

    #[test]
    fn equal_targets_need_no_offsets() {
        assert_eq!(fit_offsets(&[0.25; 8], 2), Ok(vec![0.0; 8]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Frequencies sum to k at any offsets, and a fit finds the way back from frequencies to offsets.
        #[test]
        fn fitting_inverts_inclusion(
            (top_k, offsets) in (2_usize..24).prop_flat_map(|experts| (1..experts, prop::collection::vec(-2.0..2.0, experts)))
        ) {
            let mut offsets: Vec<f64> = offsets;
            centre(&mut offsets);
            let targets = inclusion(&offsets, top_k).frequency;
            prop_assert!((targets.iter().sum::<f64>() - top_k as f64).abs() < 1e-9);
            let fitted = fit_offsets(&targets, top_k).map_err(|left| TestCaseError::fail(format!("left {left}")))?;
            for (found, expected) in fitted.iter().zip(&offsets) {
                prop_assert!((found - expected).abs() < 1e-4, "{:?} {:?}", fitted, offsets);
            }
        }
    }
}

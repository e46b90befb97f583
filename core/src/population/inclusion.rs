//! Inclusion probabilities under a rule, from what the rule changes in a sample.
//!
//! The sample is routed with and without the rule, and only the difference is believed (common random numbers): a rule that changes nothing
//! gives the law's own probabilities, whatever the noise of the sample.

/// q under a rule, from `law` without it and the sample's counts with and without it:
///
/// ```text
/// q_e = q0_e n_e / n0_e                  for an expert that loses tokens: the rest keeps its proportion
/// q_e = q0_e + (n_e - n0_e) / M          for one that gains
/// ```
///
/// Both are the difference to first order. The quotient has no noise left where an expert loses all; the sum is right where it had none.
pub(super) fn shifted(law: &[f64], without: &[u32], with: &[u32], tokens: usize, out: &mut [f64]) {
    for (((q, law), n0), n) in out.iter_mut().zip(law).zip(without).zip(with) {
        let (n0, n) = (f64::from(*n0), f64::from(*n));
        *q = if n < n0 { law * (n / n0) } else { law + (n - n0) / tokens as f64 };
    }
}

/// Brings `q` to sum to `top_k` by a common factor on those that stay below 1; what is negative or no number counts as 0.
pub(super) fn bring_to_sum(q: &mut [f64], top_k: usize) {
    if top_k >= q.len() {
        return q.fill(1.0);
    }
    q.iter_mut().for_each(|q| *q = if *q > 0.0 { *q } else { 0.0 });
    // A turn leaves everything as it is or fixes at least one more expert at 1.
    let mut certain = 0;
    for _ in 0..q.len() {
        let wanted = (top_k - certain) as f64;
        let rest: f64 = q.iter().filter(|q| **q < 1.0 || certain == 0).sum();
        if rest > 0.0 {
            let factor = wanted / rest;
            q.iter_mut().filter(|q| **q < 1.0 || certain == 0).for_each(|q| *q *= factor);
        } else {
            // Fewer than k experts are chosen at all: nothing is known of the others, so none is better.
            let even = wanted / (q.len() - certain) as f64;
            q.iter_mut().filter(|q| **q < 1.0).for_each(|q| *q = even);
        }
        q.iter_mut().for_each(|q| *q = q.min(1.0));
        let now = q.iter().filter(|q| **q >= 1.0).count();
        if now == certain || now >= top_k {
            break;
        }
        certain = now;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_rule_that_changes_nothing_gives_the_law_itself() {
        let law = [0.3, 0.5, 0.2, 1.0];
        let mut q = [0.0; 4];
        shifted(&law, &[31, 45, 24, 100], &[31, 45, 24, 100], 100, &mut q);
        assert_eq!(q, law);
    }

    #[test]
    fn losers_keep_their_proportion_and_gainers_add_the_difference() {
        let mut q = [0.0; 3];
        shifted(&[0.3, 0.5, 0.2], &[36, 44, 20], &[0, 22, 78], 100, &mut q);
        assert_eq!((q[0], q[1]), (0.0, 0.25));
        assert!((q[2] - 0.78).abs() < 1e-15);
    }

    proptest! {
        /// Whatever the sample says, probabilities are probabilities and sum to k.
        #[test]
        fn sums_are_kept(raw in prop::collection::vec(0.0_f64..3.0, 2..40), share in 0.0_f64..1.0) {
            let top_k = 1 + ((raw.len() - 1) as f64 * share) as usize;
            let mut q = raw;
            for q in &mut q {
                *q = (*q - 1.0).max(0.0);
            }
            bring_to_sum(&mut q, top_k);
            prop_assert!(q.iter().all(|q| (0.0..=1.0).contains(q)));
            prop_assert!((q.iter().sum::<f64>() - top_k as f64).abs() < 1e-9, "{:?}", q);
        }
    }
}

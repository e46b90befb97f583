//! Holm's correction: many comparisons, one promise.

/// Adjusted p-values of a family of comparisons, in the order given: those up to 0.05 are significant, and the chance
/// that even one of them is luck is at most 5 %, however the comparisons depend on each other.
///
/// The i-th smallest of m p-values is multiplied by m - i + 1, and none is smaller than the one before it (S. Holm, "A simple
/// sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979).
///
/// ```
/// use isotherm::statistics::holm;
/// assert_eq!(holm(&[0.01, 0.04, 0.03]), [0.03, 0.06, 0.06]);
/// assert_eq!(holm(&[0.04]), [0.04]);
/// ```
#[must_use]
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut largest = 0.0_f64;
    for (rank, index) in order.into_iter().enumerate() {
        let left = (p_values.len() - rank) as f64;
        largest = largest.max((left * p_values[index]).min(1.0));
        adjusted[index] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::holm;

    /// R: `p.adjust(c(0.012, 0.04, 0.0005, 0.9, 0.03, 0.03), "holm")`, worked by hand: sorted 0.0005 0.012 0.03 0.03 0.04 0.9
    /// times 6 5 4 3 2 1.
    #[test]
    fn a_family_with_ties_worked_by_hand() {
        let expected = [0.06, 0.12, 0.003, 0.9, 0.12, 0.12];
        for (found, expected) in holm(&[0.012, 0.04, 0.0005, 0.9, 0.03, 0.03]).iter().zip(expected) {
            assert!((found - expected).abs() < 1e-15, "{found} and not {expected}");
        }
        assert!(holm(&[]).is_empty());
        assert_eq!(holm(&[0.0, 0.0, 1.0]), [0.0, 0.0, 1.0]);
    }

    /// Rejected hypotheses by the closure principle with Bonferroni tests: the definition that step-down is a short cut for.
    fn closed(p: &[f64], alpha: f64) -> Vec<bool> {
        let sets = 1_usize..1 << p.len();
        let rejected = |set: usize| {
            let members: Vec<f64> = (0..p.len()).filter(|i| set >> i & 1 == 1).map(|i| p[i]).collect();
            members.iter().any(|p| *p * members.len() as f64 <= alpha)
        };
        (0..p.len()).map(|i| sets.clone().filter(|set| set >> i & 1 == 1).all(rejected)).collect()
    }

    proptest! {
        #[test]
        fn never_smaller_never_above_one_and_in_the_same_order(p in prop::collection::vec(0.0..=1.0_f64, 0..40)) {
            let adjusted = holm(&p);
            prop_assert_eq!(adjusted.len(), p.len());
            for i in 0..p.len() {
                prop_assert!(adjusted[i] >= p[i] && adjusted[i] <= 1.0);
                prop_assert!(adjusted[i] <= (p.len() as f64 * p[i]).min(1.0), "never more than Bonferroni");
                for j in 0..p.len() {
                    prop_assert!(p[i] > p[j] || adjusted[i] <= adjusted[j]);
                }
            }
        }

        #[test]
        fn rejects_what_the_closed_test_rejects(p in prop::collection::vec(0.0..=0.1_f64, 1..8)) {
            let found: Vec<bool> = holm(&p).into_iter().map(|p| p <= 0.05).collect();
            prop_assert_eq!(found, closed(&p, 0.05));
        }

        #[test]
        fn the_order_given_does_not_matter(p in prop::collection::vec(0.0..=1.0_f64, 1..20), by in 0_usize..20) {
            let by = by % p.len();
            let mut turned = p.clone();
            turned.rotate_left(by);
            let mut adjusted = holm(&p);
            adjusted.rotate_left(by);
            prop_assert_eq!(holm(&turned), adjusted);
        }
    }
}

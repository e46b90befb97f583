//! How much the chosen set changes from token to token.

use super::DROPPED;
use crate::simd;

/// Experts whose set is one machine word.
const WORD: usize = 64;

/// Mean over consecutive rows of `|S_t xor S_(t-1)| / 2k`; `None` below two rows.
pub(super) fn of(k: usize, experts: usize, rows: &[u32]) -> Option<f64> {
    let pairs = (rows.len() / k.max(1)).checked_sub(1).filter(|pairs| *pairs > 0)?;
    // Row lengths that the compiler knows are compared in registers.
    let changed = simd::dispatch(
        #[inline(always)]
        || match k {
            1 => changed(rows.as_chunks::<1>().0, experts),
            2 => changed(rows.as_chunks::<2>().0, experts),
            4 => changed(rows.as_chunks::<4>().0, experts),
            8 => changed(rows.as_chunks::<8>().0, experts),
            k => (rows.windows(2 * k).step_by(k)).map(|two| symmetric_difference(&two[..k], &two[k..])).sum(),
        },
    );
    Some(changed as f64 / (2 * k * pairs) as f64)
}

/// Sum over consecutive rows of the number of experts that are in one of the two and not in the other.
#[inline(always)]
fn changed<const K: usize>(rows: &[[u32; K]], experts: usize) -> u64 {
    if experts <= WORD {
        // A dropped slot shifts past the end and sets no bit.
        let set = |row: &[u32; K]| row.iter().fold(0_u64, |set, e| set | 1_u64.checked_shl(*e).unwrap_or(0));
        let mut before = rows.first().map_or(0, set);
        let mut sum = 0;
        for row in rows {
            let now = set(row);
            sum += u64::from((now ^ before).count_ones());
            before = now;
        }
        return sum;
    }
    rows.iter().zip(rows.iter().skip(1)).map(|(before, now)| symmetric_difference(before, now)).sum()
}

#[inline(always)]
fn symmetric_difference(a: &[u32], b: &[u32]) -> u64 {
    let (mut served, mut common) = (0, 0);
    for (x, y) in a.iter().zip(b) {
        served += u32::from(*x != DROPPED) + u32::from(*y != DROPPED);
        common += b.iter().map(|b| u32::from(b == x && *x != DROPPED)).sum::<u32>();
    }
    u64::from(served - 2 * common)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::gate::GateBatch;
    use crate::rng::fill_standard_normal;

    /// The definition, with sets.
    fn by_sets(k: usize, rows: &[u32]) -> f64 {
        let sets: Vec<BTreeSet<u32>> =
            rows.chunks(k).map(|row| row.iter().copied().filter(|e| *e != DROPPED).collect()).collect();
        let changed: usize = sets.windows(2).map(|two| two[0].symmetric_difference(&two[1]).count()).sum();
        changed as f64 / (2 * k * (sets.len() - 1)) as f64
    }

    #[test]
    fn equals_its_definition_for_every_row_length_with_and_without_drops() {
        for (experts, k) in [(8, 1), (8, 2), (64, 4), (64, 8), (65, 8), (256, 8), (256, 2), (16, 3), (300, 6)] {
            let mut logits = vec![0.0; experts * 97];
            fill_standard_normal([experts as u32, k as u32], 0, &mut logits);
            let mut rows = GateBatch::from_logits(experts, k, logits).reference().experts.clone();
            assert_eq!(of(k, experts, &rows), Some(by_sets(k, &rows)), "{k} of {experts}");
            rows.iter_mut().step_by(5).for_each(|expert| *expert = DROPPED);
            assert_eq!(of(k, experts, &rows), Some(by_sets(k, &rows)), "{k} of {experts}, some dropped");
        }
    }

    #[test]
    fn independent_tokens_change_as_much_as_chance_says() {
        for (experts, k) in [(8, 2), (64, 8), (100, 5)] {
            let tokens = 20_000;
            let mut logits = vec![0.0; experts * tokens];
            fill_standard_normal([3, 4], 0, &mut logits);
            let gate = GateBatch::from_logits(experts, k, logits);
            let (found, share) = (gate.reference().churn().unwrap(), k as f64 / experts as f64);
            // The number in common is hypergeometric; neighbouring pairs of independent tokens are uncorrelated.
            let (n, k) = (experts as f64, k as f64);
            let error = (share * (1.0 - share) * (n - k) / (n - 1.0) / k / tokens as f64).sqrt();
            assert!((found - (1.0 - share)).abs() < 5.0 * error, "{found} against {} +- {error}", 1.0 - share);
        }
    }

    #[test]
    fn fewer_than_two_tokens_have_no_churn() {
        assert_eq!((of(2, 8, &[]), of(2, 8, &[1, 2])), (None, None));
        assert_eq!(of(2, 8, &[1, 2, 2, 1]), Some(0.0));
        assert_eq!(of(2, 8, &[1, 2, 3, 4]), Some(1.0));
    }
}

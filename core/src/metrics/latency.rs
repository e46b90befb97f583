//! Percentiles of a list of latencies.

/// The nearest-rank percentile: the ceil(q n)-th smallest value, `q` in 0..=1; `None` of nothing.
///
/// The value returned was measured: nothing is interpolated.
///
/// ```
/// use isotherm_core::metrics::nearest_rank;
/// assert_eq!(nearest_rank(&[4.0, 1.0, 3.0, 2.0], 0.5), Some(2.0));
/// assert_eq!(nearest_rank(&[], 0.5), None);
/// ```
#[must_use]
pub fn nearest_rank(values: &[f64], q: f64) -> Option<f64> {
    let sorted = sorted(values);
    let rank = (q * values.len() as f64).ceil() as usize;
    sorted.get(rank.clamp(1, values.len().max(1)) - 1).copied()
}

/// The percentile with linear interpolation between ranks, as NumPy's default; `None` of nothing.
#[must_use]
pub fn linear_percentile(values: &[f64], q: f64) -> Option<f64> {
    let sorted = sorted(values);
    let position = q * values.len().checked_sub(1)? as f64;
    let (below, share) = (position.floor(), position.fract());
    let low = *sorted.get(below as usize)?;
    let high = sorted.get(below as usize + 1).copied().unwrap_or(low);
    Some(low + share * (high - low))
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

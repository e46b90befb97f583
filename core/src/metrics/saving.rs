//! What was saved, always against a run on the same tokens.

/// `100 (1 - energy / reference)` (%): positive when `energy` is less than `reference` (both J).
///
/// `reference` is the baseline's energy on the same token stream at equal completed tokens. With a constant in its place the
/// sign itself can be wrong, as in the published original: 2,525 J against an assumed 1,920 J.
///
/// ```
/// use isotherm_core::metrics::saving_percent;
/// assert_eq!(format!("{:.2}", saving_percent(2525.0, 1920.0)), "-31.51");
/// ```
#[must_use]
pub fn saving_percent(energy: f64, reference: f64) -> f64 {
    100.0 * (1.0 - energy / reference)
}

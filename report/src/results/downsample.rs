//! Fewer points of a series that look the same: of every column of a picture the first, the least, the greatest and the last point.
//!
//! A line through these covers exactly the pixels that a line through all points covers, where a column is a pixel wide. Nothing is
//! averaged and nothing is made up: every point that is kept is one of the series, and no peak is lost. What is not a finite number is
//! never an extreme; as the first or last of a column it stays, and with it the gap that it makes.

mod stream;

pub use stream::{Point, Thinned};

/// Most points that [`keep`] and [`Thinned`] leave of a column.
pub const POINTS_PER_COLUMN: usize = 4;

/// Which points of a series stay if it is drawn in `columns` columns of equal time: positions, rising, at most four a column. All of
/// them where they are no more than that.
///
/// `times` should not fall; a time that does counts as the one before it. Both slices have one entry a point; what is longer in one
/// of them is left out.
///
/// ```
/// use isotherm_report::results::downsample::keep;
/// let times: Vec<f64> = (0..100).map(f64::from).collect();
/// let mut values = vec![1.0; 100];
/// (values[17], values[42]) = (9.0, -9.0);
/// let kept = keep(&times, &values, 2);
/// assert!(kept.len() <= 8 && kept.contains(&17) && kept.contains(&42));
/// ```
#[must_use]
pub fn keep(times: &[f64], values: &[f64], columns: usize) -> Vec<usize> {
    keep_together(times, &[values], columns)
}

/// The same for several series over the same times that stay aligned: whatever one of them needs is kept of all. At most two points a
/// column, and two more a series.
#[must_use]
pub fn keep_together(times: &[f64], series: &[&[f64]], columns: usize) -> Vec<usize> {
    let points = series.iter().map(|values| values.len()).fold(times.len(), usize::min);
    if points <= columns.saturating_mul(2 + 2 * series.len()) {
        return (0..points).collect();
    }
    let columns = Columns::over(&times[..points], columns);
    let (mut kept, mut from, mut here) = (Vec::new(), 0, 0);
    while from < points {
        here = columns.of(times[from]).max(here);
        let until = (from + 1..points).find(|at| columns.of(times[*at]) > here).unwrap_or(points);
        let mut wanted = vec![from, until - 1];
        wanted.extend(series.iter().flat_map(|values| extremes(values, from..until)));
        wanted.sort_unstable();
        wanted.dedup();
        kept.extend(wanted);
        from = until;
    }
    kept
}

/// Where the least and the greatest finite value are, the first of equal ones.
fn extremes(values: &[f64], range: std::ops::Range<usize>) -> impl Iterator<Item = usize> {
    let (mut least, mut greatest) = (None, None);
    for at in range.filter(|at| values[*at].is_finite()) {
        if least.is_none_or(|least: usize| values[at] < values[least]) {
            least = Some(at);
        }
        if greatest.is_none_or(|greatest: usize| values[at] > values[greatest]) {
            greatest = Some(at);
        }
    }
    [least, greatest].into_iter().flatten()
}

/// Columns of equal time.
struct Columns {
    start: f64,
    width: f64,
    last: usize,
}

impl Columns {
    fn over(times: &[f64], columns: usize) -> Self {
        let finite = || times.iter().copied().filter(|time| time.is_finite());
        let (start, end) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
        let last = columns.saturating_sub(1);
        Self { start, width: (end - start) / columns.max(1) as f64, last }
    }

    /// The column of a time; the first one of what is no time.
    fn of(&self, time: f64) -> usize {
        (((time - self.start) / self.width).max(0.0) as usize).min(self.last)
    }
}

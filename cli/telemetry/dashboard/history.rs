//! The minutes before, for sparklines.

use std::collections::VecDeque;

/// Time that one column stands for (s).
pub(super) const COLUMN: i64 = 2;
/// Columns that are kept: ten minutes.
const KEPT: usize = 300;

/// Means over columns of two seconds, newest last. Bounded.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    columns: VecDeque<Option<f32>>,
    /// Number of the column in the making, as columns since 1970; the sum and the number of its values.
    current: i64,
    sum: f64,
    values: u32,
}

impl History {
    /// Takes a value read at `now` (ns, Unix time), or that there was none.
    pub(super) fn push(&mut self, now: i64, value: Option<f64>) {
        let column = now.div_euclid(COLUMN * 1_000_000_000);
        if column != self.current || self.columns.is_empty() {
            // A pause of the program is a hole, not a jump; a clock that was set back begins anew.
            let steps = if self.columns.is_empty() { 1 } else { (column - self.current).clamp(1, KEPT as i64) };
            (0..steps).for_each(|_| self.columns.push_back(None));
            while self.columns.len() > KEPT {
                self.columns.pop_front();
            }
            (self.current, self.sum, self.values) = (column, 0.0, 0);
        }
        if let Some(value) = value {
            self.sum += value;
            self.values += 1;
        }
        if let Some(last) = self.columns.back_mut() {
            *last = (self.values > 0).then(|| (self.sum / f64::from(self.values)) as f32);
        }
    }

    /// The newest `width` columns, oldest first; as many as there are.
    pub(super) fn newest(&self, width: usize) -> impl Iterator<Item = Option<f32>> + '_ {
        self.columns.iter().skip(self.columns.len().saturating_sub(width)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn a_column_is_the_mean_of_its_two_seconds() {
        let mut history = History::default();
        for (second, value) in [(0, 1.0), (1, 3.0), (2, 10.0)] {
            history.push(second * SECOND, Some(value));
        }
        assert_eq!(history.newest(9).collect::<Vec<_>>(), [Some(2.0), Some(10.0)]);
        assert_eq!(history.newest(1).collect::<Vec<_>>(), [Some(10.0)]);
    }

    #[test]
    fn what_was_not_read_is_a_hole() {
        let mut history = History::default();
        history.push(0, Some(1.0));
        history.push(2 * SECOND, None);
        history.push(9 * SECOND, Some(4.0));
        assert_eq!(history.newest(9).collect::<Vec<_>>(), [Some(1.0), None, None, None, Some(4.0)]);
    }

    #[test]
    fn it_is_bounded() {
        let mut history = History::default();
        (0..10_000).for_each(|second| history.push(second * SECOND, Some(1.0)));
        history.push(i64::MAX, Some(1.0));
        history.push(0, Some(1.0));
        assert_eq!(history.newest(usize::MAX).count(), KEPT);
    }
}

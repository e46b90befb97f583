//! The lines of one run while its batches come by: all of them while there is room, then smallest and largest of ever longer columns.
//!
//! A page has room for so many points and no more. What it leaves out must not be what a reader looks for: a peak, a dip. So a column
//! keeps the smallest and the largest value of each line, in the order in which they came. How long the run will be is not known
//! before it has come by, and need not be: when all columns are full, neighbours are merged.

/// Smallest and largest of a column, in the order in which they came; `NaN` where nothing is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Extent(pub(super) f64, pub(super) f64);

impl Extent {
    fn low(self) -> f64 {
        self.0.min(self.1)
    }

    fn high(self) -> f64 {
        self.0.max(self.1)
    }

    /// This column and the one after it.
    fn then(self, next: Self) -> Self {
        if self.0.is_nan() {
            return next;
        }
        if next.0.is_nan() {
            return self;
        }
        match (self.low() <= next.low(), self.high() >= next.high()) {
            (true, true) => self,
            (false, false) => next,
            (true, false) => Self(self.low(), next.high()),
            (false, true) => Self(self.high(), next.low()),
        }
    }
}

/// All lines of one run.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    /// Lines: one for a measure of the run, one for each GPU or expert of the others.
    width: usize,
    /// Points of a line that there is room for.
    room: usize,
    /// Batches in a column.
    stride: usize,
    batches: usize,
    /// End of the first and of the last batch of every column (ns).
    times: Vec<[u64; 2]>,
    /// Column after column, line after line.
    extents: Vec<Extent>,
}

impl Lines {
    /// For `width` lines with room for `room` points each; at least four.
    pub(super) fn new(width: usize, room: usize) -> Self {
        Self { width, room: room.max(4) & !3, stride: 1, batches: 0, times: Vec::new(), extents: Vec::new() }
    }

    /// Takes the next batch: when it ended, and a value for each line.
    pub(super) fn push(&mut self, ended: u64, values: &[f64]) {
        debug_assert_eq!(values.len(), self.width);
        let column = self.batches / self.stride;
        if column < self.times.len() {
            self.times[column][1] = ended;
            let at = column * self.width;
            for (extent, value) in self.extents[at..].iter_mut().zip(values) {
                *extent = extent.then(Extent(*value, *value));
            }
        } else {
            while self.times.len() >= self.most_columns() {
                self.merge();
            }
            self.times.push([ended; 2]);
            self.extents.extend(values.iter().map(|value| Extent(*value, *value)));
        }
        self.batches += 1;
    }

    /// A column of a single batch is one point, any other is two.
    fn most_columns(&self) -> usize {
        if self.stride == 1 { self.room } else { self.room / 2 }
    }

    /// Makes one column of every two neighbours.
    fn merge(&mut self) {
        let width = self.width;
        let columns = self.times.len();
        for column in 0..columns.div_ceil(2) {
            let (first, last) = (2 * column, (2 * column + 1).min(columns - 1));
            self.times[column] = [self.times[first][0], self.times[last][1]];
            for line in 0..width {
                let mut extent = self.extents[first * width + line];
                if last > first {
                    extent = extent.then(self.extents[last * width + line]);
                }
                self.extents[column * width + line] = extent;
            }
        }
        self.times.truncate(columns.div_ceil(2));
        self.extents.truncate(columns.div_ceil(2) * width);
        self.stride *= 2;
    }

    /// Makes do with half the room.
    pub(super) fn halve(&mut self) {
        self.room = (self.room / 2).max(4) & !3;
        while self.times.len() > self.most_columns() {
            self.merge();
        }
    }

    /// Batches in a column; 1 where every batch is there.
    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    /// Batches that came by.
    pub(super) fn batches(&self) -> usize {
        self.batches
    }

    /// How many lines there are.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Times of the points (ns): one for a batch, two for a column of several.
    pub(super) fn times(&self) -> Vec<u64> {
        match self.stride {
            1 => self.times.iter().map(|time| time[0]).collect(),
            _ => self.times.iter().flatten().copied().collect(),
        }
    }

    /// Values of the points of a line.
    pub(super) fn values(&self, line: usize) -> Vec<f64> {
        let column = self.extents.iter().skip(line).step_by(self.width);
        match self.stride {
            1 => column.map(|extent| extent.0).collect(),
            _ => column.flat_map(|extent| [extent.0, extent.1]).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_fits_stays_as_it_is() {
        let mut lines = Lines::new(2, 8);
        for batch in 0..8_u32 {
            lines.push(u64::from(batch), &[f64::from(batch), -f64::from(batch)]);
        }
        assert_eq!(lines.stride(), 1);
        assert_eq!(lines.values(1), [0.0, -1.0, -2.0, -3.0, -4.0, -5.0, -6.0, -7.0]);
    }

    #[test]
    fn a_peak_and_a_gap_survive() {
        let mut lines = Lines::new(1, 8);
        for batch in 0..1000_u32 {
            let value = if batch == 357 { 99.0 } else { f64::from(batch % 2) };
            lines.push(u64::from(batch), &[if batch < 256 { f64::NAN } else { value }]);
        }
        let values = lines.values(0);
        assert!(values.len() <= 8 && values[0].is_nan(), "{values:?}");
        assert!(values.contains(&99.0), "{values:?}");
    }

    proptest! {
        #[test]
        fn each_column_has_the_extremes_of_its_batches(values in prop::collection::vec(-100.0..100.0_f64, 1..400), room in 4..64_usize) {
            let mut lines = Lines::new(1, room);
            for (batch, value) in values.iter().enumerate() {
                lines.push(batch as u64, &[*value]);
            }
            let (stride, kept) = (lines.stride(), lines.values(0));
            prop_assert!(kept.len() <= room.max(4));
            let points = if stride == 1 { 1 } else { 2 };
            prop_assert_eq!(kept.len(), points * values.len().div_ceil(stride));
            for (column, batches) in kept.chunks(points).zip(values.chunks(stride)) {
                let extreme = |values: &[f64], pick: fn(f64, f64) -> f64| values.iter().copied().reduce(pick);
                prop_assert_eq!(extreme(column, f64::min), extreme(batches, f64::min));
                prop_assert_eq!(extreme(column, f64::max), extreme(batches, f64::max));
            }
        }
    }
}

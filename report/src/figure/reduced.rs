//! Long series in bounded memory, and short enough to draw.
//!
//! A picture has some hundred columns. Of all values that fall into one, the first, the least, the largest and the last are kept, so that no
//! peak is lost and no line goes where no value was. Columns grow as a series does: nothing has to be known about its length.

use super::Point;

/// One column.
#[derive(Clone, Copy, Debug)]
struct Bin {
    first: [f64; 2],
    least: [f64; 2],
    largest: [f64; 2],
    last: [f64; 2],
}

/// A series that is reduced while it grows.
#[derive(Clone, Debug)]
pub(super) struct Reduced {
    /// Columns at most.
    most: usize,
    /// Values of a column.
    width: usize,
    /// Values in the open column.
    filled: usize,
    bins: Vec<Bin>,
}

impl Reduced {
    /// To `columns` at most; of a series of `4 * columns` values or fewer, nothing is left out.
    pub(super) fn to(columns: usize) -> Self {
        Self { most: columns.max(1) * 2, width: 1, filled: 0, bins: Vec::new() }
    }

    /// The next value; one that is not finite is left out.
    pub(super) fn push(&mut self, x: f64, y: f64) {
        if !x.is_finite() || !y.is_finite() {
            return;
        }
        let value = [x, y];
        let alone = Bin { first: value, least: value, largest: value, last: value };
        match self.bins.last_mut().filter(|_| self.filled < self.width) {
            Some(open) => *open = open.with(alone),
            None => {
                if self.bins.len() >= 2 * self.most {
                    self.bins =
                        self.bins.chunks(2).map(|pair| pair[1..].iter().fold(pair[0], |a, b| a.with(*b))).collect();
                    self.width *= 2;
                }
                self.bins.push(alone);
                self.filled = 0;
            }
        }
        self.filled += 1;
    }

    /// Values of a column: 1 where nothing was left out.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// The kept values, in their order.
    pub(super) fn points(&self) -> Vec<Point> {
        let mut points: Vec<Point> = Vec::new();
        for bin in &self.bins {
            let [low, high] =
                if bin.least[0] <= bin.largest[0] { [bin.least, bin.largest] } else { [bin.largest, bin.least] };
            for [x, y] in [bin.first, low, high, bin.last] {
                let point = Point::at(x, y);
                if points.last() != Some(&point) {
                    points.push(point);
                }
            }
        }
        points
    }
}

impl Bin {
    fn with(self, later: Self) -> Self {
        Self {
            first: self.first,
            least: if later.least[1] < self.least[1] { later.least } else { self.least },
            largest: if later.largest[1] > self.largest[1] { later.largest } else { self.largest },
            last: later.last,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_series_stays_as_it_is() {
        let mut reduced = Reduced::to(50);
        (0..200).for_each(|k| reduced.push(f64::from(k), f64::from(k * k % 17)));
        assert_eq!(reduced.points().len(), 200);
        assert_eq!(reduced.width(), 1);
    }

    #[test]
    fn of_a_long_one_no_peak_is_lost() {
        let mut reduced = Reduced::to(50);
        let value = |k: u32| match k {
            70_001 => 1000.0,
            70_002 => -1000.0,
            k => f64::from(k % 7),
        };
        (0..100_000).for_each(|k| reduced.push(f64::from(k), value(k)));
        let points = reduced.points();
        assert!(points.len() <= 4 * 200, "{}", points.len());
        assert!(points.contains(&Point::at(70_001.0, 1000.0)) && points.contains(&Point::at(70_002.0, -1000.0)));
        assert_eq!(points.first(), Some(&Point::at(0.0, 0.0)));
        assert_eq!(points.last(), Some(&Point::at(99_999.0, value(99_999))));
        assert!(points.windows(2).all(|pair| pair[0].x <= pair[1].x), "in order");
    }
}

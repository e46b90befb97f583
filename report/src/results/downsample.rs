//! Fewer points of a series that look the same: of every column of a picture the first, the least, the greatest and the last point.
//!
//! A line through these covers exactly the pixels that a line through all points covers, where a column is a pixel wide. Nothing is
//! averaged and nothing is made up: every point that is kept is one of the series, and no peak is lost. What is not a finite number is
//! never an extreme; as the first or last of a column it stays, and with it the gap that it makes.

/// Most points that [`Thinned`] leaves of a column.
pub const POINTS_PER_COLUMN: usize = 4;

/// A point of a series.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// When.
    pub time: f64,
    /// What.
    pub value: f64,
}

/// A series that is thinned while it is read: in memory there are never more than four points of each of `columns` columns.
///
/// Columns are equally long stretches of time. When there are too many, each two become one: there are at least half as many columns as
/// asked for once the series is long enough to fill them.
///
/// ```
/// use isotherm_report::results::downsample::{Point, Thinned};
/// let mut series = Thinned::new(2);
/// (0..100).for_each(|at| series.push(f64::from(at), if at == 42 { 9.0 } else { 1.0 }));
/// assert!(series.points().len() <= 8);
/// assert!(series.points().contains(&Point { time: 42.0, value: 9.0 }));
/// ```
#[derive(Clone, Debug)]
pub struct Thinned {
    columns: usize,
    /// Start of the first column, and how long columns are; nothing while all points fit.
    scale: Option<Scale>,
    kept: Vec<Column>,
    seen: u64,
}

#[derive(Clone, Copy, Debug)]
struct Scale {
    start: f64,
    width: f64,
}

/// The points that stay of a column, in their order: first, extremes, last.
#[derive(Clone, Copy, Debug)]
struct Column {
    first: (u64, Point),
    least: (u64, Point),
    greatest: (u64, Point),
    last: (u64, Point),
}

impl Column {
    fn of(order: u64, point: Point) -> Self {
        let only = (order, point);
        Self { first: only, least: only, greatest: only, last: only }
    }

    /// This column and the one after it, as one.
    fn join(&mut self, next: &Self) {
        let known = |point: &(u64, Point)| point.1.value.is_finite();
        if known(&next.least) && (!known(&self.least) || next.least.1.value < self.least.1.value) {
            self.least = next.least;
        }
        if known(&next.greatest) && (!known(&self.greatest) || next.greatest.1.value > self.greatest.1.value) {
            self.greatest = next.greatest;
        }
        self.last = next.last;
    }

    fn points(&self) -> impl Iterator<Item = Point> {
        let mut points = [self.first, self.least, self.greatest, self.last];
        points.sort_by_key(|(order, _)| *order);
        let mut before = None;
        points.into_iter().filter_map(move |(order, point)| {
            let is_new = before.replace(order) != Some(order);
            is_new.then_some(point)
        })
    }
}

impl Thinned {
    /// An empty series, to be drawn in so many columns.
    #[must_use]
    pub fn new(columns: usize) -> Self {
        Self { columns: columns.max(1), scale: None, kept: Vec::new(), seen: 0 }
    }

    /// Takes in the next point. Times do not fall; one that does, or is no number, counts as the one before it.
    pub fn push(&mut self, time: f64, value: f64) {
        let before = self.kept.last().map_or(f64::NEG_INFINITY, |column| column.last.1.time);
        let time = if time.is_finite() { time } else { before };
        let time = if before.is_finite() { time.max(before) } else { time };
        // Nothing came before that could be taken instead.
        let time = if time.is_finite() { time } else { 0.0 };
        let column = Column::of(self.seen, Point { time, value });
        self.seen += 1;
        let Some(scale) = self.scale else {
            self.kept.push(column);
            if self.kept.len() > POINTS_PER_COLUMN * self.columns {
                self.begin_columns();
            }
            return;
        };
        self.add(scale, column);
        self.widen();
    }

    /// The points that are left, in their order: at most four a column.
    #[must_use]
    pub fn points(&self) -> Vec<Point> {
        self.kept.iter().flat_map(Column::points).collect()
    }

    /// Points that went by.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// There are too many single points: from now on columns are kept.
    fn begin_columns(&mut self) {
        let start = self.kept.first().map_or(0.0, |column| column.first.1.time);
        let end = self.kept.last().map_or(start, |column| column.last.1.time);
        // All points at one time are one column, of any width.
        let width = if end > start { (end - start) / self.columns as f64 } else { 1.0 };
        let scale = Scale { start, width };
        self.scale = Some(scale);
        for column in std::mem::take(&mut self.kept) {
            self.add(scale, column);
        }
        self.widen();
    }

    /// Adds points after all others to the column that they belong to.
    fn add(&mut self, scale: Scale, next: Column) {
        match self.kept.last_mut() {
            Some(last) if scale.column(last.first.1.time) == scale.column(next.first.1.time) => last.join(&next),
            _ => self.kept.push(next),
        }
    }

    /// Joins columns until they are few enough.
    fn widen(&mut self) {
        while self.kept.len() > self.columns
            && let Some(scale) = &mut self.scale
        {
            scale.width *= 2.0;
            let scale = *scale;
            for column in std::mem::take(&mut self.kept) {
                self.add(scale, column);
            }
        }
    }
}

impl Scale {
    fn column(&self, time: f64) -> u64 {
        ((time - self.start) / self.width) as u64
    }
}

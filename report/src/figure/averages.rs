//! Means over seeds, batch by batch.

use statrs::distribution::{ContinuousCDF as _, StudentsT};

use super::{Kind, Point, Series, thinned};
use crate::palette::Ink;
use crate::results::downsample::Thinned;

/// Batches that are kept apart; longer runs have neighbours put together.
const MOST: usize = 1 << 16;

/// Sums over the seeds at one batch.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    count: f64,
    sum: f64,
    squares: f64,
}

/// A quantity of one router over its batches, summed over seeds.
#[derive(Clone, Debug, Default)]
pub(super) struct Averages {
    sums: Vec<Sums>,
    /// Binary logarithm of the batches that were put together.
    shift: u32,
}

/// Mean at a batch and its interval, where several seeds make one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Mean {
    pub(super) batch: f64,
    pub(super) mean: f64,
    pub(super) range: Option<[f64; 2]>,
    /// Seeds that are in it.
    pub(super) seeds: f64,
}

/// Seeds from which on an interval is narrow enough to be drawn along a line: that of two is 12.7 standard errors to each side.
const ENOUGH: f64 = 2.5;

/// What is said where lines have no interval although there are two seeds.
pub(super) fn too_few(means: &[Vec<Mean>]) -> Option<String> {
    let all = || means.iter().flatten().filter(|mean| mean.range.is_some());
    let none = all().next().is_some() && all().all(|mean| mean.seeds < ENOUGH);
    none.then(|| "Intervals are not drawn: of two seeds they are so wide that nothing else could be seen.".to_owned())
}

impl Averages {
    /// Takes the value of one seed at a batch.
    pub(super) fn add(&mut self, batch: i64, value: f64) {
        let Ok(batch) = usize::try_from(batch) else { return };
        while batch >> self.shift >= MOST {
            self.halve();
        }
        let place = batch >> self.shift;
        if place >= self.sums.len() {
            self.sums.resize(place + 1, Sums::default());
        }
        let sums = &mut self.sums[place];
        sums.count += 1.0;
        sums.sum += value;
        sums.squares += value * value;
    }

    fn halve(&mut self) {
        let together = |pair: &[Sums]| {
            pair.iter().fold(Sums::default(), |a, b| Sums {
                count: a.count + b.count,
                sum: a.sum + b.sum,
                squares: a.squares + b.squares,
            })
        };
        self.sums = self.sums.chunks(2).map(together).collect();
        self.shift += 1;
    }

    /// Means in the order of the batches, those without a value left out.
    pub(super) fn means(&self) -> Vec<Mean> {
        let mut factor = Factor::default();
        let mut means = Vec::with_capacity(self.sums.len());
        for (place, sums) in self.sums.iter().enumerate().filter(|(_, sums)| sums.count > 0.0) {
            let mean = sums.sum / sums.count;
            // Batches that were put together are no seeds: their spread is no interval.
            let half = (sums.count > 1.5 && self.shift == 0).then(|| {
                let variance = (sums.squares - sums.sum * mean).max(0.0) / (sums.count - 1.0);
                factor.of(sums.count) * (variance / sums.count).sqrt()
            });
            let range = half.map(|half| [mean - half, mean + half]);
            means.push(Mean { batch: (place << self.shift) as f64, mean, range, seeds: sums.count });
        }
        means
    }
}

/// 97.5 % quantile of Student's t for the count of values seen last.
#[derive(Default)]
struct Factor {
    count: f64,
    factor: f64,
}

impl Factor {
    fn of(&mut self, count: f64) -> f64 {
        if count.to_bits() != self.count.to_bits() {
            self.count = count;
            self.factor = StudentsT::new(0.0, 1.0, count - 1.0).map_or(0.0, |t| t.inverse_cdf(0.975));
        }
        self.factor
    }
}

/// The mean as a line and its interval as a ribbon, no finer than `columns` can show.
pub(super) fn with_ribbon(name: &str, ink: Ink, means: &[Mean], columns: usize) -> Vec<Series> {
    let mut line = Thinned::new(columns);
    means.iter().for_each(|mean| line.push(mean.batch, mean.mean));
    let mut all = Vec::new();
    if means.iter().any(|mean| mean.range.is_some() && mean.seeds > ENOUGH) {
        let wide = means.chunks(means.len().div_ceil(2 * columns.max(1)).max(1));
        let points = wide.filter_map(envelope).collect();
        all.push(Series { name: name.to_owned(), ink, kind: Kind::Ribbon, points });
    }
    all.push(Series { name: name.to_owned(), ink, kind: Kind::Line, points: thinned(&line) });
    all
}

/// Neighbours as one point of a ribbon, which has to hold all their intervals.
fn envelope(means: &[Mean]) -> Option<Point> {
    let ranges = means.iter().filter_map(|mean| mean.range);
    let range = ranges.reduce(|a, b| [a[0].min(b[0]), a[1].max(b[1])])?;
    let middle = means.get(means.len() / 2)?;
    Some(Point { y_range: Some(range), ..Point::at(middle.batch, middle.mean) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_student_s() {
        let mut averages = Averages::default();
        [1.0, 2.0, 3.0].iter().for_each(|value| averages.add(0, *value));
        averages.add(1, 5.0);
        let means = averages.means();
        // t(2, 97.5 %) = 4.302653, s = 1, n = 3.
        let [low, high] = means[0].range.unwrap();
        assert!(
            (means[0].mean - 2.0).abs() < 1e-12 && (high - 2.0 - 4.302_653 / 3.0_f64.sqrt()).abs() < 1e-5,
            "{high}"
        );
        assert!((low + high - 4.0).abs() < 1e-12);
        assert_eq!(means[1], Mean { batch: 1.0, mean: 5.0, range: None, seeds: 1.0 }, "one seed, no interval");
    }

    #[test]
    fn a_long_run_is_put_together() {
        let mut averages = Averages::default();
        (0..200_000).for_each(|batch| averages.add(batch, 1.0));
        let means = averages.means();
        assert_eq!(means.len(), 50_000);
        assert!(means.iter().all(|mean| mean.mean.to_bits() == 1.0_f64.to_bits() && mean.range.is_none()));
        assert_eq!(means[1].batch.to_bits(), 4.0_f64.to_bits());
    }
}

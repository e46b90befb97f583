//! Distribution of batch latencies: how long do batches take, and the slow ones?

use std::collections::BTreeMap;

use super::choice::{chosen, each_batch, note};
use super::routers::{Lines, columns, panels};
use super::{Axis, Figure, Kind, NoFigure, Point, Rule, Series, prefix, words};
use crate::palette::Ink;
use crate::results::{Column, Results};

const NAME: &str = "latency";

/// Latencies by size, to one part in 4,096: as many classes as there are different ones, some ten thousand at most.
#[derive(Clone, Debug, Default)]
struct Counts {
    classes: BTreeMap<u64, Class>,
    all: u64,
}

/// Latencies that are alike.
#[derive(Clone, Copy, Debug)]
struct Class {
    count: u64,
    largest: f64,
}

impl Counts {
    fn add(&mut self, seconds: f64) {
        let class = self.classes.entry(seconds.to_bits() >> 40).or_insert(Class { count: 0, largest: seconds });
        class.count += 1;
        class.largest = class.largest.max(seconds);
        self.all += 1;
    }

    /// Share of the batches (%) that took no longer, at no more than about `most` latencies; the slowest hundredth in full.
    fn shares(&self, factor: f64, most: usize) -> Vec<Point> {
        let mut points = Vec::new();
        let (mut below, mut drawn) = (0, -1.0);
        let first = self.classes.values().next().map(|class| class.largest);
        points.extend(first.map(|least| Point::at(factor * least, 0.0)));
        let last = self.classes.len().saturating_sub(1);
        for (place, class) in self.classes.values().enumerate() {
            below += class.count;
            let share = 100.0 * below as f64 / self.all as f64;
            if share - drawn >= 100.0 / most as f64 || share >= 99.0 || place == last {
                points.push(Point::at(factor * class.largest, share));
                drawn = share;
            }
        }
        points
    }
}

pub(super) fn build(results: &Results) -> Result<Figure, NoFigure> {
    let all = chosen(results);
    let wanted = [Column::ArrivedNs, Column::FinishedNs];
    if all.is_empty() || !wanted.iter().all(|column| results.has(*column)) {
        return Err(NoFigure::because(NAME, "the folder has no series.parquet with arrived_ns and finished_ns"));
    }
    let mut counts = vec![Counts::default(); all.len()];
    each_batch(results, &all, &wanted, |place, _, row| {
        let [arrived, finished] = wanted.map(|column| row.whole(column));
        let took = arrived.zip(finished).filter(|(arrived, finished)| finished >= arrived);
        if let Some((arrived, finished)) = took {
            counts[place].add((finished - arrived) as f64 * 1e-9);
        }
    })?;
    let ends = |counts: &Counts| {
        let mut sizes = counts.classes.values().map(|class| class.largest);
        [sizes.next(), sizes.next_back()]
    };
    let sizes: Vec<f64> = counts.iter().flat_map(ends).flatten().collect();
    let (factor, unit) = prefix(sizes.iter().copied().fold(0.0, f64::max));
    let mut figure = Figure {
        name: NAME,
        title: "How long do batches take, and how long the slowest?".into(),
        subtitle: words::about(results, "all batches of all seeds"),
        ..Figure::default()
    };
    let most = columns(all.len());
    let lines = all.iter().zip(&counts).filter(|(_, counts)| counts.all > 0).map(|(chosen, counts)| Lines {
        router: chosen.router.clone(),
        ink: chosen.ink,
        series: vec![Series {
            name: chosen.router.clone(),
            ink: chosen.ink,
            kind: Kind::Steps,
            points: counts.shares(factor, 2 * most),
        }],
    });
    let x = Axis::fitting(format!("latency, arrival to end ({unit}s)"), sizes.iter().map(|size| factor * size));
    let y = Axis::linear("batches that took no longer (%)").with(0.0).with(100.0);
    panels(&mut figure, &x, &y, &slo(results, factor).into_iter().collect::<Vec<_>>(), lines.collect());
    figure.notes.extend(note(results, &all));
    Ok(figure)
}

/// The latency that the scenario asks for.
fn slo(results: &Results, factor: f64) -> Option<Rule> {
    let text = results.scenario.as_ref()?.get(&["compare", "slo"])?.as_str()?;
    let at = factor * super::drift::seconds(text)?;
    Some(Rule { name: format!("objective {}", words::brief(text)), ink: Ink::Hot, upright: true, at, dash: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_rise_to_all_of_them_and_keep_the_slowest() {
        let mut counts = Counts::default();
        (1..=10_000).for_each(|k| counts.add(1e-3 * f64::from(k)));
        let points = counts.shares(1.0, 50);
        assert!(points.windows(2).all(|pair| pair[0].y <= pair[1].y && pair[0].x <= pair[1].x));
        let last = points.last().unwrap();
        assert_eq!((last.x.to_bits(), last.y.to_bits()), (10.0_f64.to_bits(), 100.0_f64.to_bits()));
        let median = points.iter().find(|point| point.y >= 50.0).unwrap();
        assert!((median.x - 5.0).abs() < 0.15, "{median:?}");
        assert!(counts.classes.len() < 10_000);
    }
}

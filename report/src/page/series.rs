//! The series of the page: read once, reduced while they come, packed until they fit.

use super::encode::{Packed, pack};
use super::measure::{Experts, MEASURES, Measure, columns};
use super::reduce::Lines;
use crate::results::{BatchRow, Column, ReadError, Results, Wanted};

/// Characters of the data block that series may take. With figures, table and scripts the page stays below 3 MB.
const ROOM: usize = 2_200_000;
/// Runs on one page.
const MOST_RUNS: usize = 400;
/// Points of all lines of the runs that are looked at first, and of all others, before packing: the memory this takes.
const POINTS_OF_FIRST: usize = 2_400_000;
const POINTS_OF_OTHERS: usize = 1_600_000;
/// No line has fewer points than this, nor more.
const FEWEST_POINTS: usize = 32;
const MOST_POINTS: usize = 4096;

/// The series of one run.
#[derive(Debug)]
pub(super) struct RunSeries {
    /// Index into the runs of the folder.
    pub(super) run: usize,
    /// How many lines each of [`MEASURES`] has here.
    pub(super) layout: Vec<usize>,
    pub(super) lines: Lines,
    pub(super) packed: Packed,
}

/// All series of the page.
#[derive(Debug, Default)]
pub(super) struct Series {
    /// In the order of the plan.
    pub(super) runs: Vec<RunSeries>,
    /// Finished runs that have no place on the page.
    pub(super) left_out: usize,
    /// What went wrong while reading.
    pub(super) error: Option<ReadError>,
}

/// Reads and packs the series of as many runs as a page holds: first of all the first seed of every router and point.
pub(super) fn collect(results: &Results) -> Series {
    let (first, others) = chosen(results);
    let finished = results.runs.iter().filter(|run| run.is_finished()).count();
    let room = |run: usize, width: usize| {
        let (points, runs) =
            if first.contains(&run) { (POINTS_OF_FIRST, first.len()) } else { (POINTS_OF_OTHERS, others.len()) };
        (points / (runs * width.max(1)).max(1)).clamp(FEWEST_POINTS, MOST_POINTS)
    };
    let mut wanted = [first.as_slice(), &others].concat();
    wanted.sort_unstable();
    let mut found: Vec<(usize, Vec<usize>, Lines)> = Vec::new();
    let mut values = Vec::new();
    let experts = Experts::of(results.scenario.as_ref());
    let read = results.each_batch(&Wanted::of_runs(&columns(), &wanted), |run, row| {
        if found.last().is_none_or(|(last, ..)| *last != run) {
            let layout: Vec<usize> = MEASURES.iter().map(|measure| measure.lines(row, experts)).collect();
            let width = layout.iter().sum();
            found.push((run, layout, Lines::new(width, room(run, width))));
        }
        if let Some((_, layout, lines)) = found.last_mut() {
            take(row, layout, experts, &mut values, lines);
        }
    });
    let mut runs: Vec<RunSeries> =
        found.into_iter().map(|(run, layout, lines)| RunSeries { run, layout, packed: pack(&lines), lines }).collect();
    fit(&mut runs, &first);
    Series { left_out: finished - wanted.len(), runs, error: read.err() }
}

fn take(row: &BatchRow<'_>, layout: &[usize], experts: Experts, values: &mut Vec<f64>, lines: &mut Lines) {
    let Some(ended) = row.whole(Column::FinishedNs).and_then(|ended| u64::try_from(ended).ok()) else { return };
    values.clear();
    let each = |(measure, lines): (&Measure, &usize)| measure.values(row, *lines, experts, values);
    MEASURES.iter().zip(layout).for_each(each);
    lines.push(ended, values);
}

/// The runs whose series the page has: the first seed of each row of the summary, and the others while there is room.
fn chosen(results: &Results) -> (Vec<usize>, Vec<usize>) {
    let mut seen = vec![false; results.summary.rows.len()];
    let (mut first, mut others) = (Vec::new(), Vec::new());
    for (index, run) in results.runs.iter().enumerate().filter(|(_, run)| run.is_finished()) {
        let seen = run.row.and_then(|row| seen.get_mut(row)).is_none_or(|seen| std::mem::replace(seen, true));
        if seen { &mut others } else { &mut first }.push(index);
    }
    first.truncate(MOST_RUNS);
    others.truncate(MOST_RUNS - first.len());
    (first, others)
}

/// Halves lines until all fit: those of later seeds first, down to the fewest points that show anything.
fn fit(runs: &mut [RunSeries], first: &[usize]) {
    let total = |runs: &[RunSeries]| runs.iter().map(|run| run.packed.text.len()).sum::<usize>();
    for (is_first, times) in [(false, 2), (true, 1), (false, 2), (true, 2), (false, 9), (true, 9)] {
        for _ in 0..times {
            if total(runs) <= ROOM {
                return;
            }
            for run in runs.iter_mut().filter(|run| first.contains(&run.run) == is_first) {
                if run.packed.points > FEWEST_POINTS {
                    run.lines.halve();
                    run.packed = pack(&run.lines);
                }
            }
        }
    }
}

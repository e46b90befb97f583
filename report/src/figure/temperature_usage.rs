//! Temperature of every GPU against its share of the work: do routers spare warm GPUs?

use super::averages::Averages;
use super::choice::{Chosen, chosen, note};
use super::{Axis, Figure, Kind, NoFigure, Panel, Point, Series, words};
use crate::results::{BatchRow, Column, Results, Wanted};

const NAME: &str = "temperature-vs-usage";

/// Sums of one run: work and temperature per GPU.
#[derive(Clone, Debug, Default)]
struct Sums {
    work: Vec<f64>,
    degc: Vec<f64>,
    batches: f64,
}

impl Sums {
    fn add(&mut self, work: &[f64], degc: &[f64]) {
        self.work.resize(self.work.len().max(work.len()), 0.0);
        self.degc.resize(self.degc.len().max(degc.len()), 0.0);
        self.work.iter_mut().zip(work).for_each(|(sum, value)| *sum += value);
        self.degc.iter_mut().zip(degc).for_each(|(sum, value)| *sum += value);
        self.batches += 1.0;
    }
}

/// What stands for the work of a GPU.
struct Work {
    column: Column,
    label: &'static str,
}

pub(super) fn build(results: &Results) -> Result<Figure, NoFigure> {
    let all = chosen(results);
    if all.is_empty() || !results.has(Column::TemperatureDegc) {
        return Err(NoFigure::because(NAME, "the folder has no series.parquet with temperatures (`temperature_degc`)"));
    }
    let work = work(results)?;
    let runs: Vec<usize> = all.iter().flat_map(|chosen| chosen.runs.iter().copied()).collect();
    let mut sums = vec![Sums::default(); results.runs.len()];
    let wanted = Wanted::of_runs(&[work.column, Column::TemperatureDegc], &runs);
    results.each_batch(&wanted, |run, row: &BatchRow<'_>| {
        let (work, degc) = (row.list(work.column), row.list(Column::TemperatureDegc));
        if work.len() == degc.len() && work.iter().chain(degc).all(|value| value.is_finite()) {
            sums[run].add(work, degc);
        }
    })?;
    let series: Vec<Series> = all.iter().map(|chosen| of_router(chosen, &sums)).collect();
    if series.iter().all(|series| series.points.is_empty()) {
        return Err(NoFigure::because(NAME, "nothing has a temperature in this scenario"));
    }
    let mut figure = Figure {
        name: NAME,
        title: "Do routers give less work to warmer GPUs?".into(),
        subtitle: words::about(results, &format!("a mark is a GPU; {}", words::seeds(results))),
        columns: 1,
        panels: vec![Panel {
            x: Axis::linear(work.label),
            y: Axis::linear("die temperature, mean over batches (°C)"),
            series,
            ..Panel::default()
        }],
        ..Figure::default()
    };
    figure.legend = figure.keys();
    figure.notes.extend(words::fixed_temperatures(results));
    figure.notes.extend(note(results, &all));
    Ok(figure)
}

/// Assignments where each GPU has one expert for good; else the time a GPU worked.
fn work(results: &Results) -> Result<Work, NoFigure> {
    let scenario = results.scenario.as_ref();
    let whole = |path: &[&str]| scenario.and_then(|scenario| scenario.get(path)?.as_integer());
    let one_each = whole(&["model", "experts"]).is_some()
        && whole(&["model", "experts"]) == whole(&["hardware", "gpus"])
        && whole(&["model", "layers"]).unwrap_or(1) == 1
        && scenario.is_some_and(|scenario| scenario.get(&["placement"]).is_none());
    if one_each && results.has(Column::Usage) {
        return Ok(Work { column: Column::Usage, label: "share of the assignments (%)" });
    }
    if results.has(Column::BusyS) {
        return Ok(Work { column: Column::BusyS, label: "share of the GPUs' working time (%)" });
    }
    let why =
        "experts share GPUs, and the series do not say how long each GPU worked (`busy_s`); run the scenario again";
    Err(NoFigure::because(NAME, why))
}

/// A mark per GPU: means over the seeds of its share and of its temperature.
fn of_router(chosen: &Chosen, sums: &[Sums]) -> Series {
    let of_runs: Vec<&Sums> = chosen.runs.iter().map(|run| &sums[*run]).filter(|sums| sums.batches > 0.0).collect();
    let gpus = of_runs.iter().map(|sums| sums.degc.len()).max().unwrap_or(0);
    let point = |gpu: usize| {
        let (mut share, mut degc) = (Averages::default(), Averages::default());
        for sums in &of_runs {
            let total: f64 = sums.work.iter().sum();
            if let (true, Some(work), Some(sum)) = (total > 0.0, sums.work.get(gpu), sums.degc.get(gpu)) {
                share.add(0, 100.0 * work / total);
                degc.add(0, sum / sums.batches);
            }
        }
        let (share, degc) = (*share.means().first()?, *degc.means().first()?);
        Some(Point {
            x: share.mean,
            y: degc.mean,
            x_range: share.range,
            y_range: degc.range,
            text: format!("GPU {gpu}"),
            ..Point::default()
        })
    };
    let points = (0..gpus).filter_map(point).collect();
    Series { name: chosen.router.clone(), ink: chosen.ink, kind: Kind::Marks, points }
}

//! Work and energy at cold and at hot experts: where did a saving come from?

use super::choice::{Chosen, chosen, note};
use super::{Axis, Figure, Kind, NoFigure, Panel, Point, Series, prefix, words};
use crate::palette::Ink;
use crate::results::{Estimate, Results};

const NAME: &str = "cold-vs-hot";

pub(super) fn build(results: &Results) -> Result<Figure, NoFigure> {
    let rows = &results.summary.rows;
    let has_hot = |chosen: &Chosen| rows[chosen.row].metric("hot_assignments").is_some();
    let all: Vec<Chosen> = chosen(results).into_iter().filter(has_hot).collect();
    if all.is_empty() {
        return Err(NoFigure::because(NAME, "no expert is marked as hot: `costs.hot` of the scenario is empty"));
    }
    let names: Vec<String> = all.iter().map(|chosen| chosen.router.clone()).collect();
    let metric = |chosen: &Chosen, name: &str| rows[chosen.row].metric(name);
    let joules = |chosen: &Chosen| {
        let [cold, hot] = ["cold_energy_j", "hot_energy_j"].map(|name| metric(chosen, name).map_or(0.0, |e| e.mean));
        cold + hot
    };
    let (factor, unit) = prefix(all.iter().map(joules).fold(0.0, f64::max));
    let panel = |x: String, series: Vec<Series>| Panel {
        x: Axis::linear(x).with(0.0),
        y: Axis::names("", names.clone()),
        series,
        ..Panel::default()
    };
    let share = |chosen: &Chosen| {
        let hot = metric(chosen, "hot_share")?;
        let scaled = |e: Estimate| (100.0 * e.mean, e.interval().map(|range| range.map(|end| 100.0 * end)));
        Some(scaled(hot))
    };
    let energy = |name: &'static str| {
        move |chosen: &Chosen| {
            let e = rows[chosen.row].metric(name)?;
            Some((factor * e.mean, e.interval().map(|range| range.map(|end| factor * end))))
        }
    };
    let (cold, hot) = (energy("cold_energy_j"), energy("hot_energy_j"));
    let mut figure = Figure {
        name: NAME,
        title: "How much work does each router move away from hot experts?".into(),
        subtitle: words::about(results, &words::seeds(results)),
        columns: 2,
        panels: vec![
            panel("assignments at hot experts (%)".into(), vec![bars("hot experts", Ink::Hot, &all, share, |_| 0.0)]),
            panel(
                format!("energy ({unit}J)"),
                vec![
                    bars("cold experts", Ink::Cold, &all, cold, |_| 0.0),
                    bars("hot experts", Ink::Hot, &all, hot, |chosen| cold(chosen).map_or(0.0, |(mean, _)| mean)),
                ],
            ),
        ],
        ..Figure::default()
    };
    figure.legend = figure.keys();
    figure.notes.extend(note(results, &all));
    Ok(figure)
}

/// A bar per router, each from where `from` says.
fn bars(
    name: &str,
    ink: Ink,
    all: &[Chosen],
    value: impl Fn(&Chosen) -> Option<(f64, Option<[f64; 2]>)>,
    from: impl Fn(&Chosen) -> f64,
) -> Series {
    let bar = |(place, chosen): (usize, &Chosen)| {
        let (mean, range) = value(chosen)?;
        let from = from(chosen);
        Some(Point {
            x: from + mean,
            y: place as f64,
            x_range: range.map(|range| range.map(|end| from + end)),
            from,
            text: chosen.router.clone(),
            ..Point::default()
        })
    };
    Series { name: name.to_owned(), ink, kind: Kind::Bars, points: all.iter().enumerate().filter_map(bar).collect() }
}

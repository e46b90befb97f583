//! Energy saved against fidelity lost: is a saving bought well, and could another routing of the same tokens have done better?

mod bound;

use std::collections::BTreeMap;

use self::bound::Bounds;
use super::{Axis, Figure, Kind, NoFigure, Panel, Point, Series, words};
use crate::axes::{are_ordered, axes, world, world_title};
use crate::palette::Routers;
use crate::results::{Results, Row};

const NAME: &str = "pareto";
/// Worlds that have a panel; a sweep may have thousands.
const WORLDS: usize = 6;
const SAVED: &str = "energy_savings_percent";

/// A measure of lost fidelity, the better ones first.
const LOST: [(&str, &str); 2] =
    [("mass_regret", "gate mass given up (%)"), ("combine_weight_tv", "shift of combine weights, total variation (%)")];

pub(super) fn build(results: &Results) -> Result<Figure, NoFigure> {
    let rows = &results.summary.rows;
    let has = |row: &Row, metric: &str| row.metric(metric).is_some();
    let shown = |metric: &str| rows.iter().any(|row| has(row, metric) && has(row, SAVED));
    let Some((lost, label)) = LOST.into_iter().find(|(metric, _)| shown(metric)) else {
        return Err(NoFigure::because(NAME, "no row has both energy_savings_percent and mass_regret"));
    };
    let worlds = Worlds::of(rows);
    let routers = Routers::of(results);
    let bounds = Bounds::of(results, lost, &worlds);
    let mut figure = Figure {
        name: NAME,
        title: "How much energy does each router save, and how much of the gate's choice does it give up?".into(),
        subtitle: words::about(results, &words::seeds(results)),
        columns: if worlds.shown.len() > 1 { 2 } else { 1 },
        ..Figure::default()
    };
    let axes = axes(rows);
    let y = if bounds.other_energy().is_some() { "energy of assignments saved (%)" } else { "energy saved (%)" };
    for of_world in &worlds.shown {
        let title = of_world.first().map(|row| world_title(&axes, &rows[*row])).unwrap_or_default();
        let mut series = points(results, of_world, lost, &bounds, &routers);
        if !are_ordered(&axes) {
            series.iter_mut().for_each(|series| series.kind = Kind::Marks);
        }
        let right = series.iter().flat_map(|series| &series.points).map(far_right).fold(0.0, f64::max);
        series.splice(0..0, bounds.of_world(results, of_world, 1.08 * right, &routers));
        figure.panels.push(Panel {
            title,
            x: Axis::linear(label).with(0.0),
            y: Axis::linear(y).with(0.0),
            series,
            ..Panel::default()
        });
    }
    if worlds.count > worlds.shown.len() {
        figure.notes.push(format!(
            "The first {} of {} worlds of the sweep are shown.",
            worlds.shown.len(),
            worlds.count
        ));
    }
    figure.legend = figure.keys();
    figure.notes.extend(bounds.notes(results, &figure));
    Ok(figure)
}

/// The rows of each world, by their places.
struct Worlds {
    shown: Vec<Vec<usize>>,
    count: usize,
}

impl Worlds {
    fn of(rows: &[Row]) -> Self {
        let mut places = BTreeMap::new();
        let mut shown: Vec<Vec<usize>> = Vec::new();
        for (row, of_row) in rows.iter().enumerate() {
            let next = places.len();
            let place = *places.entry(world(of_row)).or_insert(next);
            if place >= WORLDS {
                continue;
            }
            match shown.get_mut(place) {
                Some(known) => known.push(row),
                None => shown.push(vec![row]),
            }
        }
        Self { shown, count: places.len() }
    }
}

/// A point per row, joined in the order of the sweep.
fn points(results: &Results, rows: &[usize], lost: &str, bounds: &Bounds, routers: &Routers) -> Vec<Series> {
    let mut all: Vec<Series> = Vec::new();
    for place in rows {
        let row = &results.summary.rows[*place];
        let (Some(saved), Some(lost)) = (bounds.saved(*place, row), row.metric(lost)) else { continue };
        let point = Point {
            x: 100.0 * lost.mean,
            y: saved.mean,
            x_range: lost.interval().map(|range| range.map(|end| 100.0 * end)),
            y_range: saved.interval(),
            text: row.point_text(),
            ..Point::default()
        };
        match all.iter_mut().find(|series| series.name == row.router) {
            Some(series) => {
                series.kind = Kind::Dots;
                series.points.push(point);
            }
            None => all.push(Series {
                name: row.router.clone(),
                ink: routers.ink(&row.router),
                kind: Kind::Marks,
                points: vec![point],
            }),
        }
    }
    all
}

fn far_right(point: &Point) -> f64 {
    point.x_range.map_or(point.x, |range| range[1].max(point.x))
}

//! Energy saved against fidelity lost: is a saving bought well, and could another routing of the same tokens have done better?

use super::{Axis, Figure, Kind, NoFigure, Panel, Point, Series, words};
use crate::axes::{short, world};
use crate::palette::{Ink, Routers};
use crate::results::{Curve, Results, Row};

const NAME: &str = "pareto";
/// Worlds that have a panel; a sweep may have thousands.
const WORLDS: usize = 6;
/// Frontiers that a panel can show: where costs move with time or heat, each run has its own.
const CURVES: usize = 4;

/// A measure of lost fidelity, the better ones first.
const LOST: [(&str, &str); 2] =
    [("mass_regret", "gate mass given up (%)"), ("combine_weight_tv", "shift of combine weights, total variation (%)")];

pub(super) fn build(results: &Results) -> Result<Figure, NoFigure> {
    let rows = &results.summary.rows;
    let has = |row: &Row, metric: &str| row.metric(metric).is_some();
    let shown = |metric: &str| rows.iter().any(|row| has(row, metric) && has(row, "energy_savings_percent"));
    let Some((lost, label)) = LOST.into_iter().find(|(metric, _)| shown(metric)) else {
        return Err(NoFigure::because(NAME, "no row has both energy_savings_percent and mass_regret"));
    };
    let mut worlds = Vec::new();
    for row in rows {
        if !worlds.contains(&world(row)) {
            worlds.push(world(row));
        }
    }
    let routers = Routers::of(results);
    let mut figure = Figure {
        name: NAME,
        title: "How much energy does each router save, and how much of the gate's choice does it give up?".into(),
        subtitle: words::about(results, &words::seeds(results)),
        columns: if worlds.len() > 1 { 2 } else { 1 },
        ..Figure::default()
    };
    let mut many = false;
    for one in worlds.iter().take(WORLDS) {
        let of_world: Vec<&Row> = rows.iter().filter(|row| world(row) == *one).collect();
        let title: Vec<String> = one.iter().map(|(key, value)| format!("{} = {value}", short(key))).collect();
        let mut series = points(&of_world, lost, &routers);
        let right = series.iter().flat_map(|series| &series.points).map(far_right).fold(0.0, f64::max);
        let curves: Vec<&Curve> = results.summary.frontier.iter().filter(|curve| belongs(curve, &of_world)).collect();
        if lost == "mass_regret" && curves.len() <= CURVES {
            let bounds = curves.iter().filter_map(|curve| bound(curve, 1.08 * right, &routers));
            series.splice(0..0, bounds.collect::<Vec<_>>());
        }
        many |= curves.len() > CURVES;
        figure.panels.push(Panel {
            title: title.join(", "),
            x: Axis::linear(label).with(0.0),
            y: Axis::linear("energy saved (%)").with(0.0),
            series,
            ..Panel::default()
        });
    }
    if worlds.len() > WORLDS {
        figure.notes.push(format!("The first {WORLDS} of {} worlds of the sweep are shown.", worlds.len()));
    }
    figure.legend = figure.keys();
    figure.notes.push(about_the_bound(&figure, many).to_owned());
    Ok(figure)
}

/// A point per row, joined in the order of the sweep.
fn points(rows: &[&Row], lost: &str, routers: &Routers) -> Vec<Series> {
    let mut all: Vec<Series> = Vec::new();
    for row in rows {
        let (Some(saved), Some(lost)) = (row.metric("energy_savings_percent"), row.metric(lost)) else { continue };
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

/// Whether a frontier is that of these rows.
fn belongs(curve: &Curve, rows: &[&Row]) -> bool {
    let of_curve = |row: &&&Row| curve.router.as_ref().is_none_or(|router| *router == row.router);
    let is_subset = |row: &Row| curve.point.iter().all(|(key, value)| row.point.get(key) == Some(value));
    rows.iter().filter(of_curve).any(|row| is_subset(row) && (curve.router.is_none() || curve.point == row.point))
}

/// The frontier as far as the marks go: beyond that it says nothing about them.
fn bound(curve: &Curve, right: f64, routers: &Routers) -> Option<Series> {
    let mut points: Vec<Point> = Vec::new();
    for optimum in &curve.points {
        let point = Point {
            text: format!("price {} per J", crate::draw::number(optimum.price_per_j)),
            ..Point::at(100.0 * optimum.mass_regret, optimum.energy_savings_percent)
        };
        if point.x > right {
            // The piece of the line up to the edge.
            if let Some(last) = points.last().filter(|last| last.x < right) {
                let share = (right - last.x) / (point.x - last.x);
                let y = last.y + share * (point.y - last.y);
                points.push(Point::at(right, y));
            }
            break;
        }
        points.push(point);
    }
    let (name, ink) = match &curve.router {
        None if curve.oracle => ("optimal frontier (oracle)".to_owned(), Ink::Strong),
        None => ("optimal frontier".to_owned(), Ink::Strong),
        Some(router) => (format!("frontier of {}", words::brief(router)), routers.ink(router)),
    };
    (points.len() > 1).then_some(Series { name, ink, kind: Kind::Bound, points })
}

fn about_the_bound(figure: &Figure, many: bool) -> &'static str {
    let has_bound = figure.panels.iter().flat_map(|panel| &panel.series).any(|series| series.kind == Kind::Bound);
    match (has_bound, many) {
        (true, _) => "No routing of the same tokens lies above its frontier, which knows all costs in advance.",
        (false, true) => {
            "Each router has a frontier of its own here, as costs move with what it does: see frontier.parquet."
        }
        (false, false) => "No frontier is drawn: energy is no sum over assignments here, or `compare.frontier` is off.",
    }
}

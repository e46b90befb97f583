//! Energy against thermal imbalance, row by row of the summary.

use super::choice::chosen;
use super::{Axis, Figure, Kind, NoFigure, Panel, Point, Series, prefix, words};
use crate::axes::{are_ordered, axes};
use crate::palette::Routers;
use crate::results::{Results, Row};

const NAME: &str = "energy-vs-imbalance";
/// More marks than these cannot be told apart.
const MARKS: usize = 2_000;

pub(super) fn build(results: &Results) -> Result<Figure, NoFigure> {
    let mut rows: Vec<&Row> = results.summary.rows.iter().collect();
    let energy = "energy_per_token_j";
    let any = |metric: &str| rows.iter().any(|row| row.metric(metric).is_some() && row.metric(energy).is_some());
    let (imbalance, label) = if any("hot_assignments") && any("thermal_imbalance_abs") {
        ("thermal_imbalance_abs", "thermal imbalance, |cold − hot| / all assignments")
    } else if any("temperature_spread_mean_k") {
        ("temperature_spread_mean_k", "hottest less coldest GPU, mean over batches (K)")
    } else {
        let why = "no row has energy_per_token_j with thermal_imbalance_abs or temperature_spread_mean_k";
        return Err(NoFigure::because(NAME, why));
    };
    let mut figure = Figure {
        name: NAME,
        title: "Is less energy paid for with a more uneven heat?".into(),
        subtitle: words::about(results, &words::seeds(results)),
        columns: 1,
        ..Figure::default()
    };
    if rows.len() > MARKS {
        let places: Vec<usize> = chosen(results).iter().map(|chosen| chosen.row).collect();
        figure.notes.push(format!("Of {} rows those are shown where each router saves most.", rows.len()));
        rows = places.into_iter().map(|place| &results.summary.rows[place]).collect();
    }
    let largest = rows.iter().filter_map(|row| row.metric(energy)).map(|energy| energy.mean).fold(0.0, f64::max);
    let (factor, unit) = prefix(largest);
    let routers = Routers::of(results);
    let mut series: Vec<Series> = Vec::new();
    for row in rows {
        let (Some(joules), Some(imbalance)) = (row.metric(energy), row.metric(imbalance)) else { continue };
        let point = Point {
            x: factor * joules.mean,
            y: imbalance.mean,
            x_range: joules.interval().map(|range| range.map(|end| factor * end)),
            y_range: imbalance.interval(),
            text: row.point_text(),
            ..Point::default()
        };
        match series.iter_mut().find(|series| series.name == row.router) {
            Some(series) => {
                series.kind = Kind::Dots;
                series.points.push(point);
            }
            None => series.push(Series {
                name: row.router.clone(),
                ink: routers.ink(&row.router),
                kind: Kind::Marks,
                points: vec![point],
            }),
        }
    }
    if !are_ordered(&axes(&results.summary.rows)) {
        series.iter_mut().for_each(|series| series.kind = Kind::Marks);
    }
    let x = Axis::linear(format!("energy of a token ({unit}J)"));
    figure.panels.push(Panel { x, y: Axis::linear(label), series, ..Panel::default() });
    figure.legend = figure.keys();
    Ok(figure)
}

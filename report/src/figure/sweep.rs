//! A metric over the axes of a sweep: lines with intervals over one axis, coloured fields over two.

use std::collections::BTreeMap;

use super::routers::TOGETHER;
use super::{Axis, Figure, Heat, Kind, NoFigure, Panel, Point, Series, words};
use crate::axes::{Axis as Swept, axes, is_of_router};
use crate::palette::Routers;
use crate::results::{Results, Row};

const NAME: &str = "sweep";
/// Cells of a field up to which they have their number written in them.
const NUMBERS: usize = 80;

/// What an axis is called: keys that are not about routers by their whole path.
fn name(axis: &Swept) -> &str {
    match axis.keys.as_slice() {
        [key] if !is_of_router(key) => key,
        _ => &axis.label,
    }
}

/// Where the value of a row is among all.
fn place(axis: &Swept, row: &Row) -> Option<usize> {
    let value = axis.value(row)?;
    axis.values.iter().position(|known| known == value)
}

/// Values as numbers, if all of them are.
fn numbers(axis: &Swept) -> Option<Vec<f64>> {
    let number = |value: &String| value.parse::<f64>().ok().filter(|number| number.is_finite());
    axis.values.iter().map(number).collect()
}

/// Numbers in their order; words in the order of the plan.
fn sorted(mut axis: Swept) -> Swept {
    if numbers(&axis).is_some() {
        let key = |value: &str| value.parse::<f64>().unwrap_or_default();
        axis.values.sort_by(|a, b| key(a).total_cmp(&key(b)));
    }
    axis
}

pub(super) fn build(results: &Results) -> Result<Figure, NoFigure> {
    let rows = &results.summary.rows;
    let metric = "energy_savings_percent";
    let label = "energy saved (%)";
    let mut axes: Vec<Swept> = axes(rows).into_iter().filter(|axis| axis.values.len() > 1).map(sorted).collect();
    if axes.is_empty() {
        return Err(NoFigure::because(NAME, "the scenario has no [sweep] with two points or more"));
    }
    let compared: Vec<&Row> = rows.iter().filter(|row| row.metric(metric).is_some() && !row.baseline).collect();
    if compared.is_empty() {
        return Err(NoFigure::because(NAME, "no row has energy_savings_percent: nothing is compared with a baseline"));
    }
    axes.sort_by_key(|axis| std::cmp::Reverse(axis.values.len()));
    let mut figure = Figure {
        name: NAME,
        title: "Where in the sweep does each router save most energy?".into(),
        subtitle: words::about(results, &words::seeds(results)),
        ..Figure::default()
    };
    let (first, second) = (&axes[0], axes.get(1));
    let others = axes.get(2..).unwrap_or_default();
    let fixed: BTreeMap<&str, &str> = fixed(others, &compared);
    let is_shown =
        |row: &&&Row| others.iter().all(|axis| axis.value(row).is_none_or(|v| fixed.get(name(axis)) == Some(&v)));
    let compared: Vec<&Row> = compared.iter().filter(is_shown).copied().collect();
    // Routers that the second axis does not reach make lines.
    let reached = |axis: &Swept| compared.iter().any(|row| axis.value(row).is_some());
    match second.filter(|axis| reached(axis)) {
        Some(second) => fields(&mut figure, results, &compared, [first, second], metric, label),
        None => lines(&mut figure, results, &compared, first, metric, label),
    }
    if !fixed.is_empty() {
        let fixed: Vec<String> = fixed.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        figure.notes.push(format!("Of the other axes the first value is shown: {}.", words::brief(&fixed.join(", "))));
    }
    Ok(figure)
}

/// The value at which each of these axes is looked at: its first.
fn fixed<'a>(axes: &'a [Swept], rows: &[&'a Row]) -> BTreeMap<&'a str, &'a str> {
    let first = |axis: &'a Swept| Some((name(axis), rows.iter().find_map(|row| axis.value(row))?));
    axes.iter().filter_map(first).collect()
}

/// A line per router over one axis.
fn lines(figure: &mut Figure, results: &Results, rows: &[&Row], axis: &Swept, metric: &str, label: &str) {
    let routers = Routers::of(results);
    let (x, at) = scale(axis);
    let y = Axis::linear(label).with(0.0);
    let mut series: Vec<Series> = Vec::new();
    for router in routers.order() {
        let of_router = rows.iter().filter(|row| row.router == *router);
        let mut points: Vec<Point> = of_router
            .filter_map(|row| {
                let estimate = row.metric(metric)?;
                let x = at[place(axis, row)?];
                Some(Point { y_range: estimate.interval(), text: row.point_text(), ..Point::at(x, estimate.mean) })
            })
            .collect();
        points.sort_by(|a, b| a.x.total_cmp(&b.x));
        if !points.is_empty() {
            series.push(Series { name: router.clone(), ink: routers.ink(router), kind: Kind::LineAndDots, points });
        }
    }
    figure.columns = if series.len() > TOGETHER { 4 } else { 1 };
    let panel =
        |title: String, ink, series| Panel { title, ink, x: x.clone(), y: y.clone(), series, ..Panel::default() };
    if series.len() > TOGETHER {
        figure.panels = series.into_iter().map(|one| panel(one.name.clone(), Some(one.ink), vec![one])).collect();
    } else {
        figure.panels.push(panel(String::new(), None, series));
        figure.legend = figure.keys();
    }
}

/// The axis, and where each of its values lies on it: as a number where numbers can be told apart on a scale, else side by side.
fn scale(axis: &Swept) -> (Axis, Vec<f64>) {
    let name = name(axis);
    if let Some(numbers) = numbers(axis) {
        let least = numbers.iter().copied().filter(|number| *number > 0.0).fold(f64::INFINITY, f64::min);
        let largest = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let all_above = numbers.iter().all(|number| *number > 0.0);
        if all_above || largest / least < 30.0 {
            return (Axis::fitting(name, numbers.iter().copied()), numbers);
        }
    }
    (Axis::names(name, axis.values.clone()), (0..axis.values.len()).map(|place| place as f64).collect())
}

/// A field per router over two axes.
fn fields(figure: &mut Figure, results: &Results, rows: &[&Row], [x, y]: [&Swept; 2], metric: &str, label: &str) {
    let routers = Routers::of(results);
    let numbers = x.values.len() * y.values.len() <= NUMBERS;
    let names: Vec<String> = y.values.iter().rev().cloned().collect();
    for router in routers.order() {
        let mut cells = vec![vec![None; x.values.len()]; y.values.len()];
        let mut halves = cells.clone();
        let mut any = false;
        for row in rows.iter().filter(|row| row.router == *router) {
            let (Some(estimate), Some(column), Some(line)) = (row.metric(metric), place(x, row), place(y, row)) else {
                continue;
            };
            // Numbers grow upwards.
            let line = y.values.len() - 1 - line;
            cells[line][column] = Some(estimate.mean);
            halves[line][column] = estimate.ci95;
            any = true;
        }
        if any {
            figure.panels.push(Panel {
                title: router.clone(),
                ink: Some(routers.ink(router)),
                x: Axis::names(name(x), x.values.clone()),
                y: Axis::names(name(y), names.clone()),
                heat: Some(Heat {
                    label: label.to_owned(),
                    edges: (0..=x.values.len()).map(|edge| edge as f64 - 0.5).collect(),
                    rows: cells,
                    halves,
                    numbers,
                }),
                ..Panel::default()
            });
        }
    }
    figure.columns = super::beside(figure.panels.len());
}

//! What is saved over the axes of a sweep, and what it costs there: lines with intervals over one axis, coloured fields over two.

use std::collections::{BTreeMap, BTreeSet};

use super::routers::TOGETHER;
use super::{Axis, Figure, Heat, Kind, NoFigure, Panel, Point, Series, words};
use crate::axes::{Axis as Swept, axes, is_of_router};
use crate::palette::{Ink, Routers};
use crate::results::{Estimate, Results, Row};

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

/// What is shown over the sweep.
struct Shown {
    metric: &'static str,
    label: &'static str,
    /// From the unit of the metric to that of the label.
    factor: f64,
}

const SAVED: Shown = Shown { metric: "energy_savings_percent", label: "energy saved (%)", factor: 1.0 };

/// What a saving may cost, what is given up of the choice first.
const COSTS: [Shown; 2] = [
    Shown { metric: "mass_regret", label: "gate mass given up (%)", factor: 100.0 },
    Shown { metric: "latency_p99_s", label: "p99 latency (ms)", factor: 1e3 },
];

impl Shown {
    /// The value of a row, in the unit of the label.
    fn value(&self, row: &Row) -> Option<Estimate> {
        let value = row.metric(self.metric)?;
        let scaled = |end: f64| self.factor * end;
        Some(Estimate {
            mean: scaled(value.mean),
            ci95: value.ci95.map(scaled),
            bounds: value.bounds.map(|bounds| bounds.map(scaled)),
        })
    }
}

/// What was given up for the saving: the first cost that any row has.
fn cost(rows: &[&Row]) -> Option<&'static Shown> {
    COSTS.iter().find(|shown| rows.iter().filter_map(|row| shown.value(row)).any(|value| value.mean > 1e-9))
}

pub(super) fn build(results: &Results) -> Result<Figure, NoFigure> {
    let rows = &results.summary.rows;
    let mut axes: Vec<Swept> = axes(rows).into_iter().filter(|axis| axis.values.len() > 1).map(sorted).collect();
    if axes.is_empty() {
        return Err(NoFigure::because(NAME, "the scenario has no [sweep] with two points or more"));
    }
    // A baseline that is one point of the sweep is what the other points are compared with.
    let others: BTreeSet<&str> = rows.iter().filter(|row| !row.baseline).map(|row| row.router.as_str()).collect();
    let is_compared = |row: &&Row| SAVED.value(row).is_some() && others.contains(row.router.as_str());
    let compared: Vec<&Row> = rows.iter().filter(is_compared).collect();
    if compared.is_empty() {
        return Err(NoFigure::because(NAME, "no row has energy_savings_percent: nothing is compared with a baseline"));
    }
    axes.sort_by_key(|axis| std::cmp::Reverse(axis.values.len()));
    let mut figure = Figure {
        name: NAME,
        title: "Where in the sweep is most energy saved, and what is given up there?".into(),
        subtitle: words::about(results, &words::seeds(results)),
        ..Figure::default()
    };
    let (first, second) = (&axes[0], axes.get(1));
    let others = axes.get(2..).unwrap_or_default();
    let fixed: BTreeMap<&str, &str> = fixed(others, &compared);
    let is_shown =
        |row: &&&Row| others.iter().all(|axis| axis.value(row).is_none_or(|v| fixed.get(name(axis)) == Some(&v)));
    let compared: Vec<&Row> = compared.iter().filter(is_shown).copied().collect();
    let shown: Vec<&Shown> = std::iter::once(&SAVED).chain(cost(&compared)).collect();
    // Routers that the second axis does not reach make lines.
    let reached = |axis: &Swept| compared.iter().any(|row| axis.value(row).is_some());
    match second.filter(|axis| reached(axis)) {
        Some(second) => fields(&mut figure, results, &compared, [first, second], &shown),
        None => lines(&mut figure, results, &compared, first, &shown),
    }
    if !fixed.is_empty() {
        let fixed: Vec<String> =
            fixed.iter().map(|(name, value)| format!("{name} = {}", words::brief(value))).collect();
        figure.notes.push(format!("Of the other axes the first value is shown: {}.", fixed.join(", ")));
    }
    Ok(figure)
}

/// The value at which each of these axes is looked at: its first.
fn fixed<'a>(axes: &'a [Swept], rows: &[&'a Row]) -> BTreeMap<&'a str, &'a str> {
    let first = |axis: &'a Swept| Some((name(axis), rows.iter().find_map(|row| axis.value(row))?));
    axes.iter().filter_map(first).collect()
}

/// A line per router over one axis; values that have no order have marks and no line.
fn lines(figure: &mut Figure, results: &Results, rows: &[&Row], axis: &Swept, shown: &[&Shown]) {
    let routers = Routers::of(results);
    let routers: Vec<(&String, Ink)> = routers
        .order()
        .iter()
        .filter(|router| rows.iter().any(|row| row.router == **router && place(axis, row).is_some()))
        .map(|router| (router, routers.ink(router)))
        .collect();
    let scale = Scale::of(axis);
    let series = |router: &str, ink: Ink, shown: &Shown, beside: f64| {
        let of_router = rows.iter().filter(|row| row.router == router);
        scale.series(axis, router, ink, of_router.filter_map(|row| Some((*row, shown.value(row)?))), beside)
    };
    if routers.len() > TOGETHER {
        let one = |(router, ink): &(&String, Ink)| {
            scale.panel(axis, (*router).clone(), Some(*ink), &SAVED, vec![series(router, *ink, &SAVED, 0.0)])
        };
        figure.panels = routers.iter().map(one).collect();
        figure.columns = 4;
        return;
    }
    for shown in shown {
        // Marks of several routers at one place stand a little apart.
        let step = 0.6 / routers.len() as f64;
        let beside = |place: usize| step * (place as f64 - 0.5 * (routers.len() - 1) as f64);
        let all = routers.iter().enumerate().map(|(place, (router, ink))| series(router, *ink, shown, beside(place)));
        figure.panels.push(scale.panel(axis, String::new(), None, shown, all.collect()));
    }
    figure.columns = if matches!(scale, Scale::Words) { shown.len() } else { 1 };
    figure.legend = figure.keys();
}

/// How the values of a swept axis lie along an axis of the figure.
enum Scale {
    /// As numbers, from left to right.
    Numbers(Axis, Vec<f64>),
    /// As words one below another, where long ones can be read.
    Words,
}

impl Scale {
    fn of(axis: &Swept) -> Self {
        let Some(numbers) = numbers(axis) else { return Self::Words };
        let least = numbers.iter().copied().filter(|number| *number > 0.0).fold(f64::INFINITY, f64::min);
        let largest = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if numbers.iter().all(|number| *number > 0.0) || largest / least < 30.0 {
            return Self::Numbers(Axis::fitting(name(axis), numbers.iter().copied()), numbers);
        }
        // Numbers that cannot be told apart on a scale stand side by side, in their order.
        Self::Numbers(Axis::names(name(axis), axis.values.clone()), (0..numbers.len()).map(|at| at as f64).collect())
    }

    /// The values of a router.
    fn series<'a>(
        &self,
        axis: &Swept,
        router: &str,
        ink: Ink,
        values: impl Iterator<Item = (&'a Row, Estimate)>,
        beside: f64,
    ) -> Series {
        let point = |(row, value): (&Row, Estimate)| {
            let place = place(axis, row)?;
            let text = row.point_text();
            Some(match self {
                Self::Numbers(_, at) => Point { y_range: value.interval(), text, ..Point::at(at[place], value.mean) },
                Self::Words => {
                    Point { x_range: value.interval(), text, ..Point::at(value.mean, place as f64 + beside) }
                }
            })
        };
        let mut points: Vec<Point> = values.filter_map(point).collect();
        let kind = match self {
            Self::Numbers(..) => {
                points.sort_by(|a, b| a.x.total_cmp(&b.x));
                Kind::LineAndDots
            }
            Self::Words => Kind::Marks,
        };
        Series { name: router.to_owned(), ink, kind, points }
    }

    fn panel(&self, axis: &Swept, title: String, ink: Option<Ink>, shown: &Shown, series: Vec<Series>) -> Panel {
        let value = Axis::linear(shown.label).with(0.0);
        let words = || axis.values.iter().map(|value| axis.word(value).to_owned()).collect();
        let (x, y) = match self {
            Self::Numbers(x, _) => (x.clone(), value),
            Self::Words => (value, Axis::names(name(axis), words())),
        };
        Panel { title, ink, x, y, series, ..Panel::default() }
    }
}

/// A field per router over two axes.
fn fields(figure: &mut Figure, results: &Results, rows: &[&Row], [x, y]: [&Swept; 2], shown: &[&Shown]) {
    let routers = Routers::of(results);
    let words = |axis: &Swept| axis.values.iter().map(|value| axis.word(value).to_owned()).collect::<Vec<_>>();
    let names: Vec<String> = words(y).into_iter().rev().collect();
    for router in routers.order() {
        for one in shown {
            let Some(heat) = field(rows, router, [x, y], one) else { continue };
            figure.panels.push(Panel {
                title: router.clone(),
                ink: Some(routers.ink(router)),
                x: Axis::names(name(x), words(x)),
                y: Axis::names(name(y), names.clone()),
                heat: Some(heat),
                ..Panel::default()
            });
        }
    }
    figure.columns = if shown.len() == 2 { 2 } else { super::beside(figure.panels.len()) };
    if let [_, cost] = shown {
        figure.notes.push(format!("Of each router: left what is saved, right the {}.", cost.label));
    }
}

/// The values of one router; `None` where it has none.
fn field(rows: &[&Row], router: &str, [x, y]: [&Swept; 2], shown: &Shown) -> Option<Heat> {
    let mut cells = vec![vec![None; x.values.len()]; y.values.len()];
    let mut halves = cells.clone();
    for row in rows.iter().filter(|row| row.router == *router) {
        let (Some(value), Some(column), Some(line)) = (shown.value(row), place(x, row), place(y, row)) else {
            continue;
        };
        // Numbers grow upwards.
        let line = y.values.len() - 1 - line;
        cells[line][column] = Some(value.mean);
        halves[line][column] = value.ci95;
    }
    let any = cells.iter().flatten().any(Option::is_some);
    any.then(|| Heat {
        label: shown.label.to_owned(),
        edges: (0..=x.values.len()).map(|edge| edge as f64 - 0.5).collect(),
        rows: cells,
        halves,
        numbers: x.values.len() * y.values.len() <= NUMBERS,
    })
}

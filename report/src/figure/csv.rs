//! The data behind a figure as a table.

use std::io;

use super::{Axis, Figure, Panel, Point, Scale, Series};

const HEAD: [&str; 15] = [
    "figure",
    "panel",
    "series",
    "mark",
    "x_axis",
    "x",
    "x_low",
    "x_high",
    "y_axis",
    "y",
    "y_low",
    "y_high",
    "value_axis",
    "value",
    "text",
];

/// All that a figure shows, one row a value: points, cells, bands and rules, in the units of the axes.
///
/// Columns: `figure`, `panel`, `series`, `mark` (line, dots, bars ..., or cell, band, rule), `x_axis`, `x`, `x_low`, `x_high` and the same for y,
/// `value_axis` and `value` for cells (half an interval: `y_low`, `y_high` stay empty and `text` has it), `text`. A field that does not apply is
/// empty. Names are as long as they are.
///
/// ```
/// use isotherm_report::figure::{Axis, Figure, Kind, Panel, Point, Series, csv};
/// use isotherm_report::palette::Ink;
/// let series = Series { name: "a, b".into(), ink: Ink::Strong, kind: Kind::Line, points: vec![Point::at(1.0, 2.5)] };
/// let panel = Panel { x: Axis::linear("time (s)"), y: Axis::linear("power (W)"), series: vec![series], ..Panel::default() };
/// let mut table = Vec::new();
/// csv(&Figure { name: "power", panels: vec![panel], ..Figure::default() }, &mut table)?;
/// assert!(table.ends_with(b"power,,\"a, b\",line,time (s),1,,,power (W),2.5,,,,,\n"));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// Where `out` takes nothing more.
pub fn csv(figure: &Figure, out: impl io::Write) -> io::Result<()> {
    let mut rows = csv::Writer::from_writer(out);
    rows.write_record(HEAD)?;
    for row in rows_of(figure) {
        rows.write_record(row)?;
    }
    rows.flush()
}

/// The rows without their head.
fn rows_of(figure: &Figure) -> Vec<[String; 15]> {
    let mut rows = Vec::new();
    for panel in &figure.panels {
        for series in &panel.series {
            for point in &series.points {
                rows.push(of_point(figure, panel, series, point));
            }
        }
        cells(&mut rows, figure, panel);
        for band in &panel.bands {
            let share = band.share.to_string();
            let [low, high] = band.range.map(|end| end.to_string());
            let fields = ["band", &panel.x.label, "", &low, &high, "", "", "", "", "share", &share, ""];
            rows.push(rest(figure, panel, &band.name, fields));
        }
        for rule in &panel.rules {
            let at = rule.at.to_string();
            let fields = if rule.upright {
                ["rule", &panel.x.label, &at, "", "", "", "", "", "", "", "", ""]
            } else {
                ["rule", "", "", "", "", &panel.y.label, &at, "", "", "", "", ""]
            };
            rows.push(rest(figure, panel, &rule.name, fields));
        }
    }
    rows
}

fn of_point(figure: &Figure, panel: &Panel, series: &Series, point: &Point) -> [String; 15] {
    let end = |range: Option<[f64; 2]>, place: usize| range.map_or(String::new(), |range| range[place].to_string());
    [
        figure.name.to_owned(),
        panel.title.clone(),
        series.name.clone(),
        format!("{:?}", series.kind).to_lowercase(),
        panel.x.label.clone(),
        at(&panel.x, point.x),
        end(point.x_range, 0),
        end(point.x_range, 1),
        panel.y.label.clone(),
        at(&panel.y, point.y),
        end(point.y_range, 0),
        end(point.y_range, 1),
        String::new(),
        String::new(),
        point.text.clone(),
    ]
}

fn cells(rows: &mut Vec<[String; 15]>, figure: &Figure, panel: &Panel) {
    let Some(heat) = &panel.heat else { return };
    for (row, cells) in heat.rows.iter().enumerate() {
        for (column, cell) in cells.iter().enumerate() {
            let Some(value) = cell.filter(|_| column + 1 < heat.edges.len()) else { continue };
            let (low, high) = (heat.edges[column], heat.edges[column + 1]);
            let half = heat.halves.get(row).and_then(|halves| *halves.get(column)?);
            let half = half.map_or(String::new(), |half| format!("± {half}"));
            let (x, y) = (at(&panel.x, 0.5 * (low + high)), at(&panel.y, row as f64));
            let (low, high, value) = (low.to_string(), high.to_string(), value.to_string());
            let fields =
                ["cell", &panel.x.label, &x, &low, &high, &panel.y.label, &y, "", "", &heat.label, &value, &half];
            rows.push(rest(figure, panel, "", fields));
        }
    }
}

/// A value along an axis: its name where the axis has names.
fn at(axis: &Axis, value: f64) -> String {
    match &axis.scale {
        Scale::Names(names) if value >= 0.0 => {
            names.get(value.round() as usize).cloned().unwrap_or_else(|| value.to_string())
        }
        _ => value.to_string(),
    }
}

fn rest(figure: &Figure, panel: &Panel, series: &str, fields: [&str; 12]) -> [String; 15] {
    let [mark, a, b, c, d, e, f, g, h, i, j, k] = fields;
    [figure.name, &panel.title, series, mark, a, b, c, d, e, f, g, h, i, j, k].map(str::to_owned)
}

//! The data behind a figure as a table.

use super::{Axis, Figure, Panel, Point, Scale};

const HEAD: [&str; 15] = [
    "figure", "panel", "series", "mark", "x_axis", "x", "x_low", "x_high", "y_axis", "y", "y_low", "y_high", "value_axis",
    "value", "text",
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
/// let table = csv(&Figure { name: "power", panels: vec![panel], ..Figure::default() });
/// assert_eq!(table.lines().nth(1), Some("power,,\"a, b\",line,time (s),1,,,power (W),2.5,,,,,"));
/// ```
#[must_use]
pub fn csv(figure: &Figure) -> String {
    let mut text = HEAD.join(",") + "\n";
    for panel in &figure.panels {
        for series in &panel.series {
            for point in &series.points {
                row(&mut text, &of_point(figure, panel, &series.name, &format!("{:?}", series.kind), point));
            }
        }
        cells(&mut text, figure, panel);
        for band in &panel.bands {
            let share = band.share.to_string();
            let [low, high] = band.range.map(|end| end.to_string());
            let fields = ["band", &panel.x.label, "", &low, &high, "", "", "", "", "share", &share, ""];
            rest(&mut text, figure, panel, &band.name, &fields);
        }
        for rule in &panel.rules {
            let at = rule.at.to_string();
            let fields = if rule.upright {
                ["rule", &panel.x.label, &at, "", "", "", "", "", "", "", "", ""]
            } else {
                ["rule", "", "", "", "", &panel.y.label, &at, "", "", "", "", ""]
            };
            rest(&mut text, figure, panel, &rule.name, &fields);
        }
    }
    text
}

fn of_point(figure: &Figure, panel: &Panel, series: &str, kind: &str, point: &Point) -> [String; 15] {
    let end = |range: Option<[f64; 2]>, place: usize| range.map_or(String::new(), |range| range[place].to_string());
    [
        figure.name.to_owned(),
        panel.title.clone(),
        series.to_owned(),
        kind.to_lowercase(),
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

fn cells(text: &mut String, figure: &Figure, panel: &Panel) {
    let Some(heat) = &panel.heat else { return };
    for (row, cells) in heat.rows.iter().enumerate() {
        for (column, cell) in cells.iter().enumerate() {
            let Some(value) = cell.filter(|_| column + 1 < heat.edges.len()) else { continue };
            let (low, high) = (heat.edges[column], heat.edges[column + 1]);
            let half = heat.halves.get(row).and_then(|halves| *halves.get(column)?);
            let half = half.map_or(String::new(), |half| format!("± {half}"));
            let (x, y) = (at(&panel.x, 0.5 * (low + high)), at(&panel.y, row as f64));
            let (low, high, value) = (low.to_string(), high.to_string(), value.to_string());
            let fields = ["cell", &panel.x.label, &x, &low, &high, &panel.y.label, &y, "", "", &heat.label, &value, &half];
            rest(text, figure, panel, "", &fields);
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

fn rest(text: &mut String, figure: &Figure, panel: &Panel, series: &str, fields: &[&str; 12]) {
    let head = [figure.name, &panel.title, series];
    let fields: Vec<String> = head.iter().chain(fields).map(|&field| field.to_owned()).collect();
    row(text, &fields);
}

/// A line of fields, quoted where they have to be.
fn row(text: &mut String, fields: &[String]) {
    for (place, field) in fields.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        if field.contains(['"', ',', '\n', '\r']) {
            text.push('"');
            text.push_str(&field.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(field);
        }
    }
    text.push('\n');
}

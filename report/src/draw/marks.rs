//! Lines, marks, bars and their intervals.

use std::f64::consts::PI;

use super::panel::{DASHES, Frame};
use super::pen::{Pen, Stroke, polyline, rectangle};
use super::ticks::number;
use crate::figure::{Kind, Panel, Point, Scale, Series};
use crate::palette::{HUES, Ink};

/// All series of a panel, the first ones at the back.
pub(super) fn draw(pen: &mut Pen, panel: &Panel, frame: &Frame<'_>) {
    for series in &panel.series {
        match series.kind {
            Kind::Ribbon => ribbon(pen, series, frame),
            Kind::Bars => series.points.iter().for_each(|point| bar(pen, panel, series, point, frame)),
            Kind::Marks => series.points.iter().for_each(|point| mark(pen, panel, series, point, frame)),
            Kind::Dots | Kind::LineAndDots => {
                let stroke = if series.kind == Kind::Dots { 0.45 } else { 1.0 };
                line(pen, series, frame, stroke);
                series.points.iter().for_each(|point| mark(pen, panel, series, point, frame));
            }
            Kind::Line | Kind::Steps | Kind::Bound | Kind::Limit(_) => line(pen, series, frame, 1.0),
        }
    }
}

/// How the line of a series looks.
pub(super) fn stroke(ink: Ink, kind: Kind) -> Stroke {
    let dash = match (kind, ink) {
        (Kind::Bound, _) => DASHES[1],
        (Kind::Limit(dash), _) => DASHES[1 + usize::from(dash) % 3],
        (_, Ink::Router(place)) => DASHES[(place / HUES) % DASHES.len()],
        _ => "",
    };
    let width = match (kind, ink) {
        (Kind::Limit(_), _) => 1.3,
        (Kind::Dots, _) | (_, Ink::Muted | Ink::Member(..)) => 1.2,
        _ => 1.8,
    };
    Stroke::solid(ink, width).dashed(dash)
}

fn line(pen: &mut Pen, series: &Series, frame: &Frame<'_>, opacity: f64) {
    let mut places: Vec<[f64; 2]> = Vec::with_capacity(series.points.len());
    for point in &series.points {
        let place = [frame.x(point.x), frame.y(point.y)];
        if let (Kind::Steps, Some(last)) = (series.kind, places.last()) {
            places.push([place[0], last[1]]);
        }
        places.push(place);
    }
    if places.len() < 2 {
        return;
    }
    if !series.name.is_empty() {
        pen.open(&series.name);
    }
    pen.path(&polyline(places), stroke(series.ink, series.kind).faint(opacity));
    if !series.name.is_empty() {
        pen.close();
    }
}

fn ribbon(pen: &mut Pen, series: &Series, frame: &Frame<'_>) {
    let ends = |side: usize| move |point: &Point| point.y_range.map(|range| [frame.x(point.x), frame.y(range[side])]);
    let below = series.points.iter().filter_map(ends(0));
    let above: Vec<[f64; 2]> = series.points.iter().filter_map(ends(1)).collect();
    if above.len() > 1 {
        pen.area(&format!("{}z", polyline(below.chain(above.into_iter().rev()))), series.ink, 0.20);
    }
}

fn bar(pen: &mut Pen, panel: &Panel, series: &Series, point: &Point, frame: &Frame<'_>) {
    let (from, until, y) = (frame.x(point.from), frame.x(point.x), frame.y(point.y));
    let thickness = (0.62 * frame.height / rows(panel)).min(14.0);
    pen.open(&title(panel, series, point));
    pen.area(&rectangle([from.min(until), y - 0.5 * thickness], (until - from).abs(), thickness), series.ink, 0.85);
    interval(pen, point, frame, Ink::Strong);
    pen.close();
}

/// Rows of a named y axis.
fn rows(panel: &Panel) -> f64 {
    match &panel.y.scale {
        Scale::Names(names) => names.len().max(1) as f64,
        _ => 10.0,
    }
}

fn mark(pen: &mut Pen, panel: &Panel, series: &Series, point: &Point, frame: &Frame<'_>) {
    pen.open(&title(panel, series, point));
    interval(pen, point, frame, series.ink);
    let radius = if panel.series.iter().map(|series| series.points.len()).sum::<usize>() > 150 { 2.4 } else { 3.6 };
    pen.mark(&shape(series.ink, [frame.x(point.x), frame.y(point.y)], radius), series.ink, series.ink == Ink::Baseline);
    pen.close();
}

/// The intervals of a point, as lines through it with small ends.
fn interval(pen: &mut Pen, point: &Point, frame: &Frame<'_>, ink: Ink) {
    let stroke = Stroke::solid(ink, 1.2);
    let (x, y) = (frame.x(point.x), frame.y(point.y));
    if let Some([low, high]) = point.x_range {
        let (low, high) = (frame.x(low), frame.x(high));
        pen.path(
            &format!("{}{}{}", polyline([[low, y], [high, y]]), cap([low, y], false), cap([high, y], false)),
            stroke,
        );
    }
    if let Some([low, high]) = point.y_range {
        let (low, high) = (frame.y(low), frame.y(high));
        pen.path(
            &format!("{}{}{}", polyline([[x, low], [x, high]]), cap([x, low], true), cap([x, high], true)),
            stroke,
        );
    }
}

fn cap([x, y]: [f64; 2], level: bool) -> String {
    if level { polyline([[x - 2.2, y], [x + 2.2, y]]) } else { polyline([[x, y - 2.2], [x, y + 2.2]]) }
}

/// The mark of a router, which differs from its neighbours' in shape as well as in colour.
pub(super) fn sample(pen: &mut Pen, ink: Ink, at: [f64; 2]) {
    pen.mark(&shape(ink, at, 3.9), ink, ink == Ink::Baseline);
}

fn shape(ink: Ink, [x, y]: [f64; 2], radius: f64) -> String {
    let corners = |count: usize, turn: f64, radius: f64| {
        let corner = |k: usize| {
            let angle = turn + 2.0 * PI * k as f64 / count as f64;
            [x + radius * angle.cos(), y + radius * angle.sin()]
        };
        format!("{}z", polyline((0..count).map(corner)))
    };
    match ink {
        Ink::Router(place) => match place % 6 {
            1 => corners(4, PI / 4.0, radius * 1.25),
            2 => corners(3, -PI / 2.0, radius * 1.35),
            3 => corners(4, 0.0, radius * 1.35),
            4 => corners(3, PI / 2.0, radius * 1.35),
            5 => corners(5, -PI / 2.0, radius * 1.2),
            _ => circle([x, y], radius),
        },
        _ => circle([x, y], radius),
    }
}

fn circle([x, y]: [f64; 2], radius: f64) -> String {
    use super::pen::short;
    let (r, d) = (short(radius), short(2.0 * radius));
    format!("M{} {}a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0 -{d} 0z", short(x - radius), short(y))
}

/// What a point says when it is pointed at.
fn title(panel: &Panel, series: &Series, point: &Point) -> String {
    let value = |label: &str, value: f64, range: Option<[f64; 2]>| {
        let range = range.map_or(String::new(), |[low, high]| format!(" ({} to {})", number(low), number(high)));
        format!("{label}: {}{range}", number(value))
    };
    let mut lines = vec![super::text::fit(&series.name, super::layout::LABEL, 600.0)];
    if !point.text.is_empty() {
        lines.push(super::text::fit(&point.text, super::layout::LABEL, 600.0));
    }
    match &panel.x.scale {
        Scale::Names(_) => {}
        _ if series.kind == Kind::Bars && point.from != 0.0 => {
            lines.push(value(&panel.x.label, point.x - point.from, point.x_range));
        }
        _ => lines.push(value(&panel.x.label, point.x, point.x_range)),
    }
    if !matches!(panel.y.scale, Scale::Names(_)) {
        lines.push(value(&panel.y.label, point.y, point.y_range));
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

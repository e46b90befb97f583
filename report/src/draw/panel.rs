//! One panel: title, axes, and what stands in the frame.

use super::heat;
use super::layout::{HEADING, LABEL};
use super::marks;
use super::pen::{Anchor, Pen, Stroke, rectangle};
use super::span::Span;
use super::text;
use crate::figure::{Panel, Rule};
use crate::palette::Ink;

/// Where a panel stands and what its axes show.
pub(super) struct Frame<'a> {
    /// Upper left corner of the plot.
    pub(super) at: [f64; 2],
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) spans: &'a (Span, Span),
    /// Whether the numbers of the y axis are written.
    pub(super) labels_y: bool,
    /// Whether the y axis says what it is.
    pub(super) names_y: bool,
    /// Whether numbers of the x axis are written, and what it is.
    pub(super) names_x: bool,
    /// Room for the numbers of the y axis.
    pub(super) gutter: f64,
    /// Room for what the y axis is.
    pub(super) label_room: f64,
}

impl Frame<'_> {
    pub(super) fn x(&self, value: f64) -> f64 {
        self.at[0] + self.width * self.spans.0.share(value)
    }

    /// Names go down from the top, numbers up from the bottom.
    pub(super) fn y(&self, value: f64) -> f64 {
        let share = self.spans.1.share(value);
        self.at[1] + self.height * if self.spans.1.is_named() { share } else { 1.0 - share }
    }

    fn bottom(&self) -> f64 {
        self.at[1] + self.height
    }

    fn right(&self) -> f64 {
        self.at[0] + self.width
    }
}

/// Dashes of rules and of routers whose hue has come before.
pub(super) const DASHES: [&str; 4] = ["", "6 3", "2 2.5", "9 3 2 3"];

/// Room that the numbers of a y axis need beside the plot.
pub(super) fn gutter(span: &Span, room: f64) -> f64 {
    let most = if span.is_named() { 0.46 * room } else { 70.0 };
    let widths = span.ticks(5.0).into_iter().map(|(_, label)| text::width(&text::fit(&label, LABEL, most), LABEL));
    widths.fold(0.0, f64::max) + 7.0
}

/// Room that titles need above the plots of a row.
pub(super) fn above(panels: &[Panel], names_y: bool) -> f64 {
    let titles = panels.iter().any(|panel| !panel.title.is_empty());
    let labels = names_y && panels.iter().any(|panel| !panel.y.label.is_empty());
    8.0 + if titles { HEADING.leading() } else { 0.0 } + if labels { LABEL.leading() } else { 0.0 }
}

/// Draws a panel; how much room it needs below its plot.
pub(super) fn draw(pen: &mut Pen, panel: &Panel, frame: &Frame<'_>, shades: &[heat::Shades]) -> f64 {
    titles(pen, panel, frame);
    let below = axes(pen, panel, frame);
    for band in &panel.bands {
        let (from, until) = (frame.x(band.range[0]), frame.x(band.range[1]));
        let path = rectangle([from, frame.at[1]], (until - from).max(0.4), frame.height);
        pen.area(&path, band.ink, 0.04 + 0.22 * band.share.clamp(0.0, 1.0));
    }
    if let Some(field) = &panel.heat {
        heat::draw(pen, field, panel, frame, shades);
    }
    marks::draw(pen, panel, frame);
    // A limit that lines cross has to be seen on them.
    for rule in &panel.rules {
        draw_rule(pen, rule, frame);
    }
    below
}

fn titles(pen: &mut Pen, panel: &Panel, frame: &Frame<'_>) {
    let mut y = frame.at[1] - 8.0;
    if !panel.title.is_empty() {
        let swatch = if panel.ink.is_some() { 14.0 } else { 0.0 };
        if let Some(ink) = panel.ink {
            marks::sample(pen, ink, [frame.at[0] + 5.0, y - 4.0]);
        }
        let title = text::fit(&panel.title, HEADING, frame.width - swatch);
        pen.text([frame.at[0] + swatch, y], Anchor::Start, HEADING, Ink::Strong, &title);
        y -= LABEL.leading() + 1.0;
    }
    if frame.names_y && !panel.y.label.is_empty() {
        let label = text::fit(&panel.y.label, LABEL, frame.label_room);
        pen.text([frame.at[0] - frame.gutter, y], Anchor::Start, LABEL, Ink::Muted, &label);
    }
}

/// Grid, numbers and labels; the room they need below the plot.
fn axes(pen: &mut Pen, panel: &Panel, frame: &Frame<'_>) -> f64 {
    let (x, y) = frame.spans;
    let grid = Stroke::solid(Ink::Grid, 0.8);
    let ticks = y.ticks((frame.height / 30.0).clamp(3.0, 7.0));
    // Of rows that are lower than a line of text, every so many have their name.
    let row = frame.height / ticks.len().max(1) as f64;
    let every = if y.is_named() { ((0.9 * LABEL.size / row).ceil() as usize).max(1) } else { 1 };
    for (value, label) in ticks.into_iter().step_by(every) {
        let at = frame.y(value);
        if !y.is_named() {
            pen.line([frame.at[0], at], [frame.right(), at], grid);
        }
        if frame.labels_y {
            let room = if y.is_named() { frame.gutter - 6.0 } else { 70.0 };
            let label = text::fit(&label, LABEL, room);
            pen.text([frame.at[0] - 6.0, at + 4.2], Anchor::End, LABEL, Ink::Muted, &label);
        }
    }
    let ticks = x_ticks(x, frame.width);
    for (value, label) in &ticks {
        let at = frame.x(*value);
        if !x.is_named() && panel.heat.is_none() {
            pen.line([at, frame.at[1]], [at, frame.bottom()], grid);
        }
        if frame.names_x {
            pen.text([at, frame.bottom() + 15.0], Anchor::Middle, LABEL, Ink::Muted, label);
        }
    }
    if panel.heat.is_none() {
        let from = if y.is_named() || !y.crosses_nothing() { frame.bottom() } else { frame.y(0.0) };
        let stroke = Stroke::solid(Ink::Muted, 1.0);
        pen.line([frame.at[0], from], [frame.right(), from], stroke);
        if x.crosses_nothing() || y.is_named() {
            pen.line([frame.x(0.0), frame.at[1]], [frame.x(0.0), frame.bottom()], stroke);
        }
    }
    if !frame.names_x {
        return 4.0;
    }
    if panel.x.label.is_empty() {
        return 20.0;
    }
    let label = text::fit(&panel.x.label, LABEL, frame.width + frame.gutter);
    // Under the plot's middle; a label that is wider than its plot ends where the plot does.
    let half = 0.5 * text::width(&label, LABEL);
    let middle = (frame.at[0] + 0.5 * frame.width).min(frame.right() - half);
    pen.text([middle, frame.bottom() + 31.0], Anchor::Middle, LABEL, Ink::Muted, &label);
    36.0
}

/// As many numbers as have room beside each other.
fn x_ticks(span: &Span, width: f64) -> Vec<(f64, String)> {
    let widest =
        |ticks: &[(f64, String)]| ticks.iter().map(|(_, label)| text::width(label, LABEL)).fold(0.0, f64::max) + 8.0;
    if span.is_named() {
        let ticks = span.ticks(0.0);
        let place = width / ticks.len().max(1) as f64;
        let short = |(value, label): (f64, String)| (value, text::fit(&label, LABEL, (place - 6.0).max(40.0)));
        let ticks: Vec<(f64, String)> = ticks.into_iter().map(short).collect();
        let every = ((widest(&ticks) / place).ceil() as usize).max(1);
        return ticks.into_iter().step_by(every).collect();
    }
    let wanted = |wanted: &f64| {
        let ticks = span.ticks(*wanted);
        ticks.len() as f64 * widest(&ticks) <= width * 1.05
    };
    let most = [8.0, 6.0, 5.0, 4.0, 3.0, 2.0].into_iter().find(wanted).unwrap_or(1.0);
    span.ticks(most)
}

fn draw_rule(pen: &mut Pen, rule: &Rule, frame: &Frame<'_>) {
    let stroke = Stroke::solid(rule.ink, 1.3).dashed(DASHES[1 + usize::from(rule.dash) % 3]);
    if rule.upright {
        pen.line([frame.x(rule.at), frame.at[1]], [frame.x(rule.at), frame.bottom()], stroke);
    } else {
        pen.line([frame.at[0], frame.y(rule.at)], [frame.right(), frame.y(rule.at)], stroke);
    }
}

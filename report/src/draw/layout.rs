//! Where everything of a figure has its place: words above and below, panels between in rows and columns.
//!
//! Words get their room first, so that nothing ever covers data.

use super::heat;
use super::legend;
use super::panel::{self, Frame};
use super::pen::{Anchor, Pen};
use super::span::{Span, Way};
use super::text::{self, Type};
use crate::figure::{Axis, Figure, Panel, Scale};
use crate::palette::{Ink, Theme};

pub(super) const TITLE: Type = Type::bold(15.0);
pub(super) const LABEL: Type = Type::plain(12.0);
pub(super) const HEADING: Type = Type::bold(12.0);
const NOTE: Type = Type::plain(11.0);
/// Space around everything.
const MARGIN: f64 = 10.0;
/// Space between panels.
const GAP: f64 = 16.0;

/// The width that suits a figure: two columns where many panels stand beside each other.
pub(super) fn own_width(figure: &Figure) -> f64 {
    if figure.columns > 2 { super::TWO_COLUMNS } else { super::ONE_COLUMN }
}

/// The elements of a figure and the height they need.
pub(super) fn draw(figure: &Figure, theme: Theme, width: f64) -> (f64, String) {
    let mut pen = Pen::new(theme);
    let room = width - 2.0 * MARGIN;
    let mut y = MARGIN;
    y = paragraph(&mut pen, &figure.title, TITLE, Ink::Strong, y, room, 4);
    y = paragraph(&mut pen, &figure.subtitle, LABEL, Ink::Muted, y + 1.0, room, 4);
    y += 4.0;
    y = legend::draw(&mut pen, &figure.legend, [MARGIN, y], room);
    let shades = heat::Shades::of(figure);
    for shades in &shades {
        y = heat::colour_bar(&mut pen, shades, [MARGIN, y], room);
    }
    y = panels(&mut pen, figure, &shades, y, room);
    for note in &figure.notes {
        y = paragraph(&mut pen, note, NOTE, Ink::Muted, y + 2.0, room, 6);
    }
    (y + MARGIN, pen.into_text())
}

/// Lines of text from `y` on; where the next thing may begin.
fn paragraph(pen: &mut Pen, words: &str, of: Type, ink: Ink, mut y: f64, room: f64, most: usize) -> f64 {
    for line in text::wrap(words, of, room, most) {
        pen.text([MARGIN, y + of.size], Anchor::Start, of, ink, &line);
        y += of.leading();
    }
    y
}

/// The panels in rows; axes that all of them share have their numbers once a row and once a column.
fn panels(pen: &mut Pen, figure: &Figure, shades: &[heat::Shades], mut y: f64, room: f64) -> f64 {
    let all = &figure.panels;
    let columns = figure.columns.clamp(1, all.len().max(1)).min(((room / 110.0) as usize).max(1));
    let shared_x = all.iter().all(|panel| panel.x.label == all[0].x.label && panel.x.scale == all[0].x.scale);
    let shared_y = all.iter().all(|panel| panel.y.label == all[0].y.label && panel.y.scale == all[0].y.scale);
    let spans = spans(all);
    let gutter = |column: usize| {
        let below = spans.iter().enumerate().filter(|(place, _)| place % columns == column);
        below
            .map(|(_, (_, span))| panel::gutter(span, if columns == 1 { 0.54 * room } else { 0.46 * room }))
            .fold(0.0, f64::max)
    };
    let gutters: Vec<f64> =
        (0..columns).map(|column| if column > 0 && shared_y { 0.0 } else { gutter(column) }).collect();
    // The last number of an axis is centred below its end and needs half of its width beside the plot.
    let right = 8.0;
    let width = (room - right - gutters.iter().sum::<f64>() - GAP * (columns - 1) as f64) / columns as f64;
    for (row, of_row) in all.chunks(columns).enumerate() {
        let height = of_row.iter().map(|panel| height(panel, width, columns, all.len())).fold(0.0, f64::max);
        let above = panel::above(of_row, row == 0 || !shared_y);
        let mut x = MARGIN;
        let mut below: f64 = 0.0;
        for (column, panel) in of_row.iter().enumerate() {
            let place = row * columns + column;
            x += gutters[column];
            let frame = Frame {
                at: [x, y + above],
                width,
                height,
                spans: &spans[place],
                labels_y: column == 0 || !shared_y,
                names_y: !shared_y || (column == 0 && row == 0),
                names_x: !shared_x || place + columns >= all.len(),
                gutter: gutters[column],
                label_room: if shared_y { room } else { width + gutters[column] },
            };
            below = below.max(panel::draw(pen, panel, &frame, shades));
            x += width + GAP;
        }
        y += above + height + below + 6.0;
    }
    y
}

/// What the axes of each panel show. Axes of one meaning show the same everywhere: that is what panels beside each other are for.
fn spans(all: &[Panel]) -> Vec<(Span, Span)> {
    let of = |way: Way| {
        let mut known: Vec<(&Axis, Span)> = Vec::new();
        let mut spans = Vec::with_capacity(all.len());
        for axis in all.iter().map(|panel| way.axis(panel)) {
            let is_same = |other: &Axis| other.label == axis.label && other.scale == axis.scale;
            let place = known.iter().position(|(other, _)| is_same(other)).unwrap_or_else(|| {
                let alike: Vec<&Panel> = all.iter().filter(|panel| is_same(way.axis(panel))).collect();
                known.push((axis, Span::of(alike, way)));
                known.len() - 1
            });
            spans.push(known[place].1.clone());
        }
        spans
    };
    of(Way::X).into_iter().zip(of(Way::Y)).collect()
}

/// Height of the plot itself.
fn height(panel: &Panel, width: f64, columns: usize, panels: usize) -> f64 {
    if let Scale::Names(names) = &panel.y.scale {
        let row = match (&panel.heat, names.len()) {
            (None, _) => 20.0,
            (Some(heat), _) if heat.numbers => 26.0,
            (Some(_), few @ ..=12) => (0.55 * width / few.max(1) as f64).clamp(8.0, 15.0),
            (Some(_), many) => (0.8 * width / many as f64).clamp(2.0, 7.0),
        };
        return row * names.len().max(1) as f64;
    }
    match (columns, panels) {
        (1, 1) => (0.58 * width).clamp(90.0, 300.0),
        (1, _) => (0.36 * width).clamp(90.0, 200.0),
        _ => (0.7 * width).clamp(70.0, 260.0),
    }
}

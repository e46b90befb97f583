//! The legend: a sample and a name for each key, in lines above the panels, where no data are.

use super::layout::LABEL;
use super::marks;
use super::pen::{Anchor, Pen, polyline, rectangle};
use super::text;
use crate::figure::{Key, Kind};

/// Width of a sample with the space behind it.
const SAMPLE: f64 = 24.0;
const BETWEEN: f64 = 12.0;

/// Draws the keys from `at` on; where the next thing may begin. Keys flow like words; many of them stand in columns.
pub(super) fn draw(pen: &mut Pen, keys: &[Key], at: [f64; 2], room: f64) -> f64 {
    if keys.is_empty() {
        return at[1];
    }
    let most = (room - SAMPLE).min(0.62 * super::TWO_COLUMNS);
    let names: Vec<String> = keys.iter().map(|key| text::fit(&key.name, LABEL, most)).collect();
    let widths: Vec<f64> = names.iter().map(|name| SAMPLE + text::width(name, LABEL) + BETWEEN).collect();
    let widest = widths.iter().copied().fold(0.0, f64::max);
    // Names that are about alike stand in columns; a long one among short ones would make too few of them.
    let mean = widths.iter().sum::<f64>() / widths.len() as f64;
    let columns = ((room + BETWEEN) / widest).floor().max(1.0);
    let columns = (keys.len() > 4 && columns > 1.0 && (widest < 1.5 * mean || keys.len() > 10)).then_some(columns);
    let (mut x, mut y) = (0.0, at[1]);
    for ((key, name), width) in keys.iter().zip(&names).zip(&widths) {
        let width = columns.map_or(*width, |columns| (room + BETWEEN) / columns);
        if x > 0.0 && x + width > room + BETWEEN + 0.01 {
            x = 0.0;
            y += LABEL.leading() + 1.0;
        }
        let middle = y + 8.0;
        sample(pen, key, [at[0] + x, middle]);
        pen.text([at[0] + x + SAMPLE, middle + 4.2], Anchor::Start, LABEL, crate::palette::Ink::Strong, name);
        x += width;
    }
    y + LABEL.leading() + 4.0
}

fn sample(pen: &mut Pen, key: &Key, [x, y]: [f64; 2]) {
    let (from, until) = ([x, y], [x + SAMPLE - 6.0, y]);
    let middle = [0.5 * (from[0] + until[0]), y];
    match key.kind {
        Kind::Ribbon => pen.area(&rectangle([x, y - 5.0], SAMPLE - 6.0, 10.0), key.ink, 0.35),
        Kind::Bars => pen.area(&rectangle([x + 5.0, y - 5.0], SAMPLE - 11.0, 10.0), key.ink, 0.85),
        Kind::Marks => marks::sample(pen, key.ink, middle),
        Kind::Dots | Kind::LineAndDots => {
            pen.path(
                &polyline([from, until]),
                marks::stroke(key.ink, key.kind).faint(if key.kind == Kind::Dots { 0.6 } else { 1.0 }),
            );
            marks::sample(pen, key.ink, middle);
        }
        Kind::Line | Kind::Steps | Kind::Bound | Kind::Limit(_) => {
            pen.path(&polyline([from, until]), marks::stroke(key.ink, key.kind));
        }
    }
}

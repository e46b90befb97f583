//! Fields of coloured cells, and the bar that says what the colours mean.

use super::layout::LABEL;
use super::panel::Frame;
use super::pen::{Anchor, Pen, rectangle};
use super::text::{self, Type};
use super::ticks;
use crate::figure::{Figure, Heat, Panel, Scale};
use crate::palette::{self, Ink};

/// Shades of a field of many cells; cells of one shade are one path, which keeps files small.
const STEPS: usize = 64;

/// What colours mean, the same for all fields of a figure with one label.
#[derive(Clone, Debug)]
pub(super) struct Shades {
    label: String,
    low: f64,
    high: f64,
    diverging: bool,
}

impl Shades {
    /// One for each label, over the values of all its fields.
    pub(super) fn of(figure: &Figure) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for heat in figure.panels.iter().filter_map(|panel| panel.heat.as_ref()) {
            let values = heat.rows.iter().flatten().flatten();
            let (low, high) =
                values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(*v), high.max(*v)));
            match all.iter_mut().find(|shades| shades.label == heat.label) {
                Some(shades) => (shades.low, shades.high) = (shades.low.min(low), shades.high.max(high)),
                None => all.push(Self { label: heat.label.clone(), low, high, diverging: false }),
            }
        }
        all.retain(|shades| shades.low <= shades.high);
        for shades in &mut all {
            shades.settle();
        }
        all
    }

    /// Values on both sides of nothing diverge from it, equally far to both sides.
    fn settle(&mut self) {
        self.diverging = self.low < 0.0 && self.high > 0.0;
        if self.diverging {
            let far = self.high.max(-self.low);
            (self.low, self.high) = (-far, far);
        } else if self.high - self.low < 1e-9 * self.high.abs().max(1e-9) {
            (self.low, self.high) = (self.low.min(0.0), self.high.max(self.low.abs()).max(1e-9));
        }
    }

    /// Where a value is between the ends: 0 to 1.
    fn share(&self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    /// Decimals that tell a hundredth of the range apart.
    fn decimals(&self) -> usize {
        (1.0 - (self.high - self.low).log10().floor()).clamp(0.0, 5.0) as usize
    }

    fn colour(&self, share: f64) -> String {
        if self.diverging { palette::diverging(2.0 * share - 1.0) } else { palette::sequential(share) }
    }
}

/// The bar with its numbers; where the next thing may begin.
pub(super) fn colour_bar(pen: &mut Pen, shades: &Shades, [x, y]: [f64; 2], room: f64) -> f64 {
    let label = text::fit(&shades.label, LABEL, room);
    pen.text([x, y + 12.0], Anchor::Start, LABEL, Ink::Muted, &label);
    let beside = text::width(&label, LABEL) + 12.0;
    // Beside its label where there is room, else below it.
    let (left, top) = if beside + 140.0 <= room { (x + beside, y + 3.0) } else { (x, y + 18.0) };
    let width = (x + room - left).min(220.0) - 12.0;
    for step in 0..STEPS {
        let from = left + width * step as f64 / STEPS as f64;
        let share = step as f64 / (STEPS - 1) as f64;
        // A little wider than its place, so that no seam shows.
        let step_width = (width / STEPS as f64 + 0.5).min(left + width - from);
        pen.cells(&rectangle([from, top], step_width, 9.0), &shades.colour(share));
    }
    let ticks = ticks::at_least_two(shades.low, shades.high, 4.0);
    for (value, label) in ticks.iter().zip(ticks::label(&ticks)) {
        pen.text([left + width * shades.share(*value), top + 21.0], Anchor::Middle, LABEL, Ink::Muted, &label);
    }
    top + 28.0
}

/// The cells of a panel.
pub(super) fn draw(pen: &mut Pen, heat: &Heat, panel: &Panel, frame: &Frame<'_>, all: &[Shades]) {
    let Some(shades) = all.iter().find(|shades| shades.label == heat.label) else { return };
    let mut paths = vec![String::new(); STEPS];
    for (row, cells) in heat.rows.iter().enumerate() {
        let (top, bottom) = (frame.y(row as f64 - 0.5), frame.y(row as f64 + 0.5));
        for (column, edges) in heat.edges.windows(2).enumerate() {
            let Some(value) = cells.get(column).copied().flatten() else { continue };
            let (left, right) = (frame.x(edges[0]), frame.x(edges[1]));
            let share = shades.share(value);
            let cell = rectangle([left, top], right - left, bottom - top);
            if heat.numbers {
                let colour = shades.colour(share);
                pen.open(&title(heat, panel, row, column, value));
                pen.cells(&cell, &colour);
                number(
                    pen,
                    value,
                    shades.decimals(),
                    &colour,
                    [0.5 * (left + right), 0.5 * (top + bottom)],
                    right - left,
                );
                pen.close();
            } else {
                paths[(share * (STEPS - 1) as f64).round() as usize].push_str(&cell);
            }
        }
    }
    for (step, path) in paths.iter().enumerate().filter(|(_, path)| !path.is_empty()) {
        pen.cells(path, &shades.colour(step as f64 / (STEPS - 1) as f64));
    }
}

fn number(pen: &mut Pen, value: f64, decimals: usize, colour: &str, [x, y]: [f64; 2], room: f64) {
    let of = Type::plain(11.0);
    let mut texts = (0..=decimals).rev().map(|decimals| format!("{value:.decimals$}").replace('-', "−"));
    let Some(text) = texts.find(|text| text::width(text, of) + 4.0 <= room) else { return };
    let ink = if palette::wants_dark_text(colour) { "#16181d" } else { "#ffffff" };
    pen.coloured_text([x, y + 4.0], Anchor::Middle, of, ink, &text);
}

fn title(heat: &Heat, panel: &Panel, row: usize, column: usize, value: f64) -> String {
    let name = |scale: &Scale, place: usize| match scale {
        Scale::Names(names) => names.get(place).cloned().unwrap_or_default(),
        _ => ticks::number(0.5 * (heat.edges[column] + heat.edges[column + 1])),
    };
    let half = heat.halves.get(row).and_then(|halves| *halves.get(column)?);
    let half = half.map_or(String::new(), |half| format!(" ± {}", ticks::number(half)));
    format!(
        "{}\n{}: {}\n{}: {}\n{}: {}{half}",
        panel.title,
        panel.x.label,
        name(&panel.x.scale, column),
        panel.y.label,
        name(&panel.y.scale, row),
        heat.label,
        ticks::number(value)
    )
}

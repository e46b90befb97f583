//! One line a GPU, where there is little room.

use isotherm_recording::Signal;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::palette::Palette;
use super::{Tile, ago};
use crate::telemetry::in_words;
use crate::telemetry::reasons::{holds_back, is_alarming};

/// A column: heading, width, and what stands in it.
struct Column {
    heading: &'static str,
    width: usize,
    left: bool,
    cell: fn(&Tile, Palette) -> (String, Style),
}

/// By importance: what does not fit is left out from the end.
const COLUMNS: [Column; 7] = [
    Column {
        heading: "GPU",
        width: 3,
        left: false,
        cell: |tile, palette| (tile.facts.index.to_string(), palette.title()),
    },
    Column {
        heading: "degC",
        width: 4,
        left: false,
        cell: |tile, palette| (number(tile, Signal::Temperature, 1.0), heat(tile, palette)),
    },
    Column { heading: "W", width: 5, left: false, cell: |tile, palette| (watts(tile), power(tile, palette)) },
    Column {
        heading: "memory",
        width: 6,
        left: false,
        cell: |tile, palette| (number(tile, Signal::MemoryTemperature, 1.0), palette.value()),
    },
    Column {
        heading: "MHz",
        width: 5,
        left: false,
        cell: |tile, palette| (number(tile, Signal::SmClock, 1.0), palette.value()),
    },
    Column {
        heading: "busy %",
        width: 6,
        left: false,
        cell: |tile, palette| (number(tile, Signal::Utilisation, 1.0), palette.value()),
    },
    Column { heading: "held by", width: 18, left: true, cell: held },
];

/// Least width of the sparkline at the end.
const SPARK: usize = 8;

/// How many of the columns fit into `width`.
fn fitting(width: usize) -> usize {
    let mut used = 0;
    COLUMNS
        .iter()
        .take_while(|column| {
            used += column.width + 1;
            used <= width + 1
        })
        .count()
}

pub(super) fn headings(width: usize, palette: Palette) -> Line<'static> {
    let shown = &COLUMNS[..fitting(width)];
    let mut text = String::new();
    for column in shown {
        let wide = column.width;
        text +=
            &if column.left { format!("{:<wide$} ", column.heading) } else { format!("{:>wide$} ", column.heading) };
    }
    if width >= text.chars().count() + SPARK {
        text += "power";
    }
    Line::styled(text, palette.quiet())
}

pub(super) fn row(tile: &Tile, now: i64, width: usize, palette: Palette) -> Line<'static> {
    let shown = &COLUMNS[..fitting(width)];
    let mut spans: Vec<Span<'static>> = Vec::new();
    let mut used = 0;
    for column in shown {
        let (text, style) = (column.cell)(tile, palette);
        let text: String = text.chars().take(column.width).collect();
        let wide = column.width;
        let text = if column.left { format!("{text:<wide$} ") } else { format!("{text:>wide$} ") };
        // What was read before a device was lost is no value of now.
        spans.push(Span::styled(text, if tile.lost.is_some() { palette.quiet() } else { style }));
        used += wide + 1;
    }
    if let Some(since) = tile.lost {
        let text = format!("{:>3} LOST for {}", tile.facts.index, ago(now.saturating_sub(since).max(0) as f64 / 1e9));
        return Line::styled(text.chars().take(width).collect::<String>(), palette.alarm());
    }
    if width >= used + SPARK {
        spans.push(Span::styled(spark(tile, width - used), palette.power()));
    }
    Line::from(spans)
}

fn number(tile: &Tile, signal: Signal, factor: f64) -> String {
    tile.reading.value(signal).map_or("-".to_owned(), |value| format!("{:.0}", value as f64 * factor))
}

fn watts(tile: &Tile) -> String {
    tile.watts().map_or("-".to_owned(), |watts| format!("{watts:.0}"))
}

fn heat(tile: &Tile, palette: Palette) -> Style {
    match (tile.reading.value(Signal::Temperature), tile.facts.max_operating_degc) {
        (Some(value), Some(limit)) if value as f64 >= limit => palette.alarm(),
        _ => palette.value(),
    }
}

fn power(tile: &Tile, palette: Palette) -> Style {
    match (tile.watts(), tile.power_limit()) {
        (Some(watts), Some(limit)) if watts >= 0.97 * limit => palette.warm(),
        _ => palette.value(),
    }
}

fn held(tile: &Tile, palette: Palette) -> (String, Style) {
    match tile.reasons() {
        None => ("-".to_owned(), palette.quiet()),
        Some(mask) if is_alarming(mask) => (in_words(mask), palette.alarm()),
        Some(mask) if holds_back(mask) => (in_words(mask), palette.warm()),
        Some(mask) => (in_words(mask), palette.quiet()),
    }
}

/// Power of the last minutes against the limit, newest at the right.
fn spark(tile: &Tile, width: usize) -> String {
    const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let limit = tile.power_limit().unwrap_or(700.0);
    let step = |watts: f32| STEPS[((f64::from(watts) / limit * 8.0) as usize).min(7)];
    let newest: String = tile.power.newest(width).map(|value| value.map_or(' ', step)).collect();
    format!("{newest:>width$}")
}

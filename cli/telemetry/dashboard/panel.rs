//! One GPU with room for everything: values against limits, and the minutes before.

use isotherm_recording::Signal;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Padding, Paragraph, RenderDirection, Sparkline, SparklineBar, Widget};

use super::gauge::{COLDEST, Gauge, LABEL};
use super::history::History;
use super::palette::Palette;
use super::{Tile, ago, list};
use crate::telemetry::in_words;

/// The narrowest panel, and the lowest: five lines and two sparklines of one row in a frame.
pub(super) const LEAST: (u16, u16) = (56, 9);
/// The highest: sparklines of eight rows.
pub(super) const MOST_ROWS: u16 = 23;

pub(super) fn draw(tile: &Tile, now: i64, palette: Palette, area: Rect, buffer: &mut Buffer) {
    let frame = if tile.lost.is_some() { palette.alarm() } else { palette.quiet() };
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(frame)
        .padding(Padding::horizontal(1))
        .title(title(tile, palette))
        .title(freshness(tile, now, palette).right_aligned());
    let inside = block.inner(area);
    block.render(area, buffer);
    let spark = Constraint::Fill(1);
    let [values, power, heat] = Layout::vertical([Constraint::Length(5), spark, spark]).areas(inside);
    Paragraph::new(lines(tile, usize::from(inside.width), palette)).render(values, buffer);
    let highest = tile.power_limit().unwrap_or(700.0);
    sparkline(&tile.power, [0.0, highest], ("power", "W"), palette.power(), palette, power, buffer);
    let hottest = tile.facts.slowdown_degc.unwrap_or(90.0);
    sparkline(&tile.temperature, [COLDEST, hottest], ("die", "degC"), palette.heat(), palette, heat, buffer);
}

fn title(tile: &Tile, palette: Palette) -> Line<'static> {
    let mut spans = vec![
        Span::styled(format!(" GPU {} ", tile.facts.index), palette.title()),
        Span::styled(format!("{} ", tile.facts.name), palette.value()),
    ];
    if tile.facts.is_partitioned {
        spans.push(Span::styled("MIG: values of the whole GPU ", palette.quiet()));
    }
    Line::from(spans)
}

/// How old the newest value is, or since when there is none.
fn freshness(tile: &Tile, now: i64, palette: Palette) -> Line<'static> {
    let (text, style) = match (tile.lost, tile.age(now)) {
        (Some(since), _) => {
            let seconds = now.saturating_sub(since).max(0) as f64 / 1e9;
            (format!(" LOST for {}, last values ", ago(seconds)), palette.alarm())
        }
        (None, None) => (" no values ".to_owned(), palette.warm()),
        (None, Some(age)) => (format!(" {} old ", ago(age)), if age > 3.0 { palette.warm() } else { palette.quiet() }),
    };
    Line::styled(text, style)
}

fn lines(tile: &Tile, width: usize, palette: Palette) -> Vec<Line<'static>> {
    let gauges = Gauge::all(tile).into_iter().map(|gauge| gauge.line(width, palette));
    gauges.chain([reasons(tile, width, palette)]).collect()
}

/// Why the clock is not higher, and at the right how busy the GPU is.
fn reasons(tile: &Tile, width: usize, palette: Palette) -> Line<'static> {
    let words = tile.reasons().map_or("-".to_owned(), in_words);
    let mut room = width.saturating_sub(LABEL + words.chars().count());
    let label = Span::styled(format!("{:<LABEL$}", "reasons"), palette.quiet());
    let mut spans = vec![label, Span::styled(words, list::weight(tile, palette))];
    let mut shares: Vec<Span<'static>> = Vec::new();
    for (name, signal) in [("busy", Signal::Utilisation), ("memory busy", Signal::MemoryUtilisation)] {
        let Some(percent) = tile.reading.value(signal) else { continue };
        let pair = [
            Span::styled(format!("  {name} "), palette.quiet()),
            Span::styled(format!("{percent} %"), palette.value()),
        ];
        // What does not fit whole is left out.
        let Some(left) = room.checked_sub(pair.iter().map(Span::width).sum()) else { break };
        room = left;
        shares.extend(pair);
    }
    spans.push(Span::raw(" ".repeat(room)));
    spans.extend(shares);
    Line::from(spans)
}

/// The minutes before, newest at the right, over a fixed scale, so that panels can be compared.
fn sparkline(
    history: &History,
    [low, high]: [f64; 2],
    (label, unit): (&str, &str),
    style: Style,
    palette: Palette,
    area: Rect,
    buffer: &mut Buffer,
) {
    let left = LABEL as u16;
    if area.height == 0 || area.width <= left {
        return;
    }
    let [names, plot] = Layout::horizontal([Constraint::Length(left), Constraint::Fill(1)]).areas(area);
    let mut lines = vec![Line::styled(label.to_owned(), style)];
    if names.height >= 3 {
        lines[0] = Line::styled(format!("{high:.0} {unit}"), palette.quiet());
        lines.resize(usize::from(names.height) - 1, Line::default());
        let middle = lines.len() / 2;
        lines[middle] = Line::styled(label.to_owned(), style);
        lines.push(Line::styled(format!("{low:.0} {unit}"), palette.quiet()));
    }
    Paragraph::new(lines).render(names, buffer);
    // Eighths of a cell are what can be shown.
    let top = u64::from(plot.height) * 8;
    let step =
        |value: f32| ((f64::from(value) - low) / (high - low) * top as f64).round().clamp(1.0, top as f64) as u64;
    let mut columns: Vec<SparklineBar> =
        history.newest(usize::from(plot.width)).map(|value| SparklineBar::from(value.map(step))).collect();
    columns.reverse();
    let sparkline = Sparkline::default().data(columns).max(top).direction(RenderDirection::RightToLeft);
    sparkline.style(style).absent_value_symbol(" ").render(plot, buffer);
}

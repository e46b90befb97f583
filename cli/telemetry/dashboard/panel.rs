//! One GPU with room for everything: values against limits, and the minutes before.

use isotherm_recording::{Entry, Signal};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Padding, Paragraph, RenderDirection, Sparkline, SparklineBar, Widget};

use super::bar::bar;
use super::history::History;
use super::palette::Palette;
use super::{Tile, ago};
use crate::telemetry::reasons::{holds_back, is_alarming};
use crate::telemetry::{absence, in_words, quantity};

/// The narrowest panel, and the lowest: five lines and two sparklines of one row in a frame.
pub(super) const LEAST: (u16, u16) = (56, 9);
/// The highest: sparklines of eight rows.
pub(super) const MOST_ROWS: u16 = 23;

/// Widths of a line's label, value and limit.
const LABEL: usize = 8;
const VALUE: usize = 10;
const LIMIT: usize = 10;

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
    sparkline(&tile.temperature, [20.0, hottest], ("die", "degC"), palette.heat(), palette, heat, buffer);
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
    let facts = &tile.facts;
    let length = width.saturating_sub(LABEL + VALUE + LIMIT + 4);
    let coldest = 20.0;
    let hot =
        |celsius: f64| ((celsius - coldest) / (facts.shutdown_degc.unwrap_or(100.0).max(60.0) - coldest)).max(0.0);
    let limits: Vec<f64> = [facts.max_operating_degc, facts.slowdown_degc].into_iter().flatten().map(hot).collect();
    let degrees = |limit: Option<f64>| limit.map(|limit| format!("{limit:.0} degC"));
    let watts = tile.power_limit();
    let power = [Signal::PowerInstant, Signal::PowerMean, Signal::Power];
    let power = power.into_iter().find(|signal| tile.reading.value(*signal).is_some()).unwrap_or(Signal::Power);
    let memory_limits: Vec<f64> = facts.memory_max_degc.into_iter().map(hot).collect();
    let gauge = |label, signal, share: &dyn Fn(f64) -> Option<f64>, marks: &[f64], warm_from, limit| {
        Gauge { label, entry: tile.reading.get(signal), signal, share, marks, warm_from, limit }.line(length, palette)
    };
    vec![
        gauge(
            "die",
            Signal::Temperature,
            &|t| Some(hot(t)),
            &limits,
            limits.first().copied(),
            degrees(facts.max_operating_degc),
        ),
        gauge(
            "memory",
            Signal::MemoryTemperature,
            &|t| Some(hot(t)),
            &memory_limits,
            memory_limits.first().copied(),
            degrees(facts.memory_max_degc),
        ),
        gauge("power", power, &|p| Some(p / 1e3 / watts?), &[], Some(0.97), watts.map(|watts| format!("{watts:.0} W"))),
        gauge(
            "clock",
            Signal::SmClock,
            &|f| Some(f / facts.max_sm_mhz?),
            &[],
            None,
            facts.max_sm_mhz.map(|mhz| format!("{mhz:.0} MHz")),
        ),
        held(tile, palette),
    ]
}

/// One line: label, value, bar, limit.
struct Gauge<'a> {
    label: &'static str,
    entry: Entry,
    signal: Signal,
    /// Where on the bar a value stands, 0 to 1; `None` where there is nothing to measure it by.
    share: &'a dyn Fn(f64) -> Option<f64>,
    marks: &'a [f64],
    /// The share from which the bar warns.
    warm_from: Option<f64>,
    limit: Option<String>,
}

impl Gauge<'_> {
    fn line(self, length: usize, palette: Palette) -> Line<'static> {
        let label = Span::styled(format!("{:<LABEL$}", self.label), palette.quiet());
        let value = match self.entry {
            Entry::Missing(missing) => return Line::from(vec![label, Span::styled(absence(missing), palette.quiet())]),
            Entry::Value { value, .. } => value,
        };
        let mut spans =
            vec![label, Span::styled(format!("{:>VALUE$}  ", quantity(self.signal, value)), palette.value())];
        if let Some(share) = (self.share)(value as f64) {
            let style = match self.warm_from {
                Some(warm) if share >= warm => palette.warm(),
                Some(warm) if share >= 0.85 * warm && self.signal != Signal::PowerInstant => palette.good(),
                _ => palette.good(),
            };
            spans.extend(bar(length, share, self.marks, style, palette));
        } else {
            spans.push(Span::raw(" ".repeat(length)));
        }
        if let Some(limit) = self.limit {
            spans.push(Span::styled(format!("  {limit:>LIMIT$}"), palette.quiet()));
        }
        Line::from(spans)
    }
}

/// Why the clock is not higher, and how busy the GPU is.
fn held(tile: &Tile, palette: Palette) -> Line<'static> {
    let (words, style) = match tile.reasons() {
        None => ("-".to_owned(), palette.quiet()),
        Some(mask) if is_alarming(mask) => (in_words(mask), palette.alarm()),
        Some(mask) if holds_back(mask) => (in_words(mask), palette.warm()),
        Some(mask) => (in_words(mask), palette.quiet()),
    };
    let mut spans = vec![
        Span::styled(format!("{:<LABEL$}", "held by"), palette.quiet()),
        Span::styled(format!("{words:>VALUE$}"), style),
    ];
    let shares = [("busy", Signal::Utilisation), ("memory", Signal::MemoryUtilisation)];
    for (name, signal) in shares {
        if let Some(percent) = tile.reading.value(signal) {
            spans.push(Span::styled(format!("   {name} "), palette.quiet()));
            spans.push(Span::styled(format!("{percent} %"), palette.value()));
        }
    }
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
    let mut lines = vec![Line::styled(label.to_owned(), palette.quiet())];
    if names.height >= 3 {
        lines[0] = Line::styled(format!("{high:.0} {unit}"), palette.quiet());
        lines.resize(usize::from(names.height) - 1, Line::default());
        let middle = lines.len() / 2;
        lines[middle] = Line::styled(label.to_owned(), palette.quiet());
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

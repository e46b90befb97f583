//! One value of a panel against its limit.

use isotherm_recording::{Entry, Signal};
use ratatui::text::{Line, Span};

use super::Tile;
use super::bar::bar;
use super::palette::Palette;
use crate::telemetry::{absence, quantity};

/// Widths of label, value and limit.
pub(super) const LABEL: usize = 9;
const VALUE: usize = 10;
const LIMIT: usize = 10;
/// Where temperature bars begin (degC): colder dies are rare.
pub(super) const COLDEST: f64 = 20.0;

/// A line of a panel: label, value, bar, limit.
#[derive(Clone, Debug)]
pub(super) struct Gauge {
    label: &'static str,
    signal: Signal,
    entry: Entry,
    /// Where on the bar the value stands, 0 to 1; `None` where there is nothing to measure it by.
    share: Option<f64>,
    /// Limits that the bar shows, 0 to 1.
    marks: Vec<f64>,
    /// The share from which the bar warns.
    warns_from: Option<f64>,
    limit: Option<String>,
    /// Whether the device is lost: what it said last is no news.
    is_old: bool,
}

impl Gauge {
    /// The gauges of a device, in the order in which they are shown.
    pub(super) fn all(tile: &Tile) -> [Self; 4] {
        let facts = &tile.facts;
        let limits = [facts.max_operating_degc, facts.slowdown_degc];
        let power = [Signal::PowerInstant, Signal::PowerMean, Signal::Power];
        let power = power.into_iter().find(|signal| tile.reading.value(*signal).is_some()).unwrap_or(Signal::Power);
        let watts = tile.power_limit();
        let share = |signal, full: Option<f64>| Some(tile.reading.value(signal)? as f64 / full?);
        [
            Self::heat(tile, "die", Signal::Temperature, limits),
            Self::heat(tile, "memory", Signal::MemoryTemperature, [facts.memory_max_degc, None]),
            Self {
                share: share(power, watts.map(|watts| watts * 1e3)),
                warns_from: Some(0.97),
                limit: watts.map(|watts| format!("{watts:.0} W")),
                ..Self::plain(tile, "power", power)
            },
            Self {
                share: share(Signal::SmClock, facts.max_sm_mhz),
                limit: facts.max_sm_mhz.map(|mhz| format!("{mhz:.0} MHz")),
                ..Self::plain(tile, "clock", Signal::SmClock)
            },
        ]
    }

    fn plain(tile: &Tile, label: &'static str, signal: Signal) -> Self {
        let (entry, is_old) = (tile.reading.get(signal), tile.lost.is_some());
        Self { label, signal, entry, share: None, marks: Vec::new(), warns_from: None, limit: None, is_old }
    }

    /// A temperature, on a bar that ends where the device switches itself off.
    fn heat(tile: &Tile, label: &'static str, signal: Signal, limits: [Option<f64>; 2]) -> Self {
        let hottest = tile.facts.shutdown_degc.unwrap_or(100.0).max(COLDEST + 1.0);
        let place = |celsius: f64| ((celsius - COLDEST) / (hottest - COLDEST)).max(0.0);
        Self {
            share: tile.reading.value(signal).map(|celsius| place(celsius as f64)),
            marks: limits.into_iter().flatten().map(place).collect(),
            warns_from: limits[0].map(place),
            limit: limits[0].map(|celsius| format!("{celsius:.0} degC")),
            ..Self::plain(tile, label, signal)
        }
    }

    pub(super) fn line(self, width: usize, palette: Palette) -> Line<'static> {
        let label = Span::styled(format!("{:<LABEL$}", self.label), palette.quiet());
        let value = match self.entry {
            Entry::Missing(missing) => return Line::from(vec![label, Span::styled(absence(missing), palette.quiet())]),
            Entry::Value { value, .. } => format!("{:>VALUE$}  ", quantity(self.signal, value)),
        };
        let warns = self.share.zip(self.warns_from).is_some_and(|(share, from)| share >= from);
        let [number, style] = match (self.is_old, warns) {
            (true, _) => [palette.quiet(), palette.quiet()],
            (false, true) => [palette.value(), palette.warm()],
            (false, false) => [palette.value(), palette.good()],
        };
        let mut spans = vec![label, Span::styled(value, number)];
        let length = width.saturating_sub(LABEL + VALUE + LIMIT + 4);
        match self.share {
            Some(share) => spans.extend(bar(length, share, &self.marks, style, palette)),
            None => spans.push(Span::raw(" ".repeat(length))),
        }
        let limit = self.limit.unwrap_or_default();
        spans.push(Span::styled(format!("  {limit:>LIMIT$}"), palette.quiet()));
        Line::from(spans)
    }
}

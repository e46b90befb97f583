//! From values along an axis to places in the picture, and back to the numbers beside it.

use super::ticks;
use crate::figure::{Axis, Panel, Scale};

/// The values an axis shows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Span {
    low: f64,
    high: f64,
    scale: Scale,
}

/// Which of a panel's axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    X,
    Y,
}

impl Way {
    pub(super) fn axis(self, panel: &Panel) -> &Axis {
        match self {
            Self::X => &panel.x,
            Self::Y => &panel.y,
        }
    }
}

impl Span {
    /// Wide enough for all that is drawn along this axis in `panels`, with some air where marks would touch the frame.
    pub(super) fn of<'a>(panels: impl IntoIterator<Item = &'a Panel> + Clone, way: Way) -> Self {
        let scale = panels.clone().into_iter().next().map_or(Scale::Linear, |panel| way.axis(panel).scale.clone());
        if let Scale::Names(names) = &scale {
            return Self { low: -0.5, high: names.len().max(1) as f64 - 0.5, scale };
        }
        let log = scale == Scale::Log;
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in panels.clone().into_iter().flat_map(|panel| values(panel, way)) {
            if value.is_finite() && (!log || value > 0.0) {
                (low, high) = (low.min(value), high.max(value));
            }
        }
        if low > high {
            (low, high) = if log { (1.0, 10.0) } else { (0.0, 1.0) };
        }
        let tight = panels.into_iter().all(|panel| reaches_the_edge(panel, way));
        Self { low, high, scale }.with_air(tight)
    }

    fn with_air(self, tight: bool) -> Self {
        let Self { low, high, scale } = self;
        if scale == Scale::Log {
            let air = if tight && high > low { 1.0 } else { (high / low).powf(0.04).max(1.08) };
            return Self { low: low / air, high: high * air, scale };
        }
        if low == 0.0 && high == 0.0 {
            return Self { low, high: 1.0, scale };
        }
        // Values that are all alike get a range in which their last digits do not shout.
        let least = 1e-9_f64.max(1e-3 * low.abs().max(high.abs()));
        if high - low < least {
            return Self { low: low - least, high: high + least, scale };
        }
        let air = if tight { 0.0 } else { 0.045 * (high - low) };
        // Nothing is below nothing: bars and shares stand on the axis.
        let low = if low == 0.0 { 0.0 } else { low - air };
        Self { low, high: high + air, scale }
    }

    /// Where a value is between the ends: 0 to 1.
    pub(super) fn share(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Log => (value.max(self.low) / self.low).ln() / (self.high / self.low).ln(),
            _ => (value - self.low) / (self.high - self.low),
        };
        if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
    }

    /// Numbers to be written beside the axis, about `wanted` of them: where, and what.
    pub(super) fn ticks(&self, wanted: f64) -> Vec<(f64, String)> {
        let ticks = match &self.scale {
            Scale::Names(names) => {
                return names.iter().enumerate().map(|(place, name)| (place as f64, name.clone())).collect();
            }
            Scale::Linear => ticks::at_least_two(self.low, self.high, wanted),
            Scale::Log => ticks::logarithmic(self.low, self.high, wanted),
        };
        let labels = if self.scale == Scale::Log { ticks::label_each(&ticks) } else { ticks::label(&ticks) };
        ticks.into_iter().zip(labels).collect()
    }

    pub(super) fn is_named(&self) -> bool {
        matches!(self.scale, Scale::Names(_))
    }

    /// Whether 0 is inside and not at an end.
    pub(super) fn crosses_nothing(&self) -> bool {
        self.scale == Scale::Linear && self.low < 0.0 && self.high > 0.0
    }
}

/// All values that must be on the axis.
fn values(panel: &Panel, way: Way) -> Vec<f64> {
    let mut values = way.axis(panel).include.clone();
    for series in &panel.series {
        let bars = series.kind == crate::figure::Kind::Bars;
        for point in &series.points {
            let (value, range) = match way {
                Way::X => (point.x, point.x_range),
                Way::Y => (point.y, point.y_range),
            };
            values.push(value);
            values.extend(range.into_iter().flatten());
            values.extend((bars && way == Way::X).then_some(point.from));
        }
    }
    let rules = panel.rules.iter().filter(|rule| rule.upright == (way == Way::X));
    values.extend(rules.map(|rule| rule.at));
    if let (Some(heat), Way::X) = (&panel.heat, way) {
        values.extend(&heat.edges);
    }
    values
}

/// Whether what is drawn fills the panel from end to end along this axis, as lines over time do.
fn reaches_the_edge(panel: &Panel, way: Way) -> bool {
    use crate::figure::Kind;
    let lines = |kind: Kind| matches!(kind, Kind::Line | Kind::Ribbon | Kind::Steps | Kind::Bound);
    way == Way::X && panel.series.iter().all(|series| lines(series.kind))
}

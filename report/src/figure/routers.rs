//! Lines of many routers: one panel while they can be told apart, then a panel each.

use super::{Axis, Figure, Kind, Panel, Rule, Series};
use crate::palette::Ink;
use crate::results::downsample::POINTS_PER_COLUMN;

/// More lines than these in one panel cannot be followed.
pub(super) const TOGETHER: usize = 7;

/// The lines of one router.
pub(super) struct Lines {
    pub(super) router: String,
    pub(super) ink: Ink,
    pub(super) series: Vec<Series>,
}

/// Columns of a panel that are worth drawing, for so many routers.
pub(super) fn columns(routers: usize) -> usize {
    if routers > TOGETHER { 60 } else { 120 }
}

/// What is said of lines that have fewer points than `values`.
pub(super) fn thinned(values: usize, routers: usize) -> Option<String> {
    (values > POINTS_PER_COLUMN * columns(routers)).then(|| super::words::THINNED.to_owned())
}

/// Puts the lines of all routers into panels: all in one, or each in one of its own beside the baseline's.
pub(super) fn panels(figure: &mut Figure, x: &Axis, y: &Axis, rules: &[Rule], lines: Vec<Lines>) {
    let panel = |title: &str, ink: Option<Ink>, series: Vec<Series>| Panel {
        title: title.to_owned(),
        ink,
        x: x.clone(),
        y: y.clone(),
        series,
        rules: rules.to_vec(),
        ..Panel::default()
    };
    if lines.len() <= TOGETHER {
        // Ribbons behind all lines, the baseline behind the routers.
        let mut series: Vec<Series> = lines.into_iter().flat_map(|lines| lines.series).collect();
        series.sort_by_key(|series| series.kind != Kind::Ribbon);
        figure.columns = 1;
        figure.panels.push(panel("", None, series));
        figure.legend = figure.keys();
        return;
    }
    let baseline: Vec<Series> = lines
        .iter()
        .filter(|lines| lines.ink == Ink::Baseline)
        .flat_map(|lines| &lines.series)
        .filter(|series| series.kind != Kind::Ribbon)
        .cloned()
        .collect();
    figure.columns = 4;
    for lines in lines {
        let beside = baseline.iter().filter(|_| lines.ink != Ink::Baseline).cloned();
        figure.panels.push(panel(&lines.router, Some(lines.ink), beside.chain(lines.series).collect()));
    }
    let keys = figure.keys();
    figure.legend = keys
        .into_iter()
        .filter(|key| key.ink == Ink::Baseline || matches!(key.kind, Kind::Limit(_) | Kind::Bound))
        .collect();
}

//! Temperature, power and clock of every GPU over time, with limits and what held GPUs back.

use super::choice::{Chosen, chosen, first_runs, note};
use super::throttled::{Stretches, bands};
use super::{Axis, Figure, Kind, NoFigure, Panel, Rule, Series, thinned, words};
use crate::palette::Ink;
use crate::results::downsample::Thinned;
use crate::results::{Column, Results, Scenario, Wanted};

/// More GPUs than these are shown as a range and its two ends.
const EACH: usize = 8;

/// What is shown over time.
struct Shown {
    name: &'static str,
    title: &'static str,
    column: Column,
    axis: &'static str,
    missing: &'static str,
    limits: &'static [Limit],
}

/// A limit: where the scenario has it, and its unit there.
struct Limit {
    path: &'static [&'static str],
    name: &'static str,
    unit: &'static str,
}

const TEMPERATURE: Shown = Shown {
    name: "temperature",
    title: "How warm does each GPU get, and what holds it back?",
    column: Column::TemperatureDegc,
    axis: "die temperature (°C)",
    missing: "the series have no temperatures (`temperature_degc`)",
    limits: &[
        Limit { path: &["hardware", "temperature_limit"], name: "limit of the scenario", unit: "degC" },
        Limit { path: &["hardware", "profile", "limits", "max_operating"], name: "highest operating", unit: "degC" },
        Limit { path: &["hardware", "profile", "limits", "slowdown"], name: "hardware slowdown", unit: "degC" },
    ],
};

const POWER: Shown = Shown {
    name: "power",
    title: "How much power does each GPU draw, and does it keep its cap?",
    column: Column::PowerW,
    axis: "power, mean of a batch (W)",
    missing: "the series do not say what GPUs drew (`power_w`): nothing has a power in this scenario, or an older version wrote it",
    limits: &[Limit { path: &["hardware", "profile", "limits", "power_cap"], name: "power cap", unit: "W" }],
};

const CLOCK: Shown = Shown {
    name: "clock",
    title: "How fast may each GPU run?",
    column: Column::ClockMhz,
    axis: "clock (MHz)",
    missing: "clocks are not modelled in this scenario (`clock_mhz` is empty)",
    limits: &[Limit { path: &["hardware", "profile", "clock", "max_mhz"], name: "highest clock", unit: "" }],
};

pub(super) fn temperature(results: &Results) -> Result<Figure, NoFigure> {
    build(results, &TEMPERATURE)
}

pub(super) fn power(results: &Results) -> Result<Figure, NoFigure> {
    build(results, &POWER)
}

pub(super) fn clock(results: &Results) -> Result<Figure, NoFigure> {
    build(results, &CLOCK)
}

/// The GPUs of one run over time.
#[derive(Default)]
struct Traces {
    /// GPU by GPU; of many GPUs the least, the mean and the largest.
    lines: Vec<Thinned>,
    gpus: usize,
    end_s: f64,
}

impl Traces {
    fn add(&mut self, seconds: f64, values: &[f64], columns: usize) {
        self.gpus = self.gpus.max(values.len());
        self.end_s = self.end_s.max(seconds);
        let lines = if values.len() > EACH { 3 } else { values.len() };
        if self.lines.len() < lines {
            self.lines.resize(lines, Thinned::new(columns));
        }
        if values.len() <= EACH {
            let known = self.lines.iter_mut().zip(values).filter(|(_, value)| value.is_finite());
            known.for_each(|(line, value)| line.push(seconds, *value));
            return;
        }
        let known = values.iter().copied().filter(|value| value.is_finite());
        let (count, sum) = known.clone().fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
        let least = known.clone().fold(f64::INFINITY, f64::min);
        let largest = known.fold(f64::NEG_INFINITY, f64::max);
        if count > 0.0 {
            let ends = self.lines.iter_mut().zip([least, sum / count, largest]);
            ends.for_each(|(line, value)| line.push(seconds, value));
        }
    }

    fn series(&self) -> Vec<Series> {
        let line =
            |name: String, ink: Ink, values: &Thinned| Series { name, ink, kind: Kind::Line, points: thinned(values) };
        if self.gpus <= EACH {
            let gpus = self.lines.len();
            return self
                .lines
                .iter()
                .enumerate()
                .map(|(k, r)| line(format!("GPU {k}"), Ink::Member(k, gpus), r))
                .collect();
        }
        let [least, mean, largest] = self.lines.as_slice() else { return Vec::new() };
        let name = |which: &str| format!("{which} of {} GPUs", self.gpus);
        vec![
            line(name("highest"), Ink::Member(2, 3), largest),
            line(name("mean"), Ink::Member(1, 3), mean),
            line(name("lowest"), Ink::Member(0, 3), least),
        ]
    }
}

fn build(results: &Results, shown: &Shown) -> Result<Figure, NoFigure> {
    let all = chosen(results);
    let runs = first_runs(&all);
    if runs.is_empty() || !results.has(shown.column) {
        return Err(NoFigure::because(shown.name, shown.missing));
    }
    let columns = if all.len() > 4 { 40 } else { 80 };
    let mut traces: Vec<Traces> = all.iter().map(|_| Traces::default()).collect();
    results.each_batch(&Wanted::of_runs(&[Column::FinishedNs, shown.column], &runs), |run, row| {
        let place = all.iter().position(|chosen| chosen.runs.first() == Some(&run));
        let values = row.list(shown.column);
        if let (Some(place), Some(finished)) = (place, row.whole(Column::FinishedNs).filter(|_| !values.is_empty())) {
            traces[place].add(finished as f64 * 1e-9, values, columns);
        }
    })?;
    if traces.iter().all(|traces| traces.lines.is_empty()) {
        return Err(NoFigure::because(shown.name, shown.missing));
    }
    let stretches = Stretches::of(results, &runs)?;
    let rules = results.scenario.as_ref().map(|scenario| limits(scenario, shown)).unwrap_or_default();
    let mut figure = Figure {
        name: shown.name,
        title: shown.title.into(),
        subtitle: words::about(results, &words::one_seed(results, &runs)),
        columns: super::beside(all.len()),
        ..Figure::default()
    };
    for (chosen, traces) in all.iter().zip(&traces) {
        figure.panels.push(panel(shown, chosen, traces, &rules, &stretches, columns));
    }
    figure.legend = figure.keys();
    if figure.panels.iter().any(|panel| !panel.bands.is_empty()) {
        figure.notes.push("Shaded: GPUs were held back; the darker, the more of them.".into());
    }
    if shown.column == Column::PowerW {
        figure.notes.extend(above_the_cap(results, &all));
    }
    if shown.column == Column::TemperatureDegc {
        figure.notes.extend(words::fixed_temperatures(results));
    }
    if traces.iter().flat_map(|traces| &traces.lines).any(|line| line.seen() > line.points().len() as u64) {
        figure.notes.push(words::THINNED.to_owned());
    }
    figure.notes.extend(note(results, &all));
    Ok(figure)
}

fn panel(
    shown: &Shown,
    chosen: &Chosen,
    traces: &Traces,
    rules: &[Rule],
    stretches: &Stretches,
    columns: usize,
) -> Panel {
    let bands = chosen.runs.first().map(|run| bands(stretches.of_run(*run), traces.gpus, traces.end_s, columns));
    Panel {
        title: chosen.router.clone(),
        ink: Some(chosen.ink),
        x: Axis::linear("time (s)").with(0.0),
        y: Axis::linear(shown.axis),
        series: traces.series(),
        bands: bands.unwrap_or_default(),
        rules: rules.to_vec(),
        ..Panel::default()
    }
}

/// How long the mean of a second was above the cap, which is what a cap is about; lines are means of a batch, which may be above it.
fn above_the_cap(results: &Results, all: &[Chosen]) -> Vec<String> {
    let metric = |chosen: &Chosen| results.summary.rows[chosen.row].metric("cap_violation_s");
    let known: Vec<(&Chosen, f64)> = all.iter().filter_map(|chosen| Some((chosen, metric(chosen)?.mean))).collect();
    let above: Vec<String> = known
        .iter()
        .filter(|(_, seconds)| *seconds > 0.0)
        .map(|(chosen, seconds)| format!("{} {} GPU s", words::brief(&chosen.router), crate::draw::number(*seconds)))
        .collect();
    let how = "The cap holds for the mean of a second; a short batch may draw more.";
    match (known.is_empty(), above.is_empty()) {
        (true, _) => Vec::new(),
        (false, true) => vec![format!("{how} No mean of a second was above it.")],
        (false, false) => vec![format!("{how} Means of a second above it (cap_violation_s): {}.", above.join("; "))],
    }
}

/// The limits that the scenario has, each with its value in its name.
fn limits(scenario: &Scenario, shown: &Shown) -> Vec<Rule> {
    // `[hardware] power_cap` is in the place of the profile's.
    let own = |limit: &Limit| {
        let is_cap = limit.path.last() == Some(&"power_cap");
        is_cap.then(|| scenario.get(&["hardware", "power_cap"])).flatten()
    };
    let value = |limit: &Limit| match own(limit).or_else(|| scenario.get(limit.path))? {
        toml::Value::String(text) => {
            let (number, unit) = text.split_once(' ')?;
            number.parse::<f64>().ok().filter(|_| unit == limit.unit)
        }
        toml::Value::Float(number) => Some(*number),
        toml::Value::Integer(number) => Some(*number as f64),
        _ => None,
    };
    let unit = match shown.column {
        Column::TemperatureDegc => "°C",
        Column::PowerW => "W",
        _ => "MHz",
    };
    let rule = |(dash, limit): (usize, &Limit)| {
        let at = value(limit)?;
        let name = format!("{} {} {unit}", limit.name, crate::draw::number(at));
        Some(Rule { name, ink: Ink::Hot, upright: false, at, dash: dash as u8 })
    };
    shown.limits.iter().enumerate().filter_map(rule).collect()
}

//! The data block of the page: everything that its script draws, as one JSON document.

use std::collections::BTreeMap;

use serde::Serialize;

use super::answer::answer;
use super::held::{self, Held};
use super::measure::{Experts, MEASURES};
use super::series::{RunSeries, Series};
use crate::axes::Axis;
use crate::palette::{Ink, Routers, Theme, colour};
use crate::results::{Results, Row, Scenario};

/// What the script of the page reads; the names are those of the script.
#[derive(Debug, Serialize)]
pub(super) struct Data {
    routers: Vec<Router>,
    axes: Vec<Choice>,
    seeds: Vec<String>,
    measures: Vec<Plot>,
    /// Which measures a run has, and with how many lines.
    layouts: Vec<Vec<Part>>,
    runs: Vec<Run>,
    /// What held GPUs back.
    causes: Vec<String>,
    limits: Vec<Limit>,
    floor: Floor,
    /// Colours of GPUs, the same as in the figures.
    gpu_inks: Vec<String>,
    experts: Experts,
}

#[derive(Debug, Serialize)]
struct Router {
    name: String,
    /// Its colour, as a variable of the style sheet.
    ink: String,
}

#[derive(Debug, Serialize)]
struct Choice {
    label: String,
    key: String,
    values: Vec<String>,
    /// The same in as few words as tell them apart.
    words: Vec<String>,
    /// Which value is chosen at first: that of the answer, where it has one.
    first: usize,
}

#[derive(Debug, Serialize)]
struct Plot {
    name: &'static str,
    title: &'static str,
    unit: &'static str,
    each: Option<&'static str>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Part {
    name: &'static str,
    count: usize,
}

#[derive(Debug, Serialize)]
struct Run {
    router: usize,
    /// For each axis the value, `None` where this router has none.
    point: Vec<Option<String>>,
    seed: usize,
    layout: usize,
    batches: usize,
    points: usize,
    stride: usize,
    tick_s: f64,
    held: Vec<Held>,
    data: String,
}

#[derive(Debug, Serialize)]
struct Limit {
    measure: &'static str,
    label: &'static str,
    value: f64,
}

#[derive(Debug, Serialize)]
struct Floor {
    gpus: i64,
    gpus_per_node: i64,
    /// GPUs that stand one behind another in the same air.
    streams: Vec<Vec<i64>>,
}

/// Puts it together. `series` are taken, as they are large.
pub(super) fn data(results: &Results, axes: &[Axis], routers: &Routers, series: &mut Series) -> Data {
    let wanted: Vec<usize> = series.runs.iter().map(|run| run.run).collect();
    let (causes, mut stretches) = held::collect(results, &wanted).unwrap_or_else(|error| {
        series.error.get_or_insert(error);
        (Vec::new(), BTreeMap::new())
    });
    let mut seeds: Vec<String> = Vec::new();
    let mut layouts: Vec<Vec<Part>> = Vec::new();
    let mut runs = Vec::new();
    for one in &mut series.runs {
        let run = &results.runs[one.run];
        let row = run.row.and_then(|row| results.summary.rows.get(row));
        let data = std::mem::take(&mut one.packed.text);
        runs.push(Run {
            router: routers.order().iter().position(|name| *name == run.router).unwrap_or(0),
            point: axes.iter().map(|axis| row.and_then(|row| axis.value(row)).map(str::to_owned)).collect(),
            seed: place(&mut seeds, run.seed.clone()),
            layout: place(&mut layouts, parts(one)),
            batches: one.lines.batches(),
            points: one.packed.points,
            stride: one.lines.stride(),
            tick_s: one.packed.tick_s,
            held: stretches.remove(&one.run).unwrap_or_default(),
            data,
        });
    }
    let scenario = results.scenario.as_ref();
    let best = answer(results).best;
    Data {
        routers: routers.order().iter().map(|name| router(routers, name)).collect(),
        axes: axes.iter().map(|axis| choice(axis, best)).collect(),
        seeds,
        measures: MEASURES
            .iter()
            .map(|m| Plot { name: m.name, title: m.title, unit: m.unit, each: m.each() })
            .collect(),
        layouts,
        runs,
        causes,
        limits: scenario.map(limits).unwrap_or_default(),
        floor: floor(scenario),
        gpu_inks: gpu_inks(series),
        experts: Experts::of(scenario),
    }
}

/// A colour for each GPU of the largest run, by its place in the row of them.
fn gpu_inks(series: &Series) -> Vec<String> {
    let of_gpus = |run: &RunSeries| {
        let lines = MEASURES.iter().zip(&run.layout).filter(|(measure, _)| measure.each() == Some("GPU"));
        lines.map(|(_, lines)| *lines).max()
    };
    let gpus = series.runs.iter().filter_map(of_gpus).max().unwrap_or(0);
    let ink = |gpu: usize, theme: Theme| colour(Ink::Member(gpu, gpus), theme);
    (0..gpus).map(|gpu| format!("light-dark({}, {})", ink(gpu, Theme::Light), ink(gpu, Theme::Dark))).collect()
}

fn router(routers: &Routers, name: &str) -> Router {
    Router { name: name.to_owned(), ink: colour(routers.ink(name), Theme::Css) }
}

fn choice(axis: &Axis, best: Option<&Row>) -> Choice {
    let first = best.and_then(|row| axis.value(row)).and_then(|value| axis.values.iter().position(|v| v == value));
    Choice {
        label: axis.label.clone(),
        key: axis.keys.join(", "),
        words: axis.values.iter().map(|value| axis.word(value).to_owned()).collect(),
        values: axis.values.clone(),
        first: first.unwrap_or(0),
    }
}

/// The place of a value among those known, as a new one if need be.
fn place<T: PartialEq>(known: &mut Vec<T>, value: T) -> usize {
    known.iter().position(|other| *other == value).unwrap_or_else(|| {
        known.push(value);
        known.len() - 1
    })
}

fn parts(run: &RunSeries) -> Vec<Part> {
    let all = MEASURES.iter().zip(&run.layout).map(|(measure, count)| Part { name: measure.name, count: *count });
    all.filter(|part| part.count > 0).collect()
}

/// Temperatures and powers that something keeps: `"87 degC"` in the scenario.
fn limits(scenario: &Scenario) -> Vec<Limit> {
    const KEYS: [(&[&str], &str, &str); 8] = [
        (&["hardware", "temperature_limit"], "hottest_degc", "limit of the scenario"),
        (&["hardware", "temperature_limit"], "temperature_degc", "limit of the scenario"),
        (&["hardware", "profile", "limits", "max_operating"], "hottest_degc", "highest operating temperature"),
        (&["hardware", "profile", "limits", "max_operating"], "temperature_degc", "highest operating temperature"),
        (&["hardware", "profile", "limits", "slowdown"], "temperature_degc", "hardware slowdown"),
        (&["hardware", "profile", "limits", "memory_max"], "memory_temperature_degc", "highest memory temperature"),
        (&["hardware", "profile", "limits", "power_cap"], "power_w", "power cap"),
        (&["hardware", "profile", "clock", "max_mhz"], "clock_mhz", "highest clock"),
    ];
    let limit = |(path, measure, label): &(&[&str], &'static str, &'static str)| {
        // `[hardware] power_cap` is in the place of the profile's.
        let own = (path.last() == Some(&"power_cap")).then(|| scenario.get(&["hardware", "power_cap"])).flatten();
        Some(Limit { measure, label, value: number(own.or_else(|| scenario.get(path))?)? })
    };
    KEYS.iter().filter_map(limit).collect()
}

/// A number with or without its unit.
fn number(value: &toml::Value) -> Option<f64> {
    match value {
        toml::Value::Float(number) => Some(*number),
        toml::Value::Integer(number) => Some(*number as f64),
        toml::Value::String(text) => text.split_whitespace().next()?.parse().ok(),
        _ => None,
    }
    .filter(|number: &f64| number.is_finite())
}

fn floor(scenario: Option<&Scenario>) -> Floor {
    let get = |path: &[&str]| scenario.and_then(|scenario| scenario.get(path));
    let whole = |key: &str| get(&["hardware", key]).and_then(toml::Value::as_integer).unwrap_or(0);
    let stream =
        |stream: &toml::Value| -> Option<Vec<i64>> { stream.as_array()?.iter().map(toml::Value::as_integer).collect() };
    let streams = get(&["hardware", "cooling", "streams"]).and_then(toml::Value::as_array);
    Floor {
        gpus: whole("gpus"),
        gpus_per_node: whole("gpus_per_node"),
        streams: streams.map(|all| all.iter().filter_map(stream).collect()).unwrap_or_default(),
    }
}

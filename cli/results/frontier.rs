//! The frontiers of a comparison as points to plot: `frontier.parquet`, and their means in `summary.json`.
//!
//! All frontiers of a world have the same prices, so that the mean over seeds at a price is a point of the mean frontier.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use isotherm_core::frontier::{Frontier, FrontierPoint};
use isotherm_core::metrics::saving_percent;
use isotherm_core::record::RunRecord;
use serde::{Deserialize, Serialize};

use super::Finished;
use super::columns::{Column, Values};
use crate::scenario_file::ScenarioFile;

/// Bins of the price from one point to the next: an eighth of an octave.
const EVERY: usize = 16;

/// Savings below this part of the energy are not worth a point.
const NOTHING_SAVED: f64 = 1e-4;

/// The frontier of one world, mean over seeds; of one router where costs move by clock or temperature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// Name of the scenario.
    pub scenario: String,
    /// The router whose runs it belongs to; absent where it is that of all runs on the same tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub router: Option<String>,
    /// Swept keys that reach it, with their values as text.
    pub point: BTreeMap<String, String>,
    /// Whether it knows costs of instants that no router can know.
    pub oracle: bool,
    /// Number of seeds.
    pub seeds: u32,
    /// The optima, by rising price.
    pub points: Vec<CurvePoint>,
}

/// An optimum: no routing has less regret at this energy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Price of a joule (1/J), in shares of a token's top-k mass.
    pub price_per_j: f64,
    /// Energy of the assignments (J): without idle GPUs and the router's work.
    pub energy_j: f64,
    /// The same against the assignments of the baseline on the same tokens (%).
    pub energy_savings_percent: f64,
    /// Mass regret, mean over tokens.
    pub mass_regret: f64,
}

/// The frontier of one run, or of all runs of a world and seed.
struct OneCurve<'a> {
    owner: &'a Finished,
    frontier: &'a Frontier,
    points: Vec<CurvePoint>,
}

/// All frontiers in the order of the plan, thinned to what a plot needs.
fn curves<'a>(file: &ScenarioFile, finished: &'a [Finished]) -> Vec<OneCurve<'a>> {
    let record = |f: &'a Finished| f.outcome.as_ref().ok();
    let baselines: BTreeMap<(usize, usize, u64), &RunRecord> = finished
        .iter()
        .filter(|f| file.plan.worlds[f.run.world].variants[f.run.variant].is_baseline)
        .filter_map(|f| Some(((f.run.world, f.run.variant, f.run.seed), record(f)?)))
        .collect();
    let found = || finished.iter().filter_map(|f| Some((f, record(f)?.frontier.as_ref()?)));
    let mut worth: BTreeMap<usize, RangeInclusive<usize>> = BTreeMap::new();
    for (f, frontier) in found() {
        let here = worth_showing(&frontier.points(EVERY).collect::<Vec<_>>());
        let all = worth.entry(f.run.world).or_insert_with(|| here.clone());
        *all = *all.start().min(here.start())..=*all.end().max(here.end());
    }
    let curve = |(owner, frontier): (&'a Finished, &'a Frontier)| {
        let (world, variant) = file.plan.baseline_of(owner.run.world)?;
        let baseline = baselines.get(&(world, variant, owner.run.seed))?.assignment_joules();
        let worth = worth.get(&owner.run.world)?;
        let points = frontier.points(EVERY).enumerate().filter(|(at, _)| *at == 0 || worth.contains(at));
        let points = points.map(|(_, point)| CurvePoint {
            price_per_j: point.price,
            energy_j: point.joules,
            energy_savings_percent: saving_percent(point.joules, baseline),
            mass_regret: point.regret,
        });
        Some(OneCurve { owner, frontier, points: points.collect() })
    };
    found().filter_map(curve).collect()
}

/// The points between the last one that saves nothing and the first one that saves all there is.
fn worth_showing(points: &[FrontierPoint]) -> RangeInclusive<usize> {
    let joules = |at: usize| points.get(at).map_or(0.0, |point| point.joules);
    let last = points.len().saturating_sub(1);
    let start = points.iter().rposition(|point| point.joules >= (1.0 - NOTHING_SAVED) * joules(0)).unwrap_or(0);
    let end = points.iter().position(|point| point.joules <= joules(last)).unwrap_or(last);
    start.min(end)..=end
}

/// A row per world, seed and price; for runs with their own costs a row per run and price. `None` where there is no frontier.
pub(super) fn columns(file: &ScenarioFile, finished: &[Finished]) -> Option<Vec<Column>> {
    let curves = curves(file, finished);
    if curves.is_empty() {
        return None;
    }
    let rows: Vec<(&OneCurve<'_>, &CurvePoint)> =
        curves.iter().flat_map(|curve| curve.points.iter().map(move |point| (curve, point))).collect();
    let text = |name, value: &dyn Fn(&OneCurve<'_>) -> String| Column {
        name,
        values: Values::Text(rows.iter().map(|(curve, _)| value(curve)).collect()),
    };
    let real = |name, value: &dyn Fn(&CurvePoint) -> f64| Column {
        name,
        values: Values::Real(rows.iter().map(|(_, point)| Some(value(point))).collect()),
    };
    let own = |curve: &OneCurve<'_>, value: String| if curve.frontier.is_oracle() { value } else { String::new() };
    Some(vec![
        text("scenario", &|curve| file.plan.worlds[curve.owner.run.world].scenario.name.clone()),
        text("point", &|curve| {
            let point = swept(file, curve);
            point.into_iter().map(|(axis, value)| format!("{axis}={value}")).collect::<Vec<_>>().join(" ")
        }),
        text("seed", &|curve| curve.owner.run.seed.to_string()),
        text("router", &|curve| own(curve, label(file, curve))),
        text("run_id", &|curve| own(curve, curve.owner.run.id.clone())),
        Column {
            name: "oracle",
            values: Values::Whole(rows.iter().map(|(curve, _)| i64::from(curve.frontier.is_oracle())).collect()),
        },
        real("price_per_j", &|point| point.price_per_j),
        real("energy_j", &|point| point.energy_j),
        real("energy_savings_percent", &|point| point.energy_savings_percent),
        real("mass_regret", &|point| point.mass_regret),
    ])
}

fn label(file: &ScenarioFile, curve: &OneCurve<'_>) -> String {
    let run = &curve.owner.run;
    file.plan.worlds[run.world].variants[run.variant].label.clone()
}

/// Swept keys that reach a curve, with their values: those of the world, and those of the router of a curve of its own.
fn swept(file: &ScenarioFile, curve: &OneCurve<'_>) -> Vec<(String, String)> {
    let run = &curve.owner.run;
    let world = &file.plan.worlds[run.world];
    let router = if curve.frontier.is_oracle() { world.variants[run.variant].point.as_slice() } else { &[] };
    world.point.iter().chain(router).map(|value| (value.axis.clone(), value.value.clone())).collect()
}

/// Means over seeds, in the order of the plan.
pub(crate) fn means(file: &ScenarioFile, finished: &[Finished]) -> Vec<Curve> {
    let curves = curves(file, finished);
    let mut groups: BTreeMap<(usize, usize), Vec<&OneCurve<'_>>> = BTreeMap::new();
    for curve in &curves {
        groups.entry((curve.owner.run.world, curve.owner.run.variant)).or_default().push(curve);
    }
    let mean = |group: Vec<&OneCurve<'_>>| {
        let first = *group.first()?;
        let seeds = group.len() as f64;
        let of = |at: usize, part: fn(&CurvePoint) -> f64| {
            group.iter().filter_map(|curve| curve.points.get(at)).map(part).sum::<f64>() / seeds
        };
        let points = first.points.iter().enumerate().map(|(at, point)| CurvePoint {
            price_per_j: point.price_per_j,
            energy_j: of(at, |point| point.energy_j),
            energy_savings_percent: of(at, |point| point.energy_savings_percent),
            mass_regret: of(at, |point| point.mass_regret),
        });
        Some(Curve {
            scenario: file.plan.worlds[first.owner.run.world].scenario.name.clone(),
            router: first.frontier.is_oracle().then(|| label(file, first)),
            point: swept(file, first).into_iter().collect(),
            oracle: first.frontier.is_oracle(),
            seeds: group.len() as u32,
            points: points.collect(),
        })
    };
    groups.into_values().filter_map(mean).collect()
}

//! The frontiers of a comparison as points to plot: `frontier.parquet`, and their means in `summary.json`.
//!
//! All frontiers of a world have the same prices, so that the mean over seeds at a price is a point of the mean frontier.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;

use isotherm_core::frontier::FrontierPoint;
use isotherm_core::metrics::saving_percent;
use isotherm_core::scenario::WorldPlan;
use serde::{Deserialize, Serialize};

use super::Finished;
use super::columns::{Column, Values};
use super::spool::Spool;

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

/// What a curve is called after: a router in its world.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    scenario: String,
    router: String,
    of_world: Vec<(String, String)>,
    of_router: Vec<(String, String)>,
}

impl Owner {
    /// The routers of a world.
    pub(super) fn all(plan: &WorldPlan) -> Vec<Self> {
        let pairs = |point: &[isotherm_core::scenario::AxisValue]| {
            point.iter().map(|value| (value.axis.clone(), value.value.clone())).collect::<Vec<_>>()
        };
        let owner = |variant: &isotherm_core::scenario::Variant| Self {
            scenario: plan.scenario.name.clone(),
            router: variant.label.clone(),
            of_world: pairs(&plan.point),
            of_router: pairs(&variant.point),
        };
        plan.variants.iter().map(owner).collect()
    }

    /// Swept keys that reach a curve, with their values: those of the world, and those of the router of a curve of its own.
    fn swept(&self, oracle: bool) -> impl Iterator<Item = &(String, String)> {
        self.of_world.iter().chain(self.of_router.iter().filter(move |_| oracle))
    }
}

/// The frontier of one run, or of all runs of a world and seed, at every price.
#[derive(Debug, Serialize, Deserialize)]
struct OneCurve {
    variant: usize,
    seed: u64,
    run_id: String,
    oracle: bool,
    /// Energy of the baseline's assignments (J), with which a curve can be shown.
    baseline: Option<f64>,
    /// Price, energy and regret.
    points: Vec<(f64, f64, f64)>,
}

impl OneCurve {
    /// What is worth a point in a plot.
    fn shown(&self, worth: &RangeInclusive<usize>, baseline: f64) -> Vec<CurvePoint> {
        let points = self.points.iter().enumerate().filter(|(at, _)| *at == 0 || worth.contains(at));
        let point = |(_, &(price_per_j, energy_j, mass_regret)): (usize, &(f64, f64, f64))| CurvePoint {
            price_per_j,
            energy_j,
            energy_savings_percent: saving_percent(energy_j, baseline),
            mass_regret,
        };
        points.map(point).collect()
    }
}

/// The frontiers of one world. Which of their points are worth showing is known when all seeds are in.
#[derive(Debug)]
pub(super) struct Curves {
    owners: Vec<Owner>,
    all: Spool<OneCurve>,
    /// Of any of them; `None` while there is none.
    worth: Option<RangeInclusive<usize>>,
}

impl Curves {
    /// None yet; what does not fit into memory waits in `folder`.
    pub(super) fn new(owners: Vec<Owner>, folder: &Path) -> Self {
        Self { owners, all: Spool::new(folder), worth: None }
    }

    /// Takes in the frontier of a run, if it has one.
    ///
    /// # Errors
    /// If it cannot be set aside.
    pub(super) fn add(&mut self, run: &Finished, assignment_joules: Option<f64>) -> std::io::Result<()> {
        let Some(frontier) = run.outcome.as_ref().ok().and_then(|record| record.frontier.as_ref()) else {
            return Ok(());
        };
        let points: Vec<FrontierPoint> = frontier.points(EVERY).collect();
        let here = worth_showing(&points);
        self.worth = Some(match self.worth.take() {
            Some(all) => *all.start().min(here.start())..=*all.end().max(here.end()),
            None => here,
        });
        self.all.push(&OneCurve {
            variant: run.run.variant,
            seed: run.run.seed,
            run_id: run.run.id.clone(),
            oracle: frontier.is_oracle(),
            baseline: assignment_joules,
            points: points.into_iter().map(|point| (point.price, point.joules, point.regret)).collect(),
        })
    }

    /// Gives the rows of each curve to `rows`, in the order of the runs, and answers with the means over seeds, in the order of the routers.
    ///
    /// # Errors
    /// Those of `rows`, and `unreadable` if what was set aside cannot be read.
    pub(super) fn finish<E>(
        self,
        mut rows: impl FnMut(Vec<Column>) -> Result<(), E>,
        unreadable: impl Fn(std::io::Error) -> E,
    ) -> Result<Vec<Curve>, E> {
        let Some(worth) = self.worth else { return Ok(Vec::new()) };
        let mut means: BTreeMap<usize, Mean> = BTreeMap::new();
        for curve in self.all.into_elements() {
            let curve = curve.map_err(&unreadable)?;
            let (Some(baseline), Some(owner)) = (curve.baseline, self.owners.get(curve.variant)) else { continue };
            let points = curve.shown(&worth, baseline);
            rows(columns(owner, &curve, &points))?;
            match means.get_mut(&curve.variant) {
                Some(mean) => mean.add(&points),
                None => {
                    means.insert(curve.variant, Mean { oracle: curve.oracle, seeds: 1, sums: points });
                }
            }
        }
        let named = |(variant, mean): (usize, Mean)| Some(mean.of(self.owners.get(variant)?));
        Ok(means.into_iter().filter_map(named).collect())
    }
}

/// The points between the last one that saves nothing and the first one that saves all there is.
fn worth_showing(points: &[FrontierPoint]) -> RangeInclusive<usize> {
    let joules = |at: usize| points.get(at).map_or(0.0, |point| point.joules);
    let last = points.len().saturating_sub(1);
    let start = points.iter().rposition(|point| point.joules >= (1.0 - NOTHING_SAVED) * joules(0)).unwrap_or(0);
    let end = points.iter().position(|point| point.joules <= joules(last)).unwrap_or(last);
    start.min(end)..=end
}

/// A row per price.
fn columns(owner: &Owner, curve: &OneCurve, points: &[CurvePoint]) -> Vec<Column> {
    let text = |name, value: String| Column { name, values: Values::Text(vec![value; points.len()]) };
    let real = |name, value: fn(&CurvePoint) -> f64| Column {
        name,
        values: Values::Real(points.iter().map(|point| Some(value(point))).collect()),
    };
    let own = |value: &str| if curve.oracle { value.to_owned() } else { String::new() };
    let swept: Vec<String> = owner.swept(curve.oracle).map(|(axis, value)| format!("{axis}={value}")).collect();
    vec![
        text("scenario", owner.scenario.clone()),
        text("point", swept.join(" ")),
        text("seed", curve.seed.to_string()),
        text("router", own(&owner.router)),
        text("run_id", own(&curve.run_id)),
        Column { name: "oracle", values: Values::Whole(vec![i64::from(curve.oracle); points.len()]) },
        real("price_per_j", |point| point.price_per_j),
        real("energy_j", |point| point.energy_j),
        real("energy_savings_percent", |point| point.energy_savings_percent),
        real("mass_regret", |point| point.mass_regret),
    ]
}

/// The curves of one router added up.
struct Mean {
    oracle: bool,
    seeds: u32,
    /// Sums, but for the prices, which all have in common.
    sums: Vec<CurvePoint>,
}

impl Mean {
    fn add(&mut self, points: &[CurvePoint]) {
        self.seeds += 1;
        for (sum, point) in self.sums.iter_mut().zip(points) {
            sum.energy_j += point.energy_j;
            sum.energy_savings_percent += point.energy_savings_percent;
            sum.mass_regret += point.mass_regret;
        }
    }

    fn of(self, owner: &Owner) -> Curve {
        let seeds = f64::from(self.seeds);
        let points = self.sums.into_iter().map(|sum| CurvePoint {
            price_per_j: sum.price_per_j,
            energy_j: sum.energy_j / seeds,
            energy_savings_percent: sum.energy_savings_percent / seeds,
            mass_regret: sum.mass_regret / seeds,
        });
        Curve {
            scenario: owner.scenario.clone(),
            router: self.oracle.then(|| owner.router.clone()),
            point: owner.swept(self.oracle).cloned().collect(),
            oracle: self.oracle,
            seeds: self.seeds,
            points: points.collect(),
        }
    }
}

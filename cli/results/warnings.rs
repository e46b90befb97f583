//! What has to be said beside a row before anybody believes it (DESIGN: a table that used an oracle, a fixed temperature or a constant
//! cost says so).

use isotherm_core::cost::CostKind;
use isotherm_core::scenario::WorldPlan;
use isotherm_core::tier::Tier;
use isotherm_core::world::FrontierScope;

use super::tally::Tally;
use crate::statistics::{FEWEST_TO_RESAMPLE, Interval};

/// What the plan says about a row; the rest is found in its runs. Apart from the plan, of which a writer has only parts.
#[derive(Clone, Debug)]
pub(super) struct Caveats {
    /// Said first.
    about_costs: Vec<String>,
    /// With a device model: the power cap (W) and the number of GPUs.
    device: Option<(Option<f64>, u32)>,
    about_telemetry: Option<String>,
    /// Seeds that were asked for.
    seeds: usize,
}

impl Caveats {
    /// Those of one router in its world.
    pub(super) fn of(plan: &WorldPlan, variant: usize) -> Self {
        let scenario = &plan.scenario;
        let mut about_costs = Vec::new();
        if plan.variants[variant].spec.uses_oracle() {
            about_costs.push("oracle: this router sees true costs that no real router knows".to_owned());
        }
        match scenario.tier.kind {
            Tier::Token => {}
            tier => about_costs.push(format!(
                "tier {}: assignments are drawn by the expert, not routed by the token; fidelity is that of a sample",
                tier.name()
            )),
        }
        if FrontierScope::of_scenario(scenario) == FrontierScope::Oracle {
            about_costs
                .push("frontier: an oracle's, with the true cost of every assignment at every instant".to_owned());
        }
        let mut device = None;
        if scenario.costs.kind == CostKind::Device {
            let profile = scenario.hardware.profile.as_ref().map_or("", |profile| profile.name.as_str());
            about_costs.push(format!("device model: times and energies are those of the profile `{profile}`"));
            // A cap beside a profile without limits is held by nobody, and the row says so.
            let limits = scenario.hardware.limits();
            let cap = limits.map(|limits| limits.power_cap).or(scenario.hardware.power_cap).map(|cap| cap.get());
            let gpus = scenario.fleet.as_ref().map_or(1, |fleet| fleet.groups) * scenario.hardware.gpus;
            device = Some((cap, gpus));
            about_costs.extend(scenario.fleet.as_ref().map(|fleet| {
                format!(
                    "fleet: {} groups; up to {} steps of a group share one draw of their tokens, and clocks change between such stretches",
                    fleet.groups, fleet.stretch
                )
            }));
        } else if scenario.costs.leakage_per_kelvin == 0.0 {
            about_costs
                .push("constant cost: joules per assignment are given by a table, not by a device model".to_owned());
        } else {
            about_costs.push(
                "table cost: joules per assignment are given by a table and grow linearly with temperature".to_owned(),
            );
        }
        let about_telemetry = if scenario.telemetry.is_live() {
            Some(
                "live telemetry: the routers saw real GPUs, which the modelled work does not heat; times and energies are modelled, and only a replay of \
             its record repeats the run"
                    .to_owned(),
            )
        } else {
            scenario.telemetry.warning().map(|warning| format!("{warning}: routing does not heat anything"))
        };
        Self { about_costs, device, about_telemetry, seeds: scenario.seeds as usize }
    }

    /// All warnings of a row with these runs.
    pub(super) fn warnings(&self, runs: &Tally, interval: Interval) -> Vec<String> {
        let seeds = runs.len();
        let mut warnings = self.about_costs.clone();
        if let Some((cap, gpus)) = self.device {
            warnings.extend(held_back(runs, cap, gpus));
        }
        warnings.extend(infeasible(runs));
        warnings.extend(unequal_work(runs));
        warnings.extend(self.about_telemetry.clone());
        if seeds < 10 {
            warnings.push(format!("few seeds: {seeds} of the 10 that an interval should rest on"));
        }
        if interval != Interval::StudentT && seeds < FEWEST_TO_RESAMPLE {
            warnings.push(format!("no intervals: a bootstrap needs {FEWEST_TO_RESAMPLE} seeds"));
        }
        if seeds < self.seeds {
            warnings.push(format!("missing runs, failed or not done: {} of {} seeds", self.seeds - seeds, self.seeds));
        }
        warnings
    }
}

/// What the router itself found out about the limit it was to keep.
fn infeasible(runs: &Tally) -> Option<String> {
    let share = runs.mean("infeasible_share");
    (share > 0.0).then(|| {
        format!(
            "infeasible: at {:.1} % of the batches the router found that no routing can hold the cap it was given; it takes throttling, less work or \
             better cooling",
            100.0 * share
        )
    })
}

/// Energies of different work cannot be compared.
fn unequal_work(runs: &Tally) -> Option<String> {
    let mean = runs.mean("dropped_assignments");
    (mean > 0.0).then(|| {
        format!("unequal work: {mean:.0} assignments a run were dropped, so its energy is not that of the same work")
    })
}

/// A share of throttled time above which a row says so.
const MUCH_THROTTLED: f64 = 0.05;

/// Mean power over the cap from which on the cap counts as not held: the first second of a run may be above it.
const CAP_NOT_HELD: f64 = 1.1;

/// What the governor did to these runs, where it matters.
fn held_back(runs: &Tally, cap: Option<f64>, gpus: u32) -> Vec<String> {
    let mut said = Vec::new();
    let lost = runs.mean("lost_gpus");
    if lost > 0.0 {
        said.push(format!(
            "lost: {lost:.1} GPUs a run reached their shutdown temperature; their work in hand was dropped"
        ));
    }
    let watts = runs.mean("energy_j") / (runs.mean("makespan_s") * f64::from(gpus));
    if let Some(cap) = cap.filter(|cap| watts > CAP_NOT_HELD * cap) {
        said.push(format!(
            "cap not held: {watts:.0} W a GPU on the mean against a cap of {cap:.0} W, at the lowest clock there is"
        ));
    }
    let share = runs.mean("throttled_share");
    if share > MUCH_THROTTLED {
        let reasons = [
            ("power_cap_s", "power cap"),
            ("sw_thermal_s", "operating temperature"),
            ("hw_thermal_s", "hardware slowdown"),
        ];
        let why: Vec<&str> = reasons.iter().filter(|(name, _)| runs.mean(name) > 0.0).map(|(_, why)| *why).collect();
        said.push(format!(
            "throttled: the GPUs were held back {:.0} % of their time ({}); this router does not keep the limits by itself",
            100.0 * share,
            why.join(", ")
        ));
    }
    said
}

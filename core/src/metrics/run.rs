//! All metrics of one run, by name.

use std::collections::BTreeMap;

use super::control;
use super::fleet;
use super::{grams, nearest_rank, saving_percent, throughput, tokens_in_time};
use crate::frontier::Frontier;
use crate::hardware::ClockReason;
use crate::record::{BatchRecord, RunRecord, ratio};
use crate::scenario::Compare;

/// One metric: its name in files, its unit and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricInfo {
    /// Key in `summary.json` and column in `runs.parquet`.
    pub name: &'static str,
    /// Unit; empty for a pure number.
    pub unit: &'static str,
    /// What it says.
    pub meaning: &'static str,
}

macro_rules! metrics {
    ($(($name:literal, $unit:literal, $meaning:literal)),+ $(,)?) => {
        /// Every metric of a run, in the order of tables and files.
        pub const METRICS: &[MetricInfo] = &[$(MetricInfo { name: $name, unit: $unit, meaning: $meaning }),+];
    };
}

metrics! {
    ("energy_j", "J", "energy of assignments, router and idle GPUs"),
    ("energy_savings_percent", "%", "1 - energy / energy of the baseline on the same tokens"),
    ("energy_per_token_j", "J", "energy over completed tokens"),
    ("cold_energy_j", "J", "energy of assignments at cold experts"),
    ("hot_energy_j", "J", "energy of assignments at hot experts"),
    ("idle_energy_j", "J", "idle power of all GPUs over the whole run"),
    ("router_energy_j", "J", "energy of the router's own work"),
    ("cold_assignments", "", "assignments at cold experts"),
    ("hot_assignments", "", "assignments at hot experts"),
    ("hot_share", "", "share of the assignments at hot experts"),
    ("excess_hot_share", "", "hot share minus the hot experts' share of all experts"),
    ("thermal_imbalance_signed", "", "(cold - hot) / all assignments"),
    ("thermal_imbalance_abs", "", "its absolute value, as the original experiment reports it"),
    ("expert_diversity_nats", "nats", "entropy of expert use, mean over batches"),
    ("pooled_diversity_nats", "nats", "entropy of expert use over the whole run"),
    ("routing_entropy_nats", "nats", "entropy of the combine weights, mean over tokens"),
    ("gate_entropy_nats", "nats", "entropy over all experts of the distribution selected from, mean over tokens"),
    ("effective_experts", "", "e^pooled diversity: as many equally used experts would have it"),
    ("load_max_over_mean", "", "largest expert load over the mean, whole run"),
    ("load_max_violation", "", "largest expert load over the mean, less 1"),
    ("load_cv", "", "population standard deviation of expert loads over the mean, whole run"),
    ("load_gini", "", "Gini coefficient of expert loads, whole run"),
    ("route_churn", "", "share of its experts that a token does not have in common with the one before, mean over pairs"),
    ("gate_kl_nats", "nats", "KL divergence from the gate to the distribution selected from, mean over tokens"),
    ("mass_regret", "", "1 - retained share of the baseline's gate mass, mean over tokens"),
    ("frontier_regret", "", "least mass regret that any routing needs at the same energy of assignments"),
    ("frontier_efficiency", "", "frontier regret / mass regret; 1 is optimal"),
    ("combine_weight_tv", "", "total variation between combine weights and the baseline's, mean over tokens"),
    ("topk_agreement", "", "share of the chosen experts that the baseline chose too"),
    ("exact_match", "", "share of tokens with the baseline's whole set"),
    ("latency_p50_s", "s", "median time from arrival to end of a batch, nearest rank"),
    ("latency_p95_s", "s", "95th percentile of the same"),
    ("latency_p99_s", "s", "99th percentile of the same"),
    ("makespan_s", "s", "end of the last batch"),
    ("throughput_tokens_per_s", "1/s", "completed tokens over the makespan"),
    ("slo_attainment", "", "share of the tokens in batches within `compare.slo`"),
    ("goodput_tokens_per_s", "1/s", "tokens of batches within `compare.slo` over the makespan"),
    ("peak_temperature_degc", "degC", "highest die temperature"),
    ("temperature_spread_mean_k", "K", "hottest minus coldest GPU at the end of a batch, mean over batches"),
    ("temperature_spread_max_k", "K", "the same, worst batch"),
    ("seconds_above_limit_s", "s", "GPU-seconds above the temperature limit"),
    ("degree_seconds_above_limit_k_s", "K s", "integral of the temperature above the limit, summed over GPUs"),
    ("overshoot_k", "K", "highest die temperature above the limit"),
    ("settling_time_s", "s", "when a GPU was last more than 1 K above the limit; absent if one still is at the end"),
    ("steady_error_k", "K", "hottest GPU less the limit at the ends of batches, mean over the last quarter of the run"),
    ("peak_memory_temperature_degc", "degC", "highest memory temperature"),
    ("leakage_energy_j", "J", "the part of the GPUs' energy that leakage is"),
    ("clock_mean_mhz", "MHz", "clock of the GPUs, mean over time and GPUs"),
    ("power_cap_s", "GPU s", "time in which the power cap held a GPU back (SwPowerCap)"),
    ("sw_thermal_s", "GPU s", "time above the operating temperature of die or memory (SwThermalSlowdown)"),
    ("hw_thermal_s", "GPU s", "time of hardware slowdown (HwThermalSlowdown)"),
    ("throttled_share", "", "share of the GPUs' time in which anything held them back"),
    ("infeasible_share", "", "share of the batches at which the router said that no routing keeps its limit"),
    ("throttled_work_share", "", "share of the assignments, job by job in parts, served while anything held the GPU back"),
    ("power_mean_w", "W", "power of a GPU, mean over time and GPUs"),
    ("power_peak_w", "W", "highest mean of a second of any GPU"),
    ("power_p99_w", "W", "99th percentile of the means of a second of all GPUs, nearest rank"),
    ("cap_violation_s", "GPU s", "time in which the mean of the last second was above the power cap"),
    ("cap_violation_j", "J", "what these means were above the cap by, over that time"),
    ("lost_gpus", "", "GPUs that reached their shutdown temperature"),
    ("local_share", "", "share of the assignments that are served on their token's own GPU"),
    ("moved_experts", "", "copies of experts that moved to another GPU, of all layers"),
    ("moving_energy_j", "J", "energy of moving them"),
    ("moving_s", "s", "time in which weights moved and batches waited"),
    ("fan_energy_j", "J", "fans or pumps"),
    ("cooling_energy_j", "J", "fans, pumps and chillers"),
    ("facility_energy_j", "J", "GPUs, router, rest of the node, cooling and distribution losses"),
    ("pue", "", "facility energy over that of GPUs, router and the rest of the node"),
    ("carbon_g", "g", "CO2 at `compare.carbon_g_per_kwh`, of the facility where a cooling is modelled"),
    ("inlet_step_max_k", "K", "largest change of an inlet temperature at one refresh: bounds its error"),
    ("tokens", "", "completed tokens"),
    ("dropped_assignments", "", "assignments that no expert served"),
    ("savings_vs_uniform_percent", "%", "against the table's mean cost for every assignment; not a result"),
    ("savings_vs_constant_percent", "%", "against `compare.constant_joules_per_token`; not a result"),
}

/// What the metrics of a run are measured against.
#[derive(Clone, Copy, Debug)]
pub struct Reference<'a> {
    /// The baseline's run on the same tokens.
    pub baseline: &'a RunRecord,
    /// Mean declared cost of an assignment over the experts (J), where the costs come from a table.
    pub uniform_joules: Option<f64>,
    /// The scenario's `[compare]`: what further columns measure against.
    pub compare: &'a Compare,
    /// The frontier that all runs on these tokens and at these costs share, where there is one.
    pub frontier: Option<&'a Frontier>,
}

/// The metrics of `run`; a metric that does not apply is absent. Sums run in batch order.
///
/// ```
/// use isotherm_core::metrics::{Reference, of_run};
/// use isotherm_core::record::RunRecord;
/// use isotherm_core::scenario::Compare;
/// let empty = RunRecord::default();
/// let reference = Reference { baseline: &empty, uniform_joules: None, compare: &Compare::default(), frontier: None };
/// assert_eq!(of_run(&empty, &reference)["tokens"], 0.0);
/// ```
#[must_use]
pub fn of_run(run: &RunRecord, reference: &Reference<'_>) -> BTreeMap<&'static str, f64> {
    let mut metrics = BTreeMap::new();
    let mut put = |name: &'static str, value: f64| {
        if value.is_finite() {
            metrics.insert(name, value);
        }
    };
    energy(run, reference, &mut put);
    usage(run, &mut put);
    fidelity(run, &mut put);
    frontier(run, reference, &mut put);
    timing(run, reference.compare, &mut put);
    temperature(run, &mut put);
    control::thermal(run, &mut put);
    governor(run, &mut put);
    control::power(run, &mut put);
    placement(run, &mut put);
    facility(run, &mut put);
    if let Some(reduced) = &run.fleet {
        fleet::reduced(run, reduced, &mut put);
    }
    if let Some(intensity) = &reference.compare.carbon_g_per_kwh {
        put("carbon_g", grams(run, intensity));
    }
    metrics
}

fn energy(run: &RunRecord, reference: &Reference<'_>, put: &mut impl FnMut(&'static str, f64)) {
    let (joules, tokens) = (run.energy_joules(), run.tokens() as f64);
    let sum = |part: fn(&BatchRecord) -> f64| run.batches.iter().map(part).sum::<f64>();
    let hot = sum(|b| b.hot_joules);
    let assignments = sum(|b| b.assignments() as f64);
    put("energy_j", joules);
    put("energy_savings_percent", saving_percent(joules, reference.baseline.energy_joules()));
    put("energy_per_token_j", joules / tokens);
    put("hot_energy_j", hot);
    put("cold_energy_j", sum(|b| b.energy_joules) - hot - run.router_joules - run.moving_joules);
    put("idle_energy_j", run.idle_joules);
    put("router_energy_j", run.router_joules);
    if let Some(uniform) = reference.uniform_joules {
        put("savings_vs_uniform_percent", saving_percent(joules, assignments * uniform));
    }
    if let Some(constant) = reference.compare.constant_joules_per_token {
        put("savings_vs_constant_percent", saving_percent(joules, tokens * constant));
    }
}

fn usage(run: &RunRecord, put: &mut impl FnMut(&'static str, f64)) {
    let hot: f64 = run.batches.iter().map(|b| f64::from(b.hot_assignments)).sum();
    let all: f64 = run.batches.iter().map(|b| b.assignments() as f64).sum();
    // The pool may move during a run: its expected share is the mean over assignments.
    let expected: f64 = run
        .batches
        .iter()
        .map(|b| b.assignments() as f64 * ratio(f64::from(b.hot_experts), b.usage.len() as f64))
        .sum();
    // Without a hot pool there is nothing to say about one.
    if expected > 0.0 {
        let hot_share = ratio(hot, all);
        put("hot_assignments", hot);
        put("cold_assignments", all - hot);
        put("hot_share", hot_share);
        put("excess_hot_share", hot_share - ratio(expected, all));
        put("thermal_imbalance_signed", 1.0 - 2.0 * hot_share);
        put("thermal_imbalance_abs", (1.0 - 2.0 * hot_share).abs());
    }
    let pooled = run.load();
    put("expert_diversity_nats", mean_of(&run.batches, |b| Some(b.load().entropy_nats)));
    put("pooled_diversity_nats", pooled.entropy_nats);
    put("effective_experts", pooled.effective_experts());
    put("load_max_over_mean", pooled.max_over_mean);
    put("load_max_violation", pooled.max_violation());
    put("load_cv", pooled.cv);
    put("load_gini", pooled.gini);
    put("tokens", run.tokens() as f64);
    put("dropped_assignments", run.batches.iter().map(|b| f64::from(b.dropped)).sum());
}

fn fidelity(run: &RunRecord, put: &mut impl FnMut(&'static str, f64)) {
    let tokens = run.tokens() as f64;
    let per_token = |part: &dyn Fn(&BatchRecord) -> f64| {
        run.batches.iter().map(|b| f64::from(b.tokens) * part(b)).sum::<f64>() / tokens
    };
    put("mass_regret", per_token(&|b| b.fidelity.mass_regret));
    put("combine_weight_tv", per_token(&|b| b.fidelity.combine_weight_tv));
    put("topk_agreement", per_token(&|b| b.fidelity.topk_agreement));
    put("exact_match", per_token(&|b| b.fidelity.exact_match));
    put("routing_entropy_nats", per_token(&|b| b.fidelity.routing_entropy_nats));
    // NaN, and so absent, for a router without a gate distribution of its own.
    put("gate_entropy_nats", per_token(&|b| b.gate_entropy_nats.unwrap_or(f64::NAN)));
    put("gate_kl_nats", per_token(&|b| b.gate_kl_nats.unwrap_or(f64::NAN)));
    // A batch of n tokens has n - 1 pairs.
    let pairs = |b: &BatchRecord| b.route_churn.map_or(0.0, |_| f64::from(b.tokens) - 1.0);
    let changed: f64 = run.batches.iter().map(|b| pairs(b) * b.route_churn.unwrap_or(0.0)).sum();
    put("route_churn", changed / run.batches.iter().map(pairs).sum::<f64>());
}

/// Regret that counts as none: what rounding leaves.
const NO_REGRET: f64 = 1e-12;

/// How near the run is to the least regret at its energy; absent where there is no frontier, and where assignments were
/// dropped, which is another problem. The efficiency of a run that gives nothing up is absent; that of one that saves nothing
/// by what it gives up is 0.
fn frontier(run: &RunRecord, reference: &Reference<'_>, put: &mut impl FnMut(&'static str, f64)) {
    let Some(frontier) = run.frontier.as_ref().or(reference.frontier) else { return };
    if run.batches.iter().any(|batch| batch.dropped > 0) {
        return;
    }
    let Some(least) = frontier.regret_at(run.assignment_joules()) else { return };
    let regret = run.mass_regret();
    put("frontier_regret", least);
    if regret > NO_REGRET {
        put("frontier_efficiency", least.max(0.0) / regret);
    }
}

fn timing(run: &RunRecord, compare: &Compare, put: &mut impl FnMut(&'static str, f64)) {
    let latencies: Vec<f64> = run.batches.iter().map(BatchRecord::latency_seconds).collect();
    for (name, q) in [("latency_p50_s", 0.50), ("latency_p95_s", 0.95), ("latency_p99_s", 0.99)] {
        put(name, nearest_rank(&latencies, q).unwrap_or(f64::NAN));
    }
    put("makespan_s", run.ended.seconds());
    put("throughput_tokens_per_s", throughput(run));
    if let Some(slo) = compare.slo {
        let in_time = tokens_in_time(run, slo) as f64;
        put("slo_attainment", in_time / run.tokens() as f64);
        put("goodput_tokens_per_s", in_time / run.ended.seconds());
    }
}

fn temperature(run: &RunRecord, put: &mut impl FnMut(&'static str, f64)) {
    put("peak_temperature_degc", run.peak_temperature.unwrap_or(f64::NAN));
    put("peak_memory_temperature_degc", run.memory_peak_temperature.unwrap_or(f64::NAN));
    put("temperature_spread_mean_k", mean_of(&run.batches, spread));
    let worst = run.batches.iter().filter_map(spread).fold(f64::NAN, f64::max);
    put("temperature_spread_max_k", worst);
    if let Some(infeasible) = run.infeasible_batches {
        put("infeasible_share", f64::from(infeasible) / run.batches.len() as f64);
    }
}

/// What held the GPUs back; absent where clocks are not modelled.
fn governor(run: &RunRecord, put: &mut impl FnMut(&'static str, f64)) {
    if run.clock_mhz_seconds.is_empty() {
        return;
    }
    let gpu_seconds = run.ended.seconds() * run.clock_mhz_seconds.len() as f64;
    put("leakage_energy_j", run.leakage_joules);
    put("clock_mean_mhz", run.clock_mhz_seconds.iter().sum::<f64>() / gpu_seconds);
    put("power_cap_s", run.throttled_seconds(|reason| reason == ClockReason::SwPowerCap));
    put("sw_thermal_s", run.throttled_seconds(|reason| reason.nvml_name() == "SwThermalSlowdown"));
    put("hw_thermal_s", run.throttled_seconds(|reason| reason == ClockReason::HwThermalSlowdown));
    put("throttled_share", run.throttled_seconds(|_| true) / gpu_seconds);
    put("lost_gpus", run.lost.len() as f64);
}

/// Where assignments were served, and what moving experts took; the latter absent where experts stay.
fn placement(run: &RunRecord, put: &mut impl FnMut(&'static str, f64)) {
    put("local_share", run.local_assignments / run.sent_assignments as f64);
    if run.placements > 0 || run.moved_experts > 0 {
        put("moved_experts", run.moved_experts as f64);
        put("moving_energy_j", run.moving_joules);
        put("moving_s", run.moving_seconds);
    }
}

/// What the facility spent beside the GPUs; absent without a cooling.
fn facility(run: &RunRecord, put: &mut impl FnMut(&'static str, f64)) {
    let Some(facility) = &run.facility else { return };
    let node = run.gpu_joules + run.router_joules + facility.other;
    let cooling = facility.fans + facility.chillers;
    put("fan_energy_j", facility.fans);
    put("cooling_energy_j", cooling);
    let all = run.facility_joules().unwrap_or(f64::NAN);
    put("facility_energy_j", all);
    put("pue", all / node);
    put("inlet_step_max_k", facility.inlet_step);
}

/// Hottest minus coldest GPU; `None` where nothing has a temperature.
fn spread(batch: &BatchRecord) -> Option<f64> {
    let most = batch.temperatures.iter().copied().reduce(f32::max)?;
    let least = batch.temperatures.iter().copied().reduce(f32::min)?;
    Some(f64::from(most) - f64::from(least))
}

/// Mean over the batches that have the value; NaN where none has.
fn mean_of(batches: &[BatchRecord], value: impl Fn(&BatchRecord) -> Option<f64>) -> f64 {
    let values: Vec<f64> = batches.iter().filter_map(value).collect();
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests;

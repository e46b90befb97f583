use super::*;
use crate::frontier::Sweep;
use crate::gate::{Fidelity, GateBatch};
use crate::metrics::CarbonIntensity;
use crate::time::{SimDuration, SimTime};

/// Metrics of a run against itself.
fn metrics(run: &RunRecord) -> BTreeMap<&'static str, f64> {
    of_run(run, &Reference { baseline: run, uniform_joules: None, compare: &Compare::default(), frontier: None })
}

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
}

#[test]
fn names_are_unique_and_every_metric_is_listed() {
    let listed: std::collections::BTreeSet<_> = METRICS.iter().map(|m| m.name).collect();
    assert_eq!(listed.len(), METRICS.len());
    let empty = RunRecord::default();
    let compare = Compare {
        constant_joules_per_token: Some(1.0),
        slo: Some(SimDuration::from_millis(100)),
        carbon_g_per_kwh: Some(CarbonIntensity::constant(400.0)),
        ..Compare::default()
    };
    let reference = Reference { baseline: &empty, uniform_joules: Some(1.0), compare: &compare, frontier: None };
    for name in of_run(&empty, &reference).keys() {
        assert!(listed.contains(name), "{name}");
    }
}

/// One hot expert of four in the first batch, two in the second: 12 of 40 assignments are hot, (16 / 4 + 24 / 2) = 16 expected.
#[test]
fn excess_hot_use_follows_a_pool_that_moves() {
    let batch = |usage: [u32; 4], hot_assignments, hot_experts| BatchRecord {
        usage: usage.to_vec(),
        hot_assignments,
        hot_experts,
        tokens: 4,
        ..BatchRecord::default()
    };
    let run = RunRecord {
        batches: vec![batch([6, 2, 2, 6], 6, 1), batch([9, 9, 2, 4], 6, 2)],
        ended: SimTime::from_nanos(1),
        ..RunRecord::default()
    };
    let found = metrics(&run);
    near(found["hot_share"], 12.0 / 40.0);
    near(found["excess_hot_share"], 12.0 / 40.0 - 16.0 / 40.0);
    near(found["thermal_imbalance_signed"], (28.0 - 12.0) / 40.0);
    // 15, 11, 4 and 10 assignments of 40.
    let entropy: f64 = [15.0_f64, 11.0, 4.0, 10.0].iter().map(|n| -(n / 40.0) * (n / 40.0).ln()).sum();
    near(found["effective_experts"], entropy.exp());
    near(found["load_max_violation"], 15.0 / 10.0 - 1.0);
}

/// Means over tokens and over pairs of tokens; a batch that lacks the value takes it from the run or, of pairs, has none.
#[test]
fn gate_divergence_counts_by_tokens_and_churn_by_pairs() {
    let batch = |tokens, gate_kl_nats, route_churn| BatchRecord {
        tokens,
        gate_kl_nats,
        route_churn,
        usage: vec![1],
        ..BatchRecord::default()
    };
    let run = |last: Option<f64>| RunRecord {
        batches: vec![batch(3, Some(0.1), Some(0.5)), batch(5, Some(0.3), Some(0.25)), batch(1, last, None)],
        ..RunRecord::default()
    };
    let found = metrics(&run(Some(0.0)));
    near(found["gate_kl_nats"], (3.0 * 0.1 + 5.0 * 0.3) / 9.0);
    near(found["route_churn"], (2.0 * 0.5 + 4.0 * 0.25) / 6.0);
    assert!(!metrics(&run(None)).contains_key("gate_kl_nats"));
    let single = RunRecord { batches: vec![batch(1, None, None)], ..RunRecord::default() };
    assert!(!metrics(&single).contains_key("route_churn"));
}

/// Three batches of 100, 50 and 30 tokens take 90, 100 and 110 ms; the run 2 s.
#[test]
fn tokens_in_time_are_counted_by_batches() {
    let at = |ms| SimTime::ZERO + SimDuration::from_millis(ms);
    let batch = |tokens, arrived, finished| BatchRecord {
        tokens,
        arrived: at(arrived),
        finished: at(finished),
        usage: vec![tokens],
        energy_joules: 3.6e5,
        ..BatchRecord::default()
    };
    let run = RunRecord {
        batches: vec![batch(100, 0, 90), batch(50, 400, 500), batch(30, 1890, 2000)],
        ended: at(2000),
        idle_joules: 3.6e5,
        ..RunRecord::default()
    };
    let compare = Compare {
        slo: Some(SimDuration::from_millis(100)),
        carbon_g_per_kwh: Some(CarbonIntensity::constant(250.0)),
        ..Compare::default()
    };
    let found = of_run(&run, &Reference { baseline: &run, uniform_joules: None, compare: &compare, frontier: None });
    near(found["throughput_tokens_per_s"], 90.0);
    near(found["slo_attainment"], 150.0 / 180.0);
    near(found["goodput_tokens_per_s"], 75.0);
    // 1.44 MJ are 0.4 kWh.
    near(found["carbon_g"], 100.0);
    for name in ["slo_attainment", "goodput_tokens_per_s", "carbon_g"] {
        assert!(!metrics(&run).contains_key(name), "{name} needs its key in [compare]");
    }
    near(metrics(&run)["throughput_tokens_per_s"], 90.0);
}

/// One token that goes to the cheaper expert at half the mass: optimal; to one that costs the same at a quarter: two thirds as good.
#[test]
fn efficiency_is_the_least_regret_over_the_regret() {
    let gate = GateBatch::from_logits(3, 1, [1.0_f32, 0.5, 0.25].map(f32::ln).to_vec());
    let mut frontier = Frontier::new(1.0, false);
    Sweep::default().add(&gate, &[2.0, 1.0, 1.0], &mut frontier);
    let baseline = RunRecord::default();
    let compare = Compare::default();
    let reference =
        Reference { baseline: &baseline, uniform_joules: None, compare: &compare, frontier: Some(&frontier) };
    let measured = |energy_joules: f64, mass_regret: f64, dropped: u32| {
        let fidelity = Fidelity { mass_regret, ..Fidelity::default() };
        let batch =
            BatchRecord { tokens: 1, usage: vec![0, 1, 0], dropped, energy_joules, fidelity, ..Default::default() };
        let metrics = of_run(&RunRecord { batches: vec![batch], ..RunRecord::default() }, &reference);
        ["frontier_regret", "frontier_efficiency"].map(|name| metrics.get(name).copied())
    };
    let is = |found: Option<f64>, expected: f64| (found.unwrap() - expected).abs() < 1e-6;
    let [least, efficiency] = measured(1.0, 0.5, 0);
    assert!(is(least, 0.5) && is(efficiency, 1.0), "{least:?} {efficiency:?}");
    assert!(is(measured(1.0, 0.75, 0)[1], 2.0 / 3.0));
    // Mass given up for nothing, and nothing given up.
    assert!(is(measured(2.0, 0.3, 0)[1], 0.0));
    assert_eq!(measured(2.0, 0.0, 0), [Some(0.0), None]);
    // Dropped work is another problem.
    assert_eq!(measured(0.0, 1.0, 1), [None, None]);
}

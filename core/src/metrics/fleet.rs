//! Metrics of a fleet, whose readings were reduced before anybody could add them up GPU by GPU or batch by batch.

use crate::fleet::FleetRecord;
use crate::record::RunRecord;

/// What of a fleet's metrics is found in its histograms and sums; its batches are windows.
pub(super) fn reduced(run: &RunRecord, fleet: &FleetRecord, put: &mut impl FnMut(&'static str, f64)) {
    let or_none = |value: Option<f64>| value.unwrap_or(f64::NAN);
    for (name, q) in [("latency_p50_s", 0.50), ("latency_p95_s", 0.95), ("latency_p99_s", 0.99)] {
        put(name, or_none(fleet.latency.quantile(q)));
    }
    let windows = run.batches.len() as f64;
    put("temperature_spread_mean_k", fleet.spread.0 / windows);
    put("temperature_spread_max_k", fleet.spread.1);
    let throttled = &fleet.throttled;
    put("power_cap_s", throttled.power_cap);
    put("sw_thermal_s", throttled.software);
    put("hw_thermal_s", throttled.hardware);
    put("throttled_share", throttled.any / (run.ended.seconds() * fleet.gpus as f64));
    put("power_p99_w", or_none(fleet.power.quantile(0.99)));
    put("power_peak_w", fleet.power_peak);
    if run.power_cap.is_some() {
        put("cap_violation_s", fleet.cap_violation.0);
        put("cap_violation_j", fleet.cap_violation.1);
    }
}

#[cfg(test)]
mod tests {
    use crate::metrics::{Reference, of_run};
    use crate::record::BatchRecord;
    use crate::scenario::Compare;
    use crate::time::SimTime;

    use super::*;

    #[test]
    fn latencies_are_those_of_tokens_and_not_of_windows() {
        let mut fleet = FleetRecord { gpus: 4, power_peak: 512.0, spread: (9.0, 5.0), ..FleetRecord::default() };
        fleet.latency.add(0.05, 99);
        fleet.latency.add(0.2, 1);
        fleet.throttled.any = 2.0;
        let window = |until| BatchRecord { tokens: 50, finished: SimTime::from_nanos(until), ..BatchRecord::default() };
        let run = RunRecord {
            batches: vec![window(1_000_000_000), window(2_000_000_000)],
            ended: SimTime::from_nanos(2_000_000_000),
            clock_mhz_seconds: vec![1.0; 4],
            fleet: Some(Box::new(fleet)),
            ..RunRecord::default()
        };
        let compare = Compare::default();
        let metrics =
            of_run(&run, &Reference { baseline: &run, uniform_joules: None, compare: &compare, frontier: None });
        assert!((metrics["latency_p99_s"] / 0.05 - 1.0).abs() < 0.012 && metrics["latency_p50_s"] < 0.051);
        assert_eq!((metrics["tokens"], metrics["throttled_share"], metrics["power_peak_w"]), (100.0, 0.25, 512.0));
        assert_eq!((metrics["temperature_spread_mean_k"], metrics["temperature_spread_max_k"]), (4.5, 5.0));
    }
}

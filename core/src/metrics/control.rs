//! How well limits of temperature and power were kept.

use super::nearest_rank;
use crate::record::{BatchRecord, RunRecord, ratio};

/// Part of the run, at its end, that counts as steady.
const STEADY_PART: f64 = 0.25;

/// What became of the temperature limit; nothing without one.
pub(super) fn thermal(run: &RunRecord, put: &mut impl FnMut(&'static str, f64)) {
    let Some(limit) = &run.limit else { return };
    put("seconds_above_limit_s", run.seconds_above_limit);
    put("degree_seconds_above_limit_k_s", limit.degree_seconds);
    if let Some(peak) = run.peak_temperature {
        put("overshoot_k", (peak - limit.celsius).max(0.0));
    }
    if let Some(settled_at) = limit.settled_at {
        put("settling_time_s", settled_at.seconds());
    }
    let steady_from = (1.0 - STEADY_PART) * run.ended.seconds();
    let hottest = |batch: &BatchRecord| batch.temperatures.iter().copied().reduce(f32::max).map(f64::from);
    let (mut sum, mut count) = (0.0, 0.0);
    for batch in run.batches.iter().filter(|batch| batch.finished.seconds() >= steady_from) {
        if let Some(celsius) = hottest(batch) {
            sum += celsius - limit.celsius;
            count += 1.0;
        }
    }
    put("steady_error_k", sum / count);
}

/// What a reading of the power stands for (s).
const READING_S: f64 = 0.1;

/// What the GPUs drew, and how the cap on the mean of a second was kept; nothing where clocks are not modelled.
pub(super) fn power(run: &RunRecord, put: &mut impl FnMut(&'static str, f64)) {
    if run.clock_mhz_seconds.is_empty() {
        return;
    }
    put("power_mean_w", run.gpu_joules / (run.ended.seconds() * run.clock_mhz_seconds.len() as f64));
    let means: Vec<f64> = run.power_means.iter().map(|watts| f64::from(*watts)).collect();
    put("power_p99_w", nearest_rank(&means, 0.99).unwrap_or(f64::NAN));
    put("power_peak_w", means.iter().copied().fold(f64::NAN, f64::max));
    if let Some(cap) = run.power_cap.filter(|_| !means.is_empty()) {
        let above = || means.iter().map(|mean| mean - cap).filter(|excess| *excess > 0.0);
        put("cap_violation_s", READING_S * above().count() as f64);
        put("cap_violation_j", READING_S * above().sum::<f64>());
    }
    let throttled: f64 = run.batches.iter().filter_map(|batch| batch.throttled_assignments).sum();
    put("throttled_work_share", ratio(throttled, run.batches.iter().map(|batch| batch.assignments() as f64).sum()));
}

//! How well limits of temperature and power were kept.

use crate::record::{BatchRecord, RunRecord};

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

//! What the users of the layer get: throughput, and how much of it comes in time.

use crate::record::RunRecord;
use crate::time::SimDuration;

/// Completed tokens a second over the whole run; NaN for a run of no time.
///
/// ```
/// use isotherm_core::{metrics::throughput, record::{BatchRecord, RunRecord}, time::SimTime};
/// let batch = BatchRecord { tokens: 300, ..BatchRecord::default() };
/// let run = RunRecord { batches: vec![batch], ended: SimTime::from_nanos(2_000_000_000), ..RunRecord::default() };
/// assert_eq!(throughput(&run), 150.0);
/// ```
#[must_use]
pub fn throughput(run: &RunRecord) -> f64 {
    run.tokens() as f64 / run.ended.seconds()
}

/// Tokens of the batches whose latency, arrival to end, is at most `slo`; of a fleet, whose batches are windows, by its histogram of tokens.
///
/// ```
/// use isotherm_core::{metrics::tokens_in_time, record::{BatchRecord, RunRecord}, time::{SimDuration, SimTime}};
/// let batch = |tokens, arrived, finished| BatchRecord {
///     tokens,
///     arrived: SimTime::from_nanos(arrived),
///     finished: SimTime::from_nanos(finished),
///     ..BatchRecord::default()
/// };
/// let run = RunRecord { batches: vec![batch(10, 0, 60), batch(7, 20, 120), batch(3, 50, 151)], ..RunRecord::default() };
/// assert_eq!(tokens_in_time(&run, SimDuration::from_nanos(100)), 17);
/// ```
#[must_use]
pub fn tokens_in_time(run: &RunRecord, slo: SimDuration) -> u64 {
    if let Some(fleet) = &run.fleet {
        return fleet.latency.up_to(slo.seconds());
    }
    let in_time = run.batches.iter().filter(|batch| batch.finished - batch.arrived <= slo);
    in_time.map(|batch| u64::from(batch.tokens)).sum()
}

//! How the comparisons measure: processor time of one thread, interleaved repetitions in one process, medians, ratios.


use rustix::time::{ClockId, clock_gettime};

/// Processor time of this thread that `work` takes [s]. Everything compared here runs on one thread, and on a shared
/// machine the clock on the wall would measure the neighbours too.
pub fn seconds<R>(work: impl FnOnce() -> R) -> (f64, R) {
    let start = processor_time();
    let result = work();
    (processor_time() - start, result)
}

fn processor_time() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 + 1e-9 * now.tv_nsec as f64
}

/// Least and median of repeated measurements.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Spread {
    /// The least disturbed repetition.
    pub min: f64,
    /// The middle one, or the mean of the middle two.
    pub median: f64,
}

impl Spread {
    /// Of at least one measurement.
    pub fn of(measured: &[f64]) -> Self {
        let mut sorted = measured.to_vec();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 { sorted[middle] } else { 0.5 * (sorted[middle - 1] + sorted[middle]) };
        Self { min: sorted[0], median }
    }
}

/// `--name value` of the command line, or `default`.
pub fn option<T: std::str::FromStr>(name: &str, default: T) -> T {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    match (arguments.next(), arguments.next()) {
        (Some(_), Some(value)) => value.parse().unwrap_or_else(|_| panic!("{name} does not take `{value}`")),
        _ => default,
    }
}

/// Whether the command line holds `--name`.
pub fn flag(name: &str) -> bool {
    std::env::args().any(|argument| argument == name)
}

//! How the comparisons measure: processor time of one thread, peers in turn, one line of JSON a number.
//!
//! A program measures every contestant once and stops; `run.sh` starts all programs in turn, several times over, and `page.py` takes
//! medians of the turns and of the ratios within a turn. So a change of the machine's load meets all of them.

pub mod contest;
pub mod peak;

use std::fmt::Display;

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

/// Seconds of one call of `work`, the mean of as many as fit in `at_least` seconds, after one that warms up.
pub fn seconds_each(at_least: f64, mut work: impl FnMut()) -> f64 {
    work();
    let (mut calls, mut total) = (0, 0.0);
    while total < at_least {
        let (some, ()) = seconds(|| (0..=calls).for_each(|_| work()));
        (calls, total) = (2 * calls + 1, total + some);
    }
    total / f64::from(calls)
}

/// One number: what was measured, at which size, of whom, in which unit. `page.py` reads these lines.
pub fn record(bench: &str, case: impl Display, who: &str, value: f64, unit: &str) {
    println!(
        "{}",
        serde_json::json!({ "bench": bench, "case": case.to_string(), "who": who, "value": value, "unit": unit })
    );
}

/// `--name value` of the command line, or `default`.
pub fn option<T: std::str::FromStr>(name: &str, default: T) -> T {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    match (arguments.next(), arguments.next()) {
        (Some(_), Some(value)) => value.parse().unwrap_or_else(|_| panic!("{name} does not take `{value}`")),
        _ => default,
    }
}

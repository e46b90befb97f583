//! How far the hot path is from its limits: every bound on it beside what is measured, in one run on one core.
//!
//! ```text
//! cargo bench --bench limits [-- PART_OF_NAME]
//! ```
//!
//! Processor time of one thread, cases in turns, medians of five ratios: a change of the machine's load meets both sides of a ratio alike. It
//! prints and does not fail: a bound is only met on a machine that has nothing else to do, and only a person knows that.

mod fork;
mod gate;
mod measure;
mod peak;
mod queue;
mod select;
mod sharing;

use measure::Report;

fn main() {
    let part = std::env::args().skip(1).find(|argument| argument != "--bench").unwrap_or_default();
    let mut report = Report::new(part);
    gate::measure(&mut report);
    select::measure(&mut report);
    sharing::measure(&mut report);
    queue::measure(&mut report);
    fork::measure(&mut report);
}

//! When something held a GPU back, as the page draws it: few enough stretches for a plot.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::results::{ReadError, Results};

/// A stretch of time: GPU, cause (index), from and until (s).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Held(u32, usize, f64, f64);

/// More stretches of a run than this are drawn as if pauses of less than a thousandth of the run were none.
const MANY: usize = 400;
/// Shortest pause that is seen, as a share of the run.
const SEEN: f64 = 1e-3;

/// The stretches of each run.
pub(super) type OfRuns = BTreeMap<usize, Vec<Held>>;

/// The causes, and the stretches of each of these runs.
pub(super) fn collect(results: &Results, runs: &[usize]) -> Result<(Vec<String>, OfRuns), ReadError> {
    let mut causes: Vec<String> = Vec::new();
    let mut stretches = OfRuns::new();
    for row in results.throttling(Some(runs))? {
        let name = told(if row.cause.is_empty() { row.reason } else { row.cause });
        let cause = causes.iter().position(|known| *known == name).unwrap_or_else(|| {
            causes.push(name);
            causes.len() - 1
        });
        let seconds = |ns: i64| ns as f64 * 1e-9;
        let held = Held(row.gpu, cause, seconds(row.from_ns), seconds(row.until_ns));
        stretches.entry(row.run).or_default().push(held);
    }
    for stretches in stretches.values_mut().filter(|stretches| stretches.len() > MANY) {
        close(stretches);
    }
    Ok((causes, stretches))
}

/// A cause in words; one that nobody knows as it is.
fn told(cause: String) -> String {
    let words = match cause.as_str() {
        "SwPowerCap" => "power cap",
        "SwThermalSlowdown" => "above the operating temperature of the die",
        "MemoryThermalSlowdown" => "above that of the memory",
        "HwThermalSlowdown" => "hardware slowdown",
        "Shutdown" => "lost: shutdown temperature",
        _ => return cause,
    };
    format!("{words} ({cause})")
}

/// Joins stretches of one GPU and cause whose pauses nobody would see.
fn close(stretches: &mut Vec<Held>) {
    let end = stretches.iter().fold(0.0_f64, |end, held| end.max(held.3));
    stretches.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)));
    stretches.dedup_by(|next, before| {
        let joined = (next.0, next.1) == (before.0, before.1) && next.2 - before.3 < SEEN * end;
        if joined {
            before.3 = before.3.max(next.3);
        }
        joined
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_that_nobody_sees_are_closed() {
        let mut all = vec![Held(0, 0, 0.0, 1.0), Held(0, 0, 1.0001, 2.0), Held(0, 0, 3.0, 4.0), Held(1, 0, 4.0, 10.0)];
        close(&mut all);
        assert_eq!(all, [Held(0, 0, 0.0, 2.0), Held(0, 0, 3.0, 4.0), Held(1, 0, 4.0, 10.0)]);
    }
}

//! Turns, medians and the table.

use rustix::time::{ClockId, clock_gettime};

/// Repetitions whose median counts; one more warms up.
const ROUNDS: usize = 5;
/// Processor time that a turn of a case takes at least (s).
const TURN_S: f64 = 0.02;

/// Processor time of this thread (s).
fn processor_time() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 + 1e-9 * now.tv_nsec as f64
}

fn seconds_of(calls: usize, work: &mut dyn FnMut()) -> f64 {
    let start = processor_time();
    (0..calls).for_each(|_| work());
    processor_time() - start
}

/// Processor time of one call of each case (s), round by round: all cases take turns in each.
pub(crate) struct Times(Vec<Vec<f64>>);

/// Runs the cases in turns.
pub(crate) fn in_turns(cases: &mut [&mut dyn FnMut()]) -> Times {
    let calls: Vec<usize> = cases
        .iter_mut()
        .map(|work| {
            work();
            (TURN_S / seconds_of(1, work).max(1e-9)).ceil() as usize
        })
        .collect();
    let mut rounds = Vec::new();
    for round in 0..=ROUNDS {
        let times: Vec<f64> =
            cases.iter_mut().zip(&calls).map(|(work, calls)| seconds_of(*calls, work) / *calls as f64).collect();
        if round > 0 {
            rounds.push(times);
        }
    }
    Times(rounds)
}

impl Times {
    /// Median time of a case (s).
    pub(crate) fn seconds(&self, case: usize) -> f64 {
        self.median(|round| round[case])
    }

    /// Median over the rounds of what `of` makes of the times of a round.
    pub(crate) fn median(&self, of: impl Fn(&[f64]) -> f64) -> f64 {
        let mut values: Vec<f64> = self.0.iter().map(|round| of(round)).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    }
}

/// What a measurement is held to.
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
    /// Shown, because others are measured against it.
    None,
}

/// The table, line by line as it is measured.
pub(crate) struct Report {
    part: String,
}

impl Report {
    pub(crate) fn new(part: String) -> Self {
        println!("{:<66} {:>10} {:>10}", "what", "measured", "bound");
        Self { part }
    }

    /// Whether the subject is asked for.
    pub(crate) fn wants(&self, subject: &str) -> bool {
        subject.contains(&self.part)
    }

    pub(crate) fn line(&self, what: &str, measured: f64, unit: &str, bound: Bound) {
        let (bound, verdict) = match bound {
            Bound::AtLeast(bound) => (format!(">= {bound}"), if measured >= bound { "holds" } else { "MISSED" }),
            Bound::AtMost(bound) => (format!("<= {bound}"), if measured <= bound { "holds" } else { "MISSED" }),
            Bound::None => (String::new(), ""),
        };
        println!("{what:<66} {measured:>10.3} {bound:>10} {unit:<8} {verdict}");
    }
}

//! One line a metric: what the tests say of it.

use serde::Serialize;

use super::rows::{Outcome, Tested, counts};
use isotherm_report::number::{precise, signed};

/// What the rows of one metric say together.
#[derive(Debug, Serialize)]
pub(super) struct Verdict {
    pub(super) metric: String,
    /// Rows in which B is lower, significantly.
    lower: usize,
    /// Rows in which B is higher, significantly.
    higher: usize,
    /// Rows in which no run differs.
    same: usize,
    /// Rows whose difference may be luck.
    undecided: usize,
    /// Rows with one seed, which nothing can be tested with.
    untested: usize,
    pub(super) text: String,
}

impl Verdict {
    /// Of the rows of this metric; `None` if there are none.
    pub(super) fn of(metric: &str, rows: &[Tested]) -> Option<Self> {
        let rows: Vec<&Tested> = rows.iter().filter(|row| row.metric == metric).collect();
        if rows.is_empty() {
            return None;
        }
        let counts = counts(&rows);
        let count = |outcome| counts.get(&outcome).copied().unwrap_or(0);
        let (lower, higher) = (count(Outcome::Lower), count(Outcome::Higher));
        let (same, undecided, untested) = (count(Outcome::Same), count(Outcome::Undecided), count(Outcome::Untested));
        let said: Vec<String> = [
            (lower, "B is lower"),
            (higher, "B is higher"),
            (same, "no run differs"),
            (undecided, "the difference may be luck"),
            (untested, "one seed says nothing"),
        ]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{what} in {number}"))
        .collect();
        let of = if rows.len() == 1 { "1 row".to_owned() } else { format!("{} rows", rows.len()) };
        let text = format!("{metric}: {} of {of}{}", said.join(", "), largest(&rows));
        Some(Self { metric: metric.to_owned(), lower, higher, same, undecided, untested, text })
    }
}

/// The significant row in which B differs most.
fn largest(rows: &[&Tested]) -> String {
    let size = |row: &&&Tested| row.difference.mean.abs();
    // The first of several equals.
    let Some(row) = rows.iter().rev().filter(|row| row.significant).max_by(|x, y| size(x).total_cmp(&size(y))) else {
        return String::new();
    };
    let point = if row.name.point.is_empty() { String::new() } else { format!(" at {}", row.point()) };
    let percent = match row.unit {
        // A percentage of a percentage, or of degrees, misleads.
        "%" | "degC" => String::new(),
        _ if row.a.mean == 0.0 => String::new(),
        _ => format!(", {:+.2} %", 100.0 * row.difference.mean / row.a.mean),
    };
    let difference = signed(row.difference.mean, precise(row.difference.mean, None, row.unit));
    format!("; most for {}{point}: {difference}{percent}", row.name.router)
}

//! What figures say in words: which scenario, how many seeds, names that are not too long for a sentence.

use crate::name::{harmless, narrowed};
use crate::results::{Interval, Results};

/// A name for a sentence: no more than 40 letters of it, its beginning and its end.
pub(super) fn brief(name: &str) -> String {
    narrowed(&harmless(name), 40)
}

/// The scenario and its description, then what `more` says: the line under a title.
pub(super) fn about(results: &Results, more: &str) -> String {
    let name = brief(&results.summary.scenario);
    if name.is_empty() { more.to_owned() } else { format!("{name}: {more}") }
}

/// What an interval of this folder is, and how many seeds there are: "mean of 10 seeds with 95 % interval".
pub(super) fn seeds(results: &Results) -> String {
    let seeds = results.summary.rows.iter().map(|row| row.seeds).max().unwrap_or(0);
    match (seeds, &results.summary.interval) {
        (0 | 1, _) => "one seed, no interval".to_owned(),
        (seeds, Interval::Bootstrap) => format!("mean of {seeds} seeds, 95 % bootstrap interval"),
        (seeds, _) => format!("mean of {seeds} seeds, 95 % interval"),
    }
}

/// What is said where a line has fewer points than its series has values.
pub(super) const THINNED: &str =
    "Long series are drawn through the first, least, greatest and last value of every column: no peak is lost.";

/// What is said of temperatures that no work changes, where the scenario fixes them.
pub(super) fn fixed_temperatures(results: &Results) -> Option<String> {
    let warnings = || results.summary.rows.iter().flat_map(|row| &row.warnings);
    let is_fixed = warnings().any(|warning| warning.starts_with("fixed temperature"));
    is_fixed.then(|| "Temperatures are fixed in this scenario: no work warms anything.".to_owned())
}

/// The seed that is shown where one is: that of the first run of those.
pub(super) fn one_seed(results: &Results, runs: &[usize]) -> String {
    let seed = runs.first().and_then(|run| results.runs.get(*run)).map_or("", |run| run.seed.as_str());
    if seed.is_empty() { "one seed".to_owned() } else { format!("seed {}", brief(seed)) }
}

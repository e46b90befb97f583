//! The answer, before anything else: which router saved how much, at what cost, and how sure that is.

use crate::number::{self, with_unit};
use crate::reference::References;
use crate::results::{Estimate, Interval, Results, Row};

/// What a reader takes away who reads nothing else.
#[derive(Debug, PartialEq)]
pub(super) struct Answer<'a> {
    /// The row that saved most and is no oracle; if none saved, the one that came closest. `None` without any row to compare.
    pub(super) best: Option<&'a Row>,
    /// Whether it saved anything that is not luck.
    pub(super) saved: bool,
    /// The row that saved most among those that gave up at most one percent of the gate's mass, if it is another one.
    pub(super) gentle: Option<&'a Row>,
    /// An oracle that saved more than the best.
    pub(super) oracle: Option<&'a Row>,
}

/// Gate mass that counts as next to nothing.
pub(super) const GENTLE: f64 = 0.01;

fn saving(row: &Row) -> Option<Estimate> {
    row.metric("energy_savings_percent")
}

/// Whether a row saved energy, and seeds do not say that it may be luck.
fn saves(row: &Row) -> bool {
    saving(row).is_some_and(|saved| saved.mean > 0.0) && !row.is_luck()
}

/// The row that saved most.
fn most<'a>(rows: impl Iterator<Item = &'a Row>) -> Option<&'a Row> {
    let better = |a: &&Row, b: &&Row| {
        let mean = |row: &Row| saving(row).map_or(f64::NEG_INFINITY, |saved| saved.mean);
        // The first of equals.
        mean(a).total_cmp(&mean(b)).then(std::cmp::Ordering::Greater)
    };
    rows.filter(|row| saving(row).is_some()).max_by(better)
}

pub(super) fn answer(results: &Results) -> Answer<'_> {
    let rows = || results.summary.rows.iter().filter(|row| !row.baseline);
    let real = || rows().filter(|row| !row.is_oracle());
    let winner = most(real().filter(|row| saves(row)));
    let gentle = most(real().filter(|row| saves(row) && row.metric("mass_regret").is_some_and(|r| r.mean <= GENTLE)));
    let best = winner.or_else(|| most(real()));
    let oracle = most(rows().filter(|row| row.is_oracle() && saves(row)));
    let mean = |row: Option<&Row>| row.and_then(saving).map_or(f64::NEG_INFINITY, |saved| saved.mean);
    Answer {
        best,
        saved: winner.is_some(),
        gentle: gentle.filter(|row| winner.is_some_and(|winner| !std::ptr::eq(*row, winner))),
        oracle: oracle.filter(|_| mean(oracle) > mean(best)),
    }
}

/// The baseline that a row is measured against.
pub(super) fn baseline_of<'a>(results: &'a Results, row: &Row) -> Option<&'a Row> {
    let rows = &results.summary.rows;
    rows.get(References::of(rows).place(row)?)
}

/// `42.44 ± 0.19 %`; as wide as the number needs.
pub(super) fn percent(estimate: Estimate, factor: f64) -> String {
    number::percent(estimate.mean, estimate.ci95, factor, false)
}

/// What the 99th percentile of the latency became: `+29.3 %`, and `p99 743.9 ± 3.3 ms instead of 575.5 ± 3.8 ms`.
pub(super) fn latency(row: &Row, baseline: Option<&Row>) -> Option<(String, String)> {
    let now = row.metric("latency_p99_s")?;
    let told = |latency: Estimate| with_unit(latency.mean, latency.ci95, "s");
    let before = baseline.and_then(|row| row.metric("latency_p99_s")).filter(|before| before.mean > 0.0);
    let words = match before {
        Some(before) => {
            let change = (now.mean / before.mean - 1.0) * 100.0;
            let change = if change.abs() < 0.05 { 0.0 } else { change };
            let luck = if change != 0.0 && now.touches(&before) { ", which may be luck" } else { "" };
            (format!("{change:+.1} %{luck}"), format!("p99 {} instead of {}", told(now), told(before)))
        }
        None => (told(now), "p99".to_owned()),
    };
    Some(words)
}

/// How sure a row is, in a value and a sentence.
pub(super) fn certainty(results: &Results, row: &Row) -> (String, String) {
    let versus = row.versus_baseline.unwrap_or_default();
    let how = match results.summary.interval {
        Interval::StudentT => "Student's t".to_owned(),
        Interval::Bootstrap => match results.summary.resamples {
            Some(resamples) => format!("bootstrap from {resamples} resamples"),
            None => "bootstrap".to_owned(),
        },
        Interval::Other(ref other) => other.clone(),
    };
    match versus.p_holm {
        Some(p) => (
            format!("p {}", probability(p)),
            format!(
                "difference in energy over {} seeds on the same tokens, paired t test, Holm's correction for {}; ± is the 95 % interval of the mean ({how})",
                versus.pairs,
                if versus.comparisons == 1 {
                    "1 comparison".to_owned()
                } else {
                    format!("{} comparisons", versus.comparisons)
                }
            ),
        ),
        None if row.seeds <= 1 => {
            ("one seed".to_owned(), "no interval and no test: another seed may say something else".to_owned())
        }
        None => (format!("{} seeds", row.seeds), format!("no test; ± is the 95 % interval of the mean ({how})")),
    }
}

/// A probability as it is told: `< 0.0001`, `= 0.031`.
pub(super) fn probability(p: f64) -> String {
    if p < 1e-4 { "< 0.0001".to_owned() } else { format!("= {p:.4}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::VersusBaseline;

    fn row(router: &str, saved: f64, regret: f64, significant: bool, warnings: &[&str]) -> Row {
        let estimate = |mean| Estimate { mean, ci95: Some(0.1), bounds: None };
        let metrics = [("energy_savings_percent", saved), ("mass_regret", regret)];
        Row {
            router: router.to_owned(),
            metrics: metrics.into_iter().map(|(name, mean)| (name.to_owned(), estimate(mean))).collect(),
            versus_baseline: Some(VersusBaseline { p_holm: Some(0.2), significant, ..VersusBaseline::default() }),
            warnings: warnings.iter().map(|&warning| warning.to_owned()).collect(),
            ..Row::default()
        }
    }

    fn results(rows: Vec<Row>) -> Results {
        let baseline = Row { router: "baseline".to_owned(), baseline: true, ..Row::default() };
        let mut results = Results::default();
        results.summary.rows = std::iter::once(baseline).chain(rows).collect();
        results
    }

    #[test]
    fn the_best_is_no_oracle_and_no_luck() {
        let results = results(vec![
            row("lucky", 50.0, 0.0, false, &[]),
            row("greedy", 40.0, 0.08, true, &[]),
            row("gentle", 10.0, 0.004, true, &[]),
            row("seer", 60.0, 0.05, true, &["oracle: it sees true costs"]),
        ]);
        let answer = answer(&results);
        let name = |row: Option<&Row>| row.map(|row| row.router.clone());
        assert!(answer.saved);
        assert_eq!(name(answer.best).as_deref(), Some("greedy"));
        assert_eq!(name(answer.gentle).as_deref(), Some("gentle"));
        assert_eq!(name(answer.oracle).as_deref(), Some("seer"));
    }

    #[test]
    fn where_nobody_saves_the_closest_is_named() {
        let results = results(vec![row("a", -2.0, 0.0, true, &[]), row("b", -0.4, 0.0, true, &[])]);
        let answer = answer(&results);
        assert!(!answer.saved && answer.gentle.is_none());
        assert_eq!(answer.best.unwrap().router, "b");
    }

    #[test]
    fn a_change_of_latency_within_its_intervals_may_be_luck() {
        let with = |mean, half| {
            let mut row = row("a", 1.0, 0.0, true, &[]);
            row.metrics.insert("latency_p99_s".to_owned(), Estimate { mean, ci95: Some(half), bounds: None });
            row
        };
        let told = |now, before| latency(&now, Some(&before)).unwrap();
        let (change, words) = told(with(0.26, 0.07), with(0.27, 0.01));
        assert_eq!((change.as_str(), words.contains("± ")), ("-3.7 %, which may be luck", true), "{words}");
        assert_eq!(told(with(0.26, 0.001), with(0.27, 0.001)).0, "-3.7 %");
    }

    #[test]
    fn without_rows_there_is_no_answer() {
        assert_eq!(answer(&Results::default()).best, None);
    }
}

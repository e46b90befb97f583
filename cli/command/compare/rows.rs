//! Rows of two folders that belong together, and the tests of their runs.

use std::collections::{BTreeMap, BTreeSet};

use isotherm_core::metrics::METRICS;
use isotherm_report::axis_label;
use serde::Serialize;

use super::RowName;
use super::folder::ResultsFolder;
use crate::results::{Row, SIGNIFICANT, StoredRun};
use crate::statistics::{Difference, Estimate, Interval, holm, paired, welch};

/// What belongs together and what is alone.
pub(super) struct Partners<'a> {
    pub(super) pairs: Vec<Pair<'a>>,
    pub(super) only_in_a: Vec<RowName>,
    pub(super) only_in_b: Vec<RowName>,
}

/// A router at a sweep point that both folders have.
pub(super) struct Pair<'a> {
    pub(super) name: RowName,
    baseline: bool,
    /// Its finished runs.
    pub(super) a: Vec<&'a StoredRun>,
    pub(super) b: Vec<&'a StoredRun>,
    /// Runs that met the same tokens, if they are compared as pairs.
    same_tokens: Option<Vec<(&'a StoredRun, &'a StoredRun)>>,
}

/// One metric of one row, compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Tested {
    #[serde(flatten)]
    pub(super) name: RowName,
    pub(super) metric: String,
    pub(super) unit: &'static str,
    pub(super) a: Estimate,
    pub(super) b: Estimate,
    /// B minus A.
    pub(super) difference: Estimate,
    /// `paired-t` on the same tokens, else `welch`.
    pub(super) test: &'static str,
    /// Runs that took part, of either side.
    pub(super) runs_a: usize,
    pub(super) runs_b: usize,
    pub(super) p_value: Option<f64>,
    pub(super) p_holm: Option<f64>,
    pub(super) significant: bool,
}

/// Finds for every row of A its partner in B: the same router at the same point.
pub(super) fn partners<'a>(a: &'a ResultsFolder, b: &'a ResultsFolder) -> Partners<'a> {
    let name = |row: &Row| RowName { router: row.router.clone(), point: row.point.clone() };
    let (a, b) = (Index::of(a), Index::of(b));
    let mut partners = Partners { pairs: Vec::new(), only_in_a: Vec::new(), only_in_b: Vec::new() };
    for row in a.distinct.iter().copied() {
        match b.rows.get(&key(row)).copied() {
            Some(other) => {
                let baseline = row.baseline && other.baseline;
                partners.pairs.push(Pair::of(name(row), baseline, a.runs_of(row), b.runs_of(other)));
            }
            None => partners.only_in_a.push(name(row)),
        }
    }
    let alone = b.distinct.iter().filter(|row| !a.rows.contains_key(&key(row)));
    partners.only_in_b = alone.map(|row| name(row)).collect();
    partners
}

/// A router at a sweep point.
type Key<'a> = (&'a str, &'a BTreeMap<String, String>);

fn key(row: &Row) -> Key<'_> {
    (&row.router, &row.point)
}

/// The rows of a folder and the runs that belong to them, by name.
struct Index<'a> {
    /// Each row once, in the order of the file: a sweep may name one value twice, and its rows are the same.
    distinct: Vec<&'a Row>,
    rows: BTreeMap<Key<'a>, &'a Row>,
    /// Finished runs, by router and the words of their point. The point of a run is a text in the order of the sweep, that of a row is
    /// sorted.
    runs: BTreeMap<(&'a str, Vec<&'a str>), Vec<&'a StoredRun>>,
}

impl<'a> Index<'a> {
    fn of(folder: &'a ResultsFolder) -> Self {
        let (mut distinct, mut rows, mut runs) = (Vec::new(), BTreeMap::new(), BTreeMap::<_, Vec<&StoredRun>>::new());
        for row in &folder.summary.rows {
            rows.entry(key(row)).or_insert_with(|| {
                distinct.push(row);
                row
            });
        }
        for run in folder.runs.runs.iter().filter(|run| run.failure().is_none()) {
            runs.entry((run.router.as_str(), words(&run.point))).or_default().push(run);
        }
        Self { distinct, rows, runs }
    }

    /// The finished runs of a row, each seed once.
    fn runs_of(&self, row: &Row) -> Vec<&'a StoredRun> {
        let point = row.point.iter().map(|(axis, value)| format!("{axis}={value}")).collect::<Vec<_>>().join(" ");
        let runs = self.runs.get(&(row.router.as_str(), words(&point)));
        let mut seeds = BTreeSet::new();
        runs.into_iter().flatten().copied().filter(|run| seeds.insert(run.seed)).collect()
    }
}

/// The words of a point, sorted.
fn words(text: &str) -> Vec<&str> {
    let mut words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    words.sort_unstable();
    words
}

impl<'a> Pair<'a> {
    fn of(name: RowName, baseline: bool, a: Vec<&'a StoredRun>, b: Vec<&'a StoredRun>) -> Self {
        let with_tokens = |run: &StoredRun| b.iter().find(|other| other.stream_id == run.stream_id).copied();
        let pairs: Vec<_> = a.iter().filter_map(|run| Some((*run, with_tokens(run)?))).collect();
        // One pair shows no spread; where both sides have more runs than that, these say more.
        let tells = pairs.len() > 1 || (pairs.len() == 1 && a.len().min(b.len()) == 1);
        Self { name, baseline, same_tokens: tells.then_some(pairs), a, b }
    }

    /// Whether its runs are compared token by token.
    pub(super) fn is_paired(&self) -> bool {
        self.same_tokens.is_some()
    }

    /// Runs of A and of B that are left out because the other side has none on the same tokens.
    pub(super) fn without_partner(&self) -> (usize, usize) {
        let unmatched = |pairs: &Vec<_>| (self.a.len() - pairs.len(), self.b.len() - pairs.len());
        self.same_tokens.as_ref().map_or((0, 0), unmatched)
    }

    /// Seeds that both have.
    pub(super) fn common_seeds(&self) -> usize {
        let seeds = |runs: &[&StoredRun]| runs.iter().map(|run| run.seed).collect::<BTreeSet<u64>>();
        seeds(&self.a).intersection(&seeds(&self.b)).count()
    }

    /// B against A in one metric; `None` if it does not apply to both.
    pub(super) fn test(&self, metric: &str, interval: Interval) -> Option<Tested> {
        // A baseline saves nothing against itself, in either folder.
        if self.baseline && metric == "energy_savings_percent" {
            return None;
        }
        let value = |run: &StoredRun| run.metrics.get(metric).copied();
        let unit = METRICS.iter().find(|info| info.name == metric).map_or("", |info| info.unit);
        let scale = match unit {
            "%" => 100.0,
            "" => 1.0,
            _ => 0.0,
        };
        let (first, second): (Vec<f64>, Vec<f64>) = match &self.same_tokens {
            Some(pairs) => pairs.iter().filter_map(|(a, b)| Some((value(a)?, value(b)?))).unzip(),
            None => (
                self.a.iter().filter_map(|run| value(run)).collect(),
                self.b.iter().filter_map(|run| value(run)).collect(),
            ),
        };
        let test = if self.is_paired() { paired } else { welch };
        let Difference { estimate, p_value } = test(&first, &second, scale, interval)?;
        Some(Tested {
            name: self.name.clone(),
            metric: metric.to_owned(),
            unit,
            a: interval.estimate(&first)?,
            b: interval.estimate(&second)?,
            difference: estimate,
            test: if self.is_paired() { "paired-t" } else { "welch" },
            runs_a: first.len(),
            runs_b: second.len(),
            p_value,
            p_holm: None,
            significant: false,
        })
    }
}

impl Tested {
    /// Runs of the side that has fewer.
    pub(super) fn fewest(&self) -> usize {
        self.runs_a.min(self.runs_b)
    }

    /// The point for people: the label of each axis and its value.
    pub(super) fn point(&self) -> String {
        let short = |(axis, value): (&String, &String)| format!("{}={value}", axis_label(axis));
        self.name.point.iter().map(short).collect::<Vec<_>>().join(" ")
    }
}

/// Corrects the p-values of everything that is shown together; returns how many those are.
pub(super) fn correct(rows: &mut [Tested]) -> usize {
    let mut tested: Vec<(&mut Tested, f64)> = rows.iter_mut().filter_map(|row| row.p_value.map(|p| (row, p))).collect();
    let p_values: Vec<f64> = tested.iter().map(|(_, p)| *p).collect();
    for ((row, _), p) in tested.iter_mut().zip(holm(&p_values)) {
        row.p_holm = Some(p);
        row.significant = p <= SIGNIFICANT;
    }
    p_values.len()
}

/// Rows of a metric by what became of them: lower in B, higher in B, exactly alike, undecided.
pub(super) fn counts(rows: &[&Tested]) -> BTreeMap<Outcome, usize> {
    let mut counts = BTreeMap::new();
    for row in rows {
        *counts.entry(Outcome::of(row)).or_insert(0) += 1;
    }
    counts
}

/// What a test says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    /// B is lower than A.
    Lower,
    /// B is higher than A.
    Higher,
    /// No run differs.
    Same,
    /// A difference that may be luck.
    Undecided,
    /// One seed: nothing to test with.
    Untested,
}

impl Outcome {
    fn of(row: &Tested) -> Self {
        match row {
            Tested { p_holm: None, .. } => Self::Untested,
            Tested { significant: true, difference, .. } if difference.mean < 0.0 => Self::Lower,
            Tested { significant: true, .. } => Self::Higher,
            Tested { difference: Estimate { mean: 0.0, ci95: Some(0.0), .. }, .. } => Self::Same,
            _ => Self::Undecided,
        }
    }
}

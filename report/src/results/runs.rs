//! `runs.parquet`: a row per run, with all metrics.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::ReadError;
use super::table::Table;
use super::{Row, Summary};

/// One run: a router at a sweep point with a seed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunRow {
    /// Content hash of everything that decided it.
    pub run_id: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Name of the router.
    pub router: String,
    /// Sweep point as text: `key=value`, separated by spaces; empty without a sweep.
    pub point: String,
    /// Seed, as text: a whole number of 64 bits.
    pub seed: String,
    /// Which token stream it met; runs with the same one are compared as pairs.
    pub stream_id: String,
    /// Why it failed; empty if it did not.
    pub error: String,
    /// The metrics that apply, by name; all finite.
    pub metrics: BTreeMap<Arc<str>, f64>,
    /// Its row in [`Summary::rows`]; `None` where the summary does not know it.
    pub row: Option<usize>,
}

impl RunRow {
    /// Whether it finished.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.error.is_empty()
    }
}

/// The columns that are no metrics.
const TEXTS: [&str; 7] = ["run_id", "scenario", "router", "point", "seed", "stream_id", "error"];
const NO_METRICS: [&str; 2] = ["trace_hash", "events"];

/// All rows of the table, in its order.
///
/// # Errors
/// Where the table is damaged.
pub(super) fn read(table: &Table) -> Result<Vec<RunRow>, ReadError> {
    let is_metric = |name: &&str| !TEXTS.contains(name) && !NO_METRICS.contains(name);
    let metrics: Vec<Arc<str>> = table.columns().iter().map(String::as_str).filter(is_metric).map(Arc::from).collect();
    let columns: Vec<&str> = TEXTS.into_iter().chain(metrics.iter().map(|name| &**name)).collect();
    let mut runs = Vec::new();
    table.each_chunk(&columns, |chunk, rows| {
        for row in 0..rows {
            let text =
                |column: usize| chunk[column].as_ref().and_then(|cells| cells.text(row)).unwrap_or_default().to_owned();
            let value = |(at, name): (usize, &Arc<str>)| {
                Some((Arc::clone(name), chunk[TEXTS.len() + at].as_ref()?.value(row)?))
            };
            runs.push(RunRow {
                run_id: text(0),
                scenario: text(1),
                router: text(2),
                point: text(3),
                seed: text(4),
                stream_id: text(5),
                error: text(6),
                metrics: metrics.iter().enumerate().filter_map(value).collect(),
                row: None,
            });
        }
    })?;
    Ok(runs)
}

/// Tells each run its row of the summary: the one with its router and its swept values, in whichever order they are written.
pub(super) fn find_rows(runs: &mut [RunRow], summary: &Summary) {
    fn words(point: &str) -> Vec<String> {
        let mut words: Vec<String> = point.split(' ').map(str::to_owned).collect();
        words.sort_unstable();
        words
    }
    let name = |row: &Row| (row.scenario.clone(), row.router.clone(), words(&row.point_text()));
    let rows: BTreeMap<_, usize> = summary.rows.iter().enumerate().map(|(at, row)| (name(row), at)).collect();
    for run in runs {
        let name = (run.scenario.clone(), run.router.clone(), words(&run.point));
        run.row = rows.get(&name).copied();
    }
}

//! A summary made of the runs, where the one of the folder cannot be read.

use std::collections::BTreeMap;

use super::gap::Gap;
use super::runs::RunRow;
use super::summary::{Failure, Row, Summary};

/// Means over the seeds that finished, without intervals; `None` without runs.
pub(super) fn summary(runs: &[RunRow], gaps: &mut Vec<Gap>) -> Option<Summary> {
    let first = runs.first()?;
    gaps.push(Gap::new("summary.json", "means are made of runs.parquet instead, without intervals and tests"));
    let (mut means, mut places) = (Vec::new(), BTreeMap::new());
    for run in runs {
        let place = *places.entry((&run.scenario, &run.router, &run.point)).or_insert(means.len());
        if place == means.len() {
            means.push((empty(run), BTreeMap::new()));
        }
        if run.is_finished() {
            let (row, counts) = &mut means[place];
            add(row, counts, run);
        }
    }
    let mut rows: Vec<Row> = means.into_iter().map(|(row, _)| row).collect();
    find_baseline(&mut rows);
    let failure = |run: &RunRow| Failure {
        run: run.run_id.clone(),
        router: run.router.clone(),
        seed: run.seed.parse().unwrap_or_default(),
        message: run.error.clone(),
    };
    Some(Summary {
        scenario: first.scenario.clone(),
        rows,
        failures: runs.iter().filter(|run| !run.is_finished()).map(failure).collect(),
        ..Summary::default()
    })
}

/// One more seed of a row. Not every metric applies to every seed: `counts` says how many it is the mean of.
fn add<'a>(row: &mut Row, counts: &mut BTreeMap<&'a str, u32>, run: &'a RunRow) {
    row.seeds += 1;
    for (name, value) in &run.metrics {
        let count = counts.entry(name).or_default();
        *count += 1;
        let mean = &mut row.metrics.entry(name.to_string()).or_default().mean;
        *mean += (value - *mean) / f64::from(*count);
    }
}

fn empty(run: &RunRow) -> Row {
    let pair = |word: &str| word.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
    Row {
        scenario: run.scenario.clone(),
        router: run.router.clone(),
        point: run.point.split(' ').filter_map(pair).collect(),
        ..Row::default()
    }
}

/// The baseline saves nothing against itself: the rows of the first router that says so.
fn find_baseline(rows: &mut [Row]) {
    let saves_nothing = |row: &Row| row.metric("energy_savings_percent").is_some_and(|saved| saved.mean == 0.0);
    let Some(name) = rows.iter().find(|row| saves_nothing(row)).map(|row| row.router.clone()) else { return };
    rows.iter_mut().filter(|row| row.router == name && saves_nothing(row)).for_each(|row| row.baseline = true);
}

//! A summary made of the runs, where the one of the folder cannot be read.

use super::gap::Gap;
use super::runs::RunRow;
use super::summary::{Failure, Row, Summary};

/// Means over the seeds that finished, without intervals; `None` without runs.
pub(super) fn summary(runs: &[RunRow], gaps: &mut Vec<Gap>) -> Option<Summary> {
    let first = runs.first()?;
    gaps.push(Gap::new("summary.json", "means are made of runs.parquet instead, without intervals and tests"));
    let mut rows: Vec<(&RunRow, Row)> = Vec::new();
    for run in runs {
        let is_same = |(other, _): &&mut (&RunRow, Row)| {
            other.scenario == run.scenario && other.router == run.router && other.point == run.point
        };
        let row = match rows.iter_mut().find(is_same) {
            Some((_, row)) => row,
            None => {
                rows.push((run, empty(run)));
                let Some((_, row)) = rows.last_mut() else { continue };
                row
            }
        };
        if run.is_finished() {
            row.seeds += 1;
            for (name, value) in &run.metrics {
                let estimate = row.metrics.entry(name.to_string()).or_default();
                estimate.mean += (value - estimate.mean) / f64::from(row.seeds);
            }
        }
    }
    let mut rows: Vec<Row> = rows.into_iter().map(|(_, row)| row).collect();
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

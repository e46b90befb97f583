//! What a reader has to know beside the table, each sentence once.

use super::columns::LUCK;
use super::digest::Digest;
use super::look::brief;
use crate::axes::short;
use crate::results::{Interval, Row, Summary};

/// All notes, warnings first.
pub(super) fn notes(head: &Summary, digest: &Digest) -> Vec<String> {
    let mut notes = if digest.is_whole() { warnings(&digest.rows) } else { kinds_of_warnings(digest) };
    if digest.has_seeds {
        let interval = match &head.interval {
            Interval::StudentT => "the 95 % Student-t interval".to_owned(),
            Interval::Bootstrap => {
                format!("half the 95 % bootstrap interval ({} resamples)", head.resamples.unwrap_or_default())
            }
            Interval::Other(name) => format!("half the 95 % interval ({})", brief(name)),
        };
        notes.push(format!("± is {interval} of the mean over seeds, paired with the baseline on the same tokens"));
    }
    if let Some(versus) = &digest.luck {
        let among = match versus.comparisons {
            0 | 1 => String::new(),
            many => format!(" after Holm's correction for {many} comparisons"),
        };
        notes
            .push(format!("{LUCK}: not significant: the difference in energy may be luck (paired t test, 5 %{among})"));
    }
    notes
}

/// Runs that failed, the first of each router and cause.
pub(super) fn failures(digest: &Digest) -> Vec<String> {
    let mut said: Vec<String> = digest
        .failures
        .iter()
        .map(|(failure, runs)| {
            let alike = if *runs == 1 { String::new() } else { format!(" ({runs} runs alike)") };
            format!("{} with seed {}{alike}: {}", brief(&failure.router), failure.seed, one_line(&failure.message))
        })
        .collect();
    let told: usize = digest.failures.iter().map(|(_, runs)| runs).sum();
    if told < digest.failure_count {
        said.push(format!("{} more runs, for other reasons", digest.failure_count - told));
    }
    said
}

/// The warnings of all rows, each once.
fn warnings(rows: &[Row]) -> Vec<String> {
    let mut said: Vec<(&str, Vec<&Row>)> = Vec::new();
    for row in rows {
        for warning in &row.warnings {
            match said.iter_mut().find(|(known, _)| known == warning) {
                Some((_, rows)) => rows.push(row),
                None => said.push((warning, vec![row])),
            }
        }
    }
    said.into_iter()
        .map(|(warning, about_rows)| {
            let who =
                if about_rows.len() == rows.len() { String::new() } else { format!(" ({})", about(&about_rows, rows)) };
            one_line(warning) + &who
        })
        .collect()
}

/// The warnings of many rows: the first of its kind, and how many there are.
fn kinds_of_warnings(digest: &Digest) -> Vec<String> {
    let who = |rows: usize| match rows {
        rows if rows == digest.row_count => String::new(),
        1 => " (1 row)".to_owned(),
        rows => format!(" (the first of {rows} rows with such a warning)"),
    };
    digest.warnings.iter().map(|(warning, rows)| one_line(warning) + &who(*rows)).collect()
}

/// The rows a note is about: a router by its name where it is about all of its rows, else each with the point it stands at.
fn about(rows: &[&Row], every: &[Row]) -> String {
    let all_of = |router: &str| every.iter().filter(|row| row.router == router).count();
    let mut names: Vec<String> = Vec::new();
    for row in rows {
        let name = if rows.iter().filter(|other| other.router == row.router).count() == all_of(&row.router) {
            brief(&row.router)
        } else {
            let point: Vec<String> =
                row.point.iter().map(|(axis, value)| format!("{} {}", short(axis), brief(value))).collect();
            format!("{}, {}", brief(&row.router), point.join(", "))
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join("; ")
}

/// A sentence of a results folder, which may quote anything.
fn one_line(text: &str) -> String {
    text.split_inclusive(' ').map(brief_word).collect()
}

fn brief_word(word: &str) -> String {
    word.strip_suffix(' ').map_or_else(|| brief(word), |word| brief(word) + " ")
}

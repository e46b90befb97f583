//! The swept keys as a reader chooses them: `router[1].lambda` and `router[2].lambda` are one `lambda` where no row has both.

use std::collections::{BTreeMap, BTreeSet};

use crate::results::{Results, Row};

/// One choice of a sweep point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Axis {
    /// Last step of the key paths: `lambda`.
    pub(super) label: String,
    /// The key paths.
    pub(super) keys: Vec<String>,
    /// Values in the order of the plan.
    pub(super) values: Vec<String>,
}

impl Axis {
    /// The value a row has on it.
    pub(super) fn value<'a>(&self, row: &'a Row) -> Option<&'a str> {
        self.keys.iter().find_map(|key| row.point.get(key)).map(String::as_str)
    }
}

/// All axes of a folder, by key.
pub(super) fn axes(results: &Results) -> Vec<Axis> {
    let rows = &results.summary.rows;
    let keys: BTreeSet<&String> = rows.iter().flat_map(|row| row.point.keys()).collect();
    let mut axes: Vec<Axis> = Vec::new();
    for key in keys {
        let meets =
            |other: &String| rows.iter().any(|row| row.point.contains_key(key) && row.point.contains_key(other));
        match axes.iter_mut().find(|axis| axis.label == short(key) && !axis.keys.iter().any(meets)) {
            Some(axis) => axis.keys.push(key.clone()),
            None => axes.push(Axis { label: short(key).to_owned(), keys: vec![key.clone()], values: Vec::new() }),
        }
    }
    for axis in &mut axes {
        let mut seen = BTreeMap::new();
        for value in rows.iter().filter_map(|row| axis.value(row)) {
            let next = seen.len();
            seen.entry(value).or_insert(next);
        }
        let mut values: Vec<(usize, &str)> = seen.into_iter().map(|(value, place)| (place, value)).collect();
        values.sort_unstable();
        axis.values = values.into_iter().map(|(_, value)| value.to_owned()).collect();
    }
    axes
}

/// The last step of a key path.
fn short(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

/// A row's point in words: `lambda 0.1, power_cap 600 W`; empty without a sweep.
pub(super) fn point(axes: &[Axis], row: &Row) -> String {
    let words: Vec<String> =
        axes.iter().filter_map(|axis| Some(format!("{} {}", axis.label, axis.value(row)?))).collect();
    words.join(", ")
}

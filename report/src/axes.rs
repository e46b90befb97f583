//! The swept keys as a reader sees them: `router[1].lambda` and `router[2].lambda` are one `lambda` where no row has both, and keys that are
//! not about routers make worlds. The table, the page and the figures all ask here.

mod words;

use std::collections::{BTreeMap, BTreeSet};

use crate::results::Row;

/// One choice of a sweep point.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Axis {
    /// Last step of the key paths: `lambda`.
    pub(crate) label: String,
    /// The key paths.
    pub(crate) keys: Vec<String>,
    /// Values in the order of the plan.
    pub(crate) values: Vec<String>,
    /// Values that are long, in fewer words.
    pub(crate) words: BTreeMap<String, String>,
}

impl Axis {
    /// The value a row has on it.
    pub(crate) fn value<'a>(&self, row: &'a Row) -> Option<&'a str> {
        self.keys.iter().find_map(|key| row.point.get(key)).map(String::as_str)
    }

    /// A value in as few words as tell it from the others.
    pub(crate) fn word<'a>(&'a self, value: &'a str) -> &'a str {
        self.words.get(value).map_or(value, String::as_str)
    }
}

/// All axes of these rows, by key.
pub(crate) fn axes(rows: &[Row]) -> Vec<Axis> {
    let keys: BTreeSet<&String> = rows.iter().flat_map(|row| row.point.keys()).collect();
    let mut axes: Vec<Axis> = Vec::new();
    for key in keys {
        let meets =
            |other: &String| rows.iter().any(|row| row.point.contains_key(key) && row.point.contains_key(other));
        match axes.iter_mut().find(|axis| axis.label == short(key) && !axis.keys.iter().any(meets)) {
            Some(axis) => axis.keys.push(key.clone()),
            None => axes.push(Axis { label: short(key).to_owned(), keys: vec![key.clone()], ..Axis::default() }),
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
        axis.words = words::words(&axis.values);
    }
    axes
}

/// What people read of an axis: the last step of its key path, or what it is the kind of.
///
/// ```
/// use isotherm_report::axis_label;
/// assert_eq!(["router.lambda", "tier.kind"].map(axis_label), ["lambda", "tier"]);
/// ```
pub fn short(key: &str) -> &str {
    let key = key.strip_suffix(".kind").unwrap_or(key);
    key.rsplit('.').next().unwrap_or(key)
}

/// A row's point in words: `lambda 0.1, power_cap 600 W`; empty without a sweep.
pub(crate) fn point(axes: &[Axis], row: &Row) -> String {
    let words: Vec<String> =
        axes.iter().filter_map(|axis| Some(format!("{} {}", axis.label, axis.word(axis.value(row)?)))).collect();
    words.join(", ")
}

/// What makes the world of a row, in words: `power_cap 600 W`; empty without a sweep of worlds.
pub(crate) fn world_words(axes: &[Axis], row: &Row) -> String {
    let of_world = of_world(axes, row);
    let words: Vec<String> =
        of_world.iter().map(|(axis, value)| format!("{} {}", axis.label, axis.word(value))).collect();
    words.join(", ")
}

/// The same for a title, which has little room: of a single axis with tables among its values the value alone, which says what it is.
pub(crate) fn world_title(axes: &[Axis], row: &Row) -> String {
    match of_world(axes, row).as_slice() {
        [(axis, value)] if !axis.words.is_empty() => axis.word(value).to_owned(),
        _ => world_words(axes, row),
    }
}

/// The axes that make the world of a row, each with its value.
fn of_world<'a>(axes: &'a [Axis], row: &'a Row) -> Vec<(&'a Axis, &'a str)> {
    let of_world = |axis: &&Axis| axis.keys.iter().any(|key| row.point.contains_key(key) && !is_of_router(key));
    let value = |axis: &'a Axis| Some((axis, axis.value(row).filter(|value| !value.is_empty())?));
    axes.iter().filter(of_world).filter_map(value).collect()
}

/// Whether points of these axes have an order that a line may follow: whether all values are numbers.
pub(crate) fn are_ordered(axes: &[Axis]) -> bool {
    // A number may have its unit: `600 W`.
    let is_number = |value: &String| value.split(' ').next().is_some_and(|number| number.parse::<f64>().is_ok());
    axes.iter().flat_map(|axis| &axis.values).all(is_number)
}

/// The keys of a point that are not about routers: rows that share their values met the same tokens.
pub(crate) fn world(row: &Row) -> BTreeMap<&str, &str> {
    let of_world = |(key, value): (&'_ String, &'_ String)| !is_of_router(key) && !value.is_empty();
    let pairs = row.point.iter().filter(|(key, value)| of_world((key, value)));
    pairs.map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

/// Whether a swept key is about routers: `router.lambda`, `router[2].eta`.
pub(crate) fn is_of_router(key: &str) -> bool {
    key.strip_prefix("router").is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_is_called_by_its_last_step() {
        let keys = ["router[1].lambda", "tier.kind", "hardware.gpus", "placement.kind", "kind"];
        assert_eq!(keys.map(short), ["lambda", "tier", "gpus", "placement", "kind"]);
    }

    #[test]
    fn keys_of_routers_are_known_by_their_beginning() {
        for key in ["router", "router.lambda", "router[1].eta"] {
            assert!(is_of_router(key), "{key}");
        }
        for key in ["arrivals.tokens", "router_host.joules_per_operation", "routers"] {
            assert!(!is_of_router(key), "{key}");
        }
    }
}

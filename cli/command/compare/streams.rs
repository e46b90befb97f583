//! Why the runs of two folders cannot be compared token by token.

use std::collections::BTreeMap;

use super::folder::ResultsFolder;
use super::rows::Pair;

/// One reason, in words, for the rows that are not paired.
pub(super) fn why_unpaired(a: &ResultsFolder, b: &ResultsFolder, pairs: &[Pair<'_>]) -> String {
    let common = pairs.iter().filter(|pair| !pair.is_paired()).map(Pair::common_seeds).max().unwrap_or(0);
    if common < 2 {
        return match common {
            0 => "no seed is in both".to_owned(),
            _ => "only one seed is in both".to_owned(),
        };
    }
    let (in_a, in_b) = (stream_keys(a), stream_keys(b));
    let keys: std::collections::BTreeSet<&String> = in_a.keys().chain(in_b.keys()).collect();
    let differing: Vec<String> = keys
        .into_iter()
        .filter(|key| in_a.get(*key) != in_b.get(*key))
        .map(|key| {
            let shown = |keys: &BTreeMap<String, String>| keys.get(key).map_or("absent", String::as_str).to_owned();
            format!("{key} is {} and {}", shown(&in_a), shown(&in_b))
        })
        .collect();
    if !differing.is_empty() {
        let more = differing.len().saturating_sub(SHOWN);
        let rest = if more > 0 { format!(", and {more} more") } else { String::new() };
        let shown = differing.into_iter().take(SHOWN).collect::<Vec<_>>().join(", ");
        return format!("the same seeds gave other tokens ({shown}{rest})");
    }
    if a.summary.head.isotherm != b.summary.head.isotherm {
        let versions = format!("{} and {}", a.summary.head.isotherm, b.summary.head.isotherm);
        return format!("tokens of isotherm {versions} may differ");
    }
    "the same seeds gave other tokens (the data files differ)".to_owned()
}

/// Keys named in the reason at most.
const SHOWN: usize = 3;

/// The keys of a scenario that decide tokens and arrivals, written out; none if the scenario cannot be read.
fn stream_keys(folder: &ResultsFolder) -> BTreeMap<String, String> {
    let mut keys = BTreeMap::new();
    let text = std::fs::read_to_string(folder.path.join("scenario.resolved.toml")).unwrap_or_default();
    let Ok(mut table) = text.parse::<toml::Table>() else { return keys };
    for section in crate::results::STREAM_SECTIONS {
        if let Some(value) = table.remove(section) {
            flatten(section, &value, &mut keys);
        }
    }
    keys
}

fn flatten(key: &str, value: &toml::Value, keys: &mut BTreeMap<String, String>) {
    match value {
        toml::Value::Table(table) => {
            table.iter().for_each(|(name, value)| flatten(&format!("{key}.{name}"), value, keys));
        }
        other => {
            keys.insert(key.to_owned(), other.to_string());
        }
    }
}

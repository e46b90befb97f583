//! Values of an axis in as few words as tell them apart.
//!
//! A swept placement is a table of settings, a line long, and most of its settings are the same at all points. What differs is what a
//! reader looks for.

use std::collections::BTreeMap;

/// The values that are tables, each as its kind and those settings that not all tables have; nothing for a value that would be taken for
/// another one.
pub(super) fn words(values: &[String]) -> BTreeMap<String, String> {
    let tables: Vec<(&String, Table<'_>)> =
        values.iter().filter_map(|value| Some((value, Table::of(value)?))).collect();
    let is_common =
        |setting: &str| tables.len() > 1 && tables.iter().all(|(_, table)| table.settings.contains(&setting));
    let brief = |(value, table): &(&String, Table<'_>)| {
        let own = table.settings.iter().filter(|setting| !is_common(setting)).map(|s| s.replacen(" = ", " ", 1));
        let kind = (!table.kind.is_empty()).then(|| table.kind.to_owned());
        ((*value).clone(), kind.into_iter().chain(own).collect::<Vec<_>>().join(", "))
    };
    let brief: Vec<(String, String)> = tables.iter().map(brief).collect();
    let is_told_apart = |words: &str| {
        !words.is_empty()
            && brief.iter().filter(|(_, other)| other == words).count() == 1
            && values.iter().all(|value| value != words)
    };
    brief.iter().filter(|(_, words)| is_told_apart(words)).cloned().collect()
}

/// `eplb { keep = true, every = 40 }`.
struct Table<'a> {
    kind: &'a str,
    settings: Vec<&'a str>,
}

impl<'a> Table<'a> {
    fn of(value: &'a str) -> Option<Self> {
        let (kind, settings) = value.trim().strip_suffix('}')?.split_once('{')?;
        Some(Self { kind: kind.trim(), settings: settings_of(settings) })
    }
}

/// The settings between the braces; one that is a table or a list itself is one setting.
fn settings_of(text: &str) -> Vec<&str> {
    let (mut depth, mut quoted) = (0_i32, false);
    let between = |letter: char| {
        match letter {
            '"' => quoted = !quoted,
            '{' | '[' if !quoted => depth += 1,
            '}' | ']' if !quoted => depth -= 1,
            _ => {}
        }
        letter == ',' && depth == 0 && !quoted
    };
    text.split(between).map(str::trim).filter(|setting| !setting.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> Vec<Option<String>> {
        let values: Vec<String> = values.iter().map(|&value| value.to_owned()).collect();
        let words = words(&values);
        values.iter().map(|value| words.get(value).cloned()).collect()
    }

    #[test]
    fn placements_are_told_apart_by_what_differs() {
        let words = of(&[
            "eplb { keep = true, rebalance = { every_batches = 40, at = 1 } }",
            "thermal-eplb { keep = true, rebalance = { every_batches = 40, at = 1 } }",
            "thermal-eplb { objective = energy, keep = true, rebalance = { every_batches = 40, at = 1 } }",
            "contiguous",
        ]);
        let words: Vec<Option<&str>> = words.iter().map(Option::as_deref).collect();
        assert_eq!(words, [Some("eplb"), Some("thermal-eplb"), Some("thermal-eplb, objective energy"), None]);
    }

    #[test]
    fn nothing_is_shortened_to_another_value() {
        assert_eq!(of(&["eplb", "eplb { keep = true }", "eplb { keep = true, seed = 1 }"])[1], None);
        assert_eq!(of(&["{ a = 1 }", "{ a = 1, b = 2 }"]), [None, Some("b 2".to_owned())]);
        assert_eq!(of(&["0.1", "600 W", "}{"]), [None, None, None]);
    }
}

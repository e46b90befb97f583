//! What the scenario changes on its way, for the track `scenario`.

use isotherm_core::time::SimDuration;

use crate::results::Scenario;

/// A `[[change]]` of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) when: When,
    /// What it changes, as the scenario writes it.
    pub(super) what: String,
}

/// When a change happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// At an instant (ns).
    At(u64),
    /// When a batch is dispatched.
    AtBatch(i64),
}

/// All changes of a scenario; those whose instant cannot be read are left out.
pub(super) fn of(scenario: Option<&Scenario>) -> Vec<Change> {
    let listed = scenario.and_then(|scenario| scenario.get(&["change"])?.as_array());
    listed.into_iter().flatten().filter_map(toml::Value::as_table).filter_map(change).collect()
}

fn change(table: &toml::Table) -> Option<Change> {
    let at = table.get("at").and_then(toml::Value::as_str).and_then(|text| text.parse::<SimDuration>().ok());
    let batch = table.get("at_batch").and_then(toml::Value::as_integer);
    let when = at.map(|at| When::At(at.nanos())).or(batch.map(When::AtBatch))?;
    let what = table.iter().filter(|(key, _)| !["at", "at_batch"].contains(&key.as_str()));
    let what: Vec<String> = what.map(|(key, value)| format!("{key} = {value}")).collect();
    Some(Change { when, what: what.join(", ") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_found_by_clock_and_by_batch() {
        let text = "[[change]]\nat = \"1.5 s\"\nsupply = \"33 degC\"\n[[change]]\nat_batch = 4\nhot = [1, 2]\n[[change]]\nat = 5\n";
        let scenario = Scenario { table: text.parse().unwrap(), text: text.to_owned() };
        let found = of(Some(&scenario));
        let expected = [
            Change { when: When::At(1_500_000_000), what: "supply = \"33 degC\"".to_owned() },
            Change { when: When::AtBatch(4), what: "hot = [1, 2]".to_owned() },
        ];
        assert_eq!(found, expected);
        assert_eq!(of(None), []);
    }
}

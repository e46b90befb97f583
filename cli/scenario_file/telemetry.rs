//! `--telemetry KIND[=WHERE]`: other eyes for a scenario.

use std::path::{Path, absolute};
use std::str::FromStr;

use isotherm_core::config::{Fault, FaultKind, Key, Node, Origin, Table, Tree, Value};

use crate::execute::seen;

/// What `--telemetry` says, put in the place of a scenario's `[telemetry]`. Options are set with `--set telemetry.KEY=VALUE` on top of it.
///
/// ```
/// use isotherm::scenario_file::TelemetryFlag;
/// let flag: TelemetryFlag = "nvml".parse().unwrap();
/// assert_eq!(flag.kind(), "nvml");
/// assert!("nvml=7".parse::<TelemetryFlag>().unwrap_err().contains("takes no value"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TelemetryFlag {
    text: String,
    kind: String,
    place: Option<String>,
}

impl FromStr for TelemetryFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, place) = text.split_once('=').map_or((text, None), |(kind, place)| (kind, Some(place)));
        if kind.is_empty() || place == Some("") {
            return Err(format!("expected a kind, and behind `=` where to find it, for example {EXAMPLES}"));
        }
        if place.is_some() && !["dcgm", "replay"].contains(&kind) {
            return Err(format!("`{kind}` takes no value; set its options with --set telemetry.KEY=VALUE"));
        }
        Ok(Self { text: text.to_owned(), kind: kind.to_owned(), place: place.map(str::to_owned) })
    }
}

const EXAMPLES: &str = "nvml, dcgm=http://127.0.0.1:9400/metrics or replay=results/live";

impl TelemetryFlag {
    /// The kind of telemetry as typed.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Replaces the telemetry of a scenario.
    pub(super) fn apply(&self, tree: &mut Tree) -> Result<(), Box<Fault>> {
        let origin = Origin::CommandLine { text: format!("--telemetry {}", self.text) };
        let fault = |message: String, expected: &str| {
            let fault = Fault::new(FaultKind::Assignment, "telemetry", message).origin(origin.clone());
            Box::new(fault.expected(expected).example(format!("--telemetry {EXAMPLES}")))
        };
        let entries =
            self.entries().map_err(|message| fault(message, "the results folder of a live run, or a recording"))?;
        let mut table = Table::default();
        for (key, value) in entries {
            table.insert(Key { name: key.to_owned(), origin: origin.clone() }, Node::new(value, origin.clone()));
        }
        let place = "telemetry".parse().map_err(|error| fault(format!("{error}"), "a key"))?;
        tree.set(&place, Value::Table(table), origin.clone()).map_err(|error| fault(error.to_string(), "a table"))?;
        Ok(())
    }

    fn entries(&self) -> Result<Vec<(&'static str, Value)>, String> {
        let kind = |kind: &str| ("kind", Value::from(kind));
        Ok(match (self.kind.as_str(), &self.place) {
            ("dcgm", Some(url)) => vec![kind("dcgm"), ("url", Value::from(url.as_str()))],
            ("replay", Some(place)) => {
                // Typed in a shell: relative to where that is, not to the scenario.
                let path = absolute(place).map_err(|error| format!("`{place}`: {error}"))?;
                if path.is_dir() {
                    live_record(&path)?
                } else {
                    vec![kind("replay"), ("files", Value::Array(vec![Node::new(text(&path), Origin::Default)]))]
                }
            }
            (other, _) => vec![kind(other)],
        })
    }
}

/// The records of a results folder, at the period they were polled with.
fn live_record(results: &Path) -> Result<Vec<(&'static str, Value)>, String> {
    let runs = seen::runs_file(results);
    let seen = seen::read(&runs).map_err(|fault| fault.to_string())?;
    let period = seen.first().map(|run| format!("{} ns", run.period.nanos())).unwrap_or_default();
    Ok(vec![("kind", Value::from("live-record")), ("runs", text(&runs)), ("period", Value::from(period.as_str()))])
}

fn text(path: &Path) -> Value {
    Value::from(path.display().to_string().as_str())
}

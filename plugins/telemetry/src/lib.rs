//! Telemetry sources for isotherm, one per file: given temperatures, a model of a sensor, a recording played back, and real GPUs through an exporter of DCGM.
//!
//! A scenario names one by `kind`; [`KINDS`] is the list. Every source passes `tests/contract.rs`: its samples are never
//! from the future, the same seed gives the same samples, a saved source goes on as if it had not been saved, and what
//! was not measured is absent.

pub mod dcgm;
pub mod exposition;
mod fixed;
mod option;
mod recording;
mod replay;
mod synthetic;

pub use dcgm::DcgmSpec;
pub use fixed::FixedSpec;
pub use replay::{AtEnd, ReplaySpec};
pub use synthetic::SyntheticSpec;

use isotherm_core::registry::Kind;

/// All kinds of this crate, in the order in which they are listed to people.
///
/// ```
/// use isotherm_core::telemetry::TelemetrySpec;
/// let kind = isotherm_telemetry::KINDS.iter().find(|kind| kind.name == "synthetic").unwrap();
/// let spec: Box<dyn TelemetrySpec> = toml::from_str(kind.example).unwrap();
/// assert_eq!(spec.period().to_string(), "100 ms");
/// ```
pub const KINDS: &[Kind] = &[
    Kind {
        name: "fixed",
        summary: "temperatures given per GPU and never changing: the classic hot/cold experiment",
        example: r#"kind = "fixed"
cold = "0 degC"
hot_range = ["60 degC", "80 degC"]
hot_gpus = [6, 7]
"#,
    },
    Kind {
        name: "synthetic",
        summary: "the model's own state seen through a sensor with lag, noise and whole-degree steps",
        example: r#"kind = "synthetic"
"#,
    },
    Kind {
        name: "replay",
        summary: "a recording (CSV, plain or gzip) of real GPUs played back",
        example: r#"kind = "replay"
files = ["data/h200/single-1.csv.gz"]
"#,
    },
    Kind {
        name: "dcgm",
        summary: "real GPUs, live, through a DCGM exporter's page, which is refreshed every 30 s by default",
        example: r#"kind = "dcgm"
url = "http://localhost:9400/metrics"
"#,
    },
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use isotherm_core::telemetry::TelemetrySpec;

    use super::*;

    type Spec = Box<dyn TelemetrySpec>;

    #[test]
    fn every_example_is_a_spec_of_its_kind_and_survives_being_written_back() {
        for kind in KINDS {
            let spec: Spec = toml::from_str(kind.example).unwrap();
            let written = toml::to_string(&spec).unwrap();
            let again: Spec = toml::from_str(&written).unwrap();
            assert!(written.contains(&format!("kind = \"{}\"", kind.name)), "{written}");
            assert_eq!(toml::to_string(&again).unwrap(), written);
        }
    }

    #[test]
    fn the_list_and_the_registered_kinds_agree() {
        let message = toml::from_str::<Spec>("kind = \"?\"").unwrap_err().to_string();
        // Unknown variant `?`, expected one of `a`, `b`, ...: every second piece between the quotes is a kind.
        let mut registered: Vec<&str> = message.split('`').skip(3).step_by(2).collect();
        let mut listed: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        registered.sort_unstable();
        listed.sort_unstable();
        assert_eq!(registered, listed, "{message}");
    }

    #[test]
    fn unknown_options_are_refused() {
        for kind in KINDS {
            let text = format!("{}perod = \"1 s\"\n", kind.example);
            let message = toml::from_str::<Spec>(&text).unwrap_err().to_string();
            assert!(message.contains("unknown field `perod`"), "{message}");
        }
    }

    #[test]
    fn a_period_of_no_time_is_refused() {
        for kind in KINDS {
            let spec: Spec = toml::from_str(&format!("{}period = \"0 s\"\n", kind.example)).unwrap();
            let message = spec.build(8, 1).err().unwrap().to_string();
            assert!(message.starts_with("`period`: "), "{message}");
        }
    }
}

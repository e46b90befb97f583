//! Live NVIDIA GPUs, through NVML.
//!
//! The library comes with the driver and is loaded when a meter is opened: a program with this crate builds and starts on any machine, and
//! says `nvml: not available (why)` where there is none. [`NvmlMeter`] reads; `isotherm_recording` says what a reading is. A scenario names
//! it as `kind = "nvml"`; [`KINDS`] is the list.

mod answer;
mod availability;
mod back_off;
mod border;
mod call;
mod effort;
mod facts;
mod meter;
mod spec;
mod unavailable;
mod watched;
mod window;

pub use availability::availability;
pub use effort::Effort;
pub use facts::TemperatureLimits;
pub use meter::NvmlMeter;
pub use spec::NvmlSpec;

use isotherm_core::registry::Kind;

/// What readings of this crate name as their source.
const SOURCE: &str = "nvml";

/// Environment variable that names a library to load instead of the driver's.
pub const LIBRARY_VARIABLE: &str = "ISOTHERM_NVML_LIBRARY";

/// All kinds of this crate, in the order in which they are listed to people.
///
/// ```
/// use isotherm_core::telemetry::TelemetrySpec;
/// let spec: Box<dyn TelemetrySpec> = toml::from_str(isotherm_nvml::KINDS[0].example).unwrap();
/// assert_eq!(spec.period().to_string(), "100 ms");
/// ```
pub const KINDS: &[Kind] = &[Kind {
    name: "nvml",
    summary: "the NVIDIA GPUs of this machine, live",
    example: r#"kind = "nvml"
"#,
}];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use isotherm_core::telemetry::TelemetrySpec;

    use super::*;

    type Spec = Box<dyn TelemetrySpec>;

    #[test]
    fn every_example_is_a_spec_of_its_kind_and_survives_being_written_back() {
        let all_options =
            "kind = \"nvml\"\nperiod = \"50 ms\"\ndevices = [1, \"GPU-5\"]\npower = \"energy\"\nlibrary = \"a.so\"\n";
        for text in KINDS.iter().map(|kind| kind.example).chain([all_options]) {
            let spec: Spec = toml::from_str(text).unwrap();
            let written = toml::to_string(&spec).unwrap();
            let again: Spec = toml::from_str(&written).unwrap();
            assert!(written.contains("kind = \"nvml\""), "{written}");
            assert_eq!(toml::to_string(&again).unwrap(), written);
        }
        let written = toml::to_string(&toml::from_str::<Spec>(all_options).unwrap()).unwrap();
        assert_eq!(written, all_options, "no option is lost");
    }

    #[test]
    fn the_list_and_the_registered_kinds_agree() {
        let message = toml::from_str::<Spec>("kind = \"?\"").unwrap_err().to_string();
        // Unknown variant `?`, expected `a` or one of `a`, `b`, ...: every second piece between the quotes is a kind.
        let registered: Vec<&str> = message.split('`').skip(3).step_by(2).collect();
        let listed: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
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

    #[test]
    fn what_is_prescribed_and_live_is_marked() {
        for kind in KINDS {
            let spec: Spec = toml::from_str(kind.example).unwrap();
            assert!(spec.is_live() && spec.prescribes_temperature());
            assert_eq!(spec.warning(), Some("live telemetry"));
        }
    }
}

//! Logs of `nvidia-smi --query-gpu=timestamp,index,power.draw,temperature.gpu,... --format=csv -lms N`.
//!
//! With units or `nounits`, several GPUs in turn, several logs behind each other. The time is local time without a zone.

use crate::signal::Signal;

use super::civil;
use super::rows::RowFault;
use super::table::{Gpu, Layout, Place, find, no_column};

/// Fields as they are asked for and as they are written, the signal, and its unit as a power of ten of the field's. Of two
/// fields for one signal the first that is there is taken.
const FIELDS: [(&str, Signal, i32); 19] = [
    ("power.draw", Signal::Power, 3),
    ("power.draw.average", Signal::PowerMean, 3),
    ("power.draw.instant", Signal::PowerInstant, 3),
    ("module.power.draw.instant", Signal::ModulePowerInstant, 3),
    ("temperature.gpu", Signal::Temperature, 0),
    ("temperature.memory", Signal::MemoryTemperature, 0),
    ("temperature.gpu.tlimit", Signal::Margin, 0),
    ("clocks.current.sm", Signal::SmClock, 0),
    ("clocks.sm", Signal::SmClock, 0),
    ("clocks.current.memory", Signal::MemoryClock, 0),
    ("clocks.current.mem", Signal::MemoryClock, 0),
    ("clocks.mem", Signal::MemoryClock, 0),
    ("utilization.gpu", Signal::Utilisation, 0),
    ("utilization.memory", Signal::MemoryUtilisation, 0),
    ("clocks_event_reasons.active", Signal::Reasons, 0),
    ("clocks_throttle_reasons.active", Signal::Reasons, 0),
    ("pstate", Signal::PerformanceState, 0),
    ("enforced.power.limit", Signal::PowerLimit, 3),
    ("power.limit", Signal::PowerLimit, 3),
];

/// Fields that tell GPUs apart, the best first.
const IDENTITIES: [&str; 5] = ["index", "uuid", "gpu_uuid", "pci.bus_id", "gpu_bus_id"];

/// The field of a column: `power.draw [W]` is `power.draw`.
fn field(name: &str) -> &str {
    name.split_once(" [").map_or(name, |(field, _)| field)
}

/// Whether the names are of such a log.
pub(super) fn recognises(names: &[String]) -> bool {
    let has = |wanted: &str| names.iter().any(|name| field(name) == wanted);
    has("timestamp") && FIELDS.iter().any(|(name, ..)| has(name))
}

pub(super) fn layout(names: &[String]) -> Result<Layout, RowFault> {
    let fields: Vec<String> = names.iter().map(|name| field(name).to_owned()).collect();
    let time = find(&fields, "timestamp")?.ok_or_else(|| no_column("column `timestamp`", names))?;
    let mut values: Vec<Place> = Vec::new();
    for (name, signal, places) in FIELDS {
        if let Some(place) = find(&fields, name)?
            && values.iter().all(|value| value.signal != signal)
        {
            values.push(Place { signal, place, places, age: None });
        }
    }
    let mut gpu = Gpu::One;
    for name in IDENTITIES.into_iter().rev() {
        if let Some(place) = find(&fields, name)? {
            gpu = if name == "index" { Gpu::Index(place) } else { Gpu::Text(place) };
        }
    }
    let is_known = |name: &str| {
        name == "timestamp" || IDENTITIES.contains(&name) || FIELDS.iter().any(|(field, ..)| *field == name)
    };
    let unknown = names.iter().filter(|name| !is_known(field(name))).cloned().collect();
    let instant = (civil::instant as fn(&str) -> Option<i64>, "such as 2026/11/26 17:05:01.123");
    Ok(Layout { time, instant, gpu, values, age_ns: None, status: None, unknown })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use crate::file::{Format, Recording};
    use crate::signal::Signal;

    #[test]
    fn gpus_are_told_apart_by_what_there_is() {
        let log = "timestamp, uuid, temperature.gpu\n\
                   2026/11/26 17:05:01.000, GPU-b, 50\n2026/11/26 17:05:01.001, GPU-a, 40\n2026/11/26 17:05:02.000, GPU-b, 51\n";
        let recording = Recording::parse("smi.csv", log).unwrap();
        assert_eq!(recording.format, Format::NvidiaSmi);
        assert_eq!(recording.tracks[0].column(Signal::Temperature), Some(&[50.0, 51.0][..]));
        assert_eq!(recording.notes, ["GPU 0 is GPU-b", "GPU 1 is GPU-a"]);
    }

    #[test]
    fn of_two_fields_for_one_signal_the_better_is_taken() {
        let log = "timestamp, power.limit [W], enforced.power.limit [W]\n2026/11/26 17:05:01.000, 700.00 W, 650.00 W\n";
        let recording = Recording::parse("smi.csv", log).unwrap();
        assert_eq!(recording.tracks[0].column(Signal::PowerLimit), Some(&[650_000.0][..]));
        assert!(recording.notes.is_empty(), "{:?}", recording.notes);
    }

    #[test]
    fn a_message_in_the_log_is_noted_and_a_change_of_fields_is_refused() {
        let log = "timestamp, temperature.gpu\n2026/11/26 17:05:01.000, 50\nGPU is lost. Reboot the system.\n";
        let recording = Recording::parse("smi.csv", log).unwrap();
        assert!(recording.notes[0].starts_with("line 3 is a message"), "{:?}", recording.notes);
        let two = format!("{log}timestamp, index, temperature.gpu\n2026/11/26 17:05:02.000, 0, 50\n");
        let fault = Recording::parse("smi.csv", &two).unwrap_err().to_string();
        assert!(fault.starts_with("smi.csv:4: the row has 3 cells and the header 2"), "{fault}");
    }
}

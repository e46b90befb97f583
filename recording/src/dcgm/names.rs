//! What DCGM calls our signals: names, units, and the values that can be.
//!
//! From `dcgm_fields.h` and the exporter's lists of counters, its 1.x names included. Violation times are nanoseconds, although the exporter's help
//! texts said microseconds until 2025 (NVIDIA/dcgm-exporter#589).

use std::ops::RangeInclusive;

use crate::{DeviceFacts, Signal};

/// What Prometheus is told a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Goes up and down.
    Gauge,
    /// Only grows until it begins anew.
    Counter,
}

impl Kind {
    /// The word of a `# TYPE` line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
        }
    }
}

/// One signal as DCGM has it.
#[derive(Clone, Debug)]
pub struct Field {
    /// Our word for it.
    pub signal: Signal,
    /// DCGM's name, which we write.
    pub name: &'static str,
    /// Other names under which it is found, the better first: renamed, nearly the same, or of the exporter's 1.x.
    pub aliases: &'static [&'static str],
    /// What Prometheus is told it is.
    pub kind: Kind,
    /// What Prometheus is told it means.
    pub help: &'static str,
    /// How many of the signal's unit are one of DCGM's: 1000 where DCGM counts watts and we milliwatts.
    pub scale: i64,
    /// Values that can be, in the signal's unit; anything else is a blank or a fault.
    pub range: RangeInclusive<i64>,
}

/// Highest power that any module draws (mW), with room.
const POWER: RangeInclusive<i64> = 0..=10_000_000;
/// Every counter, short of the numbers that DCGM uses as blanks.
const COUNT: RangeInclusive<i64> = 0..=i64::MAX - 16;

/// Every signal that DCGM has, in the order in which we write them. It has no power of the memory or of the module.
///
/// ```
/// use isotherm_recording::Signal;
/// use isotherm_recording::dcgm::names;
/// let field = names::of_signal(Signal::Power).unwrap();
/// assert_eq!((field.name, field.scale), ("DCGM_FI_DEV_POWER_USAGE", 1000));
/// assert!(names::of_signal(Signal::MemoryPowerMean).is_none());
/// ```
pub const FIELDS: [Field; 15] = [
    Field {
        signal: Signal::SmClock,
        name: "DCGM_FI_DEV_SM_CLOCK",
        aliases: &["dcgm_sm_clock"],
        kind: Kind::Gauge,
        help: "SM clock frequency (in MHz).",
        scale: 1,
        range: 0..=20_000,
    },
    Field {
        signal: Signal::MemoryClock,
        name: "DCGM_FI_DEV_MEM_CLOCK",
        aliases: &["dcgm_memory_clock"],
        kind: Kind::Gauge,
        help: "Memory clock frequency (in MHz).",
        scale: 1,
        range: 0..=20_000,
    },
    Field {
        signal: Signal::Reasons,
        name: "DCGM_FI_DEV_CLOCKS_EVENT_REASONS",
        aliases: &["DCGM_FI_DEV_CLOCK_THROTTLE_REASONS"],
        kind: Kind::Gauge,
        help: "Current clock event reasons (bit mask).",
        scale: 1,
        range: 0..=0xff_ffff,
    },
    Field {
        signal: Signal::MemoryTemperature,
        name: "DCGM_FI_DEV_MEMORY_TEMP",
        aliases: &["dcgm_memory_temp"],
        kind: Kind::Gauge,
        help: "Memory temperature (in C).",
        scale: 1,
        // Exporters up to 3.3 write 0 for boards without such a sensor (NVIDIA/dcgm-exporter#460).
        range: 1..=150,
    },
    Field {
        signal: Signal::Temperature,
        name: "DCGM_FI_DEV_GPU_TEMP",
        aliases: &["dcgm_gpu_temp"],
        kind: Kind::Gauge,
        help: "GPU temperature (in C).",
        scale: 1,
        range: -60..=150,
    },
    Field {
        signal: Signal::Margin,
        name: "DCGM_FI_DEV_GPU_TEMP_LIMIT",
        aliases: &[],
        kind: Kind::Gauge,
        help: "Thermal margin: distance to the nearest slowdown threshold (in C).",
        scale: 1,
        range: -150..=150,
    },
    Field {
        signal: Signal::Power,
        name: "DCGM_FI_DEV_POWER_USAGE",
        aliases: &["dcgm_power_usage"],
        kind: Kind::Gauge,
        help: "Power draw (in W).",
        scale: 1000,
        range: POWER,
    },
    Field {
        signal: Signal::PowerInstant,
        name: "DCGM_FI_DEV_POWER_USAGE_INSTANT",
        aliases: &[],
        kind: Kind::Gauge,
        help: "Instantaneous power draw (in W).",
        scale: 1000,
        range: POWER,
    },
    Field {
        signal: Signal::PowerLimit,
        name: "DCGM_FI_DEV_ENFORCED_POWER_LIMIT",
        // What was asked for; what is enforced may be less.
        aliases: &["DCGM_FI_DEV_POWER_MGMT_LIMIT"],
        kind: Kind::Gauge,
        help: "Power limit that the driver enforces (in W).",
        scale: 1000,
        range: POWER,
    },
    Field {
        signal: Signal::Energy,
        name: "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION",
        aliases: &["dcgm_total_energy_consumption"],
        kind: Kind::Counter,
        help: "Total energy consumption since boot (in mJ).",
        scale: 1,
        range: COUNT,
    },
    Field {
        signal: Signal::Utilisation,
        name: "DCGM_FI_DEV_GPU_UTIL",
        aliases: &["dcgm_gpu_utilization"],
        kind: Kind::Gauge,
        help: "GPU utilization (in %).",
        scale: 1,
        range: 0..=100,
    },
    Field {
        signal: Signal::MemoryUtilisation,
        name: "DCGM_FI_DEV_MEM_COPY_UTIL",
        aliases: &["dcgm_mem_copy_utilization"],
        kind: Kind::Gauge,
        help: "Memory utilization (in %).",
        scale: 1,
        range: 0..=100,
    },
    Field {
        signal: Signal::PerformanceState,
        name: "DCGM_FI_DEV_PSTATE",
        aliases: &[],
        kind: Kind::Gauge,
        help: "Performance state (0 is the highest).",
        scale: 1,
        // 32 is NVML's word for "unknown".
        range: 0..=15,
    },
    Field {
        signal: Signal::PowerViolation,
        name: "DCGM_FI_DEV_POWER_VIOLATION",
        aliases: &["DCGM_FI_DEV_CLOCKS_EVENT_REASON_SW_POWER_CAP_NS", "dcgm_power_violation"],
        kind: Kind::Counter,
        help: "Throttling duration due to power constraints (in ns).",
        scale: 1,
        range: COUNT,
    },
    Field {
        signal: Signal::ThermalViolation,
        name: "DCGM_FI_DEV_THERMAL_VIOLATION",
        aliases: &["dcgm_thermal_violation"],
        kind: Kind::Counter,
        help: "Throttling duration due to thermal constraints (in ns).",
        scale: 1,
        range: COUNT,
    },
];

/// DCGM's word for a signal, where it has one.
#[must_use]
pub fn of_signal(signal: Signal) -> Option<&'static Field> {
    const { &FIELDS }.iter().find(|field| field.signal == signal)
}

/// The signal behind a metric's name and how good that name is: 0 for DCGM's own, more for the aliases.
///
/// ```
/// use isotherm_recording::Signal;
/// use isotherm_recording::dcgm::names;
/// let (field, rank) = names::of_name("DCGM_FI_DEV_POWER_MGMT_LIMIT").unwrap();
/// assert_eq!((field.signal, rank), (Signal::PowerLimit, 1), "the enforced limit would be better");
/// ```
#[must_use]
pub fn of_name(name: &str) -> Option<(&'static Field, usize)> {
    const { &FIELDS }.iter().find_map(|field| {
        let mut names = std::iter::once(&field.name).chain(field.aliases);
        names.position(|known| *known == name).map(|rank| (field, rank))
    })
}

/// One fact of a device that DCGM has as a gauge.
#[derive(Clone, Copy, Debug)]
pub struct Fact {
    /// DCGM's name.
    pub name: &'static str,
    /// What Prometheus is told it means.
    pub help: &'static str,
    /// Reads it.
    pub get: fn(&DeviceFacts) -> Option<f64>,
    /// Sets it.
    pub set: fn(&mut DeviceFacts, f64),
}

/// Limits that do not change while a device is read. The power limit is a signal.
pub const FACTS: [Fact; 5] = [
    Fact {
        name: "DCGM_FI_DEV_MAX_SM_CLOCK",
        help: "Maximum supported SM clock (in MHz).",
        get: |facts| facts.max_sm_mhz,
        set: |facts, value| facts.max_sm_mhz = Some(value),
    },
    Fact {
        name: "DCGM_FI_DEV_GPU_MAX_OP_TEMP",
        help: "Maximum operating temperature for this GPU (in C).",
        get: |facts| facts.max_operating_degc,
        set: |facts, value| facts.max_operating_degc = Some(value),
    },
    Fact {
        name: "DCGM_FI_DEV_MEM_MAX_OP_TEMP",
        help: "Maximum operating temperature for the memory of this GPU (in C).",
        get: |facts| facts.memory_max_degc,
        set: |facts, value| facts.memory_max_degc = Some(value),
    },
    Fact {
        name: "DCGM_FI_DEV_SLOWDOWN_TEMP",
        help: "Slowdown temperature for the device (in C).",
        get: |facts| facts.slowdown_degc,
        set: |facts, value| facts.slowdown_degc = Some(value),
    },
    Fact {
        name: "DCGM_FI_DEV_SHUTDOWN_TEMP",
        help: "Shutdown temperature for the device (in C).",
        get: |facts| facts.shutdown_degc,
        set: |facts, value| facts.shutdown_degc = Some(value),
    },
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn a_name_means_one_thing_and_a_signal_has_one_name() {
        let mut names: Vec<&str> = FIELDS
            .iter()
            .flat_map(|field| std::iter::once(field.name).chain(field.aliases.iter().copied()))
            .chain(FACTS.iter().map(|fact| fact.name))
            .collect();
        let mut signals: Vec<Signal> = FIELDS.iter().map(|field| field.signal).collect();
        let (all, every) = (names.len(), signals.len());
        names.sort_unstable();
        names.dedup();
        signals.sort_unstable();
        signals.dedup();
        assert_eq!((names.len(), signals.len()), (all, every));
        for field in &FIELDS {
            let (found, rank) = of_name(field.name).unwrap();
            assert_eq!((found.signal, rank), (field.signal, 0));
        }
    }

    #[test]
    fn counters_are_the_signals_that_only_grow() {
        for field in &FIELDS {
            assert_eq!(field.kind == Kind::Counter, field.signal.is_counter(), "{}", field.name);
        }
    }

    #[test]
    fn a_fact_is_read_where_it_is_set() {
        for fact in FACTS {
            let mut facts = DeviceFacts::default();
            (fact.set)(&mut facts, 7.5);
            assert_eq!((fact.get)(&facts), Some(7.5), "{}", fact.name);
            assert_eq!(FACTS.iter().filter(|other| (other.get)(&facts).is_some()).count(), 1, "{}", fact.name);
        }
    }
}

//! Why a clock is not higher, in NVML's words.

/// NVML's names of the bits (`nvmlClocksEventReason...`).
const REASONS: [(u64, &str); 9] = [
    (0x1, "GpuIdle"),
    (0x2, "ApplicationsClocksSetting"),
    (0x4, "SwPowerCap"),
    (0x8, "HwSlowdown"),
    (0x10, "SyncBoost"),
    (0x20, "SwThermalSlowdown"),
    (0x40, "HwThermalSlowdown"),
    (0x80, "HwPowerBrakeSlowdown"),
    (0x100, "DisplayClockSetting"),
];

/// The names of all bits of a mask, with commas; `none` where nothing holds the clock back. A bit without a name is shown as a number.
///
/// ```
/// use isotherm::telemetry::in_words;
/// assert_eq!(in_words(0x44), "SwPowerCap, HwThermalSlowdown");
/// assert_eq!(in_words(0), "none");
/// assert_eq!(in_words(0x8001), "GpuIdle, 0x8000");
/// ```
#[must_use]
pub fn in_words(mask: u64) -> String {
    let known = REASONS.iter().filter(|(bit, _)| mask & bit != 0);
    let rest = REASONS.iter().fold(mask, |rest, (bit, _)| rest & !bit);
    let mut words: Vec<String> = known.map(|(_, name)| (*name).to_owned()).collect();
    if rest != 0 {
        words.push(format!("{rest:#x}"));
    }
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

/// The gravest of them alone, and how many more there are, for where there is little room: `SwThermalSlowdown +1`.
pub(super) fn in_short(mask: u64) -> String {
    const GRAVEST_FIRST: [u64; 5] = [0x40, 0x80, 0x8, 0x20, 0x4];
    let Some(gravest) = GRAVEST_FIRST.into_iter().find(|bit| mask & bit != 0) else { return in_words(mask) };
    match (mask & !gravest).count_ones() {
        0 => in_words(gravest),
        more => format!("{} +{more}", in_words(gravest)),
    }
}

/// Whether the mask names something that is wrong or costs work: everything but idleness and settings.
pub(super) const fn holds_back(mask: u64) -> bool {
    mask & !(0x1 | 0x2 | 0x10 | 0x100) != 0
}

/// Whether heat or a power brake holds the clock back: what an operator should see at once.
pub(super) const fn is_alarming(mask: u64) -> bool {
    mask & (0x8 | 0x20 | 0x40 | 0x80) != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use isotherm_core::hardware::ClockReason;

    #[test]
    fn the_simulator_uses_the_same_words() {
        for reason in ClockReason::ALL.into_iter().filter(|reason| reason.nvml_bit() != 0) {
            assert_eq!(in_words(reason.nvml_bit()), reason.nvml_name());
        }
    }

    #[test]
    fn the_gravest_comes_first_where_there_is_little_room() {
        assert_eq!(in_short(0x24), "SwThermalSlowdown +1");
        assert_eq!(in_short(0x4c), "HwThermalSlowdown +2");
        assert_eq!((in_short(0x1), in_short(0), in_short(0x4)), ("GpuIdle".into(), "none".into(), "SwPowerCap".into()));
    }

    #[test]
    fn idleness_holds_nothing_back() {
        assert!(!holds_back(0x1) && holds_back(0x4) && holds_back(0x8000));
        assert!(!is_alarming(0x4) && is_alarming(0x21));
    }
}

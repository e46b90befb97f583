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
    fn idleness_holds_nothing_back() {
        assert!(!holds_back(0x1) && holds_back(0x4) && holds_back(0x8000));
        assert!(!is_alarming(0x4) && is_alarming(0x21));
    }
}

//! How long a power reading looks back: documented by NVIDIA or measured by others, and unknown for the rest.

use isotherm_recording::Signal;

/// Generation of a GPU, as its compute capability says. NVML's own name of the architecture does not tell GA100 from the rest of Ampere,
/// and that is where the windows differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Generation {
    pub(crate) major: i32,
    pub(crate) minor: i32,
}

/// The A100 and its kin.
const GA100: Generation = Generation { major: 8, minor: 0 };
/// Last of Turing, the generation before Ampere.
const TURING: Generation = Generation { major: 7, minor: 5 };
/// H100, H200.
const HOPPER: Generation = Generation { major: 9, minor: 0 };

/// "Averaged over 1 sec interval" (NVML's documentation of power usage and of field 185).
const MEAN_MS: f64 = 1000.0;
/// A quarter of every 100 ms, measured on A100 and H100 (arXiv 2312.02741).
const INSTANT_MS: f64 = 25.0;

impl Generation {
    /// Length of what `signal` is the mean of (ms); none for an instant and where nobody has said.
    pub(crate) fn window_ms(self, signal: Signal) -> Option<f64> {
        let is_mean = self > TURING && self != GA100;
        let is_measured = self == GA100 || self == HOPPER;
        match signal {
            Signal::Power | Signal::PowerMean | Signal::MemoryPowerMean if is_mean => Some(MEAN_MS),
            // There the driver's power is the instant's.
            Signal::Power if self == GA100 => Some(INSTANT_MS),
            Signal::PowerInstant if is_measured => Some(INSTANT_MS),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(major: i32, minor: i32) -> [Option<f64>; 4] {
        [Signal::Power, Signal::PowerMean, Signal::PowerInstant, Signal::Temperature]
            .map(|signal| Generation { major, minor }.window_ms(signal))
    }

    #[test]
    fn windows_are_those_of_the_generation() {
        assert_eq!(windows(7, 0), [None; 4], "V100: nothing is documented");
        assert_eq!(windows(8, 0), [Some(25.0), None, Some(25.0), None], "A100: the exception");
        assert_eq!(windows(8, 6), [Some(1000.0), Some(1000.0), None, None]);
        assert_eq!(windows(9, 0), [Some(1000.0), Some(1000.0), Some(25.0), None]);
        assert_eq!(windows(10, 0), [Some(1000.0), Some(1000.0), None, None]);
    }
}

//! Lines as text for the data block of the page: small, and unpacked by what every browser has (`DecompressionStream`).
//!
//! A line is stored in steps of its own range, whole numbers as they are. What is stored is the difference to the point before, low
//! bytes apart from high ones: neighbours are alike, so deflate finds little to keep. Everything is little-endian:
//! for every line its lowest value and its step (two `f64`), then the times (differences of 32 bits, four planes of bytes), then the
//! lines (differences of 16 bits, two planes each).

use std::io::Write;

use base64::Engine;
use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::reduce::Lines;

/// Stands for a value that is not known.
const MISSING: u16 = u16::MAX;
/// Steps of a line that has all its batches.
const FINE: f64 = 65_534.0;
/// Steps of a reduced line: 1/4094 of its range is less than a pixel.
const COARSE: f64 = 4_094.0;

/// One run, packed.
#[derive(Clone, Debug)]
pub(super) struct Packed {
    /// Points of each line.
    pub(super) points: usize,
    /// Unit of the times (s).
    pub(super) tick_s: f64,
    /// The lines, deflated, in base64.
    pub(super) text: String,
}

/// Packs the lines of one run.
pub(super) fn pack(lines: &Lines) -> Packed {
    let steps = if lines.stride() == 1 { FINE } else { COARSE };
    let times = lines.times();
    // A run of more than 4.29 s has a coarser tick than a nanosecond: a 4-billionth of its length.
    let tick = times.last().copied().unwrap_or(0) / u64::from(u32::MAX) + 1;
    let ticks: Vec<u32> =
        times.iter().map(|time| u32::try_from((time + tick / 2) / tick).unwrap_or(u32::MAX)).collect();
    let (mut head, mut body) = (Vec::new(), Vec::new());
    planes::<4>(
        ticks.iter().scan(0, |before, now| Some(now.wrapping_sub(std::mem::replace(before, *now)).to_le_bytes())),
        &mut body,
    );
    for line in 0..lines.width() {
        let values = lines.values(line);
        let (low, step) = scale(&values, steps);
        head.extend_from_slice(&low.to_le_bytes());
        head.extend_from_slice(&step.to_le_bytes());
        let codes = values.iter().map(|value| code(*value, low, step));
        planes::<2>(
            codes.scan(0, |before, now| Some(now.wrapping_sub(std::mem::replace(before, now)).to_le_bytes())),
            &mut body,
        );
    }
    head.extend_from_slice(&body);
    Packed { points: times.len(), tick_s: tick as f64 * 1e-9, text: deflated(&head) }
}

/// Lowest value and size of a step. Whole numbers are counted one by one where the steps suffice, and so are exact.
fn scale(values: &[f64], steps: f64) -> (f64, f64) {
    let known = || values.iter().copied().filter(|value| value.is_finite());
    let Some((low, high)) = known().map(|value| (value, value)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) else {
        return (0.0, 0.0);
    };
    if high - low <= steps && known().all(|value| value.fract() == 0.0) {
        return (low, 1.0);
    }
    (low, (high - low) / steps)
}

fn code(value: f64, low: f64, step: f64) -> u16 {
    if !value.is_finite() {
        MISSING
    } else if step > 0.0 {
        // At most the number of steps, which is below `MISSING`.
        ((value - low) / step).round() as u16
    } else {
        0
    }
}

/// All first bytes, then all second ones, and so on.
fn planes<const N: usize>(numbers: impl Iterator<Item = [u8; N]>, into: &mut Vec<u8>) {
    let numbers: Vec<[u8; N]> = numbers.collect();
    for plane in 0..N {
        into.extend(numbers.iter().map(|bytes| bytes[plane]));
    }
}

fn deflated(bytes: &[u8]) -> String {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    let packed = encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default();
    base64::engine::general_purpose::STANDARD.encode(packed)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    /// The page's script does the same.
    fn unpack(packed: &Packed, line: usize, width: usize) -> Vec<Option<f64>> {
        let bytes = base64::engine::general_purpose::STANDARD.decode(&packed.text).unwrap();
        let mut all = Vec::new();
        flate2::read::ZlibDecoder::new(&bytes[..]).read_to_end(&mut all).unwrap();
        let number = |at: usize| f64::from_le_bytes(all[at..at + 8].try_into().unwrap());
        let (low, step) = (number(16 * line), number(16 * line + 8));
        let at = 16 * width + 4 * packed.points + 2 * packed.points * line;
        let mut sum = 0_u16;
        (0..packed.points)
            .map(|point| {
                sum = sum.wrapping_add(u16::from_le_bytes([all[at + point], all[at + packed.points + point]]));
                (sum != MISSING).then(|| low + f64::from(sum) * step)
            })
            .collect()
    }

    fn lines(values: &[[f64; 3]]) -> Lines {
        let mut lines = Lines::new(3, 1 << 12);
        for (batch, values) in values.iter().enumerate() {
            lines.push(batch as u64 * 7_000_000_000, values);
        }
        lines
    }

    #[test]
    fn values_come_back_within_half_a_step_and_whole_numbers_exactly() {
        let values: Vec<[f64; 3]> = (0..999_u32)
            .map(|i| [f64::from(i * 7919 % 4096), (f64::from(i) * 0.7).sin() * 300.0 + 20.0, 5.25])
            .collect();
        let packed = pack(&lines(&values));
        for (point, expected) in values.iter().enumerate() {
            let found = |line| unpack(&packed, line, 3)[point].unwrap();
            assert_eq!(found(0), expected[0]);
            assert!((found(1) - expected[1]).abs() <= 300.0 / FINE * 1.001, "{} for {}", found(1), expected[1]);
            assert_eq!(found(2), 5.25);
        }
    }

    #[test]
    fn what_is_not_known_stays_unknown() {
        let packed = pack(&lines(&[[f64::NAN, 1.5, f64::INFINITY], [2.0, f64::NAN, f64::NAN], [3.5, 2.5, f64::NAN]]));
        assert_eq!(unpack(&packed, 0, 3), [None, Some(2.0), Some(3.5)]);
        assert_eq!(unpack(&packed, 1, 3), [Some(1.5), None, Some(2.5)]);
        assert_eq!(unpack(&packed, 2, 3), [None, None, None]);
    }
}

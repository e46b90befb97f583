//! Timelines known again by how they begin, so that nothing else is ever replaced by a newer one.

use std::io::Read;

use flate2::read::GzDecoder;

use super::{chrome, perfetto};

/// More than any timeline needs up to the end of its first entry.
const START: u64 = 1 << 16;

/// The first bytes of a compressed file.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Whether a file is a timeline that [`write()`](super::write()) has written, in either form, compressed or not. Others' traces are none.
///
/// ```
/// use isotherm_report::timeline::is_timeline;
///
/// assert!(is_timeline(&b"{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n{\"ph\":\"M\",\"pid\":1"[..]));
/// assert!(!is_timeline(&b"a letter"[..]));
/// ```
#[must_use]
pub fn is_timeline(file: impl Read) -> bool {
    let Some(start) = start_of(file) else { return false };
    if !start.starts_with(&GZIP) {
        return is_start(&start);
    }
    start_of(GzDecoder::new(&start[..])).is_some_and(|start| is_start(&start))
}

/// As much of a file as decides; what cannot be read to its end, as a compressed file that was cut here, counts up to there.
fn start_of(file: impl Read) -> Option<Vec<u8>> {
    let mut start = Vec::new();
    let read = file.take(START).read_to_end(&mut start);
    (read.is_ok() || !start.is_empty()).then_some(start)
}

fn is_start(start: &[u8]) -> bool {
    perfetto::begins(start) || chrome::begins(start)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::super::chrome::Chrome;
    use super::super::perfetto::Perfetto;
    use super::super::sink::{Lane, Sink};
    use super::*;

    fn both(name: &str) -> [Vec<u8>; 2] {
        let lane = Lane { parent: None, name, rank: 0, unit: None };
        let (mut native, mut json) = (Vec::new(), Vec::new());
        Perfetto::begin(&mut native).declare(lane).unwrap();
        Chrome::begin(&mut json).unwrap().declare(lane).unwrap();
        [native, json]
    }

    #[test]
    fn own_timelines_are_known_whatever_their_first_run_is_called() {
        for name in ["", "ttt, seed 1", &"long ".repeat(2000)] {
            for written in both(name) {
                assert!(is_timeline(&written[..]), "{written:?}");
                let mut compressed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
                compressed.write_all(&written).unwrap();
                assert!(is_timeline(&compressed.finish().unwrap()[..]));
            }
        }
    }

    #[test]
    fn other_files_are_not() {
        // A packet of another writer: its sequence is not ours.
        let other = [0x0a, 0x06, 0x50, 0x02, 0xe2, 0x03, 0x01, 0x08];
        for bytes in [&b""[..], b"PAR1", b"<!DOCTYPE html>", b"{\"traceEvents\":[]}", &GZIP, &other] {
            assert!(!is_timeline(bytes), "{bytes:?}");
        }
        for written in both("cut") {
            assert!(!is_timeline(&written[..9]));
        }
    }
}

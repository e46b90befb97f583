//! Event engines side by side: the same events in the same order, or the comparison stops.

use crate::{record, seconds};

/// Mean increment between two events of an entity [ns].
pub const MEAN_NS: f64 = 1e9;
/// Increments drawn beforehand: logarithms are not what is measured.
pub const TABLE: usize = 1 << 15;

/// An engine with its pending events.
pub trait Contestant {
    /// Name and version.
    fn name(&self) -> &'static str;
    /// Handles everything up to and including the instant `until` [ns], which are `events` events if that is known.
    fn advance(&mut self, until: u64, events: Option<u64>);
    /// Events handled so far, and their checksum.
    fn tally(&mut self) -> (u64, u64);
}

/// Exponential increments [ns], at least 1.
pub fn increments(mean: f64) -> Vec<u64> {
    // SplitMix64, any generator would do.
    let mut state = 7_u64;
    let mut uniform = move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    };
    (0..TABLE).map(|_| ((-(1.0 - uniform()).ln() * mean) as u64).max(1)).collect()
}

/// Mixes what was handled into a checksum.
#[inline(always)]
pub fn mix(checksum: u64, now: u64, entity: u32) -> u64 {
    (checksum.rotate_left(5) ^ now ^ u64::from(entity)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Nanoseconds of an event of every contestant, over a stretch of `slice` ns of simulated time after one that warms up.
///
/// # Panics
/// If one of them has handled other events, or in another order, than the first.
pub fn compare(bench: &str, case: impl std::fmt::Display, contestants: &mut [Box<dyn Contestant>], slice: u64) {
    for round in 1..=2 {
        let before = contestants[0].tally().0;
        let mut expected = None;
        for contestant in contestants.iter_mut() {
            let known = expected.map(|(handled, _): (u64, u64)| handled - before);
            let (elapsed, ()) = seconds(|| contestant.advance(round * slice, known));
            let tally = contestant.tally();
            assert_eq!(*expected.get_or_insert(tally), tally, "{} took another path", contestant.name());
            if round == 2 {
                record(bench, &case, contestant.name(), elapsed * 1e9 / (tally.0 - before) as f64, "ns");
            }
        }
    }
}

//! A rolling fingerprint of everything that happened, in order.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Hash of the sequence of events and of the state words a model adds to it.
///
/// Two runs with equal hashes took the same path; a run that was saved and restored must end with the hash of one
/// that never stopped. Not cryptographic.
///
/// ```
/// use isotherm_core::engine::TraceHash;
/// let (mut a, mut b) = (TraceHash::default(), TraceHash::default());
/// a.fold(1);
/// a.fold(2);
/// b.fold(2);
/// b.fold(1);
/// assert_ne!(a, b, "order counts");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TraceHash(u64);

impl TraceHash {
    /// Appends one word.
    #[inline]
    pub fn fold(&mut self, word: u64) {
        // An odd multiplier is a bijection, and the rotation carries the high bits, the well mixed ones, down.
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    /// The fingerprint.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for TraceHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

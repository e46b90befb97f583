//! Bulk random words: the same as one counter after the other, over several counters at once.

use pulp::{Simd, WithSimd};

use super::philox::{LANES, philox_lanes};
use crate::simd;

/// The words of consecutive counters from `position` on, two each.
pub(super) fn fill(key: [u32; 2], position: u64, out: &mut [[u64; 2]]) {
    simd::vectors(Fill { key, position, out });
}

struct Fill<'a> {
    key: [u32; 2],
    position: u64,
    out: &'a mut [[u64; 2]],
}

impl WithSimd for Fill<'_> {
    type Output = ();

    #[inline(always)]
    #[expect(
        clippy::needless_range_loop,
        reason = "iterators are not always inlined into the code for the instruction set"
    )]
    fn with_simd<S: Simd>(self, simd: S) {
        let mut first = self.position;
        for block in self.out.chunks_mut(LANES) {
            let mut counters = [[0; LANES]; 4];
            for lane in 0..LANES {
                let counter = first.wrapping_add(lane as u64);
                counters[0][lane] = counter as u32;
                counters[1][lane] = (counter >> 32) as u32;
            }
            let bits = philox_lanes(simd, &counters, self.key);
            for lane in 0..block.len() {
                let word = |low: usize| u64::from(bits[low][lane]) | u64::from(bits[low + 1][lane]) << 32;
                block[lane] = [word(0), word(2)];
            }
            first = first.wrapping_add(LANES as u64);
        }
    }
}

//! Bulk random words: the same as one counter after the other, over several counters at once.

use super::philox::philox4x32_10;
use crate::simd;

/// Counters worked on side by side.
const LANES: usize = 16;

/// The words of consecutive counters from `position` on, two each.
pub(super) fn fill(key: [u32; 2], position: u64, out: &mut [[u64; 2]]) {
    simd::dispatch(
        #[inline(always)]
        || {
            for (block, chunk) in out.chunks_mut(LANES).enumerate() {
                let first = position.wrapping_add((block * LANES) as u64);
                let mut low = [0_u64; LANES];
                let mut high = [0_u64; LANES];
                for lane in 0..LANES {
                    let counter = first.wrapping_add(lane as u64);
                    let [a, b, c, d] = philox4x32_10([counter as u32, (counter >> 32) as u32, 0, 0], key);
                    low[lane] = u64::from(a) | u64::from(b) << 32;
                    high[lane] = u64::from(c) | u64::from(d) << 32;
                }
                for ((pair, low), high) in chunk.iter_mut().zip(low).zip(high) {
                    *pair = [low, high];
                }
            }
        },
    );
}

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
                let bits = round(key, position.wrapping_add((block * LANES) as u64));
                for (lane, pair) in chunk.iter_mut().enumerate() {
                    let word = |low: usize| u64::from(bits[low][lane]) | u64::from(bits[low + 1][lane]) << 32;
                    *pair = [word(0), word(2)];
                }
            }
        },
    );
}

/// The bits of `LANES` consecutive counters, each kind of word by itself: the order in which the rounds vectorise.
#[inline(always)]
fn round(key: [u32; 2], first: u64) -> [[u32; LANES]; 4] {
    let mut bits = [[0_u32; LANES]; 4];
    for lane in 0..LANES {
        let low = (first as u32).wrapping_add(lane as u32);
        // A carry, without which all lanes would share the upper half.
        let high = ((first >> 32) as u32).wrapping_add(u32::from(low < first as u32));
        let words = philox4x32_10([low, high, 0, 0], key);
        for (row, word) in bits.iter_mut().zip(words) {
            row[lane] = word;
        }
    }
    bits
}

//! One value of each of sixteen tokens: what the vector kernels work on.

use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Serialize};

/// Tokens worked on side by side.
pub const LANES: usize = 16;

/// One value of each of sixteen tokens, in one cache line: where a vector spans two, every access costs two (measured: a third more
/// time for the whole kernel, or not, by the luck of the allocator).
///
/// ```
/// use isotherm_core::simd::splat;
/// let mut row = splat(1.0);
/// row[3] += 1.0;
/// assert_eq!((row[2], row[3], row.len()), (1.0, 2.0, 16));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[repr(align(64))]
pub struct Aligned<T>([T; LANES]);

/// One number of sixteen tokens.
pub type Lanes = Aligned<f32>;

/// The same value for all of them.
#[inline(always)]
#[must_use]
pub const fn splat<T: Copy>(value: T) -> Aligned<T> {
    Aligned([value; LANES])
}

/// The same number, hidden from the compiler: a loop over experts that takes its index from here works on all lanes of one expert. Left
/// alone, loops without a sum that grows from expert to expert become gathers and scatters over one lane of many experts (measured
/// with AVX-512: four times as long).
#[inline(always)]
#[must_use]
pub fn one_by_one(expert: usize) -> usize {
    std::hint::black_box(expert)
}

impl<T> Deref for Aligned<T> {
    type Target = [T; LANES];

    #[inline(always)]
    fn deref(&self) -> &[T; LANES] {
        &self.0
    }
}

impl<T> DerefMut for Aligned<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T; LANES] {
        &mut self.0
    }
}

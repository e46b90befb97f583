//! Multiply-adds a second of one core, at the widest instruction set there is: what a product is held against.

use std::hint::black_box;

use pulp::{Arch, Simd, WithSimd};

/// Independent sums: enough to hide the latency of a multiply-add.
const SUMS: usize = 12;
const STEPS: usize = 100_000;

struct Peak;

impl WithSimd for Peak {
    /// Operations, a multiply-add being two.
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let (factor, term) = (simd.splat_f32s(black_box(0.999)), simd.splat_f32s(black_box(1e-3)));
        let mut sums = [simd.splat_f32s(black_box(1.0)); SUMS];
        for _ in 0..STEPS {
            for sum in &mut sums {
                *sum = simd.mul_add_f32s(*sum, factor, term);
            }
        }
        for sum in sums {
            black_box(simd.reduce_sum_f32s(sum));
        }
        2.0 * (SUMS * STEPS * S::F32_LANES) as f64
    }
}

/// Does some, in registers; how many operations that were, a multiply-add being two.
pub fn multiply_adds() -> f64 {
    Arch::new().dispatch(Peak)
}

//! The peak of one core: multiply-adds that wait for nothing but the units that do them.

use std::hint::black_box;

use isotherm_core::simd::Level;
use pulp::Simd;

/// Multiply-adds that are under way at a time: more than the latency of one times the units there are.
const CHAINS: usize = 12;
const STEPS: usize = 4096;

/// Floating-point operations of one call at a level.
pub(crate) fn operations(level: Level) -> f64 {
    (2 * CHAINS * STEPS * lanes(level)) as f64
}

/// One call at a level that this processor has.
#[cfg(target_arch = "x86_64")]
pub(crate) fn run(level: Level) {
    use pulp::x86::{V3, V4};
    match (level, V3::try_new(), V4::try_new()) {
        (Level::Avx512, _, Some(simd)) => simd.vectorize(Chains(simd)),
        (Level::Avx2, Some(simd), _) => simd.vectorize(Chains(simd)),
        _ => pulp::Scalar.vectorize(Chains(pulp::Scalar)),
    }
}

#[cfg(target_arch = "x86_64")]
fn lanes(level: Level) -> usize {
    match level {
        Level::Avx512 => 16,
        Level::Avx2 => 8,
        _ => 1,
    }
}

#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn run(_: Level) {
    struct Any;
    impl pulp::WithSimd for Any {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            pulp::NullaryFnOnce::call(Chains(simd));
        }
    }
    pulp::Arch::new().dispatch(Any);
}

#[cfg(not(target_arch = "x86_64"))]
fn lanes(_: Level) -> usize {
    struct Lanes;
    impl pulp::WithSimd for Lanes {
        type Output = usize;
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES
        }
    }
    pulp::Arch::new().dispatch(Lanes)
}

struct Chains<S>(S);

impl<S: Simd> pulp::NullaryFnOnce for Chains<S> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let simd = self.0;
        let (factor, term) = (simd.splat_f32s(black_box(0.999)), simd.splat_f32s(black_box(0.001)));
        let mut sums = [term; CHAINS];
        for _ in 0..STEPS {
            for sum in &mut sums {
                *sum = simd.mul_add_f32s(*sum, factor, term);
            }
        }
        black_box(sums);
    }
}

//! Which instruction set vector code runs on, and how to choose another.

use std::cell::Cell;
use std::fmt;

/// An instruction set that vector code of this program is compiled for.
///
/// Results do not depend on it (INV-6): every kernel gives the same bytes at every level. It exists so that this can be tested on one machine,
/// and so that speeds of instruction sets can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What every processor of this architecture has.
    Plain,
    /// AVX2 with fused multiply-add.
    Avx2,
    /// AVX-512.
    Avx512,
    /// The best that this processor has and that is none of the others (NEON, ...).
    Native,
}

thread_local! {
    static FORCED: Cell<Option<Level>> = const { Cell::new(None) };
}

impl Level {
    /// The level at which this thread works now: that of [`Level::force`] around it, or the processor's best.
    #[inline]
    #[must_use]
    pub fn current() -> Self {
        FORCED.get().unwrap_or_else(Self::best)
    }

    /// The levels that this processor has, from the plainest to the best.
    ///
    /// ```
    /// use isotherm_core::simd::Level;
    /// let levels = Level::available();
    /// assert_eq!(levels[0], Level::Plain);
    /// assert_eq!(levels.last(), Some(&Level::current()));
    /// ```
    #[must_use]
    pub fn available() -> Vec<Self> {
        let all = [Self::Plain, Self::Avx2, Self::Avx512, Self::Native];
        all.into_iter().filter(|level| level.is_available()).collect()
    }

    /// Runs `work` with all vector code of this thread at this level, or at the processor's best where it lacks this one; levels may be
    /// nested.
    ///
    /// ```
    /// use isotherm_core::{rng::fill_standard_normal, simd::Level};
    /// let drawn = |level: Level| {
    ///     let mut deviates = [0.0; 100];
    ///     level.force(|| fill_standard_normal([1, 2], 3, &mut deviates));
    ///     deviates
    /// };
    /// assert!(Level::available().into_iter().all(|level| drawn(level) == drawn(Level::Plain)));
    /// ```
    pub fn force<R>(self, work: impl FnOnce() -> R) -> R {
        /// Takes the level back, after a panic too.
        struct Back(Option<Level>);
        impl Drop for Back {
            fn drop(&mut self) {
                FORCED.set(self.0);
            }
        }
        let _back = Back(FORCED.replace(self.is_available().then_some(self)));
        work()
    }

    #[cfg(target_arch = "x86_64")]
    fn best() -> Self {
        match pulp::Arch::new() {
            pulp::Arch::V4(_) => Self::Avx512,
            pulp::Arch::V3(_) => Self::Avx2,
            _ => Self::Plain,
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn best() -> Self {
        if matches!(pulp::Arch::new(), pulp::Arch::Scalar) { Self::Plain } else { Self::Native }
    }

    fn is_available(self) -> bool {
        if cfg!(target_arch = "x86_64") { self <= Self::best() } else { self == Self::Plain || self == Self::best() }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Avx2 => "AVX2",
            Self::Avx512 => "AVX-512",
            Self::Native => "native",
        })
    }
}

/// Runs vector code at the level of this thread.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(super) fn run<W: pulp::WithSimd>(work: W) -> W::Output {
    let Some(level) = FORCED.get() else { return pulp::Arch::new().dispatch(work) };
    // What is not there was never forced.
    match (level, pulp::x86::V4::try_new(), pulp::x86::V3::try_new()) {
        (Level::Avx512, Some(simd), _) => pulp::Simd::vectorize(simd, work),
        (Level::Avx2, _, Some(simd)) => pulp::Simd::vectorize(simd, work),
        _ => work.with_simd(pulp::Scalar),
    }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline]
pub(super) fn run<W: pulp::WithSimd>(work: W) -> W::Output {
    if FORCED.get() == Some(Level::Plain) { work.with_simd(pulp::Scalar) } else { pulp::Arch::new().dispatch(work) }
}

/// A closure as such work.
pub(super) struct Once<F>(pub(super) F);

impl<R, F: FnOnce() -> R> pulp::NullaryFnOnce for Once<F> {
    type Output = R;

    #[inline(always)]
    fn call(self) -> R {
        (self.0)()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forced_level_ends_with_its_work_and_after_a_panic() {
        let outside = Level::current();
        Level::Plain.force(|| {
            assert_eq!(Level::current(), Level::Plain);
            outside.force(|| assert_eq!(Level::current(), outside));
            assert_eq!(Level::current(), Level::Plain);
        });
        let panicked = std::panic::catch_unwind(|| Level::Plain.force(|| panic!("as a test asks")));
        assert!(panicked.is_err());
        assert_eq!(Level::current(), outside);
    }
}

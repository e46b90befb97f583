//! Named random streams: counter-based, so that no draw of one purpose moves the draws of another.
//!
//! A stream is named by (root seed, domain, entity, purpose). The name is hashed into the key of Philox4x32-10
//! (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC11), and the draws are the
//! encryption of a counter. Adding a strategy, a seed or a probe therefore changes no other stream, a stream can
//! be entered at any position, and its whole state is its position. The functions used on the way to a normal
//! deviate are our own or `libm`'s: the same bytes on every platform.

mod gaussian;
mod philox;
mod words;

pub use gaussian::{ROUND, fill_standard_normal, fill_standard_normal_from};
pub use philox::philox4x32_10;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What a stream is for; the root seed comes from the scenario, the rest from the code that draws.
///
/// The workload's domain never contains the router's name: that is how all routers of a comparison
/// meet the same tokens.
///
/// ```
/// use isotherm_core::rng::{Domain, Stream};
/// let mut tokens = Stream::open(7, Domain::Workload, 0, "hidden states");
/// let mut noise = Stream::open(7, Domain::Sensor, 0, "noise");
/// assert_ne!(tokens.next_u64(), noise.next_u64());
/// let mut again = Stream::open(7, Domain::Workload, 0, "hidden states");
/// let mut tokens = Stream::open(7, Domain::Workload, 0, "hidden states");
/// assert_eq!(tokens.next_u64(), again.next_u64());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Tokens, gates and arrivals: shared by every router of a comparison.
    Workload,
    /// Draws a router makes.
    Router,
    /// Sensor noise.
    Sensor,
    /// The hardware's own variability.
    Hardware,
    /// Resampling of finished results; never inside a run.
    Statistics,
}

impl Domain {
    const fn name(self) -> &'static str {
        match self {
            Self::Workload => "workload",
            Self::Router => "router",
            Self::Sensor => "sensor",
            Self::Hardware => "hardware",
            Self::Statistics => "statistics",
        }
    }
}

/// A named random stream at a position.
///
/// One position gives 128 random bits. Cloning forks the stream; saving it keeps key and position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    key: [u32; 2],
    position: u64,
    spare: Option<u64>,
}

impl Stream {
    /// Opens the stream of this name at its beginning. Costs one SHA-256 of a short text.
    #[must_use]
    pub fn open(root_seed: u64, domain: Domain, entity: u64, purpose: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"isotherm stream 1\0");
        hash.update(root_seed.to_le_bytes());
        hash.update(domain.name().as_bytes());
        hash.update(b"\0");
        hash.update(entity.to_le_bytes());
        hash.update(purpose.as_bytes());
        let digest = hash.finalize();
        let word = |at: usize| u32::from_le_bytes([digest[at], digest[at + 1], digest[at + 2], digest[at + 3]]);
        Self { key: [word(0), word(4)], position: 0, spare: None }
    }

    /// Key of the underlying generator, for bulk fills.
    #[must_use]
    pub const fn key(&self) -> [u32; 2] {
        self.key
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let counter = [self.position as u32, (self.position >> 32) as u32, 0, 0];
        let [a, b, c, d] = philox4x32_10(counter, self.key);
        self.position += 1;
        self.spare = Some(u64::from(c) | u64::from(d) << 32);
        u64::from(a) | u64::from(b) << 32
    }

    /// Fills `out` with what as many calls of [`Stream::next_u64`] would give, many counters at a time.
    ///
    /// ```
    /// use isotherm_core::rng::{Domain, Stream};
    /// let mut one_by_one = Stream::open(1, Domain::Workload, 0, "counts");
    /// let mut at_once = one_by_one.clone();
    /// let mut words = [0; 77];
    /// at_once.fill(&mut words);
    /// assert!(words.iter().all(|word| *word == one_by_one.next_u64()));
    /// assert_eq!(at_once, one_by_one);
    /// ```
    pub fn fill(&mut self, out: &mut [u64]) {
        let begun = usize::from(self.spare.is_some()).min(out.len());
        let (first, rest) = out.split_at_mut(begun);
        first.iter_mut().for_each(|word| *word = self.next_u64());
        let (pairs, last) = rest.as_chunks_mut::<2>();
        words::fill(self.key, self.position, pairs);
        self.position += pairs.len() as u64;
        if let [last] = last {
            *last = self.next_u64();
        }
    }

    /// Fills `out` with standard normal deviates, a kernel's worth at a time ([`fill_standard_normal`]).
    ///
    /// They belong to the position at which the stream stands, and have nothing in common with what [`Stream::next_u64`] gives there or elsewhere. The
    /// stream moves on by one position, whatever the number of deviates.
    pub fn fill_normal(&mut self, out: &mut [f32]) {
        self.position += 1;
        // Words are the encryption of counters of block 0.
        fill_standard_normal(self.key, self.position, out);
    }

    /// A uniform deviate in the open interval (0, 1), with 53 random bits.
    ///
    /// ```
    /// use isotherm_core::rng::{Domain, Stream};
    /// let mut stream = Stream::open(1, Domain::Workload, 0, "arrivals");
    /// let u = stream.uniform();
    /// assert!(0.0 < u && u < 1.0);
    /// ```
    pub fn uniform(&mut self) -> f64 {
        // The middle of one of 2^53 equal cells: never 0, never 1.
        ((self.next_u64() >> 11) as f64 + 0.5) * (1.0 / 9_007_199_254_740_992.0)
    }

    /// An exponential deviate of mean 1, by inversion.
    pub fn exponential(&mut self) -> f64 {
        -libm::log(self.uniform())
    }

    /// A standard normal deviate (Box-Muller, the sine half is dropped).
    pub fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(2.0 * self.exponential());
        radius * libm::cos(core::f64::consts::TAU * self.uniform())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_the_name_matters() {
        let first = |seed, domain, entity, purpose| Stream::open(seed, domain, entity, purpose).next_u64();
        let base = first(1, Domain::Workload, 2, "a");
        assert_ne!(base, first(2, Domain::Workload, 2, "a"));
        assert_ne!(base, first(1, Domain::Router, 2, "a"));
        assert_ne!(base, first(1, Domain::Workload, 3, "a"));
        assert_ne!(base, first(1, Domain::Workload, 2, "b"));
    }

    #[test]
    fn moments_of_the_deviates_are_right() {
        let mut stream = Stream::open(3, Domain::Sensor, 0, "moments");
        let n = 200_000;
        let (mut uniform, mut exponential, mut normal, mut square) = (0.0, 0.0, 0.0, 0.0);
        for _ in 0..n {
            uniform += stream.uniform();
            exponential += stream.exponential();
            let x = stream.normal();
            normal += x;
            square += x * x;
        }
        let mean = |sum: f64| sum / f64::from(n);
        // Five standard errors of each mean at n = 200,000.
        assert!((mean(uniform) - 0.5).abs() < 0.0033);
        assert!((mean(exponential) - 1.0).abs() < 0.0112);
        assert!(mean(normal).abs() < 0.0112);
        assert!((mean(square) - 1.0).abs() < 0.0159);
    }
}

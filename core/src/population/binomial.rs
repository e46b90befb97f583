//! Exact binomial deviates, from random bits.
//!
//! Three ways, by what is cheapest. All are exact but for the rounding of the probability to 64 bits and of functions to f64.
//!
//! - Few trials, by halving: u < p is decided bit by bit from the front, for all trials at once. Of the undecided trials a
//!   Binomial(n, 1/2) (a count of random bits) has a one; a half is decided by every bit, so 2 n bits and log2(n) steps do (Farach-Colton
//!   and Tsai, Algorithmica 73, 2015, build on the same step).
//! - Many trials, few successes: inversion.
//! - Otherwise transformed rejection with squeeze, BTRS (Hormann, Journal of Statistical Computation and Simulation 46, 1993).

use super::Stream;

/// Up to so many trials bits are counted.
const MOST_HALVED: u32 = 256;
/// From so many expected successes on rejection works.
const LEAST_REJECTED: f64 = 10.0;
/// Words that are drawn at once.
const WORDS: usize = 128;
/// Up to so far from the mode probabilities are products of their ratios.
const NEAR: u32 = 15;
/// Up to so many trials are decided side by side, eight digits of them in a word.
const FEW: u32 = 8;

/// The probability of a success, as it is needed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Chance {
    p: f64,
    /// The binary expansion of p, first digit in front; a certain success loses 2^-64.
    digits: u64,
}

impl Chance {
    pub(super) fn new(p: f64) -> Self {
        Self { p, digits: (p * 18_446_744_073_709_551_616.0) as u64 }
    }

    pub(super) fn p(self) -> f64 {
        self.p
    }
}

/// Random bits of a stream, drawn many at a time. What is left over at the end is discarded.
#[derive(Debug)]
pub(super) struct Bits<'a> {
    stream: &'a mut Stream,
    words: [u64; WORDS],
    next: usize,
    /// What is left of a word that was begun, and how many bits that are.
    rest: u64,
    left: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(stream: &'a mut Stream) -> Self {
        Self { stream, words: [0; WORDS], next: WORDS, rest: 0, left: 0 }
    }

    #[inline(always)]
    fn word(&mut self) -> u64 {
        if self.next == WORDS {
            self.refill();
        }
        let word = self.words[self.next];
        self.next += 1;
        word
    }

    #[inline(never)]
    fn refill(&mut self) {
        self.stream.fill(&mut self.words);
        self.next = 0;
    }

    /// Number of ones among `n` fresh bits: Binomial(n, 1/2).
    #[inline(always)]
    fn ones(&mut self, mut n: u32) -> u32 {
        let mut ones = 0;
        while n >= u64::BITS {
            ones += self.word().count_ones();
            n -= u64::BITS;
        }
        if self.left < n {
            (self.rest, self.left) = (self.word(), u64::BITS);
        }
        ones += (self.rest & ((1 << n) - 1)).count_ones();
        self.rest >>= n;
        self.left -= n;
        ones
    }

    /// A uniform deviate in (0, 1), as [`Stream::uniform`].
    fn uniform(&mut self) -> f64 {
        ((self.word() >> 11) as f64 + 0.5) * (1.0 / 9_007_199_254_740_992.0)
    }

    /// Successes of `n` trials.
    #[inline(always)]
    pub(super) fn binomial(&mut self, n: u32, chance: Chance) -> u32 {
        if n <= MOST_HALVED { self.by_halving(n, chance.digits) } else { self.of_many(n, chance.p) }
    }

    #[inline(always)]
    fn by_halving(&mut self, n: u32, mut digits: u64) -> u32 {
        let (mut undecided, mut successes) = (n, 0);
        while undecided > FEW && digits != 0 {
            // A half of the undecided have the digit of p and stay so. The others are below p where that is 1, above where it is 0.
            let equal = self.ones(undecided);
            let is_one = (digits >> 63) as u32;
            successes += (undecided - equal) * is_one;
            undecided = equal;
            digits <<= 1;
        }
        while undecided > 0 && digits != 0 {
            let (below, equal) = eight_digits((digits >> 56) as u8, undecided, self.word());
            successes += below;
            undecided = equal;
            digits <<= 8;
        }
        successes
    }

    #[inline(never)]
    fn of_many(&mut self, n: u32, p: f64) -> u32 {
        if p > 0.5 {
            return n - self.of_many_rare(n, 1.0 - p);
        }
        self.of_many_rare(n, p)
    }

    /// For p of at most 1/2.
    fn of_many_rare(&mut self, n: u32, p: f64) -> u32 {
        if p <= 0.0 {
            0
        } else if f64::from(n) * p < LEAST_REJECTED {
            self.by_inversion(n, p)
        } else {
            self.by_rejection(n, p)
        }
    }

    fn by_inversion(&mut self, n: u32, p: f64) -> u32 {
        let odds = p / (1.0 - p);
        let mut mass = libm::exp(f64::from(n) * libm::log1p(-p));
        let mut u = self.uniform();
        let mut successes = 0;
        while u > mass && successes < n {
            u -= mass;
            mass *= odds * f64::from(n - successes) / f64::from(successes + 1);
            successes += 1;
        }
        successes
    }

    fn by_rejection(&mut self, n: u32, p: f64) -> u32 {
        let trials = f64::from(n);
        let deviation = (trials * p * (1.0 - p)).sqrt();
        let b = 1.15 + 2.53 * deviation;
        let a = -0.0873 + 0.0248 * b + 0.01 * p;
        let centre = trials * p + 0.5;
        let inside = 0.92 - 4.2 / b;
        loop {
            let u = self.uniform() - 0.5;
            let v = self.uniform();
            let edge = 0.5 - u.abs();
            let found = (2.0 * a / edge + b) * u + centre;
            if edge >= 0.07 && v <= inside {
                return found as u32;
            }
            if !(0.0..trials + 1.0).contains(&found) {
                continue;
            }
            let alpha = (2.83 + 5.1 / b) * deviation;
            let height = v * alpha / (a / (edge * edge) + b);
            let found = found as u32;
            let mode = ((trials + 1.0) * p) as u32;
            let accepted = if found.abs_diff(mode) <= NEAR {
                height <= ratio_to_mode(n, p, mode, found)
            } else {
                libm::log(height) <= log_ratio_to_mode(trials, p, f64::from(found))
            };
            if accepted {
                return found;
            }
        }
    }
}

/// The probability of `k` successes over that of the mode, factor by factor.
#[inline]
fn ratio_to_mode(n: u32, p: f64, mode: u32, k: u32) -> f64 {
    let odds = p / (1.0 - p);
    // From i - 1 successes to i.
    let factor = |i: u32| f64::from(n + 1) * odds / f64::from(i) - odds;
    let product = |from: u32, to: u32| (from + 1..=to).fold(1.0, |product, i| product * factor(i));
    if k > mode { product(mode, k) } else { 1.0 / product(k, mode) }
}

/// ln of the probability of `k` successes over that of the mode.
fn log_ratio_to_mode(n: f64, p: f64, k: f64) -> f64 {
    let odds = p / (1.0 - p);
    let mode = ((n + 1.0) * p).floor();
    (mode + 0.5) * libm::log((mode + 1.0) / (odds * (n - mode + 1.0)))
        + (n + 1.0) * libm::log((n - mode + 1.0) / (n - k + 1.0))
        + (k + 0.5) * libm::log(odds * (n - k + 1.0) / (k + 1.0))
        + stirling_rest(mode)
        + stirling_rest(n - mode)
        - stirling_rest(k)
        - stirling_rest(n - k)
}

/// ln k! minus Stirling's formula for it, (k + 1/2) ln(k + 1) - (k + 1) + ln(2 pi) / 2.
fn stirling_rest(k: f64) -> f64 {
    const SMALL: [f64; 10] = [
        0.081_061_466_795_327_26,
        0.041_340_695_955_409_29,
        0.027_677_925_684_998_34,
        0.020_790_672_103_765_09,
        0.016_644_691_189_821_193,
        0.013_876_128_823_070_748,
        0.011_896_709_945_891_77,
        0.010_411_265_261_972_096,
        0.009_255_462_182_712_733,
        0.008_330_563_433_362_87,
    ];
    if k < 10.0 {
        return SMALL[k as usize];
    }
    let next = k + 1.0;
    let square = next * next;
    (1.0 / 12.0 - (1.0 / 360.0 - 1.0 / 1260.0 / square) / square) / next
}

/// Eight steps of halving at once, for up to eight trials: how many are below the eight digits, and how many equal to them.
///
/// Byte i of a word belongs to digit i, the first one in front, and bit t of a byte to trial t.
#[inline(always)]
fn eight_digits(digits: u8, trials: u32, word: u64) -> (u32, u32) {
    const EACH: u64 = 0x0101_0101_0101_0101;
    // Every digit in all bits of its byte: taken out, moved to the top of the byte and spread.
    let single = (u64::from(digits) * EACH) & 0x0102_0408_1020_4080;
    let lowest = ((single + 0x7f * EACH) >> 7) & EACH;
    let digits = (lowest << 8).wrapping_sub(lowest);
    // Trials that have agreed with all digits up to a byte's.
    let mut agreed = !(word ^ digits);
    agreed &= agreed << 8 | 0xff;
    agreed &= agreed << 16 | 0xffff;
    agreed &= agreed << 32 | 0xffff_ffff;
    let trials = (1_u64 << trials) - 1;
    let undecided = (agreed << 8 | 0xff) & (trials * EACH);
    ((undecided & digits & !word).count_ones(), ((agreed >> 56) & trials).count_ones())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Domain;

    /// Distribution function of Binomial(n, p) at 0, 1, ..., n, by the recursion of its masses from the mode.
    fn masses(n: u32, p: f64) -> Vec<f64> {
        let odds = p / (1.0 - p);
        let mode = ((f64::from(n) + 1.0) * p) as usize;
        let mut masses = vec![0.0; n as usize + 1];
        masses[mode.min(n as usize)] = 1.0;
        for k in mode..n as usize {
            masses[k + 1] = masses[k] * odds * (n as usize - k) as f64 / (k + 1) as f64;
        }
        for k in (0..mode.min(n as usize)).rev() {
            masses[k] = masses[k + 1] / odds * (k + 1) as f64 / (n as usize - k) as f64;
        }
        let sum: f64 = masses.iter().sum();
        masses.iter().map(|mass| mass / sum).collect()
    }

    /// Pearson's statistic over cells of at least ten expected draws, against its mean plus five standard deviations.
    #[test]
    fn every_way_follows_the_binomial_law() {
        let draws = 40_000;
        let cases = [(1, 0.3), (5, 0.5), (12, 0.93), (64, 0.1), (130, 0.5), (500, 0.31), (512, 0.002)];
        let many =
            [(600, 0.001), (5000, 0.0019), (513, 0.02), (600, 0.5), (2048, 0.97), (40_960, 0.031), (5000, 0.999)];
        for (n, p) in cases.into_iter().chain(many) {
            let mut stream = Stream::open(11, Domain::Workload, u64::from(n), "binomial");
            let mut bits = Bits::new(&mut stream);
            let mut found = vec![0_u32; n as usize + 1];
            (0..draws).for_each(|_| found[bits.binomial(n, Chance::new(p)) as usize] += 1);
            let (mut statistic, mut cells) = (0.0, 0.0);
            let (mut expected, mut seen) = (0.0, 0.0);
            for (mass, found) in masses(n, p).into_iter().zip(found) {
                expected += mass * f64::from(draws);
                seen += f64::from(found);
                if expected >= 10.0 {
                    statistic += (seen - expected) * (seen - expected) / expected;
                    cells += 1.0;
                    (expected, seen) = (0.0, 0.0);
                }
            }
            assert!(cells >= 2.0);
            let most = cells + 5.0 * f64::sqrt(2.0 * cells);
            assert!(statistic < most, "Binomial({n}, {p}): {statistic} over {cells} cells");
        }
    }

    #[test]
    fn both_ratios_to_the_mode_agree() {
        for (n, p) in [(600, 0.5), (2048, 0.03), (513, 0.021), (40_960, 0.4)] {
            let mode = (f64::from(n + 1) * p) as u32;
            for k in mode.saturating_sub(NEAR)..=(mode + NEAR).min(n) {
                let (product, log) = (ratio_to_mode(n, p, mode, k), log_ratio_to_mode(f64::from(n), p, f64::from(k)));
                assert!((product.ln() - log).abs() < 1e-9, "Binomial({n}, {p}) at {k}: {product} and {log}");
            }
        }
    }

    #[test]
    fn eight_digits_are_eight_single_ones() {
        let mut stream = Stream::open(2, Domain::Workload, 0, "digits");
        for _ in 0..10_000 {
            let (digits, trials, word) = (stream.next_u64() as u8, (stream.next_u64() % 9) as u32, stream.next_u64());
            let (mut undecided, mut below) = ((1_u64 << trials) - 1, 0);
            for digit in 0..8 {
                let bits = word >> (8 * digit);
                let is_one = digits >> (7 - digit) & 1 == 1;
                below += if is_one { (undecided & !bits).count_ones() } else { 0 };
                undecided &= if is_one { bits } else { !bits };
            }
            assert_eq!(eight_digits(digits, trials, word), (below, undecided.count_ones()));
        }
    }

    #[test]
    fn certain_and_impossible_trials() {
        let mut stream = Stream::open(1, Domain::Workload, 0, "binomial");
        let mut bits = Bits::new(&mut stream);
        for n in [0, 1, 63, 64, 65, 128, 513, 100_000] {
            assert_eq!((bits.binomial(n, Chance::new(0.0)), bits.binomial(n, Chance::new(1.0))), (0, n));
        }
    }

    #[test]
    fn the_rest_of_stirlings_formula_goes_on_where_the_table_ends() {
        let exact = |k: f64| {
            libm::lgamma(k + 1.0) - ((k + 0.5) * (k + 1.0).ln() - (k + 1.0) + 0.5 * core::f64::consts::TAU.ln())
        };
        for k in 0..40 {
            let k = f64::from(k);
            assert!((stirling_rest(k) - exact(k)).abs() < 1e-9, "{k}");
        }
    }
}

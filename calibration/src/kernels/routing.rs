//! Which experts the tokens of a measured kernel went to.
//!
//! aiconfigurator does not write down its routings, only how they were made; they are made again here in the same way. On a GPU of
//! an expert-parallel group stand `experts / ranks` consecutive experts, and all tokens of the batch are present.
//!
//! *Balanced*: token `t` takes the experts `t + i stride` (modulo their number) for `i` below top-k, with `stride` =
//! ceil(experts / top_k); a batch of fewer tokens than a stride is spread evenly over it. The first rank is measured.
//!
//! *Power law*: every expert draws a weight from a density x^-alpha, by its inverse distribution, on 1 to 0.8 tokens
//! (on 0.01 to 2 where there are no more assignments than experts). Weights are scaled to the assignments, rounded,
//! cut at one per token, and the remainder goes one by one, rank by rank, to the least loaded expert (or from the most
//! loaded). The rank with most assignments is measured, so more ranks mean more imbalance.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde::Serialize;

use super::KernelRow;

/// How tokens spread over experts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Distribution {
    /// All experts alike.
    Balanced,
    /// Weights from a power law with this exponent.
    PowerLaw(f64),
}

/// Assignments per expert of the measured GPU, in one or several draws.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutedCounts {
    /// One list of counts per draw.
    pub draws: Vec<Vec<u32>>,
}

/// Draws of a skewed routing; the measured time is itself a mean over five.
const DRAWS: u64 = 6;

impl RoutedCounts {
    /// The routing of a measured kernel. The draws are seeded with the row, so the same row always gives the same counts.
    #[must_use]
    pub fn of(row: &KernelRow) -> Self {
        let draws = match row.distribution {
            Distribution::Balanced => vec![balanced(row)],
            Distribution::PowerLaw(alpha) => {
                let seed = [row.tokens, row.shape.top_k, row.shape.experts, row.expert_parallel];
                let seed = seed.iter().fold(alpha.to_bits(), |h, n| SplitMix(h ^ u64::from(*n)).next());
                let mut random = SplitMix(seed);
                (0..DRAWS).map(|_| power_law(row, alpha, &mut random)).collect()
            }
        };
        Self { draws }
    }
}

fn balanced(row: &KernelRow) -> Vec<u32> {
    let (experts, top_k, tokens) = (u64::from(row.shape.experts), u64::from(row.shape.top_k), u64::from(row.tokens));
    let stride = experts.div_ceil(top_k);
    let mut counts = vec![0; row.shape.experts as usize];
    for token in 0..tokens {
        let first = if tokens >= stride { token } else { token * stride / tokens };
        for choice in 0..top_k {
            counts[((first + choice * stride) % experts) as usize] += 1;
        }
    }
    counts.truncate((row.shape.experts / row.expert_parallel) as usize);
    counts
}

fn power_law(row: &KernelRow, alpha: f64, random: &mut SplitMix) -> Vec<u32> {
    let (experts, tokens) = (row.shape.experts as usize, i64::from(row.tokens));
    let assignments = tokens * i64::from(row.shape.top_k);
    let (low, high) = if assignments > experts as i64 { (1.0, f64::from(row.tokens) * 0.8) } else { (0.01, 2.0) };
    let weights: Vec<f64> = (0..experts).map(|_| inverse_power(random.unit(), alpha, low, high)).collect();
    let scale = assignments as f64 / weights.iter().sum::<f64>();
    let ideal = weights.iter().map(|weight| libm::rint(weight * scale) as i64);
    let per_rank = experts / row.expert_parallel as usize;
    let mut overflow = 0;
    let mut ranks = vec![Vec::with_capacity(per_rank); row.expert_parallel as usize];
    for (expert, count) in ideal.enumerate() {
        overflow += (count - tokens).max(0);
        ranks[expert / per_rank].push(count.min(tokens));
    }
    one_by_one(&mut ranks, overflow, tokens);
    let rest = assignments - ranks.iter().flatten().sum::<i64>();
    one_by_one(&mut ranks, rest, tokens);
    // The first of several equals, as argmax takes it.
    let busiest = ranks.into_iter().fold((i64::MIN, Vec::new()), |best, rank| {
        let sum = rank.iter().sum();
        if sum > best.0 { (sum, rank) } else { best }
    });
    busiest.1.into_iter().map(|count| u32::try_from(count).unwrap_or(0)).collect()
}

/// The value of a density x^-alpha on `low` to `high` whose distribution is `u`.
fn inverse_power(u: f64, alpha: f64, low: f64, high: f64) -> f64 {
    let e = 1.0 - alpha;
    if libm::fabs(e) < 1e-9 {
        return low * libm::pow(high / low, u);
    }
    let (a, b) = (libm::pow(low, e), libm::pow(high, e));
    libm::pow((b - a) * u + a, 1.0 / e)
}

/// Adds `rest` assignments (takes them away where negative), one a rank in turn: to the least loaded expert of the rank
/// that is below `limit`, or from the most loaded.
fn one_by_one(ranks: &mut [Vec<i64>], rest: i64, limit: i64) {
    let (step, mut rest) = (rest.signum(), rest.abs());
    let key = |count: i64| if step > 0 { count } else { -count };
    let heap = |rank: &Vec<i64>| -> BinaryHeap<_> {
        rank.iter().enumerate().map(|(expert, count)| Reverse((key(*count), expert))).collect()
    };
    let mut heaps: Vec<_> = if rest > 0 { ranks.iter().map(heap).collect() } else { Vec::new() };
    while rest > 0 {
        let before = rest;
        for (rank, heap) in ranks.iter_mut().zip(&mut heaps) {
            let Some(Reverse((value, expert))) = heap.pop() else { continue };
            let count = key(value);
            let free = if step > 0 { count < limit } else { count > 0 };
            if free && rest > 0 {
                rank[expert] += step;
                rest -= 1;
                heap.push(Reverse((value + 1, expert)));
            } else {
                heap.push(Reverse((value, expert)));
            }
        }
        if rest == before {
            break;
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014): enough for draws that only have to be the same everywhere.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform on 0 to 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use isotherm_core::hardware::kernel::NumberType;

    use super::*;
    use crate::kernels::Shape;

    fn row(tokens: u32, top_k: u32, experts: u32, ranks: u32, distribution: Distribution) -> KernelRow {
        KernelRow {
            shape: Shape { d_model: 64, d_ff: 64, top_k, experts },
            dtype: NumberType::Bf16,
            tensor_parallel: 1,
            expert_parallel: ranks,
            distribution,
            tokens,
            seconds: 1.0,
        }
    }

    #[test]
    fn balanced_touches_distinct_experts_first() {
        let active = |tokens, ranks| {
            let counts = RoutedCounts::of(&row(tokens, 8, 128, ranks, Distribution::Balanced)).draws.remove(0);
            (counts.iter().filter(|n| **n > 0).count(), counts.iter().sum::<u32>())
        };
        assert_eq!(active(1, 1), (8, 8));
        assert_eq!(active(4, 1), (32, 32));
        assert_eq!(active(16, 1), (128, 128));
        assert_eq!(active(1024, 1), (128, 8192));
        assert_eq!(active(1, 128), (1, 1));
        assert_eq!(active(1024, 8), (16, 1024));
    }

    #[test]
    fn a_power_law_keeps_every_assignment_and_no_expert_above_the_tokens() {
        for (tokens, top_k, experts) in [(1, 2, 8), (3, 8, 128), (16, 8, 128), (100, 1, 16), (4096, 8, 256)] {
            for alpha in [1.0, 1.01, 1.2] {
                let drawn = RoutedCounts::of(&row(tokens, top_k, experts, 1, Distribution::PowerLaw(alpha)));
                for counts in &drawn.draws {
                    assert_eq!(counts.iter().sum::<u32>(), tokens * top_k);
                    assert!(counts.iter().all(|n| *n <= tokens));
                }
                assert_eq!(drawn, RoutedCounts::of(&row(tokens, top_k, experts, 1, Distribution::PowerLaw(alpha))));
            }
        }
    }

    #[test]
    fn the_busiest_rank_has_more_than_its_share() {
        let drawn = RoutedCounts::of(&row(4096, 8, 128, 16, Distribution::PowerLaw(1.2)));
        assert!(drawn.draws.iter().all(|counts| counts.len() == 8 && counts.iter().sum::<u32>() > 4096 * 8 / 16));
    }
}

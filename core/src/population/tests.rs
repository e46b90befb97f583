//! Draws against the laws they stand for.

use super::*;
use crate::gate::GateBatch;
use crate::rng::Domain;
use crate::rng::fill_standard_normal;

/// A population whose law has these inclusion probabilities.
fn population(inclusion: &[f64], top_k: usize, tier: &TierSpec) -> Population {
    let gate = GateBatch::from_logits(inclusion.len(), top_k, vec![0.0; inclusion.len()]);
    Population::new(Arc::new(GateSample::new(gate, Some(inclusion.to_vec()))), tier)
}

/// Inclusion probabilities that differ by a factor of about ten and sum to `top_k`.
fn uneven(experts: usize, top_k: usize) -> Vec<f64> {
    let mut normals = vec![0.0; experts];
    fill_standard_normal([experts as u32, top_k as u32], 0, &mut normals);
    let mut q: Vec<f64> = normals.iter().map(|g| f64::from(0.6 * g).exp()).collect();
    let sum: f64 = q.iter().sum();
    q.iter_mut().for_each(|q| *q *= top_k as f64 / sum);
    inclusion::bring_to_sum(&mut q, top_k);
    q
}

fn stream(draw: u32) -> Stream {
    Stream::open(5, Domain::Workload, u64::from(draw), "counts")
}

/// Means and covariances of counts over many draws.
fn moments(population: &mut Population, tokens: u32, draws: u32) -> (Vec<f64>, Vec<Vec<f64>>) {
    let experts = population.inclusion().len();
    let top_k = population.sample().top_k() as u32;
    let (mut counts, mut sum) = (vec![0; experts], vec![0.0; experts]);
    let mut products = vec![vec![0.0; experts]; experts];
    let centre: Vec<f64> = population.inclusion().iter().map(|q| q * f64::from(tokens)).collect();
    for draw in 0..draws {
        population.draw(tokens, &mut stream(draw), &mut counts);
        assert_eq!(counts.iter().sum::<u32>(), top_k * tokens);
        assert!(counts.iter().all(|n| *n <= tokens));
        for e in 0..experts {
            let off = f64::from(counts[e]) - centre[e];
            sum[e] += off;
            for f in 0..=e {
                products[e][f] += off * (f64::from(counts[f]) - centre[f]);
            }
        }
    }
    let n = f64::from(draws);
    let mean = sum.iter().zip(&centre).map(|(sum, centre)| sum / n + centre).collect();
    for e in 0..experts {
        for f in 0..=e {
            products[e][f] = products[e][f] / n - sum[e] / n * (sum[f] / n);
        }
    }
    (mean, products)
}

/// Mean T q and variance T q (1 - q), within five standard errors; `rounding` is what whole numbers add to a variance.
fn assert_moments(population: &mut Population, tokens: u32, draws: u32, inflation: f64, rounding: f64) {
    let (mean, covariance) = moments(population, tokens, draws);
    let (t, n) = (f64::from(tokens), f64::from(draws));
    for (e, q) in population.inclusion().iter().enumerate() {
        let variance = t * q * (1.0 - q) * inflation;
        assert!((mean[e] - t * q).abs() < 5.0 * (variance / n).sqrt() + 1e-9, "mean of {e}: {} {}", mean[e], t * q);
        // Fourth moment of a binomial: 3 v^2 + v (1 - 6 q (1 - q)).
        let error = (variance * (2.0 * variance + inflation) / n).sqrt();
        let off = covariance[e][e] - variance;
        assert!((-5.0 * error..=5.0 * error + rounding).contains(&off), "variance of {e}: {off} at {variance}");
    }
}

#[test]
fn counts_have_the_moments_of_drawing_without_replacement() {
    for (experts, top_k, tokens) in [(2, 1, 7), (8, 2, 100), (9, 8, 33), (64, 8, 500), (256, 8, 2048), (3, 2, 5000)] {
        for q in [vec![top_k as f64 / experts as f64; experts], uneven(experts, top_k)] {
            let mut population = population(&q, top_k, &TierSpec::new(Tier::Counts));
            assert_moments(&mut population, tokens, 4000, 1.0, 0.0);
        }
    }
}

#[test]
fn normal_counts_have_the_same_moments() {
    for (experts, top_k, tokens) in
        [(2, 1, 700), (8, 2, 1000), (9, 8, 333), (64, 8, 5000), (256, 8, 2048), (3, 2, 5000)]
    {
        for q in [vec![top_k as f64 / experts as f64; experts], uneven(experts, top_k)] {
            let mut population = population(&q, top_k, &TierSpec::new(Tier::MeanField));
            assert_moments(&mut population, tokens, 4000, 1.0, 0.25);
        }
    }
}

#[test]
fn both_tiers_have_the_covariances_of_one_another() {
    let q = uneven(16, 4);
    let draws = 20_000;
    let of = |kind| moments(&mut population(&q, 4, &TierSpec::new(kind)), 1000, draws).1;
    let (counts, normal) = (of(Tier::Counts), of(Tier::MeanField));
    for e in 0..16 {
        for f in 0..e {
            let error = (2.0 * counts[e][e] * counts[f][f] / f64::from(draws)).sqrt();
            let off = counts[e][f] - normal[e][f];
            // Hajek's covariances are approximate: some percent of the smaller variance.
            assert!(off.abs() < 5.0 * error + 0.02 * counts[e][e].min(counts[f][f]), "{e} {f}: {off} +- {error}");
        }
    }
}

/// A single token chooses every subset as often as the product of its weights says, and those are what the inclusion probabilities ask for.
#[test]
fn a_token_chooses_subsets_with_largest_entropy() {
    // By hand: weights 1, 2, 3, 4 of which two are taken; e_2 = 35.
    let weights = [1.0, 2.0, 3.0, 4.0];
    let q: Vec<f64> = weights.iter().map(|w| w * (10.0 - w) / 35.0).collect();
    let mut population = population(&q, 2, &TierSpec::new(Tier::Counts));
    let draws = 50_000;
    let mut seen = std::collections::BTreeMap::new();
    let mut counts = [0; 4];
    for draw in 0..draws {
        population.draw(1, &mut stream(draw), &mut counts);
        *seen.entry(counts).or_insert(0_u32) += 1;
    }
    assert_eq!(seen.len(), 6);
    for (subset, found) in seen {
        let chosen: f64 = weights.iter().zip(subset).filter(|(_, n)| *n == 1).map(|(w, _)| w).product();
        let p = chosen / 35.0;
        let error = (p * (1.0 - p) / f64::from(draws)).sqrt();
        assert!((f64::from(found) / f64::from(draws) - p).abs() < 5.0 * error, "{subset:?}: {found} for {p}");
    }
}

#[test]
fn certain_and_impossible_experts() {
    for kind in [Tier::Counts, Tier::MeanField] {
        let mut population = population(&[1.0, 0.0, 0.5, 0.25, 0.25], 2, &TierSpec::new(kind));
        let mut counts = [0; 5];
        population.draw(1000, &mut stream(0), &mut counts);
        assert_eq!((counts[0], counts[1], counts.iter().sum::<u32>()), (1000, 0, 2000), "{kind:?}");
        population.draw(0, &mut stream(0), &mut counts);
        assert_eq!(counts, [0; 5]);
    }
    for kind in [Tier::Counts, Tier::MeanField] {
        let mut population = population(&[1.0; 3], 3, &TierSpec::new(kind));
        let mut counts = [0; 3];
        population.draw(17, &mut stream(0), &mut counts);
        assert_eq!(counts, [17; 3], "every expert serves every token");
    }
}

#[test]
fn tokens_of_a_sequence_resemble_each_other() {
    for (kind, rounding) in [(Tier::Counts, 0.0), (Tier::MeanField, 0.25)] {
        let tier = TierSpec { sequence: Some(32), correlation: Some(0.2), ..TierSpec::new(kind) };
        let mut population = population(&uneven(8, 2), 2, &tier);
        assert_moments(&mut population, 512, 4000, 1.0 + 31.0 * 0.2, rounding);
        // Fifteen sequences of 32 and one of 20.
        let pairs = 15.0 * 32.0 * 31.0 + 20.0 * 19.0;
        assert_moments(&mut population, 500, 4000, 1.0 + 0.2 * pairs / 500.0, rounding);
    }
}

#[test]
fn few_tokens_and_many_experts_round_to_the_right_sums() {
    for tokens in [1, 2, 3, 10] {
        let mut population = population(&uneven(256, 8), 8, &TierSpec::new(Tier::MeanField));
        let mut counts = [0; 256];
        for draw in 0..50 {
            population.draw(tokens, &mut stream(draw), &mut counts);
            assert_eq!(counts.iter().sum::<u32>(), 8 * tokens);
            assert!(counts.iter().all(|n| *n <= tokens));
        }
    }
}

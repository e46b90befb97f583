//! Comparing a routing with the reference, token by token.

use super::Fidelity;
use crate::routing::Routing;
use crate::simd::{self, Aligned, LANES, Lanes, exp_nonpositive, splat};

/// What is compared: both routings, and the logits that they are routings of.
pub(super) struct Comparison<'a> {
    pub(super) experts: usize,
    pub(super) logits: &'a [f32],
    pub(super) row_max: &'a [f32],
    pub(super) top_mass: &'a [f64],
    pub(super) routing: &'a Routing<'a>,
    pub(super) reference: &'a Routing<'a>,
}

/// A token's experts and weights.
type Row<'a> = (&'a [u32], &'a [f32]);

impl Comparison<'_> {
    /// Sums over tokens, in f64 in token order; entropies are left at 0.
    pub(super) fn sums(&self) -> Fidelity {
        simd::dispatch(
            #[inline(always)]
            || match self.routing.top_k() {
                // Lengths that the compiler knows need no loops.
                1 => self.sums_of(1),
                2 => self.sums_of(2),
                4 => self.sums_of(4),
                8 => self.sums_of(8),
                k => self.sums_of(k),
            },
        )
    }

    #[inline(always)]
    fn sums_of(&self, k: usize) -> Fidelity {
        let mut sum = Fidelity::default();
        for token in 0..self.row_max.len() {
            let (own, reference) = (row(self.routing, token, k), row(self.reference, token, k));
            let (common, shift) = if own.0 == reference.0 {
                (k, distance(own.1, reference.1))
            } else if k <= LANES {
                self.difference(k, own, reference)
            } else {
                self.difference_of_many(own, reference)
            };
            // The same set in another order keeps all of the mass, to the last bit.
            if common < k {
                let logits = &self.logits[token * self.experts..][..self.experts];
                sum.mass_regret += 1.0 - mass(logits, self.row_max[token], own.0) / self.top_mass[token];
            }
            sum.topk_agreement += common as f64 / k as f64;
            sum.exact_match += if common == k { 1.0 } else { 0.0 };
            sum.combine_weight_tv += f64::from(0.5 * shift);
        }
        sum
    }

    /// Number of common experts, and the sum of |w' - w0|: over the chosen first, then over those of the reference that were not chosen.
    ///
    /// All places side by side; those past the last hold no expert of anybody and weigh nothing.
    #[inline(always)]
    fn difference(&self, k: usize, own: Row<'_>, reference: Row<'_>) -> (usize, f32) {
        let (mut experts, mut weights) = (splat(u32::MAX), splat(0.0));
        let (mut experts0, mut missing) = (splat(u32::MAX - 1), splat(0.0));
        for place in 0..k {
            let is_served = (own.0[place] as usize) < self.experts;
            experts[place] = if is_served { own.0[place] } else { u32::MAX };
            weights[place] = if is_served { own.1[place] } else { 0.0 };
            experts0[place] = reference.0[place];
            missing[place] = reference.1[place];
        }
        let (mut common, mut weights0): (Aligned<u32>, Lanes) = (splat(0), splat(0.0));
        for place in 0..k {
            let (theirs, weight) = (reference.0[place], reference.1[place]);
            let mine = experts[place];
            for l in 0..LANES {
                common[l] |= if experts[l] == theirs { 1 } else { 0 };
            }
            for l in 0..LANES {
                weights0[l] = if experts[l] == theirs { weight } else { weights0[l] };
            }
            for l in 0..LANES {
                missing[l] = if experts0[l] == mine { 0.0 } else { missing[l] };
            }
        }
        let mut shift = 0.0;
        for place in 0..k {
            shift += (weights[place] - weights0[place]).abs();
        }
        for place in 0..k {
            shift += missing[place];
        }
        (common[..k].iter().sum::<u32>() as usize, shift)
    }

    /// [`Comparison::difference`] of more places than are compared side by side.
    fn difference_of_many(&self, own: Row<'_>, reference: Row<'_>) -> (usize, f32) {
        let (mut common, mut shift) = (0, 0.0);
        for (expert, weight) in own.0.iter().zip(own.1).filter(|(expert, _)| (**expert as usize) < self.experts) {
            match reference.0.iter().position(|e| e == expert) {
                Some(at) => {
                    common += 1;
                    shift += (weight - reference.1[at]).abs();
                }
                None => shift += weight,
            }
        }
        for (expert, weight) in reference.0.iter().zip(reference.1) {
            if !own.0.contains(expert) {
                shift += weight;
            }
        }
        (common, shift)
    }
}

#[inline(always)]
fn row<'a>(routing: &'a Routing<'_>, token: usize, k: usize) -> Row<'a> {
    (&routing.experts[token * k..][..k], &routing.weights[token * k..][..k])
}

/// Gate mass of the chosen experts of a token relative to e to `most`, its largest logit; what no expert serves has none.
///
/// Exponentials are taken as they are in f32 and all else in f64, as the frontier does: so that no routing is below it by more than the
/// rounding of f64.
#[inline(always)]
fn mass(logits: &[f32], most: f32, chosen: &[u32]) -> f64 {
    let (mut sum, mut first) = (0.0, 0);
    while first < chosen.len() {
        let some = &chosen[first..chosen.len().min(first + LANES)];
        let mut exponents = splat(f32::NEG_INFINITY);
        for l in 0..some.len() {
            let expert = some[l] as usize;
            if expert < logits.len() {
                exponents[l] = logits[expert] - most;
            }
        }
        let masses = exponentials(&exponents);
        for l in 0..some.len() {
            sum += f64::from(masses[l]);
        }
        first += LANES;
    }
    sum
}

/// [`mass`] of every token, to the same bits, for a routing that drops nothing: sixteen tokens side by side.
pub(super) fn masses(experts: usize, k: usize, logits: &[f32], row_max: &[f32], chosen: &[u32], sums: &mut Vec<f64>) {
    sums.clear();
    sums.resize(row_max.len(), 0.0);
    let sums = &mut sums[..];
    simd::dispatch(
        #[inline(always)]
        || {
            for first in (0..row_max.len()).step_by(LANES) {
                let lanes = LANES.min(row_max.len() - first);
                for place in 0..k {
                    let mut exponents = splat(f32::NEG_INFINITY);
                    for l in 0..lanes {
                        let token = first + l;
                        let expert = chosen[token * k + place] as usize;
                        exponents[l] = logits[token * experts + expert] - row_max[token];
                    }
                    let masses = exponentials(&exponents);
                    for l in 0..lanes {
                        sums[first + l] += f64::from(masses[l]);
                    }
                }
            }
        },
    );
}

#[inline(always)]
fn exponentials(exponents: &Lanes) -> Lanes {
    let mut out = splat(0.0);
    for l in 0..LANES {
        out[l] = exp_nonpositive(exponents[l]);
    }
    out
}

#[inline(always)]
fn distance(a: &[f32], b: &[f32]) -> f32 {
    let mut sum = 0.0;
    for place in 0..a.len() {
        sum += (a[place] - b[place]).abs();
    }
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::gate::GateBatch;

    proptest! {
        /// Places compared side by side and one after the other, with experts that were dropped.
        #[test]
        fn both_ways_of_comparing_agree(
            k in 1_usize..=LANES,
            own in Just((0_u32..20).collect::<Vec<_>>()).prop_shuffle(),
            reference in Just((0_u32..20).collect::<Vec<_>>()).prop_shuffle(),
            weights in prop::collection::vec(0.0_f32..1.0, 2 * LANES),
            dropped in 0_usize..3,
        ) {
            let mut own = own[..k].to_vec();
            own.iter_mut().take(dropped).for_each(|expert| *expert = u32::MAX);
            let gate = GateBatch::from_logits(20, k, vec![0.0; 20]);
            let comparison = Comparison {
                experts: 20,
                logits: gate.logits(),
                row_max: &[0.0],
                top_mass: &[1.0],
                routing: gate.reference(),
                reference: gate.reference(),
            };
            let (own, reference) = ((&own[..], &weights[..k]), (&reference[..k], &weights[LANES..LANES + k]));
            prop_assert_eq!(
                comparison.difference(k, own, reference),
                comparison.difference_of_many(own, reference)
            );
        }
    }

    #[test]
    fn masses_of_many_tokens_are_those_of_each() {
        let (experts, k, tokens) = (24, 20, 19);
        let mut logits = vec![0.0; experts * tokens];
        crate::rng::fill_standard_normal([3, 4], 0, &mut logits);
        let gate = GateBatch::from_logits(experts, k, logits);
        for token in 0..tokens {
            let row = &gate.logits()[token * experts..][..experts];
            let chosen = &gate.reference().experts[token * k..][..k];
            assert_eq!(mass(row, gate.row_max[token], chosen), gate.top_mass[token]);
        }
    }
}

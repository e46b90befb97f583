//! The kernel's longer way: floors, similarity, masked experts, scores that are no priced logits, weights that are no softmax.

use super::probabilities::{inverse, normalise};
use super::select::{GateSums, share_minus_price};
use super::tile;
use super::top::best_of;
use super::weights::{combine_unordered, gather};
use super::{Affinity, Combine, Rule, Selector};
use crate::gate::GateBatch;
use crate::simd::{LANES, Lanes, one_by_one, splat};
use crate::simd::{log_sigmoid, sigmoid};

impl Selector {
    /// Chooses for up to sixteen tokens from `first` on: fills `index` and the weights in `best`.
    #[inline(always)]
    pub(super) fn general_tile(
        &mut self,
        gate: &GateBatch,
        logits: &[f32],
        rule: Rule<'_>,
        first: usize,
        probabilities: Option<&mut [Lanes]>,
        sums: &mut GateSums,
    ) {
        let experts = gate.experts();
        let lanes = logits.len() / experts;
        let given = match rule {
            Rule::Given { scores } => &scores[first * experts..][..logits.len()],
            _ => logits,
        };
        tile::load(given, experts, &mut self.scores);
        let most = match rule {
            Rule::PricedLogit { price } => tile::subtract_and_max(&mut self.scores, price),
            Rule::Given { .. } => numbers_and_max(&mut self.scores),
            _ => tile::max(&self.scores),
        };
        self.choice.clear();
        self.choice.extend_from_slice(&self.scores);
        let by_sigmoid = self.affinity == Affinity::Sigmoid && matches!(rule, Rule::Affinity { .. } | Rule::Logit);
        let mut exp_sum = splat(1.0);
        if probabilities.is_some() || !by_sigmoid {
            let exp = tile::exponentiate(&mut self.scores, &most);
            sums.add(&exp, &most, lanes);
            exp_sum = exp.exp;
        }
        if let Some(probabilities) = probabilities {
            normalise(&self.scores, &exp_sum, lanes, probabilities);
        }
        // A masked expert stays last, whatever the prices are. Given scores and priced logits are what they are.
        match (rule, self.affinity) {
            (Rule::Probability { price }, _) | (Rule::Affinity { price }, Affinity::Softmax) => {
                // Shares of the token's top-k mass, or of all.
                let whole = if matches!(rule, Rule::Probability { .. }) { gate.top_mass_lanes(first) } else { exp_sum };
                let inverse = inverse(&whole);
                for e in 0..experts {
                    let e = one_by_one(e);
                    self.choice[e] = masked(&self.choice[e], &share_minus_price(&self.scores[e], &inverse, price[e]));
                }
            }
            (Rule::Affinity { price }, Affinity::Sigmoid) => {
                for e in 0..experts {
                    let e = one_by_one(e);
                    self.choice[e] = masked(&self.choice[e], &sigmoid_minus_price(&self.choice[e], price[e]));
                }
            }
            (Rule::Logit | Rule::PricedLogit { .. } | Rule::Given { .. }, _) => {}
        }
        self.keep_close(gate, first, lanes);
        let floor = self.keep_floor(gate, first, lanes);
        best_of(&self.choice, &mut self.best[floor..], &mut self.index[floor..]);
        self.weigh(logits, given, rule, lanes);
    }

    /// Charges every expert for its distance from the nearest expert of the token's own choice.
    #[inline(always)]
    fn keep_close(&mut self, gate: &GateBatch, first: usize, lanes: usize) {
        if self.distance.is_empty() {
            return;
        }
        let (experts, reference) = (gate.experts(), gate.reference());
        let k = reference.top_k();
        for (lane, own) in reference.experts[first * k..][..lanes * k].chunks_exact(k).enumerate() {
            self.charge.clear();
            self.charge.resize(experts, f32::MAX);
            for &own in own {
                for (charge, distance) in self.charge.iter_mut().zip(&self.distance[own as usize * experts..]) {
                    *charge = if *distance < *charge { *distance } else { *charge };
                }
            }
            for (choice, charge) in self.choice.iter_mut().zip(&self.charge) {
                choice[lane] -= charge;
            }
        }
    }

    /// Gives the first places to the floor; returns how many.
    #[inline(always)]
    fn keep_floor(&mut self, gate: &GateBatch, first: usize, lanes: usize) -> usize {
        let reference = gate.reference();
        let k = reference.top_k();
        let floor = self.floor.min(self.best.len()).min(k);
        for place in 0..floor {
            for lane in 0..lanes {
                let kept = reference.experts[(first + lane) * k + place];
                self.index[place][lane] = kept;
                // Lower than any score there is: it has its place.
                self.choice[kept as usize][lane] = f32::NEG_INFINITY;
            }
        }
        floor
    }

    /// Combine weights of the chosen, into `best`.
    #[inline(always)]
    fn weigh(&mut self, logits: &[f32], given: &[f32], rule: Rule<'_>, lanes: usize) {
        let experts = self.scores.len();
        let penalised = self.combine == Combine::Penalised;
        match rule {
            Rule::PricedLogit { price } if penalised => {
                gather(logits, experts, &self.index, lanes, &mut self.best);
                for (row, index) in self.best.iter_mut().zip(&self.index) {
                    for l in 0..lanes {
                        row[l] -= price[index[l] as usize];
                    }
                }
                return combine_unordered(&mut self.best);
            }
            Rule::Given { .. } if penalised => {
                gather(given, experts, &self.index, lanes, &mut self.best);
                each(&mut self.best, number);
                return combine_unordered(&mut self.best);
            }
            _ => gather(logits, experts, &self.index, lanes, &mut self.best),
        }
        match (self.affinity, self.keep_mass) {
            (Affinity::Softmax, false) => combine_unordered(&mut self.best),
            (Affinity::Sigmoid, false) => {
                each(&mut self.best, log_sigmoid);
                combine_unordered(&mut self.best);
            }
            (Affinity::Sigmoid, true) => each(&mut self.best, sigmoid),
            (Affinity::Softmax, true) => {
                tile::load(logits, experts, &mut self.scores);
                let most = tile::max(&self.scores);
                let sum = tile::exponentiate(&mut self.scores, &most).exp;
                for row in &mut self.best {
                    for l in 0..LANES {
                        row[l] = crate::simd::exp_nonpositive(row[l] - most[l]) / sum[l];
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn each(rows: &mut [Lanes], of: impl Fn(f32) -> f32) {
    for row in rows {
        for l in 0..LANES {
            row[l] = of(row[l]);
        }
    }
}

#[inline(always)]
fn masked(z: &Lanes, score: &Lanes) -> Lanes {
    let mut out = splat(0.0);
    for l in 0..LANES {
        out[l] = if z[l] > f32::MIN { score[l] } else { f32::MIN };
    }
    out
}

#[inline(always)]
fn sigmoid_minus_price(z: &Lanes, price: f32) -> Lanes {
    let mut score = splat(0.0);
    for l in 0..LANES {
        score[l] = sigmoid(z[l]) - price;
    }
    score
}

/// Makes every score a number and returns the largest; in one loop for the reason of [`tile::subtract_and_max`].
#[inline(always)]
fn numbers_and_max(scores: &mut [Lanes]) -> Lanes {
    let mut most = splat(f32::MIN);
    for row in scores {
        for l in 0..LANES {
            row[l] = number(row[l]);
            most[l] = if row[l] > most[l] { row[l] } else { most[l] };
        }
    }
    most
}

/// The nearest finite number; the lowest where there is none.
#[inline(always)]
fn number(score: f32) -> f32 {
    let above = if score > f32::MIN { score } else { f32::MIN };
    if above < f32::MAX { above } else { f32::MAX }
}

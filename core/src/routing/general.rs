//! The kernel's longer way: floors, similarity, masked experts, scores that are no priced logits, weights that are no softmax.

use super::select::{GateSums, best_of, normalise, subtract};
use super::tile::{self, LANES, Lanes};
use super::weights::{combine_unordered, gather};
use super::{Affinity, Combine, Rule, Selector};
use crate::gate::GateBatch;
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
        match rule {
            Rule::Given { .. } => self.scores.iter_mut().flatten().for_each(|score| *score = number(*score)),
            Rule::PricedLogit { price } => subtract(&mut self.scores, price),
            _ => {}
        }
        self.choice.clear();
        self.choice.extend_from_slice(&self.scores);
        let most = tile::max(&self.scores);
        let exp = tile::exponentiate(&mut self.scores, &most);
        sums.add(&exp, &most, lanes);
        if let Some(probabilities) = probabilities {
            normalise(&self.scores, &exp.exp, lanes, probabilities);
        }
        match rule {
            Rule::Probability { price } => self.shares(&gate.top_mass_lanes(first), price),
            Rule::Affinity { price } => match self.affinity {
                Affinity::Softmax => self.shares(&exp.exp, price),
                Affinity::Sigmoid => self.sigmoids(price),
            },
            Rule::Logit | Rule::PricedLogit { .. } | Rule::Given { .. } => {}
        }
        self.keep_close(gate, first, lanes);
        self.choose(gate, first, lanes);
        self.weigh(logits, given, rule, lanes);
    }

    /// Scores of [`Rule::Probability`] and [`Rule::Affinity`]: exponentials over `mass`, less the price. A masked expert stays last.
    #[inline(always)]
    fn shares(&mut self, mass: &Lanes, price: &[f32]) {
        for ((choice, exponential), price) in self.choice.iter_mut().zip(&self.scores).zip(price) {
            for l in 0..LANES {
                let score = exponential[l] / mass[l] - price;
                choice[l] = if choice[l] > f32::MIN { score } else { f32::MIN };
            }
        }
    }

    #[inline(always)]
    fn sigmoids(&mut self, price: &[f32]) {
        for (choice, price) in self.choice.iter_mut().zip(price) {
            for z in choice {
                *z = if *z > f32::MIN { sigmoid(*z) - price } else { f32::MIN };
            }
        }
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

    /// The floor by the gate, the other places by score.
    #[inline(always)]
    fn choose(&mut self, gate: &GateBatch, first: usize, lanes: usize) {
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
        best_of(&self.choice, &mut self.best[floor..], &mut self.index[floor..]);
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
                self.best.iter_mut().flatten().for_each(|score| *score = number(*score));
                return combine_unordered(&mut self.best);
            }
            _ => gather(logits, experts, &self.index, lanes, &mut self.best),
        }
        match (self.affinity, self.keep_mass) {
            (Affinity::Softmax, false) => combine_unordered(&mut self.best),
            (Affinity::Sigmoid, false) => {
                self.best.iter_mut().flatten().for_each(|z| *z = log_sigmoid(*z));
                combine_unordered(&mut self.best);
            }
            (Affinity::Sigmoid, true) => self.best.iter_mut().flatten().for_each(|z| *z = sigmoid(*z)),
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

/// The nearest finite number; the lowest where there is none.
#[inline(always)]
fn number(score: f32) -> f32 {
    let above = if score > f32::MIN { score } else { f32::MIN };
    if above < f32::MAX { above } else { f32::MAX }
}

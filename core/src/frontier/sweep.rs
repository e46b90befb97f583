//! One batch: for every token, all exchanges of an expert for a cheaper one that pay at some price.

use super::Frontier;
use crate::gate::GateBatch;
use crate::simd;

/// Adds batches to a [`Frontier`]; owns its scratch rows, so that adding does not allocate after the first batch.
///
/// Per token, the k experts of largest s - mu c are followed from mu = 0 upwards. They change where the lines of a chosen and of
/// a cheaper, unchosen expert cross, at mu = (s_i - s_j) / (c_i - c_j): each change saves c_i - c_j and gives up s_i - s_j.
/// An expert with k others that cost no more and have no less mass never takes part. Where costs have two classes, the
/// changes are pairs of two sorted rows and need no search.
#[derive(Clone, Debug, Default)]
pub struct Sweep {
    /// Costs of the last batch (J) and the experts in order of rising cost.
    costs: Vec<f64>,
    order: Vec<u32>,
    /// e^(z - largest) of the token in hand, per expert.
    exp: Vec<f32>,
    /// How many tokens each expert serves at a vanishing price.
    counts: Vec<u64>,
    cheap: Best,
    dear: Best,
    chosen: Vec<Line>,
    others: Others,
    /// Where each chosen expert's next exchange is.
    next: Vec<Exchange>,
}

/// Score of an expert over the price: the line `exp - price cost`.
#[derive(Clone, Copy, Debug)]
struct Line {
    exp: f64,
    cost: f64,
    expert: u32,
}

/// The first exchange of a chosen expert: at which price, and for which of the others.
#[derive(Clone, Copy, Debug)]
struct Exchange {
    price: f64,
    other: usize,
}

impl Sweep {
    /// Adds the tokens of a batch on which an assignment at expert e costs `costs[e]` (J).
    ///
    /// Fixed order of sums: tokens in their order, and per token exchanges by rising price.
    pub fn add(&mut self, gate: &GateBatch, costs: &[f64], out: &mut Frontier) {
        let (experts, k) = (gate.experts(), gate.reference().top_k());
        if costs.len() != experts {
            return;
        }
        self.sort(costs);
        self.exp.resize(experts, 0.0);
        self.counts.clear();
        self.counts.resize(experts, 0);
        let class_ends = self.two_classes();
        let mut lost = 0.0;
        simd::dispatch(
            #[inline(always)]
            || {
                for (token, logits) in gate.logits().chunks_exact(experts).enumerate() {
                    let (most, mass) = gate.scale_of(token);
                    for (exp, z) in self.exp.iter_mut().zip(logits) {
                        *exp = simd::exp_nonpositive(z - most);
                    }
                    // A row without a mass gives nothing up, wherever it goes.
                    if mass > 0.0 {
                        lost += match class_ends {
                            Some(first_dear) => self.pairs(first_dear, k, mass, out),
                            None => self.lines(k, mass, out),
                        };
                    }
                }
            },
        );
        out.tokens += gate.tokens() as u64;
        out.batches += 1;
        out.experts = out.experts.max(experts as u32);
        out.lost += lost;
        out.joules += self.counts.iter().zip(costs).map(|(n, cost)| *n as f64 * cost).sum::<f64>();
    }

    fn sort(&mut self, costs: &[f64]) {
        if self.costs == costs {
            return;
        }
        self.costs.clear();
        self.costs.extend_from_slice(costs);
        self.order.clear();
        self.order.extend(0..costs.len() as u32);
        self.order.sort_by(|a, b| costs[*a as usize].total_cmp(&costs[*b as usize]).then(a.cmp(b)));
    }

    fn cost(&self, place: usize) -> f64 {
        self.costs[self.order[place] as usize]
    }

    /// Where the second class begins in the order of costs, if there are one or two classes.
    fn two_classes(&self) -> Option<usize> {
        let (least, most) = (self.cost(0), self.cost(self.order.len() - 1));
        let first_dear = self.order.iter().position(|e| self.costs[*e as usize] > least).unwrap_or(self.order.len());
        (first_dear == self.order.len() || self.cost(first_dear) == most).then_some(first_dear)
    }

    /// A token where costs have at most two classes. Returns what is given up at a vanishing price.
    #[inline(always)]
    fn pairs(&mut self, first_dear: usize, k: usize, mass: f64, out: &mut Frontier) -> f64 {
        let (cheap, dear) = self.order.split_at(first_dear);
        self.cheap.of(cheap, &self.exp, k);
        self.dear.of(dear, &self.exp, k);
        let (mut c, mut d, mut kept) = (0, 0, 0.0);
        while c + d < k {
            let (left, right) = (self.cheap.value(c), self.dear.value(d));
            // Of equal masses the cheaper, and never one that does not exist.
            if right > left {
                kept += f64::from(right);
                self.counts[self.dear.experts[d] as usize] += 1;
                d += 1;
            } else {
                kept += f64::from(left);
                self.counts[self.cheap.experts[c] as usize] += 1;
                c += 1;
            }
        }
        let lost = (mass - kept) / mass;
        if d == 0 {
            return lost;
        }
        let saved = self.cost(first_dear) - self.cost(0);
        while d > 0 && c < self.cheap.exp.len() {
            d -= 1;
            let less = (f64::from(self.dear.exp[d]) - f64::from(self.cheap.exp[c])) / mass;
            out.exchange(less / saved, saved, less);
            c += 1;
        }
        lost
    }

    /// A token where every expert may have its own cost. Returns what is given up at a vanishing price.
    #[inline(always)]
    fn lines(&mut self, k: usize, mass: f64, out: &mut Frontier) -> f64 {
        self.choose(k);
        let kept: f64 = self.chosen.iter().map(|line| line.exp).sum();
        self.next.clear();
        for line in &self.chosen {
            self.counts[line.expert as usize] += 1;
            self.next.push(self.others.first_exchange(line));
        }
        let soonest = |next: &[Exchange]| {
            (1..next.len()).fold(0, |best, at| if next[at].price < next[best].price { at } else { best })
        };
        loop {
            let at = soonest(&self.next);
            let Exchange { price, other } = self.next[at];
            if price == f64::INFINITY {
                return (mass - kept) / mass;
            }
            let old = self.chosen[at];
            let new = self.others.replace(other, old);
            out.exchange(price / mass, old.cost - new.cost, (old.exp - new.exp) / mass);
            self.chosen[at] = new;
            // Whom the old one could replace first, the new one, which is above it from here on, replaces sooner: so only
            // those that waited for the new one have to look again.
            for (member, line) in self.chosen.iter().enumerate() {
                let next = &mut self.next[member];
                if member == at || next.other == other {
                    *next = self.others.first_exchange(line);
                }
            }
        }
    }

    /// The k largest masses, of equal ones the cheaper, by falling mass; and the others that can ever be chosen.
    #[inline(always)]
    fn choose(&mut self, k: usize) {
        self.chosen.clear();
        self.others.clear();
        let mut threshold = -1.0;
        for &expert in &self.order {
            let exp = self.exp[expert as usize];
            if exp <= threshold && self.chosen.len() == k {
                continue;
            }
            if self.chosen.len() == k {
                self.chosen.pop().into_iter().for_each(|line| self.others.push(line));
            }
            let line = Line { exp: f64::from(exp), cost: self.costs[expert as usize], expert };
            let place = self.chosen.partition_point(|other| other.exp >= line.exp);
            self.chosen.insert(place, line);
            if let Some(last) = self.chosen.last() {
                threshold = last.exp as f32;
            }
        }
    }
}

/// The price (times the token's mass) from which on another expert is the better of the two.
#[inline(always)]
fn crossing(chosen: &Line, exp: f64, cost: f64) -> f64 {
    (chosen.exp - exp) / (chosen.cost - cost)
}

/// Experts that are not chosen and may be: groups of `GROUP` side by side, filled up with experts that cost without bound.
#[derive(Clone, Debug, Default)]
struct Others {
    groups: Vec<Group>,
    length: usize,
    /// Scratch: the price of every exchange for one chosen expert.
    prices: Vec<[f64; GROUP]>,
}

const GROUP: usize = 8;

#[derive(Clone, Copy, Debug)]
struct Group {
    exp: [f64; GROUP],
    cost: [f64; GROUP],
    expert: [u32; GROUP],
}

const EMPTY: Group = Group { exp: [0.0; GROUP], cost: [f64::INFINITY; GROUP], expert: [u32::MAX; GROUP] };

impl Others {
    fn clear(&mut self) {
        self.groups.clear();
        self.length = 0;
    }

    #[inline(always)]
    fn push(&mut self, line: Line) {
        if self.length.is_multiple_of(GROUP) {
            self.groups.push(EMPTY);
        }
        self.length += 1;
        self.replace(self.length - 1, line);
    }

    /// Puts a line in the place of another and returns that one.
    #[inline(always)]
    fn replace(&mut self, at: usize, line: Line) -> Line {
        let (group, l) = (&mut self.groups[at / GROUP], at % GROUP);
        let old = Line { exp: group.exp[l], cost: group.cost[l], expert: group.expert[l] };
        (group.exp[l], group.cost[l], group.expert[l]) = (line.exp, line.cost, line.expert);
        old
    }

    /// The first exchange of a chosen expert that pays; at an infinite price where none ever does.
    #[inline(always)]
    fn first_exchange(&mut self, chosen: &Line) -> Exchange {
        self.prices.resize(self.groups.len(), [0.0; GROUP]);
        let mut least = [f64::INFINITY; GROUP];
        // One step at a time: that is what the compiler widens.
        for (group, prices) in self.groups.iter().zip(&mut self.prices) {
            let mut price: [f64; GROUP] = std::array::from_fn(|l| crossing(chosen, group.exp[l], group.cost[l]));
            let pays: [u64; GROUP] = std::array::from_fn(|l| if group.cost[l] < chosen.cost { u64::MAX } else { 0 });
            for l in 0..GROUP {
                price[l] = f64::from_bits((price[l].to_bits() & pays[l]) | (f64::INFINITY.to_bits() & !pays[l]));
            }
            for l in 0..GROUP {
                least[l] = if price[l] < least[l] { price[l] } else { least[l] };
            }
            *prices = price;
        }
        let price = least.into_iter().fold(f64::INFINITY, |a, b| if b < a { b } else { a });
        let other = self.prices.as_flattened().iter().position(|p| *p == price).unwrap_or(usize::MAX);
        Exchange { price, other }
    }
}

/// The largest values of a class, by falling value.
#[derive(Clone, Debug, Default)]
struct Best {
    exp: Vec<f32>,
    experts: Vec<u32>,
}

impl Best {
    /// Keeps the `k` largest of the class, or all of it.
    #[inline(always)]
    fn of(&mut self, class: &[u32], exp: &[f32], k: usize) {
        let length = k.min(class.len());
        self.exp.clear();
        self.exp.resize(length, -1.0);
        self.experts.resize(length, 0);
        for &expert in class {
            let value = exp[expert as usize];
            if value <= self.exp[length - 1] {
                continue;
            }
            let mut place = length - 1;
            while place > 0 && self.exp[place - 1] < value {
                self.exp[place] = self.exp[place - 1];
                self.experts[place] = self.experts[place - 1];
                place -= 1;
            }
            self.exp[place] = value;
            self.experts[place] = expert;
        }
    }

    /// The value at a place; less than any where there is none.
    #[inline(always)]
    fn value(&self, place: usize) -> f32 {
        self.exp.get(place).copied().unwrap_or(-1.0)
    }
}

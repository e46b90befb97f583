//! A balanced tree over experts that splits tokens by how many of their choices fall into each half.
//!
//! Tokens choose a subset of k experts with probability proportional to the product of the chosen experts' weights (conditional Poisson
//! sampling: the law of largest entropy with given inclusion probabilities; Chen, Dempster and Liu, Biometrika 81, 1994). Given that j
//! choices of a token fall into a node, the number that fall into its left half is i with probability L_i R_(j-i) / N_j, where N, L and R are
//! the elementary symmetric polynomials of the weights in node, left and right half, N_j = sum_i L_i R_(j-i). Tokens with the same j are alike,
//! so they are split together, by binomials; what reaches the leaves are exact counts, whatever the number of tokens.

use super::binomial::{Bits, Chance};
use crate::simd;

/// A tree over `experts` experts of which every token takes `top_k`.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    experts: usize,
    top_k: usize,
    /// In pre-order: a node before what is in it.
    nodes: Vec<Node>,
    /// For every inner node, class and split but the last: the probability of that split among those not before it.
    splits: Vec<Chance>,
    /// Classes that are split, in the order of `splits`.
    split_classes: Vec<SplitClass>,
    /// Where the class of one choice of every leaf is, and which expert the leaf is.
    leaves: Vec<(u32, u32)>,
    /// Scratch: tokens of every class of every node.
    classes: Vec<u32>,
    /// Scratch: normalised polynomials, laid out as `classes`.
    polynomials: Vec<f64>,
    /// Scratch: probability of every class, laid out as `classes`.
    shares: Vec<f64>,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    /// First expert and number of experts.
    first: usize,
    size: usize,
    /// Most choices that can fall into it.
    most: usize,
    /// Where its classes 0 to `most` are.
    classes: usize,
    /// Its halves; none at a leaf.
    halves: Option<(usize, usize)>,
}

/// A class of an inner node: where it is, and where what it is split into.
#[derive(Clone, Copy, Debug)]
struct SplitClass {
    class: u32,
    /// The class of the left half with the fewest choices, and of the right half with the most; the next ones are beside them.
    left: u32,
    right: u32,
    /// Splits but the last.
    splits: u32,
}

impl Tree {
    /// A tree for these weights, one per expert, each finite and above 0; `top_k` is at most their number.
    pub(super) fn build(&mut self, weights: &[f64], top_k: usize) {
        if (self.experts, self.top_k) != (weights.len(), top_k) {
            (self.experts, self.top_k) = (weights.len(), top_k);
            self.nodes.clear();
            self.grow(0, weights.len());
            self.list_classes();
            let classes = self.nodes.last().map_or(0, |last| last.classes + last.most + 1);
            self.classes.resize(classes, 0);
            self.polynomials.resize(classes, 0.0);
            self.shares.resize(classes, 0.0);
        }
        self.weigh(weights);
    }

    /// Adds the node of `size` experts from `first` on, and what is in it; returns its place.
    fn grow(&mut self, first: usize, size: usize) -> usize {
        let place = self.nodes.len();
        let classes = self.nodes.last().map_or(0, |last| last.classes + last.most + 1);
        self.nodes.push(Node { first, size, most: size.min(self.top_k), classes, halves: None });
        if size > 1 {
            let half = size / 2;
            let left = self.grow(first, half);
            let right = self.grow(first + half, size - half);
            self.nodes[place].halves = Some((left, right));
        }
        place
    }

    /// Writes down what a draw goes through.
    fn list_classes(&mut self) {
        self.split_classes.clear();
        self.leaves.clear();
        for node in &self.nodes {
            let Some((left, right)) = node.halves else {
                if node.most > 0 {
                    self.leaves.push((node.classes as u32 + 1, node.first as u32));
                }
                continue;
            };
            let (left, right) = (self.nodes[left], self.nodes[right]);
            for j in 1..=node.most {
                let (least, most) = range(j, &left, &right);
                self.split_classes.push(SplitClass {
                    class: (node.classes + j) as u32,
                    left: (left.classes + least) as u32,
                    right: (right.classes + j - least) as u32,
                    splits: (most - least) as u32,
                });
            }
        }
    }

    /// Polynomials from the leaves up, each scaled to a largest coefficient of 1, and the probabilities of all splits.
    fn weigh(&mut self, weights: &[f64]) {
        let Self { nodes, polynomials, .. } = self;
        for node in nodes.iter().rev() {
            let Some((left, right)) = node.halves else {
                let (one, weight) = (1.0_f64.min(1.0 / weights[node.first]), 1.0_f64.min(weights[node.first]));
                polynomials[node.classes] = one;
                if node.most > 0 {
                    polynomials[node.classes + 1] = weight;
                }
                continue;
            };
            let (left, right) = (nodes[left], nodes[right]);
            let (before, after) = polynomials.split_at_mut(left.classes);
            let product = &mut before[node.classes..][..=node.most];
            product.fill(0.0);
            let ahead = right.classes - left.classes;
            for i in 0..=left.most {
                for j in 0..=right.most.min(node.most - i) {
                    product[i + j] += after[i] * after[ahead + j];
                }
            }
            let most = product.iter().copied().fold(0.0, f64::max);
            product.iter_mut().for_each(|x| *x /= most);
        }
        self.splits.clear();
        for node in nodes.iter() {
            let Some((left, right)) = node.halves else { continue };
            let (left, right) = (nodes[left], nodes[right]);
            for j in 1..=node.most {
                let from = self.splits.len();
                let (least, most) = range(j, &left, &right);
                let mut rest = 0.0;
                for i in (least..=most).rev() {
                    let mass = polynomials[left.classes + i] * polynomials[right.classes + j - i];
                    rest += mass;
                    if i < most {
                        self.splits.push(Chance::new(if rest > 0.0 { mass / rest } else { 0.0 }));
                    }
                }
                self.splits[from..].reverse();
            }
        }
    }

    /// Inclusion probabilities of the experts at these weights: what a draw gives on average.
    pub(super) fn inclusion(&mut self, out: &mut [f64]) {
        let Self { nodes, splits, shares, .. } = self;
        shares.fill(0.0);
        if let Some(root) = nodes.first() {
            shares[root.classes + root.most] = 1.0;
        }
        let mut at = 0;
        for node in nodes.iter() {
            let Some((left, right)) = node.halves else {
                out[node.first] = if node.most > 0 { shares[node.classes + 1] } else { 0.0 };
                continue;
            };
            let (left, right) = (nodes[left], nodes[right]);
            shares[left.classes] += shares[node.classes];
            shares[right.classes] += shares[node.classes];
            for j in 1..=node.most {
                let mut rest = shares[node.classes + j];
                let (least, most) = range(j, &left, &right);
                for i in least..=most {
                    let part = if i < most { rest * splits[at + i - least].p() } else { rest };
                    shares[left.classes + i] += part;
                    shares[right.classes + j - i] += part;
                    rest -= part;
                }
                at += most - least;
            }
        }
    }

    /// Tells `out`, for every expert, how many of `tokens` tokens choose it.
    pub(super) fn draw(&mut self, tokens: u32, bits: &mut Bits<'_>, mut out: impl FnMut(usize, u32)) {
        self.classes.fill(0);
        if let Some(root) = self.nodes.first() {
            self.classes[root.classes + root.most] = tokens;
        }
        let Self { split_classes, leaves, splits, classes, .. } = self;
        simd::dispatch(
            #[inline(always)]
            || {
                let mut rest_of_splits = &splits[..];
                for split in split_classes.iter() {
                    let (own, others) = rest_of_splits.split_at(split.splits as usize);
                    rest_of_splits = others;
                    let mut rest = classes[split.class as usize];
                    if rest == 0 {
                        continue;
                    }
                    let (left, right) = (split.left as usize, split.right as usize);
                    let mut i = 0;
                    while i < own.len() && rest > 0 {
                        let part = bits.binomial(rest, own[i]);
                        classes[left + i] += part;
                        classes[right - i] += part;
                        rest -= part;
                        i += 1;
                    }
                    classes[left + i] += rest;
                    classes[right - i] += rest;
                }
            },
        );
        for (class, expert) in leaves.iter() {
            out(*expert as usize, classes[*class as usize]);
        }
    }
}

/// Fewest and most of `j` choices that can fall into the left half.
#[inline(always)]
fn range(j: usize, left: &Node, right: &Node) -> (usize, usize) {
    (j.saturating_sub(right.size), j.min(left.size))
}

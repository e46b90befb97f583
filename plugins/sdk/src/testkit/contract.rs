//! The contract of a router, asked of an author's type.

use std::fmt::Debug;

use isotherm_core::gate::GateBatch;
use isotherm_core::id::BatchId;
use isotherm_core::router::{Feedback, RouterError};
use isotherm_core::routing::{DROPPED, Routing};
use isotherm_core::time::SimTime;

use super::{Cluster, Instance, gate};
use crate::author::Router;

/// Tokens, experts and top k of the layers a router is tried on: usual ones, the smallest, one where all experts are taken.
const SHAPES: [(usize, usize, usize); 5] = [(96, 8, 2), (33, 16, 4), (17, 5, 5), (1, 1, 1), (40, 64, 8)];
const SEED: u64 = 11;

/// Asks a router what every router promises:
///
/// - options survive being written and read;
/// - each token goes to k different experts, with finite weights that sum to 1, also when there are no tokens or no GPU has been read;
/// - the same inputs give the same routing, whatever other instances do;
/// - an instance that continues from a saved state does what the saved one would have done, and what is no state is refused or does no harm.
///
/// Layers that [`Router::start`] refuses are passed over, as long as some layer fits.
///
/// # Panics
/// With what was promised and what happened.
#[track_caller]
pub fn check_router<R: Router>(router: &R) {
    check_options(router);
    let mut refused = Vec::new();
    for (tokens, experts, top_k) in SHAPES {
        let trial = Trial { router, tokens, experts, top_k };
        match Instance::new(router, &trial.cluster(0).context(top_k, SEED)) {
            Err(error) => refused.push(format!("{experts} experts, top {top_k}: {error}")),
            Ok(_) => trial.check(),
        }
    }
    assert!(refused.len() < SHAPES.len(), "`start` refuses every layer that was tried: {}", refused.join("; "));
}

/// Asks a router that decides on each token by itself whether it does: tokens in another order get the same experts and weights.
///
/// # Panics
/// With the token whose routing depends on its place.
#[track_caller]
pub fn check_order_of_tokens<R: Router>(router: &R) {
    let (tokens, experts, top_k) = SHAPES[0];
    let trial = Trial { router, tokens, experts, top_k };
    let batch = gate(tokens, experts, top_k, SEED);
    let reversed: Vec<f32> = batch.logits().chunks_exact(experts).rev().flatten().copied().collect();
    let one = trial.routed(&mut trial.instance(), &batch, 0);
    let other = trial.routed(&mut trial.instance(), &GateBatch::from_logits(experts, top_k, reversed), 0);
    for token in 0..tokens {
        let row = |routing: &Routing<'_>, at: usize| {
            let slots = at * top_k..(at + 1) * top_k;
            (routing.experts[slots.clone()].to_vec(), routing.weights[slots].to_vec())
        };
        let (found, expected) = (row(&other, tokens - 1 - token), row(&one, token));
        assert_eq!(found, expected, "the routing of token {token} changes when the tokens come in reverse");
    }
}

#[track_caller]
fn check_options<R: Router>(router: &R) {
    let text = |router: &R| match serde_json::to_string(router) {
        Ok(text) => text,
        Err(error) => panic!("the options cannot be written as JSON: {error}"),
    };
    let written = text(router);
    match serde_json::from_str::<R>(&written) {
        Ok(read) => assert_eq!(text(&read), written, "options change when they are written and read"),
        Err(error) => panic!("the options cannot be read as they were written, {written}: {error}"),
    }
}

/// A router on a layer.
struct Trial<'a, R> {
    router: &'a R,
    tokens: usize,
    experts: usize,
    top_k: usize,
}

impl<R: Router> Trial<'_, R> {
    #[track_caller]
    fn check(&self) {
        let alone = self.run(&mut self.instance(), 0..4);
        assert_same("two instances with the same inputs differ", self, &self.run(&mut self.instance(), 0..4), &alone);

        let (mut one, mut other) = (self.instance(), self.instance());
        let beside: Vec<_> = (0..4)
            .flat_map(|batch| {
                let routed = self.run(&mut one, batch..batch + 1);
                self.run(&mut other, batch + 7..batch + 8);
                routed
            })
            .collect();
        assert_same("another instance changes what this one answers", self, &beside, &alone);

        let mut saved = self.instance();
        self.run(&mut saved, 0..2);
        let mut continued = self.instance();
        self.run(&mut continued, 5..6);
        self.must("load what `save` gave", continued.load(&saved.save()));
        assert_same("a loaded state continues otherwise", self, &self.run(&mut continued, 2..4), &alone[2..]);
        // Whether it is refused is the router's business; a panic would fail the test.
        let _ = continued.load(&[0xA5; 37]);

        let empty = self.routed(&mut self.instance(), &gate(0, self.experts, self.top_k, SEED), 0);
        assert_eq!(empty.experts.len(), 0, "{}: a batch without tokens has been routed", self.name());
        let unread = Cluster::new(self.experts, 1).with_true_costs(&vec![1.0; self.experts]);
        let batch = gate(self.tokens, self.experts, self.top_k, SEED);
        self.must("route while no GPU has been read", self.instance().route(&batch, &unread.view()).map(|_| ()));
    }

    fn name(&self) -> String {
        format!("{:?} on {} tokens, {} experts, top {}", self.router, self.tokens, self.experts, self.top_k)
    }

    #[track_caller]
    fn must<T>(&self, what: &str, result: Result<T, RouterError>) -> T {
        match result {
            Ok(value) => value,
            Err(error) => panic!("{}: cannot {what}: {error}", self.name()),
        }
    }

    #[track_caller]
    fn instance(&self) -> Instance<R> {
        self.must("start", Instance::new(self.router, &self.cluster(0).context(self.top_k, SEED)))
    }

    /// GPUs that differ and change from batch to batch.
    fn cluster(&self, batch: u32) -> Cluster {
        let gpus = self.experts.min(4);
        let costs: Vec<f64> = (0..self.experts).map(|e| 0.5 + (e % 4) as f64).collect();
        let degc: Vec<f64> = (0..gpus).map(|g| 45.0 + 7.0 * g as f64 + f64::from(batch)).collect();
        let watts: Vec<f64> = (0..gpus).map(|g| 300.0 + 50.0 * g as f64).collect();
        let now = SimTime::from_nanos(u64::from(batch) * 1_000_000);
        Cluster::new(self.experts, gpus)
            .with_declared_costs(&costs)
            .with_true_costs(&costs)
            .with_temperatures(&degc)
            .with_powers(&watts)
            .at(now, BatchId(batch))
    }

    #[track_caller]
    fn run(&self, instance: &mut Instance<R>, batches: std::ops::Range<u32>) -> Vec<Routing<'static>> {
        batches
            .map(|batch| {
                let gate = gate(self.tokens, self.experts, self.top_k, SEED + u64::from(batch));
                let routing = self.routed(instance, &gate, batch);
                let joules: Vec<f64> =
                    routing.counts.iter().enumerate().map(|(e, n)| (0.5 + (e % 4) as f64) * f64::from(*n)).collect();
                let seconds: Vec<f64> = routing.counts.iter().map(|n| 1e-6 * f64::from(*n)).collect();
                let now = SimTime::from_nanos(u64::from(batch) * 1_000_000 + 500_000);
                let feedback = Feedback::new(now, BatchId(batch), &routing.counts, &joules, &seconds);
                self.must("take feedback", instance.feedback(&feedback));
                routing
            })
            .collect()
    }

    /// One batch, held against what a routing is.
    #[track_caller]
    fn routed(&self, instance: &mut Instance<R>, gate: &GateBatch<'_>, batch: u32) -> Routing<'static> {
        let cluster = self.cluster(batch);
        let routing = self.must("route", instance.route(gate, &cluster.view()));
        assert_eq!(routing.tokens(), gate.tokens(), "{}: not one row for each token", self.name());
        if let Err(fault) = routing.check() {
            panic!("{}: {fault}", self.name());
        }
        let rows = routing.experts.chunks_exact(self.top_k).zip(routing.weights.chunks_exact(self.top_k));
        for (token, (experts, weights)) in rows.enumerate() {
            let kept: Vec<f32> =
                weights.iter().zip(experts).filter(|(_, e)| **e != DROPPED).map(|(weight, _)| *weight).collect();
            let sum: f32 = kept.iter().sum();
            let sums = kept.is_empty() || (sum - 1.0).abs() < 1e-3;
            assert!(sums, "{}: the weights of token {token} sum to {sum}, expected 1", self.name());
        }
        routing
    }
}

#[track_caller]
fn assert_same<R: Router, T: PartialEq + Debug>(what: &str, trial: &Trial<'_, R>, found: &[T], expected: &[T]) {
    if let Some(batch) = found.iter().zip(expected).position(|(found, expected)| found != expected) {
        panic!("{}: {what}, first in batch {batch} of these", trial.name());
    }
}

//! The gate and what follows it, on one thread: product, decision, learning step, and the same without tokens.
//!
//! A batch of 2,048 tokens with hidden states of 512 that lie ready. The counterparts are `torch_gate.py` and `numpy_gate.py`.
//! `gate [--experts E --top-k K]`

use std::hint::black_box;
use std::sync::Arc;

use candle_core::{Device, Tensor};
use isotherm_compare::peak::multiply_adds;
use isotherm_compare::{option, record, seconds_each};
use isotherm_core::gate::GateBatch;
use isotherm_core::id::BatchId;
use isotherm_core::placement::Placement;
use isotherm_core::population::{GateSample, Population};
use isotherm_core::rng::{Domain, Stream, fill_standard_normal};
use isotherm_core::router::{ClusterView, Feedback, Router, RouterContext, RouterSpec};
use isotherm_core::routing::{Combine, Routing, RoutingOptions, Rule, Selector};
use isotherm_core::tier::{Tier, TierSpec};
use isotherm_core::time::SimTime;
// Routers are found by name, which a crate that nothing names does not offer.
use isotherm_routers as _;
use isotherm_workloads::GateProduct;

const TOKENS: usize = 2048;
const D_MODEL: usize = 512;
/// Of each measurement [s].
const AT_LEAST: f64 = 0.08;
/// Routers that share a batch, each with prices of its own.
const ROUTERS: usize = 8;

fn normal(block: u64, rows: usize, columns: usize, factor: f32) -> Vec<f32> {
    let mut values = vec![0.0; rows * columns];
    fill_standard_normal([7, 11], block, &mut values);
    values.iter_mut().for_each(|value| *value *= factor);
    values
}

/// A layer with its gate and one batch.
struct Layer {
    experts: usize,
    top_k: usize,
    hidden: Vec<f32>,
    /// W^T, `d_model x experts`.
    gate: Vec<f32>,
    costs: Vec<f64>,
    batch: GateBatch<'static>,
    routing: Routing<'static>,
}

impl Layer {
    fn new(experts: usize, top_k: usize) -> Self {
        let hidden = normal(0, TOKENS, D_MODEL, 1.0);
        let gate = normal(1000, D_MODEL, experts, 1.0 / (D_MODEL as f32).sqrt());
        let logits = GateProduct::new(experts, &gate).logits(&hidden);
        let costs = (0..experts).map(|e| if e < experts - experts / 4 { 0.5 } else { 2.0 }).collect();
        let batch = GateBatch::from_logits(experts, top_k, logits);
        Self { experts, top_k, hidden, gate, costs, batch, routing: Routing::new(experts, top_k) }
    }

    fn router(&self, text: &str) -> Box<dyn Router> {
        let spec: Box<dyn RouterSpec> = toml::from_str(text).expect("the options fit");
        let placement = Placement::contiguous(self.experts, 8);
        let options = RoutingOptions::default();
        let context = RouterContext::new(self.experts, self.top_k, &self.costs, 1)
            .with_options(&options)
            .with_hardware(&placement, None);
        spec.build(&context).expect("the options fit")
    }

    /// One decision of a router and what it is told of its cost.
    fn step(&mut self, router: &mut dyn Router) {
        let view = ClusterView::empty().with_declared_costs(&self.costs);
        router.route(black_box(&self.batch), &view, &mut self.routing).expect("no router fails here");
        let joules: Vec<f64> =
            self.routing.counts.iter().zip(&self.costs).map(|(n, cost)| f64::from(*n) * cost).collect();
        let feedback = Feedback::new(SimTime::ZERO, BatchId(0), &self.routing.counts, &joules, &joules);
        router.feedback(&feedback).expect("no router fails here");
    }
}

/// What part of the processor's multiply-adds a product does: both in turn some twenty times, and the median, so that what a neighbour takes from
/// either for a moment does not count.
fn share_of_peak(layer: &Layer, gate: &GateProduct, logits: &mut [f32]) -> f64 {
    const TURNS: usize = 21;
    let operations = 2.0 * (TOKENS * D_MODEL * layer.experts) as f64;
    let mut shares: Vec<f64> = (0..TURNS)
        .map(|_| {
            let product = seconds_each(AT_LEAST / 8.0, || gate.multiply(black_box(&layer.hidden), logits)) / operations;
            let mut done = 0.0;
            let peak = seconds_each(AT_LEAST / 8.0, || done = black_box(multiply_adds())) / done;
            peak / product
        })
        .collect();
    shares.sort_by(f64::total_cmp);
    shares[TURNS / 2]
}

/// The products: ours, and candle's on the same matrices.
fn products(layer: &Layer, case: &str) -> f64 {
    let gate = GateProduct::new(layer.experts, &layer.gate);
    let mut logits = vec![0.0; TOKENS * layer.experts];
    let ours = seconds_each(AT_LEAST, || gate.multiply(black_box(&layer.hidden), &mut logits));
    record("product share", case, "isotherm", share_of_peak(layer, &gate, &mut logits), "of the peak");
    let giga = 2e-9 * (TOKENS * D_MODEL * layer.experts) as f64;
    record("product", case, "isotherm", giga / ours, "GFLOP/s");
    gemm::set_threading_threshold(usize::MAX);
    let tensor = |values: &[f32], rows, columns| Tensor::from_slice(values, (rows, columns), &Device::Cpu);
    let hidden = tensor(&layer.hidden, TOKENS, D_MODEL).expect("the shape fits");
    let weights = tensor(&layer.gate, D_MODEL, layer.experts).expect("the shape fits");
    let candle = seconds_each(AT_LEAST, || drop(black_box(hidden.matmul(&weights).expect("the shapes fit"))));
    record("product", case, "candle 0.11", giga / candle, "GFLOP/s");
    ours
}

/// What comes after the product: price, softmax, top k, weights, counts; and a learning step.
fn decisions(layer: &mut Layer, case: &str, product: f64) {
    let price: Vec<f32> = layer.costs.iter().map(|cost| 0.1 * *cost as f32).collect();
    let mut selector = Selector::new(&RoutingOptions { combine: Combine::Penalised, ..RoutingOptions::default() });
    let Layer { batch, routing, .. } = layer;
    let rule = Rule::PricedLogit { price: &price };
    let select = seconds_each(AT_LEAST, || selector.select(black_box(batch), rule, None, routing));
    record("select", case, "isotherm", select * 1e6, "us");
    record("select share", case, "isotherm", select / product, "of the product");
    record("routing", case, "isotherm", TOKENS as f64 * 1e-6 / (product + select), "M tokens/s");
    let mut ttt = layer.router("kind = \"ttt\"\nlambda = 0.1");
    let learn = seconds_each(AT_LEAST, || layer.step(ttt.as_mut()));
    record("ttt", case, "isotherm", (product + learn) * 1e6, "us");
    record("ttt floor", case, "isotherm", product / (product + learn), "of the step");
}

/// Eight routers on one batch against eight runs that each compute it.
fn shared(layer: &mut Layer, case: &str, product: f64) {
    let kinds = (0..ROUTERS).map(|n| format!("kind = \"energy-penalty\"\nlambda = 0.{}", n + 1));
    let mut routers: Vec<_> = kinds.map(|text| layer.router(&text)).collect();
    let logits = layer.batch.logits().to_vec();
    let (experts, top_k) = (layer.experts, layer.top_k);
    let copied = seconds_each(AT_LEAST, || drop(black_box(logits.clone())));
    let with_copy = seconds_each(AT_LEAST, || {
        black_box(GateBatch::from_logits(experts, top_k, logits.clone()));
    });
    let reference = (with_copy - copied).max(0.0);
    let routes = seconds_each(AT_LEAST, || routers.iter_mut().for_each(|router| layer.step(router.as_mut())));
    let together = product + reference + routes;
    let apart = ROUTERS as f64 * (product + reference) + routes;
    record("eight routers", case, "isotherm", together / apart, "of eight runs");
}

/// A batch from its name to what it is compared by, as tokens and without: hidden states are drawn, multiplied, routed and compared; or counts are
/// drawn.
fn tiers(layer: &mut Layer, case: &str) {
    let mut penalty = layer.router("kind = \"energy-penalty\"\nlambda = 0.5");
    let gate = GateProduct::new(layer.experts, &layer.gate);
    let (mut hidden, mut block) = (vec![0.0; TOKENS * D_MODEL], 0);
    let token = seconds_each(AT_LEAST, || {
        block += 1;
        fill_standard_normal([7, 12], block, &mut hidden);
        layer.batch = GateBatch::from_logits(layer.experts, layer.top_k, gate.logits(&hidden));
        layer.step(penalty.as_mut());
        black_box(layer.batch.fidelity(&layer.routing));
    });
    record("tiers", case, "token", token * 1e6, "us");
    for (kind, name) in [(Tier::Counts, "counts"), (Tier::MeanField, "mean-field")] {
        let sample = GateBatch::from_logits(layer.experts, layer.top_k, layer.batch.logits().to_vec());
        let mut population = Population::new(Arc::new(GateSample::new(sample, None)), &TierSpec::new(kind));
        let mut penalty = layer.router("kind = \"energy-penalty\"\nlambda = 0.5");
        let (mut counts, mut number) = (vec![0; layer.experts], 0);
        let view = ClusterView::empty().with_declared_costs(&layer.costs);
        let draw = seconds_each(AT_LEAST, || {
            population.apply(penalty.as_mut(), black_box(&view), &mut layer.routing).expect("a rule");
            number += 1;
            population.draw(TOKENS as u32, &mut Stream::open(1, Domain::Workload, number, "counts"), &mut counts);
            black_box(&counts);
        });
        record("tiers", case, name, draw * 1e6, "us");
    }
}

fn main() {
    let only: usize = option("--experts", 0);
    for (experts, top_k) in [(8, 2), (16, 2), (32, 4), (64, 8), (128, 8), (256, 8)] {
        if only != 0 && only != experts {
            continue;
        }
        let mut layer = Layer::new(experts, option("--top-k", top_k));
        let case = format!("{experts} experts, top {}", layer.top_k);
        let product = products(&layer, &case);
        decisions(&mut layer, &case, product);
        if experts >= 64 {
            shared(&mut layer, &case, product);
            tiers(&mut layer, &case);
        }
    }
}

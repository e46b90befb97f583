//! What the tests share: a gate, and a loop of routing and feedback.

use isotherm_core::gate::GateBatch;
use isotherm_core::id::BatchId;
use isotherm_core::rng::fill_standard_normal;
use isotherm_core::router::{ClusterView, Feedback, Router, RouterContext, RouterSpec};
use isotherm_core::routing::Routing;
use isotherm_core::time::SimTime;

/// Random logits of spread 1.
pub(crate) fn gate(seed: u32, experts: usize, top_k: usize, tokens: usize) -> GateBatch<'static> {
    let mut logits = vec![0.0; experts * tokens];
    fill_standard_normal([seed, 77], 0, &mut logits);
    GateBatch::from_logits(experts, top_k, logits)
}

pub(crate) fn build(spec: &dyn RouterSpec, experts: usize, top_k: usize) -> Box<dyn Router> {
    spec.build(&RouterContext::new(experts, top_k, &vec![1.0; experts], 3)).unwrap()
}

/// Routes a batch under `view` and reports constant costs.
pub(crate) fn serve(
    router: &mut dyn Router,
    gate: &GateBatch,
    view: &ClusterView<'_>,
    costs: &[f64],
) -> Routing<'static> {
    let mut routing = Routing::new(gate.experts(), gate.reference().top_k());
    router.route(gate, view, &mut routing).unwrap();
    routing.check().unwrap();
    let joules: Vec<f64> = routing.counts.iter().zip(costs).map(|(n, cost)| f64::from(*n) * cost).collect();
    router.feedback(&Feedback::new(view.now, view.batch, &routing.counts, &joules, &joules)).unwrap();
    routing
}

/// The view at batch `batch`, which comes after so many seconds, without GPUs.
pub(crate) fn view_at(batch: u32, seconds: f64) -> ClusterView<'static> {
    let mut view = ClusterView::empty();
    view.now = SimTime::from_nanos((seconds * 1e9) as u64);
    view.batch = BatchId(batch);
    view
}

/// Message of the refusal of a spec for a layer of 8 experts, top-2.
pub(crate) fn refusal(spec: &dyn RouterSpec) -> String {
    spec.build(&RouterContext::new(8, 2, &[1.0; 8], 3)).err().unwrap().to_string()
}

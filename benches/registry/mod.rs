//! What the benches of the routers share: every kind of the registry in front of 2,048 tokens on eight GPUs.

use isotherm_core::gate::GateBatch;
use isotherm_core::id::BatchId;
use isotherm_core::placement::Placement;
use isotherm_core::rng::fill_standard_normal;
use isotherm_core::router::{ClusterView, Feedback, Router, RouterContext, RouterSpec, ThermalHint};
use isotherm_core::routing::{Routing, RoutingOptions};
use isotherm_core::telemetry::Sample;
use isotherm_core::time::SimTime;
use isotherm_core::units::{Celsius, Watts};
use isotherm_routers::KINDS;

/// Tokens of a batch.
pub(crate) const TOKENS: usize = 2048;
const GPUS: usize = 8;
const HINT: ThermalHint =
    ThermalHint { kelvin_per_watt: 0.05, time_constant_s: 60.0, ambient_degc: 30.0, idle_w: 80.0 };

/// Options beyond the examples of the registry.
const MORE: [(&str, &str); 6] = [
    ("baseline, sigmoid", "kind = \"baseline\"\nscore = \"sigmoid\""),
    ("baseline, capacity", "kind = \"baseline\"\ncapacity = 1.0"),
    ("baseline, nodes", "kind = \"baseline\"\nnodes = { groups = 8, limit = 4 }"),
    ("energy-penalty, probability", "kind = \"energy-penalty\"\nlambda = 0.1\nspace = \"probability\""),
    ("energy-penalty, floor", "kind = \"energy-penalty\"\nlambda = 0.1\nfloor = 1"),
    ("selection-bias, softmax", "kind = \"selection-bias\"\nscore = \"softmax\""),
];

/// A batch for `experts` experts, a quarter of which cost four times as much, as in the classic experiment.
pub(crate) struct Layer {
    pub(crate) gate: GateBatch<'static>,
    pub(crate) routing: Routing<'static>,
    pub(crate) costs: Vec<f64>,
    placement: Placement,
    samples: Vec<Sample>,
    joules: Vec<f64>,
    batch: u32,
}

pub(crate) fn logits(experts: usize) -> Vec<f32> {
    let mut logits = vec![0.0; TOKENS * experts];
    fill_standard_normal([7, 11], 0, &mut logits);
    logits
}

impl Layer {
    pub(crate) fn new(experts: usize, top_k: usize) -> Self {
        let sample = |gpu: usize| Sample {
            taken_at: SimTime::ZERO,
            temperature: Some(Celsius::new(60.0 + gpu as f64)),
            power: Some(Watts::new(400.0)),
        };
        Self {
            gate: GateBatch::from_logits(experts, top_k, logits(experts)),
            routing: Routing::new(experts, top_k),
            costs: (0..experts).map(|e| if e < experts - experts / 4 { 0.5 } else { 2.0 }).collect(),
            placement: Placement::contiguous(experts, GPUS),
            samples: (0..GPUS).map(sample).collect(),
            joules: vec![0.0; experts],
            batch: 0,
        }
    }

    /// Every kind of the registry, with a name; those that stand for no strategy are left out.
    pub(crate) fn routers(&self) -> Vec<(&'static str, Box<dyn Router>)> {
        let plain = KINDS.iter().filter(|kind| kind.name != "prescribed").map(|kind| (kind.name, kind.example));
        plain.chain(MORE).map(|(name, text)| (name, self.build(text))).collect()
    }

    fn build(&self, text: &str) -> Box<dyn Router> {
        let mut table: toml::Table = toml::from_str(text).expect("the options are TOML");
        let floor = table.remove("floor").and_then(|floor| floor.as_integer()).unwrap_or(0);
        let options = RoutingOptions { floor: floor as u32, ..RoutingOptions::PLAIN };
        let spec: Box<dyn RouterSpec> = table.try_into().expect("the options fit");
        let context = RouterContext::new(self.gate.experts(), self.gate.reference().top_k(), &self.costs, 1)
            .with_options(&options)
            .with_hardware(&self.placement, Some(HINT));
        spec.build(&context).expect("the options fit")
    }

    /// One decision and what it is told of its cost.
    pub(crate) fn step(&mut self, router: &mut dyn Router) {
        let now = SimTime::from_nanos(u64::from(self.batch) * 50_000_000);
        let view = ClusterView::empty()
            .with_declared_costs(&self.costs)
            .at(now, BatchId(self.batch), &self.placement, &self.samples)
            .with_true_costs(&self.costs);
        router.route(std::hint::black_box(&self.gate), &view, &mut self.routing).expect("no router fails here");
        for ((joules, n), cost) in self.joules.iter_mut().zip(&self.routing.counts).zip(&self.costs) {
            *joules = f64::from(*n) * cost;
        }
        let feedback = Feedback::new(now, BatchId(self.batch), &self.routing.counts, &self.joules, &self.joules);
        router.feedback(&feedback).expect("no router fails here");
        self.batch += 1;
    }
}

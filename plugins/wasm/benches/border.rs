//! What the sandbox costs: the same routers as a module and as a boxed Rust type, one beside the other in one run.
//!
//! `cargo bench --bench border`. Each number is the least of many short samples, taken in turns.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use isotherm_core::gate::GateBatch;
use isotherm_core::id::BatchId;
use isotherm_core::placement::Placement;
use isotherm_core::router::{ClusterView, Router, RouterContext, RouterError, RouterSpec};
use isotherm_core::routing::{Routing, Rule, Selector};
use isotherm_core::telemetry::Sample;
use isotherm_core::time::SimTime;
use isotherm_core::units::Celsius;
use isotherm_plugin_wasm::{Limits, Module};

/// `fixtures/price` in Rust.
#[derive(Default)]
struct Price {
    prices: Vec<f32>,
    selector: Selector,
}

impl Router for Price {
    fn route(
        &mut self,
        gate: &GateBatch<'_>,
        view: &ClusterView<'_>,
        out: &mut Routing<'_>,
    ) -> Result<(), RouterError> {
        self.prices.clear();
        self.prices.extend(view.declared_costs.iter().map(|cost| (0.5 * cost) as f32));
        self.selector.select(gate, Rule::PricedLogit { price: &self.prices }, None, out);
        Ok(())
    }
}

/// `fixtures/cool` in Rust.
#[derive(Default)]
struct Cool {
    scores: Vec<f32>,
    selector: Selector,
}

impl Router for Cool {
    fn route(
        &mut self,
        gate: &GateBatch<'_>,
        view: &ClusterView<'_>,
        out: &mut Routing<'_>,
    ) -> Result<(), RouterError> {
        self.scores.clear();
        self.scores.extend_from_slice(gate.logits());
        for (expert, degc) in view.expert_temperatures().enumerate() {
            let malus = (0.01 * degc.unwrap_or_default()) as f32;
            self.scores.iter_mut().skip(expert).step_by(gate.experts()).for_each(|score| *score -= malus);
        }
        self.selector.select(gate, Rule::Given { scores: &self.scores }, None, out);
        Ok(())
    }
}

/// Least time of one call for each router, in turns.
fn least(routers: &mut [Box<dyn Router>; 2], gate: &GateBatch<'_>, view: &ClusterView<'_>) -> [Duration; 2] {
    let mut least = [Duration::MAX; 2];
    let mut out = Routing::new(gate.experts(), gate.reference().top_k());
    for _ in 0..2_000 {
        for (router, least) in routers.iter_mut().zip(&mut least) {
            let begin = Instant::now();
            for _ in 0..4 {
                router.route(black_box(gate), view, &mut out).expect("good routers route");
            }
            *least = (*least).min(begin.elapsed() / 4);
        }
    }
    least
}

fn main() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/routers.wasm");
    let begin = Instant::now();
    let module = Module::open(&file, Limits::default()).expect("the fixture is a module");
    println!("compile and ask: {:.1} ms", begin.elapsed().as_secs_f64() * 1e3);
    println!("{:<10} {:>14} {:>12} {:>12} {:>9}", "router", "batch", "boxed (us)", "module (us)", "more (us)");
    for (tokens, experts, top_k) in [(1, 8, 2), (2_048, 8, 2), (2_048, 64, 8), (4_096, 256, 8)] {
        let costs: Vec<f64> = (0..experts).map(|e| 0.01 * e as f64).collect();
        let placement = Placement::contiguous(experts, 8);
        let samples = [60.0; 8].map(|degc| Sample { temperature: Some(Celsius::new(degc)), ..Sample::default() });
        let view = ClusterView::empty().with_declared_costs(&costs).at(SimTime::ZERO, BatchId(0), &placement, &samples);
        let logits = (0..tokens * experts).map(|i| (i as u32).wrapping_mul(2_654_435_761) as f32 / 2e9).collect();
        let gate = GateBatch::from_logits(experts, top_k, logits);
        for name in ["price", "cool"] {
            let native: Box<dyn Router> =
                if name == "price" { Box::new(Price::default()) } else { Box::new(Cool::default()) };
            let spec = module.router(&format!("fixtures/{name}"), &serde_json::Map::new()).expect("it is offered");
            let context = RouterContext::new(experts, top_k, &costs, 7).with_hardware(&placement, None);
            let begin = Instant::now();
            let sandboxed = spec.build(&context).expect("it is made");
            let made = begin.elapsed();
            let [boxed, module] = least(&mut [native, sandboxed], &gate, &view).map(|time| time.as_secs_f64() * 1e6);
            let batch = format!("{tokens} x {experts}, {top_k}");
            println!(
                "{name:<10} {batch:>14} {boxed:>12.2} {module:>12.2} {:>9.2}   x {:.2}, made in {:.0} us",
                module - boxed,
                module / boxed,
                made.as_secs_f64() * 1e6
            );
        }
    }
}

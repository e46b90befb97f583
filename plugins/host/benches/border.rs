//! What the border costs: a call that does nothing of a library in C, beside the least that a box can be; the same of a router in Rust, of a library
//! and linked in, where the same type and the same source are both; and a batch of 2,048 tokens by prices.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests fail by panicking")]

// The router of the tests in Rust. Without the feature that makes it a library it is linked in.
#[path = "../../../tests/fixtures/plugins/misbehaving/src/lib.rs"]
#[allow(unexpected_cfgs, unreachable_pub, clippy::panic)] // its crate has the feature, and is a library
mod misbehaving;

#[path = "../tests/host/build.rs"]
#[allow(dead_code)] // shared with the tests
mod build;
#[path = "../tests/host/catalogue.rs"]
#[allow(dead_code)] // shared with the tests
mod catalogue;

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;

use criterion::{Criterion, criterion_group, criterion_main};
use isotherm_core::gate::GateBatch;
use isotherm_core::id::{BatchId, GpuId};
use isotherm_core::placement::Placement;
use isotherm_core::router::{ClusterView, Router, RouterContext, RouterError, RouterSpec};
use isotherm_core::routing::{Routing, RoutingOptions, Rule, Selector};
use isotherm_core::telemetry::Sample;
use isotherm_core::time::SimTime;

use catalogue::Controls;

/// Leaves the routing as it was reset.
struct Idle;

impl Router for Idle {
    fn route(&mut self, gate: &GateBatch<'_>, _: &ClusterView<'_>, out: &mut Routing<'_>) -> Result<(), RouterError> {
        out.reset(gate.tokens());
        Ok(())
    }
}

/// The same prices as the library's, in a box.
struct Prices(Selector, Vec<f32>);

impl Router for Prices {
    fn route(
        &mut self,
        gate: &GateBatch<'_>,
        view: &ClusterView<'_>,
        out: &mut Routing<'_>,
    ) -> Result<(), RouterError> {
        self.1.fill(0.0);
        for (price, cost) in self.1.iter_mut().zip(view.declared_costs) {
            *price += (0.4 * cost) as f32;
        }
        self.0.select(gate, Rule::PricedLogit { price: &self.1 }, None, out);
        Ok(())
    }
}

/// The router of the tests in Rust, built by cargo with the defaults that authors get.
fn in_rust() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("border");
    let cargo = Command::new(env!("CARGO"))
        .args(["build", "--release", "--target-dir"])
        .arg(&target)
        .current_dir(root.join("tests/fixtures/plugins/misbehaving"))
        .status();
    assert!(cargo.unwrap().success(), "the library is built");
    let (before, after) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    target.join("release").join(format!("{before}misbehaving{after}"))
}

fn border(criterion: &mut Criterion) {
    let Some(controls) = Controls::new() else { return };
    let costs = [3.0, 0.0, 2.0, 0.5, 1.0, 1.5, 2.5, 0.25];
    let placement = Placement::single((0..8).map(GpuId).collect());
    let samples = [Sample::default(); 8];
    let view = ClusterView::empty().at(SimTime::ZERO, BatchId(0), &placement, &samples);
    let view = view.with_declared_costs(&costs).of_revision(1);
    let context = RouterContext::new(8, 2, &costs, 7);
    let loaded = |name: &str, options: &str| controls.named_router(name, options).unwrap().build(&context).unwrap();
    let rust = Controls::of_file(in_rust());
    let idle_in_rust = rust.named_router("acme/misbehaving", "idle = true\n").unwrap().build(&context).unwrap();
    let linked = misbehaving::Misbehaving { panic_at: None, panic_while: None, idle: true }.build(&context).unwrap();
    let logits = |tokens: u32| (0..tokens * 8).map(|i| (i.wrapping_mul(2_654_435_761) >> 20) as f32 / 500.0).collect();

    let routers: [(&str, u32, Box<dyn Router>); 6] = [
        ("nothing, in a box", 0, Box::new(Idle)),
        ("nothing, of a library in C", 0, loaded("acme/idle", "")),
        ("nothing, in Rust, linked in", 0, linked),
        ("nothing, in Rust, of a library", 0, idle_in_rust),
        ("2048 x 8 by prices, in a box", 2048, Box::new(Prices(Selector::new(&RoutingOptions::PLAIN), vec![0.0; 8]))),
        ("2048 x 8 by prices, of a library", 2048, loaded("acme/prices", "lambda = 0.4\n")),
    ];
    for (name, tokens, mut router) in routers {
        let gate = GateBatch::from_logits(8, 2, logits(tokens));
        let mut routing = Routing::new(8, 2);
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| router.route(black_box(&gate), black_box(&view), black_box(&mut routing)));
        });
    }
}

criterion_group!(benches, border);
criterion_main!(benches);

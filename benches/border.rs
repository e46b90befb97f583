//! What the border costs a router in Rust: a call that has nothing to do, and a batch of 2,048 tokens, in a box and from a library. Both are the
//! same code; the library is built by cargo from `plugins/examples`.
//!
//! ```text
//! cargo bench --bench border
//! ```
//!
//! The same for a router in C: `cargo bench -p isotherm-plugin-host --bench border`.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a bench fails by panicking")]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;

use criterion::{Criterion, criterion_group, criterion_main};
use isotherm_core::config::{Faults, Node, Origin, SourceMap, Tree, Value};
use isotherm_core::gate::GateBatch;
use isotherm_core::id::BatchId;
use isotherm_core::placement::Placement;
use isotherm_core::registry::Catalogue;
use isotherm_core::rng::fill_standard_normal;
use isotherm_core::router::{ClusterView, Router, RouterContext, RouterSpec};
use isotherm_core::routing::Routing;
use isotherm_core::telemetry::Sample;
use isotherm_core::time::SimTime;
use isotherm_plugin_host::{Discovery, Environment, Places, Plugins};
use isotherm_routers as _;

const EXPERTS: usize = 8;
const GPUS: usize = 8;

/// All built-in routers as a library.
fn library() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugins");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--release", "--locked", "--package", "builtins", "--target-dir"])
        .arg(&target)
        .current_dir(root.join("plugins/examples"))
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the library is built");
    let (before, after) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    target.join("release").join(format!("{before}builtins{after}"))
}

fn loaded(kind: &str, options: &str) -> Box<dyn RouterSpec> {
    let environment = Environment::default();
    let named = [library()];
    let places = Places { named: &named, scenario: None, environment: &environment };
    let plugins = Plugins::new(Discovery::search(&places));
    let (mut sources, mut faults) = (SourceMap::new(), Faults::new());
    let source = sources.add("options", options);
    let tree = Tree::parse(&sources, source, &mut faults).expect("options are TOML");
    let kind = Node::new(Value::String(kind.to_owned()), Origin::Default);
    plugins.router(&kind, tree.root(), "", &mut faults).expect("the library offers it")
}

fn border(criterion: &mut Criterion) {
    let costs = [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 2.0, 2.0];
    let placement = Placement::contiguous(EXPERTS, GPUS);
    let samples = [Sample::default(); GPUS];
    let view = ClusterView::empty()
        .with_declared_costs(&costs)
        .at(SimTime::ZERO, BatchId(0), &placement, &samples)
        .of_revision(1);
    let context = RouterContext::new(EXPERTS, 2, &costs, 1).with_hardware(&placement, None);
    let options = "lambda = 0.1";
    let boxed: Box<dyn RouterSpec> =
        toml::from_str(&format!("kind = \"energy-penalty\"\n{options}")).expect("options fit");
    let routers = [("boxed", boxed), ("library", loaded("isotherm/energy-penalty", options))];
    for (what, tokens) in [("no tokens", 0), ("2048 x 8", 2048)] {
        let mut logits = vec![0.0; tokens * EXPERTS];
        fill_standard_normal([7, 11], 0, &mut logits);
        let gate = GateBatch::from_logits(EXPERTS, 2, logits);
        let mut group = criterion.benchmark_group(what);
        for (name, spec) in &routers {
            let mut router = spec.build(&context).expect("options fit");
            let mut routing = Routing::new(EXPERTS, 2);
            group.bench_function(*name, |bencher| {
                bencher.iter(|| call(black_box(router.as_mut()), &gate, &view, &mut routing));
            });
        }
        group.finish();
    }
}

fn call(router: &mut dyn Router, gate: &GateBatch<'_>, view: &ClusterView<'_>, routing: &mut Routing<'_>) {
    router.route(gate, view, routing).expect("it routes");
}

criterion_group!(benches, border);
criterion_main!(benches);

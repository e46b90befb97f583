//! The same source as a native library, loaded by the native host, and as a module: the same bytes.

use std::process::Command;

use isotherm_core::config::{Faults, SourceMap, Tree};
use isotherm_core::id::BatchId;
use isotherm_core::placement::Placement;
use isotherm_core::registry::Catalogue;
use isotherm_core::router::{ClusterView, Feedback, Router, RouterContext, RouterSpec};
use isotherm_core::telemetry::Sample;
use isotherm_core::time::SimTime;
use isotherm_core::units::Celsius;
use isotherm_plugin_host::{Discovery, Environment, Places, Plugins};

use crate::fixtures::{EXPERTS, TOP_K, folder, gate, open, route, router};

/// The good routers as a native library; `None` without a compiler of C.
fn native_library(to: &tempfile::TempDir) -> Option<Plugins> {
    let library = to.path().join(format!("routers{}", std::env::consts::DLL_SUFFIX));
    let built = Command::new("cc")
        .args(["-std=c11", "-O2", "-fPIC", "-shared", "-ffp-contract=off", "-I"])
        .arg(folder().join("../../../abi/include"))
        .arg(folder().join("routers.c"))
        .arg("-o")
        .arg(&library)
        .output()
        .ok()?;
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let places = Places { named: &[library], scenario: None, environment: &Environment::default() };
    Some(Plugins::new(Discovery::search(&places)))
}

fn native_router(plugins: &Plugins, name: &str) -> Box<dyn RouterSpec> {
    let (mut sources, mut faults) = (SourceMap::new(), Faults::new());
    let file = sources.add("a.toml", format!("kind = \"{name}\"\noptions = {{}}\n"));
    let tree = Tree::parse(&sources, file, &mut faults).unwrap();
    let (kind, options) = (tree.at("kind").unwrap(), tree.at("options").unwrap());
    let spec = plugins.router(kind, options, "router[0]", &mut faults);
    spec.unwrap_or_else(|| panic!("{}", faults.render(&sources)))
}

/// Everything that a router shows of itself over some batches.
fn history(router: &mut dyn Router) -> String {
    let placement = Placement::contiguous(EXPERTS, 4);
    let costs: Vec<f64> = (0..EXPERTS).map(|e| 0.3 * e as f64).collect();
    let mut told = String::new();
    for batch in 0..4 {
        let degc = [30.0, 95.5, 40.0, 80.25].map(|degc| degc + f64::from(batch));
        let samples = degc.map(|degc| Sample { temperature: Some(Celsius::new(degc)), ..Sample::default() });
        let view = ClusterView::empty().with_declared_costs(&costs);
        let view = view.at(SimTime::from_nanos(u64::from(batch)), BatchId(batch), &placement, &samples);
        let routing = route(router, &gate(200 + batch as usize), &view).unwrap();
        let bits: Vec<u32> = routing.weights.iter().map(|weight| weight.to_bits()).collect();
        let seen = (&routing.experts, bits, &routing.counts, routing.gate, router.feasibility());
        told += &format!("{seen:?} {} {:?}\n", router.operations_per_token(), router.save());
        let feedback = Feedback::new(SimTime::ZERO, BatchId(batch), &routing.counts, &costs, &costs);
        router.feedback(&feedback).unwrap();
    }
    told
}

#[test]
fn a_native_library_and_a_module_of_the_same_source_give_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let Some(plugins) = native_library(&folder) else {
        eprintln!("skipped: there is no compiler of C");
        return;
    };
    let module = open("routers");
    let context = RouterContext::new(EXPERTS, TOP_K, &[1.0; EXPERTS], 7);
    for name in module.routers() {
        let native = native_router(&plugins, name);
        let sandboxed: Box<dyn RouterSpec> = Box::new(router(&module, name, "{}").unwrap());
        let options = |spec: &dyn RouterSpec| serde_json::to_string(spec).unwrap();
        assert_eq!(options(&*native), options(&*sandboxed));
        let [native, sandboxed] = [native, sandboxed].map(|spec| history(&mut *spec.build(&context).unwrap()));
        assert!(native == sandboxed, "{name}: in a library\n{native}\nin a module\n{sandboxed}");
    }
    let used: Vec<_> = plugins.used().iter().map(|used| used.item.name.clone()).collect();
    assert_eq!(used.len(), module.routers().len(), "the others were native");
}

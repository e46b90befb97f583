//! The modules beside their sources, and what the tests route.

use std::path::PathBuf;
use std::process::Command;

use isotherm_core::gate::GateBatch;
use isotherm_core::router::{ClusterView, Router, RouterContext, RouterError, RouterSpec};
use isotherm_core::routing::Routing;
use isotherm_plugin_wasm::{Limits, Module, OptionsFault, WasmRouter};
use serde_json::{Map, Value};

pub(crate) const EXPERTS: usize = 8;
pub(crate) const TOP_K: usize = 2;

/// Small, so that limits are reached soon.
pub(crate) const LIMITS: Limits = Limits { memory_bytes: 8 << 20, fuel_per_call: 20_000_000 };

pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

pub(crate) fn file(name: &str) -> PathBuf {
    folder().join(format!("{name}.wasm"))
}

pub(crate) fn open(name: &str) -> Module {
    Module::open(&file(name), LIMITS).unwrap_or_else(|refusal| panic!("{refusal}"))
}

/// A router of a module with options as JSON.
pub(crate) fn router(module: &Module, name: &str, options: &str) -> Result<WasmRouter, OptionsFault> {
    let options: Map<String, Value> = serde_json::from_str(options).expect("an object");
    module.router(name, &options)
}

pub(crate) fn build(module: &Module, name: &str) -> Box<dyn Router> {
    let costs = [1.0; EXPERTS];
    let spec = router(module, name, "{}").expect("a router that takes no options");
    spec.build(&RouterContext::new(EXPERTS, TOP_K, &costs, 7)).expect("a router that fits")
}

/// Logits that look like nothing in particular, the same everywhere.
pub(crate) fn logits(tokens: usize, experts: usize) -> Vec<f32> {
    let mut state = 0x9e37_79b9_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 22) as f32 - 2.0
    };
    (0..tokens * experts).map(|_| next()).collect()
}

pub(crate) fn gate(tokens: usize) -> GateBatch<'static> {
    GateBatch::from_logits(EXPERTS, TOP_K, logits(tokens, EXPERTS))
}

pub(crate) fn route(
    router: &mut dyn Router,
    gate: &GateBatch<'_>,
    view: &ClusterView<'_>,
) -> Result<Routing<'static>, RouterError> {
    let mut out = Routing::new(gate.experts(), gate.reference().top_k());
    router.route(gate, view, &mut out).map(|()| out)
}

#[test]
fn the_committed_modules_are_what_their_sources_give() {
    let Ok(version) = Command::new("clang").arg("--version").output() else {
        eprintln!("skipped: there is no clang");
        return;
    };
    let version = String::from_utf8_lossy(&version.stdout).lines().next().unwrap_or_default().to_owned();
    // Compilers write into a module which they are; another one writes other code.
    let committed = std::fs::read(file("routers")).unwrap();
    let number = version.split_whitespace().skip_while(|word| *word != "version").nth(1).unwrap_or("none");
    if !committed.windows(number.len()).any(|bytes| bytes == number.as_bytes()) {
        eprintln!("skipped: the committed modules are of another compiler than {version}");
        return;
    }
    let folder_of_now = tempfile::tempdir().unwrap();
    let built = Command::new(folder().join("build.sh")).arg(folder_of_now.path()).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let mut compared = 0;
    for entry in std::fs::read_dir(folder_of_now.path()).unwrap() {
        let built = entry.unwrap().path();
        let committed = folder().join(built.file_name().unwrap());
        assert!(
            std::fs::read(&built).unwrap() == std::fs::read(&committed).unwrap(),
            "{} is not what its source gives: run tests/fixtures/build.sh",
            committed.display()
        );
        compared += 1;
    }
    let is_module = |path: PathBuf| path.extension().is_some_and(|extension| extension == "wasm");
    let all = std::fs::read_dir(folder()).unwrap().filter(|entry| is_module(entry.as_ref().unwrap().path())).count();
    assert_eq!(compared, all, "every committed module has a source");
}

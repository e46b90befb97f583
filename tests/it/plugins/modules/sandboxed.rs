//! A program with the sandbox.

use std::path::Path;

use isotherm::results::{Row, Summary};

use super::super::built::{c_library, has_c_compiler};
use super::{module, run_with};
use crate::lab::{isotherm, mean, root, text};

fn summary(folder: &Path) -> Summary {
    serde_json::from_slice(&std::fs::read(folder.join("out/summary.json")).unwrap()).unwrap()
}

fn row<'s>(summary: &'s Summary, router: &str) -> &'s Row {
    summary.rows.iter().find(|row| row.router == router).unwrap_or_else(|| panic!("no row {router}"))
}

#[test]
fn a_module_routes_as_the_built_in_router_of_the_same_prices() {
    let folder = tempfile::tempdir().unwrap();
    let routers = "
[[router]]
kind = \"energy-penalty\"
lambda = 0.8
normalise = \"none\"
[[router]]
kind = \"fixtures/price\"
step = 0.8
[[router]]
name = \"free\"
kind = \"fixtures/price\"
step = 0.0
";
    let (code, _, err) = run_with(folder.path(), &[&module("routers")], routers);
    assert_eq!(code, 0, "{err}");
    let summary = summary(folder.path());
    let saved = |router: &str| mean(row(&summary, router), "energy_savings_percent");
    assert!(saved("fixtures/price") > 5.0, "{}", saved("fixtures/price"));
    assert_eq!(saved("fixtures/price"), saved("energy-penalty"), "the same prices, the same routing");
    assert_eq!(saved("free"), 0.0, "a price of zero is the baseline");
    let [plugin] = summary.head.plugins.as_slice() else { panic!("{:?}", summary.head.plugins) };
    assert_eq!((plugin.package.as_str(), plugin.version.as_str()), ("fixtures", "1.2.3"));
    let inspection = isotherm_plugin_wasm::inspect(&module("routers")).unwrap();
    assert_eq!(plugin.sha256, inspection.sha256);
}

#[test]
fn faults_of_options_stand_at_their_line() {
    let folder = tempfile::tempdir().unwrap();
    for (options, messages) in [
        ("step = -1", ["s.toml:12:8", "`step` is negative", "at least 0", "step = 0.5"]),
        ("step = nan", ["s.toml:12:8", "`step` must be finite", "a finite number", ""]),
        ("floor = 3", ["s.toml:12:9", "floor", "3 experts of a token cannot stay", ""]),
    ] {
        let routers = format!("[[router]]\nkind = \"fixtures/price\"\n{options}\n");
        let (code, _, err) = run_with(folder.path(), &[&module("routers")], &routers);
        assert_eq!(code, 3, "{options}: {err}");
        for message in messages {
            assert!(err.contains(message), "{options}: expected `{message}` in\n{err}");
        }
        assert!(!folder.path().join("out").exists(), "something was written");
    }
}

#[test]
fn names_of_modules_are_among_those_that_are_near() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, err) = run_with(folder.path(), &[&module("routers")], "[[router]]\nkind = \"fixtures/prize\"\n");
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("s.toml:11:8") && err.contains("did you mean `fixtures/price`?"), "{err}");
}

#[test]
fn an_endless_loop_ends_its_run_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let routers = "
[[router]]
kind = \"energy-penalty\"
lambda = 0.5
[[router]]
kind = \"faults/loop\"
[[router]]
kind = \"faults/sink\"
";
    let (code, _, err) = run_with(folder.path(), &[&module("faults")], routers);
    assert_eq!(code, 6, "{err}");
    let summary = summary(folder.path());
    assert_eq!(summary.failures.len(), 2, "one for each seed: {:?}", summary.failures);
    for failure in &summary.failures {
        let limit = "took more than 2000000000 instructions in one call, which is the limit (in `loop`)";
        let message = format!("plugin `faults/loop` 0.1.0 (faults.wasm) {limit}");
        assert!(failure.router == "faults/loop" && failure.message.contains(&message), "{failure:?}");
    }
    for router in ["baseline", "energy-penalty", "faults/sink"] {
        assert_eq!(row(&summary, router).seeds, 2, "{router} is kept, also of the same module");
    }
}

#[test]
fn a_resolved_scenario_has_the_defaults_and_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let routers = "[[router]]\nkind = \"fixtures/price\"\n[[router]]\nkind = \"fixtures/wear\"\n";
    let (code, first, err) = run_with(folder.path(), &[&module("routers")], routers);
    assert_eq!(code, 0, "{err}");
    let resolved = std::fs::read_to_string(folder.path().join("out/scenario.resolved.toml")).unwrap();
    for line in ["step = 0.5", "kind = \"fixtures/price\"", "kind = \"fixtures/wear\"", "routers.wasm\"]"] {
        assert!(resolved.contains(line), "`{line}` in\n{resolved}");
    }
    std::fs::write(folder.path().join("again.toml"), resolved).unwrap();
    let (code, second, err) = text(&isotherm(folder.path(), &["run", "again.toml", "--out", "again"]));
    assert_eq!(code, 0, "{err}");
    assert_eq!(first, second);
    for file in ["series.parquet", "summary.json", "scenario.resolved.toml"] {
        let read = |name: &str| std::fs::read(folder.path().join(name).join(file)).unwrap();
        assert!(read("out") == read("again"), "{file} differs");
    }
}

#[test]
fn of_a_library_and_a_module_that_offer_a_name_the_first_is_used() {
    if !has_c_compiler("of_a_library_and_a_module_that_offer_a_name_the_first_is_used") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let source = root().join("plugins/wasm/tests/fixtures/routers.c");
    let (native, sandboxed) = (c_library(folder.path(), "routers", &[source]), module("routers"));
    let digests = [
        isotherm_plugin_host::inspect(&native).unwrap().sha256,
        isotherm_plugin_wasm::inspect(&sandboxed).unwrap().sha256,
    ];
    let routers = "[[router]]\nkind = \"fixtures/cool\"\n";
    let mut rows = Vec::new();
    for (order, digest) in [[&native, &sandboxed], [&sandboxed, &native]].into_iter().zip(digests) {
        let (code, _, err) = run_with(folder.path(), &order.map(|file| file.as_path()), routers);
        assert_eq!(code, 0, "{err}");
        let summary = summary(folder.path());
        assert_eq!(summary.head.plugins.iter().map(|plugin| &plugin.sha256).collect::<Vec<_>>(), [&digest]);
        rows.push(summary.rows);
    }
    assert_eq!(rows[0], rows[1], "one source, one result");
    let [native, sandboxed] = [&native, &sandboxed].map(|file| file.to_str().unwrap());
    let arguments = ["plugin", "list", "--plugin", sandboxed, "--plugin", native];
    let (_, out, _) = text(&isotherm(folder.path(), &arguments));
    let note = format!("note: {native}: its router `fixtures/cool` is not used; {sandboxed} is searched before it");
    assert!(out.contains(&note), "`{note}` in\n{out}");
}

#[test]
fn a_module_beside_the_scenario_is_found() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("plugins")).unwrap();
    std::fs::copy(module("routers"), folder.path().join("plugins/routers.wasm")).unwrap();
    // One that cannot be used is passed over, as long as nobody names it.
    std::fs::copy(module("refused-no-label"), folder.path().join("plugins/a.wasm")).unwrap();
    let (code, _, err) = run_with(folder.path(), &[], "[[router]]\nkind = \"fixtures/price\"\n");
    assert_eq!(code, 0, "{err}");
    let (code, out, err) = text(&isotherm(folder.path(), &["plugin", "list", "--scenario", "s.toml"]));
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("fixtures 1.2.3  interface 1.1") && out.contains("router     fixtures/price"), "{out}");
    assert!(out.contains("plugins/a.wasm: found a WebAssembly module without a label"), "{out}");
}

#[test]
fn a_module_that_cannot_be_used_is_refused_where_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, err) = run_with(folder.path(), &[&module("refused-no-label")], "[[router]]\nkind = \"baseline\"\n");
    assert_eq!(code, 4, "{err}");
    assert!(err.contains("refused-no-label.wasm: found a WebAssembly module without a label"), "{err}");
    // What is known only once it is compiled is known when a scenario names a router of it.
    let (code, _, err) = run_with(folder.path(), &[&module("refused-import")], "[[router]]\nkind = \"refused/a\"\n");
    assert_eq!(code, 3, "{err}");
    for message in ["s.toml:11:8", "refused-import.wasm: found a module that asks for", "one that asks for nothing"] {
        assert!(err.contains(message), "expected `{message}` in\n{err}");
    }
}

#[test]
fn inspect_shows_a_module() {
    let routers = module("routers");
    let (code, out, err) = text(&isotherm(root(), &["plugin", "inspect", routers.to_str().unwrap()]));
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("fixtures 1.2.3\n") && out.contains("good routers"), "{out}");
    assert!(out.contains("router fixtures/wear"), "{out}");
}

//! What the project promises about itself: dependencies point one way, and the law pages name real tests.

use std::process::Command;

use serde_json::Value;

use crate::lab::root;

/// Which of our crates each of our crates may depend on.
const ALLOWED: &[(&str, &[&str])] = &[
    ("isotherm-core", &[]),
    ("isotherm-load", &["isotherm-plugin"]),
    ("isotherm-plugin-abi", &[]),
    ("isotherm-plugin", &["isotherm-core", "isotherm-plugin-abi"]),
    ("isotherm-plugin-host", &["isotherm-core", "isotherm-plugin-abi"]),
    ("isotherm-plugin-check", &["isotherm-core", "isotherm-plugin-abi", "isotherm-plugin-host"]),
    ("isotherm-plugin-wasm", &["isotherm-core", "isotherm-plugin-abi", "isotherm-plugin-host"]),
    ("isotherm-recording", &["isotherm-core"]),
    ("isotherm-report", &["isotherm-core"]),
    ("isotherm-nvml", &["isotherm-core", "isotherm-recording"]),
    ("isotherm-routers", &["isotherm-core"]),
    ("isotherm-workloads", &["isotherm-core"]),
    ("isotherm-telemetry", &["isotherm-core", "isotherm-recording"]),
    ("isotherm-floorplan", &["isotherm-core"]),
    ("isotherm-placements", &["isotherm-core"]),
    ("isotherm-calibration", &["isotherm-core", "isotherm-recording"]),
    (
        "isotherm",
        &[
            "isotherm-core",
            "isotherm-calibration",
            "isotherm-floorplan",
            "isotherm-nvml",
            "isotherm-placements",
            "isotherm-plugin-check",
            "isotherm-plugin-host",
            "isotherm-plugin-wasm",
            "isotherm-recording",
            "isotherm-report",
            "isotherm-routers",
            "isotherm-workloads",
            "isotherm-telemetry",
        ],
    ),
];

/// What is there only for those who ask for it, by the feature of the root that asks.
const OPTIONAL: &[(&str, &str)] = &[("isotherm-plugin-wasm", "wasm")];

/// What `cargo metadata` says with these arguments.
fn metadata(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1"])
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// An author's build takes seconds: nothing large stands behind the crate that plugins depend on.
#[test]
fn plugins_depend_on_nothing_large() {
    let examples = metadata(&["--manifest-path", "plugins/examples/Cargo.toml", "--locked"]);
    let names = examples["packages"].as_array().unwrap().iter().map(|package| package["name"].as_str().unwrap());
    let large: Vec<&str> = names
        .clone()
        .filter(|name| ["candle", "rayon", "parquet", "clap"].iter().any(|big| name.starts_with(big)))
        .collect();
    assert!(large.is_empty(), "{large:?}");
    assert!(names.clone().any(|name| name == "isotherm-plugin") && names.count() < 80);
}

#[test]
fn dependencies_point_one_way() {
    // Crates with lock files of their own are no members.
    let workspaces = [None, Some("plugins/wasm/Cargo.toml"), Some("plugins/load/Cargo.toml")];
    let packages: Vec<Value> = workspaces
        .into_iter()
        .flat_map(|manifest| {
            let manifest: Vec<&str> = manifest.into_iter().flat_map(|file| ["--manifest-path", file]).collect();
            let metadata = metadata(&[&manifest[..], &["--no-deps", "--offline"]].concat());
            metadata["packages"].as_array().unwrap().clone()
        })
        .collect();
    assert_eq!(packages.len(), ALLOWED.len(), "a new crate needs its line here");
    for package in &packages {
        let name = package["name"].as_str().unwrap();
        let (_, allowed) =
            ALLOWED.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("{name} needs its line here"));
        for dependency in package["dependencies"].as_array().unwrap() {
            let on = dependency["name"].as_str().unwrap();
            let normal = dependency["kind"].is_null();
            assert!(!on.starts_with("isotherm") || allowed.contains(&on) || !normal, "{name} must not depend on {on}");
            let optional = OPTIONAL.iter().any(|(rare, _)| *rare == on);
            assert!(!optional || dependency["optional"] == true, "{name} must leave {on} out unless it is asked for");
            assert!(
                !(on == "candle-core" && normal) || ["isotherm-load", "isotherm-workloads"].contains(&name),
                "only isotherm-workloads and isotherm-load know candle"
            );
        }
    }
}

#[test]
fn what_is_optional_is_off() {
    let metadata = metadata(&["--no-deps", "--offline"]);
    let packages = metadata["packages"].as_array().unwrap();
    let features = &packages.iter().find(|package| package["name"] == "isotherm").unwrap()["features"];
    assert!(features["default"].is_null(), "{features}");
    for (name, feature) in OPTIONAL {
        assert_eq!(features[feature], serde_json::json!([format!("dep:{name}")]));
    }
}

#[test]
fn the_core_touches_no_file_clock_or_thread() {
    fn walk(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                let text = std::fs::read_to_string(&path).unwrap();
                for word in [
                    "std::fs",
                    "std::thread",
                    "std::net",
                    "Instant::now",
                    "SystemTime",
                    "println!",
                    "HashMap",
                    "HashSet",
                ] {
                    // `Instant` of the engine is ours; the clock's has `now`.
                    if text.contains(word) {
                        found.push(format!("{}: {word}", path.display()));
                    }
                }
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join("core/src"), &mut found);
    assert!(found.is_empty(), "{found:#?}");
}

/// Every promise of `docs/INVARIANTS.md` names tests that exist.
#[test]
fn invariants_name_their_tests() {
    let page = std::fs::read_to_string(root().join("docs/INVARIANTS.md")).unwrap();
    let mut sources = String::new();
    for folder in [
        "tests",
        "tests/it",
        "tests/it/plugins",
        "tests/slurm",
        "tests/it/results",
        "cli/results/writer",
        "core/src/scenario/points",
        "tests/it/sweep",
        "tests/it/figures",
        "tests/it/report",
        "report/tests",
        "report/tests/results",
        "report/tests/timeline",
        "core/tests",
        "plugins/telemetry/tests",
        "plugins/telemetry/tests/dcgm",
        "recording/src/dcgm",
        "plugins/nvml/tests/nvml",
        "recording/tests",
        "plugins/workloads/src",
        "core/src/engine",
        "core/src",
    ] {
        for entry in std::fs::read_dir(root().join(folder)).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_file() {
                sources.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    for number in 1..=12 {
        assert!(page.contains(&format!("INV-{number} ")), "INV-{number} is missing");
    }
    let mut named = 0;
    for word in page.split('`').skip(1).step_by(2) {
        if let Some(test) = word.strip_suffix("()") {
            assert!(sources.contains(&format!("fn {test}(")), "{test} is named but does not exist");
            named += 1;
        }
    }
    assert!(named >= 12, "{named} tests are named");
}

/// Nobody has to scroll for an hour to find something.
#[test]
fn source_files_are_short() {
    fn walk(folder: &std::path::Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                // Crates with lock files of their own are built beside their sources.
                if !path.ends_with("target") && !path.ends_with("node_modules") {
                    walk(&path);
                }
            } else if path.extension().is_some_and(|e| e == "rs") {
                let lines = std::fs::read_to_string(&path).unwrap().lines().count();
                assert!(lines <= 600, "{} has {lines} lines", path.display());
            }
        }
    }
    for folder in ["core", "calibration", "recording", "report", "plugins", "cli", "tests", "benches"] {
        walk(&root().join(folder));
    }
}

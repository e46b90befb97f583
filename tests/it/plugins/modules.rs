//! WebAssembly modules: routers in a sandbox for a program that was built with it, a clear answer from one that was not.

#[cfg(not(feature = "wasm"))]
mod refused;
#[cfg(feature = "wasm")]
mod sandboxed;

use std::path::{Path, PathBuf};

use crate::lab::{isotherm, root, small, text};

/// A module that is kept beside its source.
fn module(name: &str) -> PathBuf {
    root().join("plugins/wasm/tests/fixtures").join(format!("{name}.wasm"))
}

/// Runs a scenario with these routers and plugins; exit code, standard output and standard error.
fn run_with(folder: &Path, plugins: &[&Path], routers: &str) -> (i32, String, String) {
    let scenario =
        small(routers).replace("scenarios/hardware", &root().join("scenarios/hardware").display().to_string());
    std::fs::write(folder.join("s.toml"), scenario).unwrap();
    let mut arguments = vec!["run", "s.toml", "--out", "out", "--force"];
    for plugin in plugins {
        arguments.extend(["--plugin", plugin.to_str().unwrap()]);
    }
    text(&isotherm(folder, &arguments))
}

#[test]
fn commands_for_native_libraries_say_so() {
    let routers = module("routers");
    for command in ["check", "bench"] {
        let (code, _, err) = text(&isotherm(root(), &["plugin", command, routers.to_str().unwrap()]));
        assert_eq!(code, 4, "{err}");
        let message = format!("`plugin {command}` is for native libraries: build it as one");
        assert!(err.contains("routers.wasm: found a WebAssembly module") && err.contains(&message), "{err}");
    }
}

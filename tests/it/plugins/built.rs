//! The libraries that the tests use, built once: as an outsider builds them, by cargo and by a C compiler.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::lab::{announce, root};

/// Where libraries for tests are built.
pub(super) fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugins")
}

/// Runs cargo in a folder, and shows what it says if it fails.
pub(super) fn cargo(folder: &Path, arguments: &[&str]) {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .arg("--target-dir")
        .arg(target())
        .current_dir(folder)
        // The tests' own: cargo must not think that it builds for them.
        .env_remove("CARGO_MANIFEST_DIR")
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}\n{}", String::from_utf8_lossy(&output.stderr));
}

/// A library as cargo calls it.
pub(super) fn library(name: &str) -> PathBuf {
    let (before, after) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    target().join("release").join(format!("{before}{name}{after}"))
}

/// An example of `plugins/examples` in Rust.
pub(super) fn example(name: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| cargo(&root().join("plugins/examples"), &["build", "--release", "--locked"]));
    library(name)
}

/// The router that panics when it is told to.
pub(crate) fn misbehaving() -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        // With the versions of the examples, so that their dependencies serve here too.
        let (fixture, copy) = (root().join("tests/fixtures/plugins/misbehaving"), target().join("misbehaving"));
        std::fs::create_dir_all(copy.join("src")).unwrap();
        let manifest = std::fs::read_to_string(fixture.join("Cargo.toml")).unwrap();
        let sdk = root().join("plugins/sdk").display().to_string();
        std::fs::write(copy.join("Cargo.toml"), manifest.replace("../../../../plugins/sdk", &sdk)).unwrap();
        std::fs::copy(fixture.join("src/lib.rs"), copy.join("src/lib.rs")).unwrap();
        std::fs::copy(root().join("plugins/examples/Cargo.lock"), copy.join("Cargo.lock")).unwrap();
        cargo(&copy, &["build", "--release"]);
    });
    library("misbehaving")
}

/// Whether there is a C compiler; says so if not.
pub(crate) fn has_c_compiler(test: &str) -> bool {
    let has = Command::new("cc").arg("--version").output().is_ok_and(|output| output.status.success());
    if !has {
        announce(&format!("{test}: skipped, there is no C compiler `cc`"));
    }
    has
}

/// A library from C sources, built anew in `folder`.
pub(crate) fn c_library(folder: &Path, name: &str, sources: &[PathBuf]) -> PathBuf {
    let library = folder.join(format!("lib{name}.so"));
    let output = Command::new("cc")
        .args(["-std=c99", "-O2", "-Wall", "-Wextra", "-fPIC", "-shared", "-o"])
        .arg(&library)
        .arg("-I")
        .arg(root().join("plugins/abi/include"))
        .args(sources)
        .arg("-lm")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    library
}

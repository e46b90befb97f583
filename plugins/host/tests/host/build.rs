//! Builds libraries of `tests/c`. Without a C compiler the tests that need one say so and end.

use std::path::{Path, PathBuf};
use std::process::Command;

use isotherm_plugin_host::Refusal;
use tempfile::TempDir;

/// What a library of this system is called.
const SUFFIX: &str = if cfg!(windows) {
    "dll"
} else if cfg!(target_vendor = "apple") {
    "dylib"
} else {
    "so"
};

/// Libraries in a folder of their own.
pub(crate) struct Libraries {
    pub(crate) folder: TempDir,
}

impl Libraries {
    /// A folder for libraries; `None`, with a message, where there is no C compiler.
    pub(crate) fn new() -> Option<Self> {
        if Command::new(compiler()).arg("--version").output().is_err() {
            eprintln!("skipped: there is no C compiler `{}`; set CC to one", compiler());
            return None;
        }
        Some(Self { folder: TempDir::new().unwrap() })
    }

    /// Builds `tests/c/SOURCE.c` with macros such as `NAME="x"` as the library NAME.
    pub(crate) fn build(&self, source: &str, name: &str, macros: &[&str]) -> PathBuf {
        let library = self.folder.path().join(format!("{name}.{SUFFIX}"));
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let output = Command::new(compiler())
            .args(["-shared", "-fPIC", "-O2", "-o"])
            .arg(&library)
            .args(macros.iter().map(|name| format!("-D{name}")))
            .arg(format!("-I{}", here.join("../abi/include").display()))
            .arg(here.join("tests/c").join(format!("{source}.c")))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        library
    }
}

fn compiler() -> String {
    std::env::var("CC").unwrap_or_else(|_| "cc".to_owned())
}

/// A refusal in words, without the folder of the test.
pub(crate) fn words(refusal: &Refusal) -> String {
    let folder = refusal.file.parent().unwrap().display().to_string();
    refusal.to_string().replace(&format!("{folder}/"), "")
}

//! A program without the sandbox.

use super::{module, run_with};
use crate::lab::{isotherm, root, text};

const REMEDY: &str = "build isotherm with `--features wasm`, or build it as a native library";

#[test]
fn a_module_that_is_named_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let routers = "[[router]]\nkind = \"fixtures/price\"\n";
    let (code, _, err) = run_with(folder.path(), &[&module("routers")], routers);
    assert_eq!(code, 4, "{err}");
    assert!(err.contains("routers.wasm: found a WebAssembly module") && err.contains(REMEDY), "{err}");
    assert!(!folder.path().join("out").exists(), "something was written");
}

#[test]
fn list_and_inspect_say_why_it_is_unusable() {
    let routers = module("routers");
    let (code, out, err) = text(&isotherm(root(), &["plugin", "list", "--plugin", routers.to_str().unwrap()]));
    assert_eq!(code, 4, "{err}");
    assert!(out.contains("unusable: ") && out.contains(REMEDY), "{out}");
    let (code, _, err) = text(&isotherm(root(), &["plugin", "inspect", routers.to_str().unwrap()]));
    assert_eq!(code, 4, "{err}");
    assert!(err.contains(REMEDY), "{err}");
}

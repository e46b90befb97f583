//! `isotherm plugin new`: what it writes works as it is.

use super::built::{c_library, cargo, example, has_c_compiler, library};
use crate::lab::{isotherm, root, text};

#[test]
fn a_new_rust_plugin_passes_its_tests_the_checker_and_runs() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, err) = text(&isotherm(folder.path(), &["plugin", "new", "acme/brand-new"]));
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("cd brand-new") && out.contains("plugin check"), "{out}");
    let made = folder.path().join("brand-new");
    // What the examples were built with serves here too.
    example("cool_first");
    std::fs::copy(root().join("plugins/examples/Cargo.lock"), made.join("Cargo.lock")).unwrap();
    cargo(&made, &["test", "--release"]);
    cargo(&made, &["build", "--release"]);
    let built = library("brand_new");
    let (code, out, err) = text(&isotherm(&made, &["plugin", "check", built.to_str().unwrap()]));
    assert_eq!(code, 0, "{out}\n{err}");
    let (code, out, err) =
        text(&isotherm(&made, &["run", "scenario.toml", "--set", "seeds=2", "--plugin", built.to_str().unwrap()]));
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("acme/brand-new"), "{out}");
}

#[test]
fn a_new_c_plugin_compiles_and_passes_the_checker() {
    if !has_c_compiler("a_new_c_plugin_compiles_and_passes_the_checker") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (code, _, err) = text(&isotherm(folder.path(), &["plugin", "new", "acme/plain", "--lang", "c"]));
    assert_eq!(code, 0, "{err}");
    let built = c_library(folder.path(), "plain", &[folder.path().join("plain/plugin.c")]);
    let (code, out, err) = text(&isotherm(folder.path(), &["plugin", "check", built.to_str().unwrap()]));
    assert_eq!(code, 0, "{out}\n{err}");
}

#[test]
fn a_bad_name_or_a_folder_that_exists_is_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["cool-first", "acme/Cool", "acme/", "a/b/c"] {
        let (code, out, err) = text(&isotherm(folder.path(), &["plugin", "new", name]));
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.contains("acme/cool-first"), "{err}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    std::fs::create_dir(folder.path().join("there")).unwrap();
    let (code, _, err) = text(&isotherm(folder.path(), &["plugin", "new", "acme/there"]));
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("exists already"), "{err}");
}

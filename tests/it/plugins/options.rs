//! Options of what a library offers: faults at their place in the scenario, defaults written out, swept like any other.

use std::path::Path;

use super::built::example;
use crate::lab::{SENSOR, from_text, isotherm, mean, root, row, run, small, text};

/// Runs a scenario with this router of a library; exit code, standard output and standard error.
fn run_with(folder: &tempfile::TempDir, library: &Path, router: &str) -> (i32, String, String) {
    let scenario =
        small(router).replace("scenarios/hardware", &root().join("scenarios/hardware").display().to_string());
    std::fs::write(folder.path().join("s.toml"), scenario).unwrap();
    text(&isotherm(folder.path(), &["run", "s.toml", "--out", "out", "--plugin", library.to_str().unwrap()]))
}

#[test]
fn faults_of_options_stand_at_their_line() {
    let library = example("cool_first");
    let folder = tempfile::tempdir().unwrap();
    for (options, messages) in [
        ("per_kelvi = 0.1", ["s.toml:12:1", "unknown key `per_kelvi`", "did you mean `per_kelvin`?"]),
        ("per_kelvin = \"much\"", ["s.toml:12:14", "per_kelvin", "number"]),
        ("per_kelvin = -1.0", ["s.toml:12:14", "per_kelvin", "0"]),
        ("floor = 3", ["s.toml:12:9", "floor", "3 experts of a token cannot stay"]),
    ] {
        let (code, _, err) =
            run_with(&folder, &library, &format!("[[router]]\nkind = \"acme/cool-first\"\n{options}\n"));
        assert_eq!(code, 3, "{options}: {err}");
        for message in messages {
            assert!(err.contains(message), "{options}: expected `{message}` in\n{err}");
        }
        assert!(!folder.path().join("out").exists(), "something was written");
    }
}

#[test]
fn a_fault_that_every_point_of_a_sweep_has_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let router =
        "[[router]]\nkind = \"acme/cool-first\"\nper_kelvi = 0.1\n[sweep]\n\"router.dead_band\" = [0.0, 1.0]\n";
    let (code, _, err) = run_with(&folder, &example("cool_first"), router);
    assert_eq!(code, 3, "{err}");
    assert_eq!(err.matches("error: ").count(), 1, "{err}");
}

#[test]
fn results_are_made_anew_when_a_library_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("built.so");
    let router = "[[router]]\nkind = \"acme/cool-first\"\n";
    std::fs::copy(example("cool_first"), &library).unwrap();
    let (code, first, err) = run_with(&folder, &library, router);
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = run_with(&folder, &library, router);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("is complete; nothing to run"), "{err}");
    // Bytes behind the end of a library mean nothing to whoever loads it.
    let mut bytes = std::fs::read(&library).unwrap();
    bytes.push(0);
    std::fs::write(&library, bytes).unwrap();
    let (code, again, err) = run_with(&folder, &library, router);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("a plugin has changed since"), "{err}");
    assert_eq!(first, again);
}

#[test]
fn an_unknown_name_says_where_was_looked_and_what_is_near() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, err) = run_with(&folder, &example("cool_first"), "[[router]]\nkind = \"acme/cool-frist\"\n");
    assert_eq!(code, 3, "{err}");
    for message in ["s.toml:11:8", "no plugin offers the router `acme/cool-frist`", "acme/cool-first", "looked in"] {
        assert!(err.contains(message), "expected `{message}` in\n{err}");
    }
}

#[test]
fn a_named_library_that_cannot_be_used_is_a_fault_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.so");
    std::fs::write(&text, "this is no library\n").unwrap();
    let (code, _, err) = run_with(&folder, &text, "[[router]]\nkind = \"baseline\"\n");
    assert_eq!(code, 4, "{err}");
    assert!(err.contains("notes.so") && err.contains("expected"), "{err}");
}

#[test]
fn a_resolved_scenario_has_the_defaults_and_gives_the_same_bytes() {
    let library = example("cool_first");
    let folder = tempfile::tempdir().unwrap();
    let (code, first, err) = run_with(&folder, &library, "[[router]]\nkind = \"acme/cool-first\"\n");
    assert_eq!(code, 0, "{err}");
    let resolved = std::fs::read_to_string(folder.path().join("out/scenario.resolved.toml")).unwrap();
    for line in ["per_kelvin = 0.05", "dead_band = 2.0", "kind = \"acme/cool-first\"", "plugins = ["] {
        assert!(resolved.contains(line), "`{line}` in\n{resolved}");
    }
    std::fs::copy(folder.path().join("out/scenario.resolved.toml"), folder.path().join("again.toml")).unwrap();
    let (code, second, err) = text_of(&folder, &["run", "again.toml", "--out", "again"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(first, second);
    let read = |name: &str| std::fs::read(folder.path().join(name).join("series.parquet")).unwrap();
    assert_eq!(read("out"), read("again"));
    let summary = std::fs::read_to_string(folder.path().join("out/summary.json")).unwrap();
    assert!(summary.contains("\"package\": \"cool-first\"") && summary.contains("\"sha256\""), "{summary}");
}

fn text_of(folder: &tempfile::TempDir, arguments: &[&str]) -> (i32, String, String) {
    text(&isotherm(folder.path(), arguments))
}

#[test]
fn options_of_a_library_are_swept() {
    let router = "[[router]]\nkind = \"acme/cool-first\"\n[sweep]\n\"router.per_kelvin\" = [0.0, 0.5]\n";
    let library = example("cool_first").display().to_string();
    // Sensors that differ, so that there is something to be priced.
    let fixed = "{ kind = \"fixed\", temperatures = [\"40 degC\", \"40 degC\", \"40 degC\", \"80 degC\"] }";
    let scenario = small(router).replace(SENSOR, fixed).replace(", temperature_limit = \"60 degC\"", "");
    let completed = run(&from_text(&format!("plugins = [{library:?}]\n{scenario}")));
    let saved = |point: &str| mean(row(&completed, "acme/cool-first", point), "energy_savings_percent");
    assert_eq!(saved("router.per_kelvin=0"), 0.0, "a price of zero is the baseline");
    assert!(saved("router.per_kelvin=0.5") > 5.0);
}

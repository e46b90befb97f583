//! Folders that lack something: the page says what, and shows the rest.

use std::path::Path;

use serde_json::{Value, json};

use super::browser::drive;
use crate::lab::{isotherm, root, text};

/// A folder with results of one seed, without the files named.
fn folder(without: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let scenario =
        crate::lab::small("router = [{ kind = \"energy-penalty\", lambda = 0.5 }]").replace("seeds = 2", "seeds = 1");
    let scenario = scenario.replace("scenarios/", &format!("{}/scenarios/", root().display()));
    std::fs::write(folder.path().join("s.toml"), scenario).unwrap();
    let (code, _, err) = text(&isotherm(folder.path(), &["run", "s.toml", "--out", "out", "--quiet"]));
    assert_eq!(code, 0, "{err}");
    for file in without {
        std::fs::remove_file(folder.path().join("out").join(file)).unwrap();
    }
    folder
}

/// Writes the page of such a folder and opens it; `says` are words of its notes.
fn check(name: &str, folder: &Path, has_series: bool, says: &[&str]) {
    let (code, _, err) = text(&isotherm(folder, &["report", "out"]));
    assert_eq!(code, 0, "{err}");
    let page = folder.join("out/report.html");
    let html = std::fs::read_to_string(&page).unwrap();
    for words in says {
        assert!(html.contains(words), "{name}: the page does not say {words}");
    }
    // Plots are there, and not compared with anything.
    let plots: Vec<Value> =
        if has_series { vec![json!({ "title": "Energy of a batch", "lines": [] })] } else { Vec::new() };
    drive(&page, &json!({ "name": name, "hostile": [], "plots": plots, "floor": Value::Null, "says": says }));
}

#[test]
fn one_seed_and_no_test() {
    check("one-seed", folder(&[]).path(), true, &["few seeds: 1 of the 10"]);
}

#[test]
fn no_series() {
    check("no-series", folder(&["series.parquet"]).path(), false, &["series.parquet", "few seeds: 1 of the 10"]);
}

#[test]
fn no_scenario() {
    check("no-scenario", folder(&["scenario.resolved.toml"]).path(), true, &["scenario.resolved.toml"]);
}

#[test]
fn only_the_summary() {
    check(
        "summary-only",
        folder(&["series.parquet", "runs.parquet"]).path(),
        false,
        &["series.parquet", "runs.parquet"],
    );
}

#[test]
fn only_the_runs() {
    check(
        "runs-only",
        folder(&["series.parquet", "summary.json"]).path(),
        false,
        &["summary.json", "few seeds: 1 of the 10"],
    );
}

//! `isotherm compare`: two results folders, through the program.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::lab::{isotherm, text};

/// A small classic experiment with these flags, in `out`.
fn experiment(folder: &Path, out: &str, flags: &[&str]) {
    let small =
        ["experiment", "--source", "logits", "--num-batches", "4", "--lambda-energy", "0.1", "--quiet", "--csv"];
    let (code, _, err) = text(&isotherm(folder, &[&small[..], &["--output-dir", out], flags].concat()));
    assert_eq!(code, 0, "{err}");
}

fn compare(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    text(&isotherm(folder, &[&["compare"], arguments].concat()))
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    let (code, out, err) = compare(folder, &[arguments, &["--json"]].concat());
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).unwrap()
}

/// A metric of `runs.csv` by router and seed: the same numbers by another way.
fn csv(folder: &Path, out: &str, metric: &str) -> BTreeMap<(String, String), f64> {
    let mut reader = csv_reader(&folder.join(out).join("runs.csv"));
    let headers = reader.remove(0);
    let at = |name: &str| headers.iter().position(|header| header == name).unwrap();
    let (router, seed, value) = (at("router"), at("seed"), at(metric));
    reader.into_iter().map(|row| ((row[router].clone(), row[seed].clone()), row[value].parse().unwrap())).collect()
}

/// No field of these files is quoted.
fn csv_reader(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn row<'a>(json: &'a Value, router: &str, metric: &str) -> &'a Value {
    let wanted = |row: &&Value| row["router"] == router && row["metric"] == metric;
    json["rows"].as_array().unwrap().iter().find(wanted).unwrap_or_else(|| panic!("{router} {metric} in {json}"))
}

#[test]
fn the_same_tokens_are_compared_seed_by_seed() {
    let folder = tempfile::tempdir().unwrap();
    experiment(folder.path(), "a", &["--seeds", "6"]);
    // Another hot expert changes the costs and not the tokens; and two seeds more.
    experiment(folder.path(), "b", &["--seeds", "8", "--num-hot", "3"]);
    let found = json(folder.path(), &["a", "b"]);
    assert_eq!(found["scenario"], "experiment");
    assert_eq!(found["comparisons"].as_u64().unwrap() as usize, found["rows"].as_array().unwrap().len());
    for router in ["baseline", "energy-penalty", "ttt"] {
        for metric in ["energy_j", "mass_regret", "latency_p99_s", "combine_weight_tv"] {
            let (a, b) = (csv(folder.path(), "a", metric), csv(folder.path(), "b", metric));
            let differences: Vec<f64> =
                a.iter().filter(|((name, _), _)| name == router).map(|(key, value)| b[key] - value).collect();
            let mean = differences.iter().sum::<f64>() / 6.0;
            let row = row(&found, router, metric);
            assert_eq!((&row["test"], &row["runs_a"], &row["runs_b"]), (&"paired-t".into(), &6.into(), &6.into()));
            let shown = row["difference"]["mean"].as_f64().unwrap();
            assert!((shown - mean).abs() <= 1e-9 * mean.abs(), "{router} {metric}: {shown} and not {mean}");
            let (p, holm) = (row["p_value"].as_f64().unwrap(), row["p_holm"].as_f64().unwrap());
            assert!((0.0..=1.0).contains(&p) && p <= holm && holm <= 1.0, "{row}");
            assert_eq!(row["significant"], holm <= 0.05);
        }
    }
    let baseline = row(&found, "baseline", "energy_j");
    assert!(baseline["significant"].as_bool().unwrap(), "a third hot expert costs: {baseline}");
    assert!(
        found["rows"]
            .as_array()
            .unwrap()
            .iter()
            .all(|row| row["metric"] != "energy_savings_percent" || row["router"] != "baseline"),
        "a baseline saves nothing against itself"
    );

    let (code, out, err) = compare(folder.path(), &["a", "b"]);
    assert_eq!((code, err.as_str()), (0, ""));
    for word in ["energy_j: B is higher in 3 of 3 rows; most for", "p Holm", "paired by seed on the same tokens"] {
        assert!(out.contains(word), "{word} in\n{out}");
    }
    assert!(out.contains("0 runs of A and 6 of B have no partner") && out.contains("few seeds: 6 of"), "{out}");
    assert!(!out.contains("unpaired") && !out.contains("NaN"), "{out}");
    assert_eq!(out, compare(folder.path(), &["a", "b"]).1, "the same every time");
}

#[test]
fn other_tokens_are_not_paired_and_the_reason_is_told() {
    let folder = tempfile::tempdir().unwrap();
    experiment(folder.path(), "a", &["--seeds", "5"]);
    experiment(folder.path(), "longer", &["--seeds", "5", "--seq-length", "64"]);
    experiment(folder.path(), "later", &["--seeds", "7", "--seed", "100"]);
    let found = json(folder.path(), &["a", "longer", "--metric", "energy_j"]);
    assert!(found["rows"].as_array().unwrap().iter().all(|row| row["test"] == "welch" && row["p_value"].is_number()));
    let notes = found["notes"].to_string();
    assert!(notes.contains("arrivals.seq_length is 128 and 64"), "{notes}");
    let found = json(folder.path(), &["a", "later", "--metric", "energy_j"]);
    let row = row(&found, "ttt", "energy_j");
    assert_eq!((&row["test"], &row["runs_a"], &row["runs_b"]), (&"welch".into(), &5.into(), &7.into()));
    assert!(found["notes"].to_string().contains("no seed is in both"), "{found}");
    let (_, out, _) = compare(folder.path(), &["a", "later", "--metric", "energy_j"]);
    assert!(out.contains(" J *") && out.contains("note: *: unpaired, Welch's t test: no seed"), "{out}");
}

#[test]
fn a_folder_against_itself_differs_in_nothing() {
    let folder = tempfile::tempdir().unwrap();
    experiment(folder.path(), "one", &[]);
    experiment(folder.path(), "three", &["--seeds", "3"]);
    let found = json(folder.path(), &["three", "three"]);
    for row in found["rows"].as_array().unwrap() {
        assert_eq!(row["difference"], serde_json::json!({ "mean": 0.0, "ci95": 0.0 }), "{row}");
        assert_eq!((&row["p_value"], &row["significant"]), (&1.0.into(), &false.into()), "{row}");
    }
    // One seed says nothing, in words and not as a NaN.
    let found = json(folder.path(), &["one", "one"]);
    for row in found["rows"].as_array().unwrap() {
        assert!(row["p_value"].is_null() && row["p_holm"].is_null() && row["difference"]["ci95"].is_null(), "{row}");
    }
    let (_, out, _) = compare(folder.path(), &["one", "one"]);
    assert!(out.contains("one seed says nothing in 3 of 3 rows") && !out.contains("NaN"), "{out}");
}

#[test]
fn bootstrap_intervals_of_a_comparison() {
    let folder = tempfile::tempdir().unwrap();
    experiment(folder.path(), "a", &["--seeds", "6"]);
    experiment(folder.path(), "b", &["--seeds", "6", "--num-hot", "3"]);
    let found = json(folder.path(), &["a", "b", "--bootstrap", "500"]);
    assert_eq!((&found["interval"], &found["resamples"]), (&"bootstrap".into(), &500.into()));
    let student = json(folder.path(), &["a", "b"]);
    let (ours, theirs) = (row(&found, "ttt", "energy_j"), row(&student, "ttt", "energy_j"));
    let [low, high] = [0, 1].map(|at| ours["difference"]["bounds"][at].as_f64().unwrap());
    let mean = ours["difference"]["mean"].as_f64().unwrap();
    assert!(low < mean && mean < high);
    assert_eq!((&ours["p_value"], mean), (&theirs["p_value"], theirs["difference"]["mean"].as_f64().unwrap()));
    let (_, out, _) = compare(folder.path(), &["a", "b", "--bootstrap", "500"]);
    assert!(out.contains("bootstrap interval (500 resamples)"), "{out}");
}

#[test]
fn routers_without_a_partner_are_named() {
    let folder = tempfile::tempdir().unwrap();
    experiment(folder.path(), "a", &["--router", "ttt", "--seeds", "2"]);
    experiment(folder.path(), "b", &["--router", "energy-penalty", "--seeds", "2", "--lambda-energy", "0.1,0.2"]);
    // The helper asks for 0.1 too: a value that is swept twice is one row.
    let found = json(folder.path(), &["a", "b"]);
    assert_eq!(found["only_in_a"].to_string(), r#"[{"point":{},"router":"ttt"}]"#);
    assert_eq!(found["only_in_b"].as_array().unwrap().len(), 2);
    let (_, out, _) = compare(folder.path(), &["a", "b"]);
    assert!(out.contains("note: only in A: ttt\n"), "{out}");
    assert!(out.contains("only in B: energy-penalty router.lambda=0.1; energy-penalty router.lambda=0.2"), "{out}");
}

#[test]
fn bad_input_is_one_clear_message() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    experiment(path, "a", &["--seeds", "2"]);
    std::fs::create_dir_all(path.join("half/.unfinished")).unwrap();
    std::fs::create_dir(path.join("empty")).unwrap();
    let variant = |name: &str, change: &dyn Fn(String) -> String| {
        std::fs::create_dir(path.join(name)).unwrap();
        std::fs::copy(path.join("a/runs.parquet"), path.join(name).join("runs.parquet")).unwrap();
        let summary = std::fs::read_to_string(path.join("a/summary.json")).unwrap();
        std::fs::write(path.join(name).join("summary.json"), change(summary)).unwrap();
    };
    variant("old", &|text| text.replace("\"schema_version\": 2", "\"schema_version\": 1"));
    variant("cut", &|text| text[..text.len() / 2].to_owned());
    variant("other", &|text| text.replace("\"experiment\"", "\"drift\""));
    variant("renamed", &|text| text.replace("\"router\": \"", "\"router\": \"new "));
    variant("no-runs", &|text| text);
    std::fs::write(path.join("no-runs/runs.parquet"), "no Parquet").unwrap();
    for (arguments, code, words) in [
        (["a", "nowhere"], 4, "nowhere is no results folder"),
        (["empty", "a"], 4, "empty is no results folder: summary.json"),
        (["a", "half"], 4, "half is not finished"),
        (["old", "a"], 4, "old holds results in format 1; this isotherm reads format 2"),
        (["a", "cut"], 4, "cut is no results folder: summary.json is not what isotherm writes"),
        (["a", "no-runs"], 4, "no-runs is damaged: runs.parquet"),
        (["a", "other"], 2, "a holds the scenario `experiment` and other holds `drift`"),
        (["a", "renamed"], 2, "no router at one sweep point is both in a and in renamed"),
    ] {
        let (found, out, err) = compare(path, &arguments);
        assert_eq!((found, out.as_str()), (code, ""), "{err}");
        assert!(err.starts_with("error: ") && err.contains(words) && err.contains("= help: "), "{words} in {err}");
    }
    let (code, _, err) = compare(path, &["a", "a", "--metric", "enery_j"]);
    assert!(
        code == 2 && err.contains("no metric is called `enery_j`") && err.contains("did you mean `energy_j`?"),
        "{err}"
    );
    let (code, _, err) = compare(path, &["a", "a", "--metric", "frobnicate"]);
    assert!(code == 2 && err.contains("isotherm list metrics"), "{err}");
    let (code, out, _) = compare(path, &["a", "a", "--metric", "pue", "--metric", "energy_j", "--metric", "energy_j"]);
    assert!(code == 0 && out.contains("no run of A has pue"), "{out}");
    assert_eq!(out.matches("energy_j: no run differs in 3 of 3 rows").count(), 1, "{out}");
    assert_eq!(compare(path, &["a"]).0, 2, "two folders are wanted");
    assert_eq!(compare(path, &["a", "a", "--bootstrap", "10"]).0, 2, "too few resamples");
}

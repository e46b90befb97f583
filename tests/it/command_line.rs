//! The program as a user meets it.

use isotherm::results::Summary;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

use crate::lab::{isotherm, root, text};

#[test]
fn the_classic_flags_work_with_underscores() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, err) = text(&isotherm(
        folder.path(),
        &[
            "experiment",
            "--lambda_energy",
            "0.1",
            "--num_experts",
            "8",
            "--moe_top_k",
            "2",
            "--batch_size",
            "4",
            "--seq_length=32",
            "--d_model",
            "64",
            "--num_batches",
            "10",
            "--output_dir",
            "my_results",
        ],
    ));
    assert_eq!(code, 0, "{err}");
    for word in ["router", "energy-penalty", "ttt", "baseline", "saved", "note:"] {
        assert!(out.contains(word), "{word} in\n{out}");
    }
    for name in ["summary.json", "runs.parquet", "series.parquet", "scenario.resolved.toml", "timing.json"] {
        assert!(folder.path().join("my_results").join(name).is_file(), "{name}");
    }
    assert!(!folder.path().join("my_results/runs.csv").exists(), "CSV comes on request");
}

#[test]
fn json_on_standard_output_is_the_summary() {
    let folder = tempfile::tempdir().unwrap();
    let arguments =
        ["experiment", "--num-batches", "3", "--source", "logits", "--output-dir", "out", "--json", "--csv"];
    let (code, out, err) = text(&isotherm(folder.path(), &arguments));
    assert_eq!(code, 0, "{err}");
    let summary: Summary = serde_json::from_str(&out).unwrap();
    let written: Summary =
        serde_json::from_slice(&std::fs::read(folder.path().join("out/summary.json")).unwrap()).unwrap();
    assert_eq!(summary, written);
    assert_eq!(summary.rows.len(), 11, "a baseline, and two routers at five prices");
    let csv = std::fs::read_to_string(folder.path().join("out/runs.csv")).unwrap();
    assert_eq!(csv.lines().count(), 12);
}

/// Parquet files say what the summary says, and every reader can open them.
#[test]
fn parquet_holds_the_runs_and_the_batches() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["experiment", "--num-batches", "5", "--source", "logits", "--output-dir", "out", "--quiet"];
    assert_eq!(text(&isotherm(folder.path(), &arguments)).0, 0);
    let rows = |name: &str| {
        let file = std::fs::File::open(folder.path().join("out").join(name)).unwrap();
        SerializedFileReader::new(file).unwrap().get_row_iter(None).unwrap().map(Result::unwrap).collect::<Vec<_>>()
    };
    let column =
        |row: &parquet::record::Row, name: &str| row.get_column_iter().find(|(n, _)| *n == name).unwrap().1.clone();
    let (runs, series) = (rows("runs.parquet"), rows("series.parquet"));
    assert_eq!((runs.len(), series.len()), (11, 55));
    for run in &runs {
        let (Field::Str(id), Field::Double(energy)) = (column(run, "run_id"), column(run, "energy_j")) else {
            panic!("{run:?}")
        };
        let of_batches: f64 = series
            .iter()
            .filter(|batch| column(batch, "run_id") == Field::Str(id.clone()))
            .map(|batch| match column(batch, "energy_j") {
                Field::Double(joules) => joules,
                other => panic!("{other:?}"),
            })
            .sum();
        assert!((energy - of_batches).abs() < 1e-9 * energy);
    }
    let Field::ListInternal(usage) = column(&series[0], "usage") else { panic!("usage is a list") };
    assert_eq!(usage.elements().len(), 8);
}

#[test]
fn the_resolved_scenario_gives_the_same_results() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = root().join("scenarios/drift.toml").display().to_string();
    let small = ["--set", "seeds=1", "--set", "arrivals.batches=70", "--set", "arrivals.tokens=64"];
    let (code, _, err) = text(&isotherm(folder.path(), &[&["run", &scenario, "--out", "first"][..], &small].concat()));
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = text(&isotherm(folder.path(), &["run", "first/scenario.resolved.toml", "--out", "second"]));
    assert_eq!(code, 0, "{err}");
    for name in ["runs.parquet", "series.parquet", "scenario.resolved.toml"] {
        let read = |out: &str| std::fs::read(folder.path().join(out).join(name)).unwrap();
        assert!(read("first") == read("second"), "{name}");
    }
}

#[test]
fn list_names_everything_a_scenario_can() {
    let (code, out, _) = text(&isotherm(root(), &["list"]));
    assert_eq!(code, 0);
    for word in [
        "energy-penalty",
        "ttt",
        "gaussian",
        "counts",
        "closed-loop",
        "poisson",
        "trace",
        "fixed",
        "synthetic",
        "replay",
        "energy_savings_percent",
    ] {
        assert!(out.contains(word), "{word} in\n{out}");
    }
    let (_, json, _) = text(&isotherm(root(), &["list", "routers", "--json"]));
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["routers"][0]["kind"], "baseline");
}

#[test]
fn several_scenarios_get_a_folder_each() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| root().join("scenarios").join(name).display().to_string();
    let arguments = [
        "run",
        &path("classic.toml"),
        &path("classic-as-published.toml"),
        "--out",
        "both",
        "--set",
        "seeds=1",
        "--set",
        "arrivals.batches=10",
    ];
    let (code, _, err) = text(&isotherm(folder.path(), &arguments));
    assert_eq!(code, 0, "{err}");
    assert!(folder.path().join("both/classic/summary.json").is_file());
    assert!(folder.path().join("both/classic-as-published/summary.json").is_file());
}

//! What was recorded on pairs of real H200s that share their air, and how far the simulator is off: the numbers of `docs/HARDWARE.md`.

use serde_json::Value;

use crate::lab::{isotherm, root, text};
use crate::recorded::{Recorded, json, relative};

const H200: Recorded = Recorded("h200-live");

/// Largest error of a die's mean temperature (K).
fn worst_die(report: &Value) -> f64 {
    report["worst"]["die_k"].as_f64().unwrap()
}

#[test]
fn five_routers_on_two_gpus_are_predicted_as_the_page_says() {
    let report = H200.compared("live", &["--cooling", &H200.path("cooling.toml")]);
    assert_eq!(report["simulated"], false);
    let rows = report["rows"].as_array().unwrap();
    let routers: Vec<&str> = rows.iter().map(|row| row["router"].as_str().unwrap()).collect();
    assert_eq!(routers, ["baseline", "selection-bias", "energy-penalty", "ttt", "primal-dual"]);
    for row in rows {
        assert!(relative(row, "joules_per_token").abs() < 0.025, "{row}");
        assert!(relative(row, "layer_seconds").abs() < 0.04, "{row}");
    }
    assert!(worst_die(&report) < 2.0, "{report}");
    // `ttt` and `primal-dual` were measured 0.9 % apart, which is less than the model is off: their order is luck, that of the others is not.
    let order = |side: &str| -> Vec<String> {
        let names =
            report["rankings"][0][side].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned());
        names.filter(|name| !name.starts_with("primal-dual")).collect()
    };
    assert_eq!(order("measured"), order("predicted"));
}

/// Everything at once, on two other devices: energy, layer time, temperature and the order of the routers.
#[test]
fn three_routers_on_two_other_gpus_come_out_in_the_order_predicted() {
    let pair = Recorded("h200-live/other-pair");
    let report = pair.compared("live", &["--cooling", &pair.path("cooling.toml")]);
    assert_eq!(report["simulated"], false);
    let rows = report["rows"].as_array().unwrap();
    let routers: Vec<&str> = rows.iter().map(|row| row["router"].as_str().unwrap()).collect();
    assert_eq!(routers, ["selection-bias", "ttt", "baseline"]);
    for row in rows {
        assert!(relative(row, "joules_per_token").abs() < 0.02, "{row}");
        assert!(relative(row, "layer_seconds").abs() < 0.02, "{row}");
    }
    assert!(worst_die(&report) < 2.0, "{report}");
    assert_eq!(report["rankings"][0]["same"], true, "{}", report["rankings"]);
}

#[test]
fn six_splits_are_predicted_as_the_page_says() {
    let report = H200.compared("splits", &["--cooling", &H200.path("cooling.toml")]);
    let rows = report["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 6);
    for row in rows {
        assert!(relative(row, "joules_per_token").abs() < 0.025, "{row}");
        assert!(relative(row, "layer_seconds").abs() < 0.035, "{row}");
    }
}

#[test]
fn without_the_warm_air_between_the_gpus_the_prediction_is_worse() {
    let (with, without) = (
        worst_die(&H200.compared("live", &["--cooling", &H200.path("cooling.toml")])),
        worst_die(&H200.compared("live", &[])),
    );
    assert!(without > with + 1.0, "{with} K with, {without} K without");
}

/// 565 W of GPU 1 warm GPU 0 by 4 K, and the other way round not at all.
#[test]
fn who_stands_in_whose_air_is_fitted() {
    let folder = tempfile::tempdir().unwrap();
    let recording = H200.path("one-by-one.parquet");
    let fit = |gpu: &str, stream: &str| {
        let arguments =
            ["profile", "fit", &recording, "--gpu", gpu, "--stream", stream, "--nodes", "3", "--force", "--json"];
        let fit = json(folder.path(), &arguments);
        let found = fit["parameters"].as_array().unwrap().iter();
        let found = found.filter(|parameter| parameter["key"] == "cooling.stream_w_per_k").collect::<Vec<_>>();
        (found[0]["value"].as_f64().unwrap(), !found[0]["plus_minus"].is_null(), fit["profile"]["origin"].to_string())
    };
    let (downstream, known, origin) = fit("0", "1,0");
    assert!(known && (100.0..250.0).contains(&downstream), "{downstream} W/K");
    assert!(!origin.contains("stream"), "the air is not the device's: {origin}");
    let (upstream, known, _) = fit("1", "0,1");
    assert!(!known, "nothing of the sort can be seen: {upstream} W/K");
}

#[test]
fn a_stream_or_a_cooling_that_cannot_be_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let recording = H200.path("one-by-one.parquet");
    for (stream, why) in [
        ("1", "a stream has two or more GPUs, each once"),
        ("1,1", "each once"),
        ("a,b", "is no list of GPUs"),
        ("0,5", "no recording has a GPU 5"),
    ] {
        let (code, _, err) = text(&isotherm(folder.path(), &["profile", "fit", &recording, "--stream", stream]));
        assert_eq!(code, 2, "{err}");
        assert!(err.contains(why), "{err}");
    }
    let cooling = folder.path().join("cooling.toml");
    let cooling = cooling.display().to_string();
    for (content, why) in [
        ("stream = [[1, 0]]\n", "unknown field `stream`"),
        ("streams = [[2, 0]]\nstream_w_per_k = 100.0\n", "`streams` lists GPU 2, but GPUs are 0 to 1"),
    ] {
        std::fs::write(&cooling, content).unwrap();
        let (code, _, err) = text(&isotherm(root(), &["live", "compare", &H200.path("live"), "--cooling", &cooling]));
        assert_eq!(code, 4, "{err}");
        assert!(err.contains(why), "{err}");
    }
}

#[test]
fn five_minutes_were_recorded_without_a_gap() {
    H200.has_no_gap("five-minutes.csv.gz", 6000);
}

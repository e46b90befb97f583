//! What was recorded on real H100s, and how far the simulator is off from it: the numbers of `docs/HARDWARE.md`.

use crate::lab::{isotherm, root, text};
use crate::recorded::{Recorded, json, relative};

const H100: Recorded = Recorded("h100");

#[test]
fn four_routers_on_two_gpus_are_predicted_as_the_page_says() {
    let report = H100.compared("live", &[]);
    assert_eq!(report["simulated"], false);
    let rows = report["rows"].as_array().unwrap();
    let routers: Vec<&str> = rows.iter().map(|row| row["router"].as_str().unwrap()).collect();
    assert_eq!(routers, ["baseline", "energy-penalty", "ttt", "primal-dual"]);
    for row in rows {
        assert!(relative(row, "joules_per_token").abs() < 0.04, "{row}");
        assert!(relative(row, "layer_seconds").abs() < 0.06, "{row}");
        for die in row["die_mean_degc"].as_array().unwrap() {
            let off = die["predicted"].as_f64().unwrap() - die["measured"].as_f64().unwrap();
            assert!(off.abs() < 3.3, "{row}");
        }
    }
    let ranking = &report["rankings"][0];
    for side in ["measured", "predicted"] {
        let last = ranking[side].as_array().unwrap().last().unwrap().as_str().unwrap();
        assert!(last.starts_with("baseline"), "{ranking}");
    }
}

#[test]
fn six_splits_are_predicted_as_the_page_says() {
    let report = H100.compared("splits", &[]);
    let rows = report["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 6);
    for row in rows {
        assert!(relative(row, "joules_per_token").abs() < 0.051, "{row}");
        assert!(relative(row, "layer_seconds").abs() < 0.09, "{row}");
    }
    let even = rows[0]["joules_per_token"]["measured"].as_f64().unwrap();
    assert!(rows.iter().skip(1).all(|row| row["joules_per_token"]["measured"].as_f64().unwrap() > 1.08 * even));
}

#[test]
fn the_shipped_profile_describes_four_devices() {
    let folder = tempfile::tempdir().unwrap();
    let profile = root().join("scenarios/hardware/h100-sxm.toml").display().to_string();
    let files = ["pair-1.parquet", "pair-2.parquet", "pair-1.json", "pair-2.json"].map(|name| H100.path(name));
    let mut arguments = vec!["profile", "check", profile.as_str()];
    arguments.extend(files.iter().map(String::as_str));
    arguments.push("--json");
    let report = json(folder.path(), &arguments);
    let tracks = report["tracks"].as_array().unwrap();
    assert_eq!(tracks.len(), 4);
    for track in tracks {
        for sensor in ["gpu", "hbm"] {
            let rmse = track["with_drift"][sensor]["continuous"]["rmse"].as_f64().unwrap();
            assert!(rmse < 1.51, "{sensor} of {}: {rmse}", track["file"]);
        }
        assert!(track["energy"]["error_percent"].as_f64().unwrap().abs() < 0.5);
    }
}

/// The second GPU of the first machine is cooled half as well as the first: only a fit of its own says so.
#[test]
fn one_gpu_of_a_recording_is_fitted_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let pair = H100.path("pair-1.parquet");
    let fit = |gpu: &str, out: &str| {
        let arguments =
            ["profile", "fit", &pair, "--gpu", gpu, "--steady-ambient", "--nodes", "4", "-o", out, "--json"];
        let fit = json(folder.path(), &arguments);
        let checks = fit["checks"].as_array().unwrap();
        assert_eq!(checks.len(), 1);
        let first_seconds_alone = checks[0]["ambient_alone"]["gpu"]["continuous"]["rmse"].as_f64().unwrap();
        assert!(first_seconds_alone < 1.6, "a constant ambient is enough: {first_seconds_alone} K");
        let value = |key: &str| {
            let found = fit["parameters"].as_array().unwrap().iter().find(|parameter| parameter["key"] == key).unwrap();
            found["value"].as_f64().unwrap()
        };
        1.0 / value("link.package-sink.w_per_k") + 1.0 / value("node.sink.ambient_w_per_k")
    };
    let (first, second) = (fit("0", "a.toml"), fit("1", "b.toml"));
    assert!(second > 1.3 * first, "{first} and {second} K/W");
    let (code, _, err) = text(&isotherm(folder.path(), &["profile", "fit", &pair, "--gpu", "7", "-o", "c.toml"]));
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("--gpu: no recording has a GPU 7; there are [0, 1]"), "{err}");
}

#[test]
fn five_minutes_were_recorded_without_a_gap() {
    H100.has_no_gap("five-minutes.csv.gz", 6000);
}

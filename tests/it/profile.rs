//! `isotherm profile`: fit, check and show on our own recordings, and what a user sees when a recording is odd.

use std::fmt::Write;
use std::path::Path;

use serde_json::Value;

use crate::lab::{isotherm, root, text};

fn data(name: &str) -> String {
    root().join("scenarios/data/h200").join(name).display().to_string()
}

fn shipped() -> String {
    root().join("scenarios/hardware/h200-sxm.toml").display().to_string()
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    let (code, out, err) = text(&isotherm(folder, arguments));
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).unwrap()
}

fn rmse(track: &Value, sensor: &str) -> f64 {
    track["with_drift"][sensor]["continuous"]["rmse"].as_f64().unwrap()
}

/// One profile for both recordings; the marks are those of the issue: 0.8 K on single-1, 1.3 K on both.
#[test]
fn the_shipped_profile_describes_both_recordings() {
    let folder = tempfile::tempdir().unwrap();
    let (single, holds) = (data("single-1.csv.gz"), data("holds-3.csv.gz"));
    let report = json(folder.path(), &["profile", "check", &shipped(), &single, &holds, "--json", "--plot", "fit.svg"]);
    let tracks = report["tracks"].as_array().unwrap();
    assert_eq!(tracks.len(), 2);
    for (track, mark, measured) in [(&tracks[0], 0.8, false), (&tracks[1], 1.3, true)] {
        for sensor in ["gpu", "hbm"] {
            assert!(rmse(track, sensor) <= mark, "{sensor} of {}: {}", track["file"], rmse(track, sensor));
        }
        assert_eq!(track["memory_power_is_measured"], measured);
        assert!(track["energy"]["error_percent"].as_f64().unwrap().abs() < 0.5);
        assert!(track["clock_at_cap"]["measured_mhz"].as_f64().unwrap() > 1400.0);
    }
    assert!(tracks[0]["with_drift"]["gpu"]["aliased"]["rmse"].as_f64().unwrap() > 1.0, "aliased phases stand apart");
    assert!(tracks[1]["with_drift"]["gpu"]["aliased"].is_null(), "12.5 ms do not alias");
    let svg = std::fs::read_to_string(folder.path().join("fit.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n") && !svg.contains("NaN"));
}

#[test]
fn a_fit_is_a_profile_again() {
    let folder = tempfile::tempdir().unwrap();
    let arguments =
        ["profile", "fit", &data("holds-3.csv.gz"), "-o", "p.toml", "--nodes", "3", "--json", "--from", &shipped()];
    let report = json(folder.path(), &arguments);
    for parameter in report["parameters"].as_array().unwrap() {
        assert!(parameter["value"].as_f64().unwrap() >= 0.0, "{parameter}");
    }
    let (code, out, err) = text(&isotherm(folder.path(), &["profile", "show", "p.toml"]));
    assert_eq!(code, 0, "{err}");
    for word in ["die", "hbm", "sink", "time constants", "fitted", "NVIDIA H200"] {
        assert!(out.contains(word), "{word} in\n{out}");
    }
    let again = json(folder.path(), &["profile", "check", "p.toml", &data("holds-3.csv.gz"), "--json"]);
    assert!(rmse(&again["tracks"][0], "hbm") < 1.6);
}

/// Two GPUs with a square wave of 20 s: a gap, a reset of the counter, a column no one knows, no memory sensors.
fn odd(reset: bool) -> String {
    let mut csv = String::from("t_s,gpu,power_mw,energy_mj,temp_c,rack\n");
    for step in 0..1200 {
        let t = f64::from(step) * 0.1;
        if (50.0..56.0).contains(&t) {
            continue;
        }
        for gpu in [1, 0] {
            let watts = if (t / 20.0) as i32 % 2 == 0 { 125 } else { 500 };
            let joules = (0..step).map(|s| if (s / 200) % 2 == 0 { 12_500_i64 } else { 50_000 }).sum::<i64>();
            let energy = if reset && step > 800 { joules - 20_000_000 } else { joules };
            let celsius = if watts > 125 { 55 } else { 40 };
            let at = 1000.0 + t + f64::from(gpu) * 0.003;
            let _ = writeln!(csv, "{at:.4},{gpu},{},{energy},{celsius},7", watts * 1000);
        }
    }
    csv
}

#[test]
fn odd_recordings_are_mended_and_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("odd.csv"), odd(true)).unwrap();
    let (code, out, err) = text(&isotherm(folder.path(), &["profile", "check", &shipped(), "odd.csv", "--json"]));
    assert_eq!(code, 0, "{err}");
    for part in [
        "column `rack` is not known",
        "no rows between 50.0 s",
        "counter was reset at 80",
        "no `mem_temp_c`",
        "no `util_mem`",
    ] {
        assert!(err.contains(part) || err.replace("49.9", "50.0").contains(part), "{part} in\n{err}");
    }
    let report: Value = serde_json::from_str(&out).unwrap();
    let gpus: Vec<u64> = report["tracks"].as_array().unwrap().iter().map(|t| t["gpu"].as_u64().unwrap()).collect();
    assert_eq!(gpus, [0, 1]);
    assert!(report["tracks"][0]["with_drift"]["hbm"].is_null());
    assert!(rmse(&report["tracks"][1], "gpu").is_finite());
}

#[test]
fn what_cannot_be_used_is_refused_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let steady: String = (0..300).map(|k| format!("{},125000,{},41\n", f64::from(k) * 0.1, k * 12_500)).collect();
    let files = [
        ("empty.csv", "t_s,power_mw,temp_c\n".to_owned(), "empty.csv: there are no rows"),
        ("short.csv", "t_s,power_mw,temp_c\n0,1000,40\n1,1000,40\n".to_owned(), "too few for a thermal model"),
        (
            "back.csv",
            "t_s,power_mw,temp_c\n5,1000,40\n4,1000,40\n".to_owned(),
            "back.csv:3: the time of GPU 0 goes back",
        ),
        ("steady.csv", format!("t_s,power_mw,energy_mj,temp_c\n{steady}"), "the power moves only from"),
        ("other.csv", "a,b\n1,2\n".to_owned(), "other.csv"),
    ];
    for (name, content, expected) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
        let (code, _, err) = text(&isotherm(folder.path(), &["profile", "fit", name]));
        assert_eq!(code, 4, "{name}: {err}");
        assert!(err.contains(expected), "{name}: {err}");
        assert!(!folder.path().join("profile.toml").exists(), "{name}: nothing is written");
    }
    for (arguments, expected) in [
        (vec!["profile", "show", "none.toml"], "none.toml"),
        (vec!["profile", "show", "other.csv"], "not a device profile"),
        (vec!["profile", "check", &shipped(), "none.csv"], "none.csv"),
    ] {
        let (code, _, err) = text(&isotherm(folder.path(), &arguments));
        assert_eq!(code, 4, "{err}");
        assert!(err.contains(expected), "{err}");
    }
    let holds = data("holds-3.csv.gz");
    let (code, _, err) =
        text(&isotherm(folder.path(), &["profile", "fit", &holds, "--nodes", "3", "-o", "no/such/folder.toml"]));
    assert_eq!(code, 5, "{err}");
}

//! What `isotherm live` refuses, and what it does not call a success.

use crate::lab::{isotherm, root, text};

/// What a newcomer met: success where nothing was measured, or where half of the record was gone.
#[test]
fn a_comparison_without_measurements_and_a_record_that_is_cut_are_no_success() {
    let folder = tempfile::tempdir().unwrap();
    let file = root().join("scenarios/live-1gpu.toml").display().to_string();
    let only = "router=[{ kind = \"baseline\" }]";
    let blind = ["live", "run", &file, "--load", "model", "--source", "none", "--seconds", "0.3", "--rest", "0"];
    let (code, _, err) = text(&isotherm(folder.path(), &[&blind[..], &["--set", only, "--out", "blind"]].concat()));
    assert_eq!(code, 0, "{err}");
    let (code, out, err) = text(&isotherm(folder.path(), &["live", "compare", "blind"]));
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("energy per token not measured") && out.contains("mean temperature not measured"), "{out}");

    let decisions = folder.path().join("blind/01-baseline/decisions.jsonl");
    let whole = std::fs::read_to_string(&decisions).unwrap();
    let half: String = whole.lines().take(whole.lines().count() / 2).map(|line| format!("{line}\n")).collect();
    std::fs::write(&decisions, half).unwrap();
    let (code, _, err) = text(&isotherm(folder.path(), &["live", "replay", "blind"]));
    assert_eq!(code, 4, "{err}");
    assert!(err.contains("expected a whole record"), "{err}");
}

#[test]
fn what_cannot_work_is_refused_before_gpus_work_for_minutes() {
    let folder = tempfile::tempdir().unwrap();
    let file = root().join("scenarios/live-1gpu.toml").display().to_string();
    let wrong = ["live", "run", &file, "--load", "model", "--source", "nvml", "--out", "wrong"];
    let (code, _, err) = text(&isotherm(folder.path(), &wrong));
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("--source nvml: the GPUs of --load model are read by `model` or `none`"), "{err}");

    let change = root().join("scenarios/cooling-failure.toml").display().to_string();
    let (code, _, err) =
        text(&isotherm(folder.path(), &["live", "run", &change, "--load", "model", "--out", "changed"]));
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("which a live run cannot") && !folder.path().join("changed/live.json").exists(), "{err}");
    assert!(!folder.path().join("changed/01-baseline").exists(), "nothing has run");

    let twice = ["live", "run", &file, "--load", "model", "--devices", "0,0", "--out", "twice"];
    let (code, _, err) = text(&isotherm(folder.path(), &twice));
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("--devices: GPU 0 is named twice"), "{err}");

    let schedule = root().join("scenarios/excitation/short.toml").display().to_string();
    let nowhere = ["live", "excite", &schedule, "--load", "model", "--out", "nowhere/phases.json"];
    let (code, _, err) = text(&isotherm(folder.path(), &nowhere));
    assert_eq!(code, 5, "{err}");
    assert!(!err.contains("idle0"), "no phase was played: {err}");
    let (code, _, err) = text(&isotherm(folder.path(), &["live", "run", &file, "--load", "model", "--seconds", "0"]));
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("expected more than no time"), "{err}");
}

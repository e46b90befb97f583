//! `isotherm plugin check`: passes what is good, fails what is not, and outlives both.

use super::built::{example, misbehaving};
use crate::lab::{isotherm, root, text};

fn check(arguments: &[&str]) -> (i32, String, String) {
    let arguments: Vec<&str> = ["plugin", "check"].iter().chain(arguments).copied().collect();
    text(&isotherm(root(), &arguments))
}

#[test]
fn every_example_passes() {
    let folder = tempfile::tempdir().unwrap();
    let readings = folder.path().join("readings.csv");
    std::fs::write(&readings, "time_s,gpu,temperature_degc,power_w\n0,0,61,350\n1.5,0,62.5,\n").unwrap();
    let csv_options = format!("--options={{\"file\": {:?}}}", readings.display().to_string());
    for name in ["cool_first", "ttt_trust", "csv_pipe", "round_robin_hot"] {
        let library = example(name);
        let mut arguments = vec![library.to_str().unwrap()];
        if name == "csv_pipe" {
            arguments.push(&csv_options);
        }
        let (code, out, err) = check(&arguments);
        assert_eq!(code, 0, "{name}\n{out}\n{err}");
        assert!(out.lines().last().unwrap().contains(" 0 failed"), "{out}");
    }
}

/// The built-in routers are many: the cases that read most of what a router does.
#[test]
fn the_built_in_routers_pass_as_a_library() {
    let library = example("builtins");
    let cases =
        ["answers", "bounds", "read-only", "host", "no-tokens", "one-expert", "repeatable", "independent", "save"];
    let mut arguments = vec![library.to_str().unwrap()];
    for case in cases {
        arguments.extend(["--case", case]);
    }
    let (code, out, err) = check(&arguments);
    assert_eq!(code, 0, "{out}\n{err}");
    assert!(out.contains("isotherm/ttt") && out.contains("isotherm/sinkhorn"));
}

#[test]
fn a_panic_fails_its_case_with_file_and_line_and_the_line_that_repeats_it() {
    let library = misbehaving();
    let options = "{\"panic_at\": 0}";
    let arguments = ["--options", options, "--seed", "42", "--case", "answers", "--case", "after-panic", "--json"];
    let arguments: Vec<&str> = arguments.into_iter().chain([library.to_str().unwrap()]).collect();
    let (code, out, err) = check(&arguments);
    assert_eq!(code, 6, "{out}\n{err}");
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["seed"], 42);
    let result = |case: &str| {
        let all = report["results"].as_array().unwrap();
        all.iter().find(|result| result["case"] == case).unwrap_or_else(|| panic!("{case} in {out}")).clone()
    };
    let failed = result("answers");
    assert_eq!(failed["outcome"], "fail");
    assert!(failed["reason"].as_str().unwrap().contains("src/lib.rs:31:13"), "{failed}");
    assert!(
        failed["replay"].as_str().unwrap().contains("check-one") && failed["replay"].as_str().unwrap().contains("42")
    );
    // The instance answers nothing more, and others live on: that much it keeps.
    assert_eq!(result("after-panic")["outcome"], "pass");
}

#[test]
fn a_case_that_does_not_exist_is_a_fault_of_the_command_line() {
    let library = example("cool_first");
    let (code, out, err) = check(&["--case", "no-such-case", library.to_str().unwrap()]);
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    assert!(err.contains("no case has `no-such-case` in its name") && err.contains("bounds-after"), "{err}");
}

#[test]
fn what_is_no_library_is_refused() {
    let (code, _, err) = check(&["README.md"]);
    assert_eq!(code, 4, "{err}");
    assert!(err.contains("README.md") && err.contains("expected"), "{err}");
}

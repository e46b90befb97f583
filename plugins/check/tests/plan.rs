//! What cannot be checked is refused with words, before anything of it runs.

use std::path::{Path, PathBuf};
use std::process::Command;

use isotherm_plugin_check::{CASES, Plan, run, run_case};

/// A good router, built into `folder`.
fn good_router(folder: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let library = folder.join("good.so");
    let mut compile = Command::new("cc");
    compile.args(["-std=gnu99", "-fPIC", "-shared", "-I"]).arg(root.join("plugins/abi/include"));
    compile.arg("-o").arg(&library).arg(root.join("tests/fixtures/plugins/faults/good_prices.c")).arg("-lm");
    assert!(compile.status().expect("a C compiler is installed").success());
    library
}

#[test]
fn a_plan_that_cannot_be_run_says_why() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let library = good_router(folder.path());
    let said = |change: &dyn Fn(&mut Plan)| {
        let mut plan = Plan::new("no-such-program", &library);
        change(&mut plan);
        run(&plan).expect_err("it cannot be run").to_string()
    };
    let other = said(&|plan| plan.items.push("acme/other".to_owned()));
    assert!(other.ends_with("found no `acme/other` in its label; expected one of `fault/router`"), "{other}");
    let luck = said(&|plan| plan.cases.push("luck".to_owned()));
    assert!(luck.starts_with("no case is called `luck`; expected one of opens, manifest, "), "{luck}");
    let file = said(&|plan| plan.file = folder.path().join("nothing.so"));
    assert!(file.contains("found nothing there; expected a plugin library"), "{file}");
    let program = said(&|_| {});
    assert!(program.starts_with("no-such-program: cannot be started for a case: "), "{program}");
}

#[test]
fn a_child_that_is_asked_for_nonsense_says_why() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let library = good_router(folder.path());
    let said = |file: &Path, name: &str, case: &str| run_case(file, name, case, 1).expect_err("nonsense").to_string();
    assert!(said(&library, "fault/router", "luck").starts_with("no case is called `luck`; there are opens, "));
    assert!(said(&library, "telemetry:fault/router", "opens").contains("there are fault/router"));
    assert!(said(folder.path(), "fault/router", "opens").contains("found a folder"));
}

#[test]
fn every_case_says_what_it_is_about() {
    assert!(CASES.len() >= 30);
    assert!(CASES.iter().all(|case| !case.promise.is_empty() && !case.kinds.is_empty()));
}

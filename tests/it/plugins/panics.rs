//! A panic of a plugin ends the run it happened in, and no other.

use isotherm::results::Summary;

use super::built::misbehaving;
use crate::lab::{isotherm, root, small, text};

#[test]
fn a_panic_ends_its_run_with_name_version_file_and_line_and_all_others_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let routers = "
[[router]]
kind = \"baseline\"
[[router]]
kind = \"energy-penalty\"
lambda = 0.5
[[router]]
kind = \"acme/misbehaving\"
panic_at = 5
[sweep]
\"router[2].panic_at\" = [1000, 5]
";
    let scenario =
        small(routers).replace("scenarios/hardware", &root().join("scenarios/hardware").display().to_string());
    std::fs::write(folder.path().join("s.toml"), scenario).unwrap();
    let library = misbehaving();
    let arguments = ["run", "s.toml", "--out", "out", "--plugin", library.to_str().unwrap()];
    let (code, out, err) = text(&isotherm(folder.path(), &arguments));
    assert_eq!(code, 6, "{err}");
    let summary: Summary =
        serde_json::from_slice(&std::fs::read(folder.path().join("out/summary.json")).unwrap()).unwrap();
    assert_eq!(summary.failures.len(), 2, "one for each seed: {:?}", summary.failures);
    for failure in &summary.failures {
        let error = serde_json::to_string(failure).unwrap();
        for word in ["acme/misbehaving", "2.3.4", "src/lib.rs:31:13", "told to panic at batch 5"] {
            assert!(error.contains(word), "`{word}` in {error}");
        }
    }
    assert!(out.contains("told to panic at batch 5") || err.contains("told to panic at batch 5"), "{out}\n{err}");
    assert_eq!(out.matches("failed: ").count(), 1, "what failed alike is said once: {out}");
    assert!(out.contains("(2 runs alike)"), "{out}");
    assert!(!err.contains("thread '"), "the default panic message is for programmers: {err}");
    let seeds = |router: &str| -> Vec<u32> {
        summary.rows.iter().filter(|row| row.router == router).map(|row| row.seeds).collect()
    };
    assert_eq!((seeds("baseline"), seeds("energy-penalty")), (vec![2], vec![2]));
    assert!(seeds("acme/misbehaving").contains(&2), "the point at which it does not panic is kept");
}

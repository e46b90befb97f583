//! What `summary.json` and the table say about luck: p-values against the baseline, Holm, and the sort of interval.

use std::path::Path;

use isotherm::results::Summary;
use isotherm::statistics::{Interval, holm};

use crate::lab::{isotherm, root, small, text};

const ROUTERS: &str = "
[[router]]
kind = \"baseline\"
[[router]]
kind = \"energy-penalty\"
lambda = 0.0
[[router]]
name = \"strong\"
kind = \"energy-penalty\"
lambda = 0.5
[[router]]
kind = \"ttt\"
lambda = 0.5
";

/// The small scenario in a folder of its own, with this many seeds.
fn with_seeds(seeds: u32) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let profile = format!("profile = \"{}/scenarios/", root().display());
    let text =
        small(ROUTERS).replace("profile = \"scenarios/", &profile).replace("seeds = 2", &format!("seeds = {seeds}"));
    std::fs::write(folder.path().join("small.toml"), text).unwrap();
    folder
}

fn run(folder: &Path, flags: &[&str]) -> (String, String) {
    let (code, out, err) = text(&isotherm(folder, &[&["run", "small.toml", "--out", "out", "--csv"], flags].concat()));
    assert_eq!(code, 0, "{err}");
    (out, err)
}

fn summary(folder: &Path) -> Summary {
    serde_json::from_slice(&std::fs::read(folder.join("out/summary.json")).unwrap()).unwrap()
}

/// Energies of a router by seed, from `runs.csv`.
fn joules(folder: &Path, router: &str) -> Vec<f64> {
    let text = std::fs::read_to_string(folder.join("out/runs.csv")).unwrap();
    let mut rows = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let headers = rows.next().unwrap();
    let at = |name: &str| headers.iter().position(|header| *header == name).unwrap();
    rows.filter(|row| row[at("router")] == router).map(|row| row[at("energy_j")].parse().unwrap()).collect()
}

#[test]
fn every_row_says_how_sure_its_saving_is() {
    let folder = with_seeds(4);
    let (out, _) = run(folder.path(), &[]);
    let summary = summary(folder.path());
    assert_eq!((summary.head.schema_version, summary.head.interval), (2, Interval::StudentT));
    assert_eq!(summary.rows[0].versus_baseline, None);
    let versus: Vec<_> = summary.rows[1..].iter().map(|row| row.versus_baseline.unwrap()).collect();
    let baseline = joules(folder.path(), "baseline");
    for (row, versus) in summary.rows[1..].iter().zip(&versus) {
        let joules = joules(folder.path(), &row.router);
        let differences: Vec<f64> = joules.iter().zip(&baseline).map(|(ours, theirs)| ours - theirs).collect();
        let mean = differences.iter().sum::<f64>() / 4.0;
        let error = (differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / 12.0).sqrt();
        assert!((versus.energy_difference_j.mean - mean).abs() <= 1e-9 * mean.abs(), "{row:?}");
        assert_eq!((versus.pairs, versus.comparisons), (4, 3));
        let p = versus.p_value.unwrap();
        if mean == 0.0 {
            assert_eq!((p, versus.significant), (1.0, false));
        } else {
            // Student's t with 3 degrees of freedom has a closed form: P(|T| > t) = 1 - 2/pi (atan u + u / (1 + u²)), u = t/sqrt 3.
            let u = (mean / error).abs() / 3.0_f64.sqrt();
            let closed = 1.0 - std::f64::consts::FRAC_2_PI * (u.atan() + u / (1.0 + u * u));
            assert!((p - closed).abs() < 1e-12, "{p:e} and not {closed:e}");
        }
        assert_eq!(versus.significant, versus.p_holm.unwrap() <= 0.05);
    }
    let raw: Vec<f64> = versus.iter().map(|versus| versus.p_value.unwrap()).collect();
    assert_eq!(versus.iter().map(|versus| versus.p_holm.unwrap()).collect::<Vec<_>>(), holm(&raw));
    assert!(versus[1].significant && versus[1].energy_difference_j.mean < 0.0, "{versus:?}");
    // Price zero is the baseline: its row is marked, the others are not.
    let line = |router: &str| out.lines().find(|line| line.starts_with(&format!(" {router}"))).unwrap();
    assert!(line("energy-penalty").contains("n.s. 0.00 ± 0.00 %") && !line("strong").contains("n.s."), "{out}");
    assert_eq!(out.matches("note: n.s.: not significant").count(), 1, "{out}");
    assert!(out.contains("Holm's correction for 3 comparisons") && out.contains("few seeds: 4 of the 10"), "{out}");
}

#[test]
fn one_seed_is_tested_against_nothing() {
    let folder = with_seeds(1);
    let (out, _) = run(folder.path(), &[]);
    for row in &summary(folder.path()).rows[1..] {
        let versus = row.versus_baseline.unwrap();
        assert_eq!((versus.pairs, versus.p_value, versus.p_holm), (1, None, None));
        assert!(!versus.significant && versus.energy_difference_j.ci95.is_none());
    }
    assert!(!out.contains("n.s.") && !out.contains("NaN"), "{out}");
}

/// The sort of interval decides no run: another one is a new summary of the same runs, byte for byte what a fresh start gives.
#[test]
fn complete_results_are_summarised_again_with_other_intervals() {
    let folder = with_seeds(5);
    let path = folder.path();
    let bytes = |name: &str| std::fs::read(path.join("out").join(name)).unwrap();
    run(path, &[]);
    let (student, runs, timing) = (bytes("summary.json"), bytes("runs.parquet"), bytes("timing.json"));
    let (out, err) = run(path, &["--bootstrap", "400"]);
    assert!(err.contains("summarised again") && out.contains("bootstrap interval (400 resamples)"), "{err}{out}");
    let again = bytes("summary.json");
    assert_ne!(student, again);
    assert_eq!((bytes("runs.parquet") == runs, bytes("timing.json") == timing), (true, true), "nothing was run");
    let (_, err) = run(path, &["--bootstrap", "400"]);
    assert!(err.contains("nothing to run"), "{err}");
    for threads in ["1", "3"] {
        run(path, &["--bootstrap", "400", "--force", "--threads", threads]);
        assert!(bytes("summary.json") == again, "fresh with {threads} threads");
    }
    let found = summary(path);
    assert_eq!(found.head.interval, Interval::Bootstrap { resamples: 400 });
    let saved = found.rows[2].metrics["energy_savings_percent"];
    let [low, high] = saved.bounds.unwrap();
    assert!(low < saved.mean && saved.mean < high && saved.ci95 == Some((high - low) / 2.0));
    let (_, err) = run(path, &[]);
    assert!(err.contains("summarised again") && bytes("summary.json") == student, "{err}");

    // Without the runs there is nothing to summarise.
    std::fs::remove_file(path.join("out/runs.parquet")).unwrap();
    let (_, err) = run(path, &["--bootstrap", "400"]);
    assert!(err.contains("cannot be summarised again (runs.parquet: ") && bytes("summary.json") == again, "{err}");
    assert!(bytes("runs.parquet") == runs);
}

#[test]
fn results_of_an_older_format_are_run_again() {
    let folder = with_seeds(2);
    run(folder.path(), &[]);
    let path = folder.path().join("out/summary.json");
    let now = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, now.replace("\"schema_version\": 2", "\"schema_version\": 1")).unwrap();
    let (_, err) = run(folder.path(), &[]);
    assert!(err.contains("of an older isotherm; running it again"), "{err}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), now);
}

#[test]
fn too_few_seeds_for_a_bootstrap_have_no_interval() {
    let folder = with_seeds(3);
    let (out, _) = run(folder.path(), &["--bootstrap", "400"]);
    assert!(out.contains("note: no intervals: a bootstrap needs 5 seeds"), "{out}");
    assert!(summary(folder.path()).rows[2].metrics["energy_j"].ci95.is_none());
}

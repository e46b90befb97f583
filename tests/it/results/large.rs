//! More rows than anybody reads.

use isotherm::results::{Row, Summary};

use super::tiny;
use crate::lab::{isotherm, text};

fn saved(row: &Row) -> f64 {
    row.metrics["energy_savings_percent"].mean
}

#[test]
fn the_table_shows_the_first_and_the_best_rows_and_says_where_the_others_are() {
    let folder = tempfile::tempdir().unwrap();
    let lambdas: Vec<String> = (0..300).map(|n| format!("{:.3}", f64::from(n) * 0.002)).collect();
    let scenario = tiny(&format!("[sweep]\n\"router.lambda\" = [{}]\n", lambdas.join(", ")));
    std::fs::write(folder.path().join("s.toml"), scenario.replace("seeds = 1", "seeds = 5")).unwrap();
    let run = |more: &[&str]| text(&isotherm(folder.path(), &[&["run", "s.toml", "--out", "out"], more].concat()));
    let (code, out, err) = run(&["--threads", "2"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.lines().count() < 40, "{out}");
    for said in ["the first 10 of 301 rows", "the 10 rows that save most", "note: all 301 rows are in out/summary.json"]
    {
        assert!(out.contains(said), "`{said}` in\n{out}");
    }
    assert!(out.contains("few seeds: 5 of the 10") && out.contains("Student-t"), "{out}");

    let text = std::fs::read_to_string(folder.path().join("out/summary.json")).unwrap();
    let summary: Summary = serde_json::from_str(&text).unwrap();
    assert_eq!(summary.rows.len(), 301);
    let best = summary.rows.iter().map(saved).fold(f64::NEG_INFINITY, f64::max);
    let best = summary.rows.iter().find(|row| saved(row) == best).unwrap();
    let shown = out.split("the 10 rows that save most").nth(1).unwrap();
    // Below the heading and its line.
    let first = shown.lines().filter(|line| !line.is_empty()).nth(2).unwrap();
    assert!(first.contains(&best.point["router.lambda"]), "{} first in\n{shown}", best.point["router.lambda"]);

    // Read back, it is the same table; as JSON, the file itself.
    let (code, again, err) = run(&[]);
    assert!(code == 0 && err.contains("nothing to run"), "{err}");
    assert_eq!(again, out);
    assert_eq!(run(&["--json"]).1, text);
    let (_, bootstrap, err) = run(&["--bootstrap", "200"]);
    assert!(err.contains("summarised again") && bootstrap.contains("bootstrap interval (200 resamples)"), "{err}");
    let resampled = std::fs::read_to_string(folder.path().join("out/summary.json")).unwrap();
    let resampled: Summary = serde_json::from_str(&resampled).unwrap();
    assert_eq!(resampled.frontier, summary.frontier, "taken over");
    assert_eq!(resampled.rows.len(), 301);
}

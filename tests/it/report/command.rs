//! `isotherm report` on the command line: what it prints, what it writes and what it leaves alone.

use crate::lab::{isotherm, root, text};

fn results() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let scenario = crate::lab::small("router = [{ kind = \"energy-penalty\", lambda = 0.5 }]");
    let scenario = scenario.replace("scenarios/", &format!("{}/scenarios/", root().display()));
    std::fs::write(folder.path().join("s.toml"), scenario).unwrap();
    folder
}

#[test]
fn prints_the_table_of_run_and_writes_the_page() {
    let folder = results();
    let (code, of_run, err) = text(&isotherm(folder.path(), &["run", "s.toml", "--out", "out", "--report"]));
    assert_eq!(code, 0, "{err}");
    let page = std::fs::read_to_string(folder.path().join("out/report.html")).unwrap();
    std::fs::remove_file(folder.path().join("out/report.html")).unwrap();
    let (code, of_report, err) = text(&isotherm(folder.path(), &["report", "out"]));
    assert_eq!(code, 0, "{err}");
    assert_eq!(of_report, of_run);
    assert!(err.contains("out/report.html"), "{err}");
    assert_eq!(std::fs::read_to_string(folder.path().join("out/report.html")).unwrap(), page);
}

#[test]
fn a_table_alone_writes_nothing() {
    let folder = results();
    assert_eq!(text(&isotherm(folder.path(), &["run", "s.toml", "--out", "out", "-q"])).0, 0);
    for (form, start) in [("--json", "{"), ("--csv", "scenario,"), ("--markdown", "|")] {
        let (code, out, err) = text(&isotherm(folder.path(), &["report", "out", form]));
        assert_eq!(code, 0, "{err}");
        assert!(out.starts_with(start), "{form}: {out:.200}");
        assert!(!folder.path().join("out/report.html").exists());
        assert_eq!(text(&isotherm(folder.path(), &["report", "out", form, "-o", "x.html"])).0, 2);
    }
}

#[test]
fn nothing_but_a_page_is_replaced() {
    let folder = results();
    assert_eq!(text(&isotherm(folder.path(), &["run", "s.toml", "--out", "out", "-q"])).0, 0);
    let before = std::fs::read(folder.path().join("out/runs.parquet")).unwrap();
    let (code, _, err) = text(&isotherm(folder.path(), &["report", "out", "-o", "out/runs.parquet"]));
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("is no page of a report"), "{err}");
    assert_eq!(std::fs::read(folder.path().join("out/runs.parquet")).unwrap(), before);
    for _ in 0..2 {
        let (code, _, err) = text(&isotherm(folder.path(), &["report", "out", "-o", "mine.html"]));
        assert_eq!(code, 0, "{err}");
    }
    let (code, _, err) = text(&isotherm(folder.path(), &["report", "out", "-o", "nowhere/mine.html"]));
    assert_eq!(code, 5, "{err}");
    let (code, _, err) = text(&isotherm(folder.path(), &["report", "nothing"]));
    assert_eq!(code, 4, "{err}");
}

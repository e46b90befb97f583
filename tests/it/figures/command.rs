//! `isotherm plot`, as it is typed.

use std::path::Path;

use super::Folder;
use crate::lab::{isotherm, text};

fn plot(folder: &Folder, arguments: &[&str]) -> (i32, String, String) {
    let mut all = vec!["plot", "results"];
    all.extend(arguments);
    text(&isotherm(folder.path().parent().unwrap_or(Path::new(".")), &all))
}

fn names(path: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(path).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn everything_that_applies_is_drawn_and_the_rest_says_why_not() {
    let folder = Folder::classic();
    let (code, out, told) = plot(&folder, &["--csv"]);
    assert_eq!((code, out.as_str()), (0, ""), "{told}");
    assert!(told.contains("left out: drift-recovery: nothing changes"), "{told}");
    let written = names(&folder.path().join("figures"));
    for name in ["pareto", "sweep", "cold-vs-hot", "energy-vs-imbalance", "usage-over-time", "diversity", "latency"] {
        for ending in ["svg", "png", "csv"] {
            assert!(written.contains(&format!("{name}.{ending}")), "{name}.{ending} in {written:?}");
        }
    }
    assert!(!written.iter().any(|name| name.starts_with("drift-recovery")), "{written:?}");
    let table = std::fs::read_to_string(folder.path().join("figures/pareto.csv")).unwrap();
    assert!(table.lines().count() > 20 && table.starts_with("figure,panel,series,mark,x_axis,x,"), "{table}");
    // Drawing twice changes nothing.
    let before = std::fs::read(folder.path().join("figures/pareto.png")).unwrap();
    // Width of a PNG: the first number after the name of its first block.
    assert_eq!(before[16..20], 1200_u32.to_be_bytes(), "one column is 1,200 pixels");
    assert_eq!(plot(&folder, &["--figure", "pareto"]).0, 0);
    assert!(before == std::fs::read(folder.path().join("figures/pareto.png")).unwrap());
}

#[test]
fn what_is_asked_for_is_written_where_it_is_asked_for() {
    let folder = Folder::classic();
    let arguments = ["--figure", "latency", "--format", "svg", "--theme", "dark", "--out", "pictures/of today"];
    let (code, _, told) = plot(&folder, &arguments);
    assert_eq!(code, 0, "{told}");
    assert_eq!(names(&folder.path().parent().unwrap().join("pictures/of today")), ["latency-dark.svg"]);
}

#[test]
fn what_cannot_be_drawn_is_said_with_its_code() {
    let folder = Folder::classic();
    let (code, _, told) = plot(&folder, &["--figure", "piechart"]);
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("piechart") && told.contains("pareto") && told.contains("drift-recovery"), "{told}");
    let (code, _, told) = plot(&folder, &["--figure", "clock"]);
    assert_eq!(code, 4, "{told}");
    assert!(told.contains("figure clock does not apply: clocks are not modelled"), "{told}");
    let nothing = tempfile::tempdir().unwrap();
    let (code, _, told) = text(&isotherm(nothing.path(), &["plot", "results"]));
    assert_eq!(code, 4, "{told}");
    std::fs::write(folder.path().join("file"), "").unwrap();
    let (code, _, told) = plot(&folder, &["--out", "results/file"]);
    assert_eq!(code, 5, "{told}");
}

#[test]
fn letters_that_a_png_lacks_are_told() {
    let router = "router=[{ kind = \"baseline\" }, { kind = \"ttt\", lambda = 0.5, name = \"熱 router\" }]";
    let folder = Folder::of("classic.toml", &["seeds=1", "arrivals.batches=5", "sweep={}", router]);
    let (code, _, told) = plot(&folder, &["--figure", "latency"]);
    assert!(code == 0 && told.contains("note: latency.png has boxes") && told.contains("(U+71B1)"), "{told}");
    let (_, _, told) = plot(&folder, &["--figure", "latency", "--format", "svg"]);
    assert!(!told.contains("boxes"), "{told}");
}

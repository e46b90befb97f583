//! README and docs show no picture that a script does not make: `docs/figures.sh`, or `benches/compare/run.sh` for the page on performance.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::lab::{announce, root, text};

fn script(arguments: &[&str]) -> (i32, String, String) {
    text(&Command::new("bash").arg("docs/figures.sh").args(arguments).current_dir(root()).output().unwrap())
}

/// Where `benches/compare/run.sh` keeps what it measured and draws it.
const PERFORMANCE: &str = "docs/performance";

/// What the script says that it makes, by path from the root.
fn made() -> BTreeSet<PathBuf> {
    let (code, out, err) = script(&["--list"]);
    assert_eq!(code, 0, "{err}");
    out.lines().map(PathBuf::from).collect()
}

/// Pictures that a page shows: `![text](path)`, and `src` or `srcset` of HTML. Those in code are examples.
fn shown(page: &str) -> Vec<&str> {
    let prose = page.split("```").step_by(2);
    let mut found = Vec::new();
    for text in prose {
        found.extend(text.split("![").skip(1).filter_map(|rest| rest.split_once("](")?.1.split(')').next()));
        for attribute in ["src=\"", "srcset=\""] {
            found.extend(text.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()));
        }
    }
    found
}

fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(root().join(folder)).unwrap() {
        let path = folder.join(entry.unwrap().file_name());
        if root().join(&path).is_dir() {
            pages(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "md") {
            found.push(path);
        }
    }
}

/// A path without its `..`, of a page in `folder`.
fn from_root(folder: &Path, picture: &str) -> PathBuf {
    let mut path = folder.to_owned();
    for step in picture.split('/') {
        if step == ".." {
            path.pop();
        } else {
            path.push(step);
        }
    }
    path
}

#[test]
fn every_picture_comes_from_the_script() {
    let made = made();
    let mut all = vec![PathBuf::from("README.md")];
    pages(Path::new("docs"), &mut all);
    let mut seen = 0;
    for page in all {
        let text = std::fs::read_to_string(root().join(&page)).unwrap();
        // A page that becomes another one stands where that will be.
        let folder = if page.ends_with("validation/page.md") { Path::new("docs") } else { page.parent().unwrap() };
        for picture in shown(&text) {
            let path = from_root(folder, picture);
            // That those are made is another test's.
            let is_made = made.contains(&path) || path.starts_with(PERFORMANCE);
            assert!(is_made, "{} shows {picture}, which docs/figures.sh does not make", page.display());
            assert!(root().join(&path).is_file(), "{} shows {picture}, which is not there", page.display());
            seen += 1;
        }
    }
    assert!(seen >= 10, "{seen}");
    // And nothing is left of pictures that are not made any more.
    for folder in ["docs/figures", "docs/validation"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let path = Path::new(folder).join(entry.unwrap().file_name());
            let is_picture = path.extension().is_some_and(|ending| ending == "svg" || ending == "png");
            assert!(!is_picture || made.contains(&path), "docs/figures.sh does not make {}", path.display());
        }
    }
}

/// The numbers are those of one run, which nobody repeats here; page and pictures are a function of them.
#[test]
fn the_page_on_performance_is_what_its_script_makes_of_the_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("performance");
    std::fs::create_dir(&kept).unwrap();
    let numbers = kept.join("numbers.jsonl");
    std::fs::copy(root().join(PERFORMANCE).join("numbers.jsonl"), &numbers).unwrap();
    let page = folder.path().join("PERFORMANCE.md");
    let mut command = Command::new("python3");
    command.env("PYTHONDONTWRITEBYTECODE", "1").current_dir(root()).arg("benches/compare/page.py");
    command.arg(&numbers).arg("benches/compare/PERFORMANCE.md.in").arg(&page);
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => return announce(&format!("skipped: python3 cannot be started: {error}")),
    };
    let (code, _, err) = text(&output);
    assert_eq!(code, 0, "{err}");
    let same = |now: &Path, kept: &str| {
        let [now, old] = [now, &root().join(kept)].map(|path| std::fs::read_to_string(path).unwrap());
        assert!(now == old, "{kept} is another: benches/compare/run.sh --page");
    };
    same(&page, "docs/PERFORMANCE.md");
    let names = |folder: &Path| -> BTreeSet<_> {
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert_eq!(names(&kept), names(&root().join(PERFORMANCE)));
    for name in names(&kept) {
        same(&kept.join(&name), &format!("{PERFORMANCE}/{name}"));
    }
}

/// The other scenarios take half a minute each.
#[test]
fn pictures_are_what_the_script_makes_now() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().display().to_string();
    let program = env!("CARGO_BIN_EXE_isotherm");
    let (code, _, err) = script(&["--program", program, "--out", &out, "--only", "classic", "--only", "drift"]);
    assert_eq!(code, 0, "{err}");
    for name in ["classic", "classic-dark", "drift", "drift-dark"] {
        let [now, kept] = [folder.path(), &root().join("docs/figures")]
            .map(|folder| std::fs::read_to_string(folder.join(format!("{name}.svg"))).unwrap());
        assert!(
            now == kept,
            "docs/figures/{name}.svg is of another program: run docs/figures.sh and look at what it made"
        );
    }
    let (code, _, err) = script(&["--program", program, "--only", "no-such-picture"]);
    assert!(code == 2 && err.contains("no such picture: no-such-picture"), "{err}");
}

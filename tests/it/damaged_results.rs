//! `report`, `plot` and `trace` on folders that are partial, mixed, empty or damaged: either an answer that says what is missing, or one
//! message and the exit code for it; never a panic, never half a file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use isotherm_report::results::{Column, Results, Wanted};

use crate::lab::{isotherm, root, text};

/// Small results of a scenario with GPUs that are held back.
fn device(folder: &Path, name: &str, seeds: u32) {
    let scenario = root().join("scenarios/device.toml").display().to_string();
    let seeds = format!("seeds={seeds}");
    let small = ["run", &scenario, "--set", &seeds, "--set", "arrivals.batches=6", "--quiet", "--out", name];
    let (code, _, err) = text(&isotherm(folder, &small));
    assert_eq!(code, 0, "{err}");
}

/// A folder that is not touched, to be copied and damaged.
struct Whole(tempfile::TempDir);

impl Whole {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        device(folder.path(), "whole", 2);
        Self(folder)
    }

    /// A copy, damaged by `damage`, and where commands may write.
    fn damaged(&self, damage: impl FnOnce(&Path)) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("results");
        std::fs::create_dir(&copy).unwrap();
        for entry in std::fs::read_dir(self.0.path().join("whole")).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, copy.join(path.file_name().unwrap())).unwrap();
        }
        damage(&copy);
        folder
    }
}

/// All files below a folder.
fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path);
        }
    }
    found
}

/// What a command came to.
struct Outcome {
    code: i32,
    out: String,
    err: String,
}

/// Runs one command on `results` and holds it to what all of them promise.
#[track_caller]
fn command(folder: &Path, arguments: &[&str]) -> Outcome {
    let before = files(folder);
    let (code, out, err) = text(&isotherm(folder, arguments));
    let told = format!("{arguments:?}: exit code {code}\n{out}\n{err}");
    assert!([0, 4].contains(&code) && !err.contains("panicked"), "{told}");
    let new: Vec<PathBuf> = files(folder).difference(&before).cloned().collect();
    for path in &new {
        let bytes = std::fs::read(path).unwrap();
        let end = String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(20)..]).trim_end().to_owned();
        let is_whole = match path.extension().and_then(|ending| ending.to_str()) {
            Some("html") => end.ends_with("</html>"),
            Some("svg") => end.ends_with("</svg>"),
            Some("json") => serde_json::from_slice::<serde_json::Value>(&bytes).is_ok(),
            _ => false,
        };
        assert!(is_whole, "{} is not whole\n{told}", path.display());
    }
    if code == 4 {
        // Pictures are independent of each other: those that could be drawn stay.
        assert!(new.is_empty() || arguments[0] == "plot", "{new:?} were left\n{told}");
        let errors = err.lines().filter(|line| line.starts_with("error: ")).count();
        assert!(out.is_empty() && errors == 1 && err.contains("= help: "), "{told}");
    }
    Outcome { code, out, err }
}

/// All three commands on a folder; what each came to.
#[track_caller]
fn all(folder: &Path) -> [Outcome; 3] {
    let outcomes = [
        command(folder, &["report", "results", "-o", "page.html"]),
        command(folder, &["plot", "results", "--out", "pictures", "--format", "svg"]),
        command(folder, &["trace", "results", "--format", "chrome", "-o", "trace.json"]),
    ];
    for form in ["--csv", "--markdown"] {
        assert_eq!(command(folder, &["report", "results", form]).code, outcomes[0].code);
    }
    outcomes
}

fn keep_only(folder: &Path, kept: &[&str]) {
    for path in files(folder) {
        if !kept.iter().any(|name| path.ends_with(name)) {
            std::fs::remove_file(path).unwrap();
        }
    }
}

fn cut(path: &Path, share: f64) {
    let bytes = std::fs::read(path).unwrap();
    std::fs::write(path, &bytes[..(bytes.len() as f64 * share) as usize]).unwrap();
}

#[test]
fn nothing_to_read_is_one_message() {
    let whole = Whole::new();
    type Damage = fn(&Path);
    let cases: [(&str, Damage); 6] = [
        ("no such folder", |results| std::fs::remove_dir_all(results).unwrap()),
        ("it is a file", |results| {
            std::fs::remove_dir_all(results).unwrap();
            std::fs::write(results, "a file").unwrap();
        }),
        ("summary.json", |results| keep_only(results, &[])),
        ("not finished", |results| {
            keep_only(results, &[]);
            std::fs::create_dir(results.join(".unfinished")).unwrap();
        }),
        ("summary.json", |results| keep_only(results, &["scenario.resolved.toml", "timing.json", "series.parquet"])),
        ("summary.json", |results| files(results).iter().for_each(|path| cut(path, 0.0))),
    ];
    for (said, damage) in cases {
        let folder = whole.damaged(damage);
        for outcome in all(folder.path()) {
            assert!(outcome.code == 4 && outcome.err.contains(said), "`{said}` in {}", outcome.err);
        }
    }
}

#[test]
fn what_is_left_is_shown_and_what_is_missing_is_said() {
    let whole = Whole::new();
    type Damage = fn(&Path);
    let cases: [(&str, Damage); 11] = [
        ("summary.json: it is missing", |results| std::fs::remove_file(results.join("summary.json")).unwrap()),
        ("summary.json: it cannot be read", |results| cut(&results.join("summary.json"), 0.6)),
        ("summary.json: it has schema version 9", |results| {
            let path = results.join("summary.json");
            let text = std::fs::read_to_string(&path).unwrap();
            std::fs::write(path, text.replace("\"schema_version\": 2", "\"schema_version\": 9")).unwrap();
        }),
        ("runs.parquet: it is missing", |results| std::fs::remove_file(results.join("runs.parquet")).unwrap()),
        ("runs.parquet: it cannot be read", |results| cut(&results.join("runs.parquet"), 0.9)),
        ("series.parquet: it is missing", |results| std::fs::remove_file(results.join("series.parquet")).unwrap()),
        ("series.parquet: it cannot be read", |results| cut(&results.join("series.parquet"), 0.5)),
        ("throttling.parquet: it is missing", |results| {
            std::fs::remove_file(results.join("throttling.parquet")).unwrap();
        }),
        ("scenario.resolved.toml: it is empty", |results| {
            std::fs::write(results.join("scenario.resolved.toml"), "\n").unwrap();
        }),
        ("throttling.parquet: it cannot be read", |results| {
            std::fs::write(results.join("throttling.parquet"), "run_id,gpu\n").unwrap();
        }),
        ("scenario.resolved.toml: it cannot be read", |results| {
            std::fs::write(results.join("scenario.resolved.toml"), "= = =").unwrap();
        }),
    ];
    for (said, damage) in cases {
        let folder = whole.damaged(damage);
        let [report, plot, _] = all(folder.path());
        assert!(report.code == 0 && report.out.contains(said), "`{said}` in\n{}{}", report.out, report.err);
        assert!(report.out.contains("price on sampled heat"), "{}", report.out);
        let page = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
        assert!(page.contains(said), "`{said}` in the page");
        assert!(plot.err.contains(said), "`{said}` in {}", plot.err);
    }
}

#[test]
fn a_folder_of_two_comparisons_is_told_apart() {
    let whole = Whole::new();
    device(whole.0.path(), "other", 3);
    let other = whole.0.path().join("other");
    for table in ["series.parquet", "runs.parquet", "throttling.parquet"] {
        let folder = whole.damaged(|results| {
            std::fs::copy(other.join(table), results.join(table)).unwrap();
        });
        let [report, ..] = all(folder.path());
        let said = format!("{table}: it belongs to another comparison than summary.json");
        assert!(report.code == 0 && report.out.contains(&said), "`{said}` in\n{}", report.out);
    }
}

/// Numbers that look random and are the same every time.
fn scattered(seed: u64) -> impl Iterator<Item = u64> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    })
}

#[test]
fn flipped_bytes_end_in_an_answer_or_a_message() {
    let whole = Whole::new();
    let names = ["summary.json", "runs.parquet", "series.parquet", "throttling.parquet", "scenario.resolved.toml"];
    for (name, seed) in names.iter().flat_map(|name| (0..8).map(move |seed| (name, seed))) {
        let folder = whole.damaged(|results| {
            let path = results.join(name);
            let mut bytes = std::fs::read(&path).unwrap();
            let mut random = scattered(seed);
            // Sometimes one byte, sometimes many.
            for _ in 0..1 << (seed % 4 * 2) {
                let at = random.next().unwrap() as usize % bytes.len();
                bytes[at] = random.next().unwrap() as u8;
            }
            std::fs::write(path, bytes).unwrap();
        });
        all(folder.path());
    }
}

#[test]
fn what_cannot_be_written_is_said_and_leaves_nothing() {
    let folder = Whole::new().damaged(|_| {});
    std::fs::write(folder.path().join("file"), "not a folder").unwrap();
    let before = files(folder.path());
    for arguments in [
        ["report", "results", "-o", "file/page.html"],
        ["plot", "results", "--out", "file/pictures"],
        ["trace", "results", "-o", "file/trace.json"],
    ] {
        let (code, _, err) = text(&isotherm(folder.path(), &arguments));
        assert!(code == 5 && err.contains("error: cannot write file/"), "{arguments:?}: {code}\n{err}");
        assert_eq!(files(folder.path()), before);
    }
}

/// A standard output that is full.
#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_output_is_said() {
    let folder = Whole::new().damaged(|_| {});
    for form in ["--csv", "--json", "--markdown"] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_isotherm"))
            .args(["report", "results", form])
            .current_dir(folder.path())
            .stdout(full)
            .output()
            .unwrap();
        let (code, _, err) = text(&output);
        assert!(code == 5 && err.contains("cannot write standard output"), "{form}: {code}\n{err}");
    }
}

/// Another program reads the table: what is odd about the folder goes to standard error.
#[test]
fn another_schema_version_is_told_beside_what_programs_read() {
    let folder = Whole::new().damaged(|results| {
        let path = results.join("summary.json");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, text.replace("\"schema_version\": 2", "\"schema_version\": 9")).unwrap();
    });
    for form in ["--json", "--csv"] {
        let Outcome { code, out, err } = command(folder.path(), &["report", "results", form]);
        assert!(code == 0 && err.starts_with("note: summary.json: it has schema version 9"), "{form}: {err}");
        assert!(!out.contains("note: "), "{form}: {out}");
    }
}

/// Routers that differ in nothing but their names have runs with one id, and each its own rows.
#[test]
fn routers_alike_but_for_their_names_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let alike = |name: &str| format!("{{ kind = \"energy-penalty\", lambda = 0.5, name = \"{name}\" }}");
    let scenario = crate::lab::small(&format!("router = [{}, {}]", alike("one"), alike("two")));
    let scenario = scenario.replace("scenarios/", &format!("{}/scenarios/", root().display()));
    std::fs::write(folder.path().join("s.toml"), scenario).unwrap();
    let (code, _, err) = text(&isotherm(folder.path(), &["run", "s.toml", "--out", "out", "-q"]));
    assert_eq!(code, 0, "{err}");
    let results = Results::open(&folder.path().join("out")).unwrap();
    let is_shared = |id: &str| results.runs.iter().filter(|run| run.run_id == id).count() == 2;
    assert!(results.runs.iter().any(|run| is_shared(&run.run_id)), "the two routers have ids of their own");
    let mut batches = vec![Vec::new(); results.runs.len()];
    let columns = Wanted::all_runs(&[Column::Batch]);
    results.each_batch(&columns, |run, row| batches[run].push(row.whole(Column::Batch).unwrap())).unwrap();
    for of_run in &batches {
        assert!(!of_run.is_empty() && *of_run == batches[0], "{batches:?}");
    }
    let last = results.runs.len() - 1;
    let mut rows = 0;
    let only = Wanted::of_runs(&[Column::Batch], &[last]);
    results.each_batch(&only, |run, _| rows += usize::from(run == last)).unwrap();
    assert_eq!(rows, batches[0].len(), "its rows also where the other run is not asked about");
    let (code, _, err) = text(&isotherm(folder.path(), &["trace", "out", "-o", "a.json", "--point", "x=1"]));
    assert!(code == 2 && err.contains("these results have no point to choose: leave --point out"), "{err}");
}

//! Bits of a table that have changed since it was written: never a number that is drawn, always a sentence that says so.

use std::path::{Path, PathBuf};

use isotherm_report::results::{Results, sha256_of_file};

use crate::lab::{isotherm, root, text};

/// Results with clocks and throttling, or with a frontier.
fn ran(device: bool) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let scenario = crate::lab::small("router = [{ kind = \"energy-penalty\", lambda = 0.5 }]");
    let scenario = scenario.replace("scenarios/", &format!("{}/scenarios/", root().display()));
    std::fs::write(folder.path().join("s.toml"), scenario).unwrap();
    let path = if device { root().join("scenarios/device.toml") } else { folder.path().join("s.toml") };
    let small = ["--set", "seeds=2", "--set", "arrivals.batches=6", "--quiet", "--out", "out"];
    let (code, _, err) = text(&isotherm(folder.path(), &[&["run", &path.display().to_string()][..], &small].concat()));
    assert_eq!(code, 0, "{err}");
    folder
}

fn tables(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join("out")).unwrap().map(|entry| entry.unwrap().path());
    let mut tables: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|ending| ending == "parquet")).collect();
    tables.sort();
    tables
}

fn summary(folder: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(folder.join("out/summary.json")).unwrap()).unwrap()
}

#[test]
fn the_summary_has_the_checksum_of_every_table() {
    for device in [true, false] {
        let folder = ran(device);
        let written = summary(folder.path());
        let tables = tables(folder.path());
        assert_eq!(written["tables"].as_object().unwrap().len(), tables.len());
        for table in tables {
            let name = table.file_name().unwrap().to_str().unwrap();
            assert_eq!(written["tables"][name], sha256_of_file(&table).unwrap(), "{name}");
        }
    }
}

#[test]
fn a_flipped_bit_is_a_gap_on_table_page_and_figures() {
    for device in [true, false] {
        let folder = ran(device);
        let mut state = 8_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize
        };
        for table in tables(folder.path()) {
            let name = table.file_name().unwrap().to_str().unwrap().to_owned();
            let whole = std::fs::read(&table).unwrap();
            for flip in 0..40 {
                let mut bytes = whole.clone();
                let bit = random() % (8 * bytes.len());
                bytes[bit / 8] ^= 1 << (bit % 8);
                std::fs::write(&table, bytes).unwrap();
                let says_so = |said: &str| {
                    [": it is damaged", ": it cannot be read", ": it belongs to another comparison"]
                        .iter()
                        .any(|g| said.contains(&format!("{name}{g}")))
                };
                let gaps = Results::open(&folder.path().join("out")).unwrap().gaps;
                assert!(gaps.iter().any(|gap| says_so(&gap.to_string())), "bit {bit} of {name}: {gaps:?}");
                // All three ways of showing it are made of those gaps: some flips are enough to see that they show them.
                if flip % 10 == 0 {
                    let (code, out, err) = text(&isotherm(folder.path(), &["report", "out", "-o", "page.html"]));
                    assert!(code == 0 && says_so(&out), "{out}{err}");
                    let page = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
                    assert!(says_so(&page), "the page does not say it");
                    let plot = ["plot", "out", "--out", "figures", "--format", "svg"];
                    let (_, _, err) = text(&isotherm(folder.path(), &plot));
                    assert!(says_so(&err), "{err}");
                }
            }
            std::fs::write(&table, whole).unwrap();
        }
        assert_eq!(Results::open(&folder.path().join("out")).unwrap().gaps, []);
    }
}

/// Results of an isotherm that wrote no checksums are read as before.
#[test]
fn folders_without_checksums_are_read() {
    let folder = ran(true);
    let mut older = summary(folder.path());
    older.as_object_mut().unwrap().remove("tables").unwrap();
    std::fs::write(folder.path().join("out/summary.json"), older.to_string()).unwrap();
    let results = Results::open(&folder.path().join("out")).unwrap();
    assert!(
        results.gaps.is_empty() && !results.runs.is_empty() && results.series_rows().is_some(),
        "{:?}",
        results.gaps
    );
}

/// Intervals of another sort are made of `runs.parquet`: checksums stay, and damaged runs are not summarised.
#[test]
fn a_summary_that_is_made_again_keeps_them_and_heeds_them() {
    let folder = ran(false);
    let before = summary(folder.path());
    let again = |seeds: &str| {
        let run =
            ["run", "s.toml", "--set", seeds, "--set", "arrivals.batches=6", "--out", "out", "--bootstrap", "200"];
        let (code, _, err) = text(&isotherm(folder.path(), &run));
        assert_eq!(code, 0, "{err}");
        err
    };
    assert!(again("seeds=2").contains("summarised again"));
    let after = summary(folder.path());
    assert_eq!((&after["tables"], &after["interval"]), (&before["tables"], &"bootstrap".into()));
    let runs = folder.path().join("out/runs.parquet");
    let mut bytes = std::fs::read(&runs).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    std::fs::write(&runs, &bytes).unwrap();
    let (code, _, err) = text(&isotherm(folder.path(), &["compare", "out", "out"]));
    assert!(code == 4 && err.contains("is damaged: runs.parquet: it has other contents"), "{code} {err}");
    let run = ["run", "s.toml", "--set", "seeds=2", "--set", "arrivals.batches=6", "--out", "out"];
    let (code, _, err) = text(&isotherm(folder.path(), &run));
    assert!(
        code == 0 && err.contains("cannot be summarised again (runs.parquet: it has other contents"),
        "{code} {err}"
    );
    assert_ne!(std::fs::read(&runs).unwrap(), bytes, "it was run again");
}

//! A disk that fills up while results are written.

use std::collections::BTreeMap;
use std::path::Path;

use super::tiny;
use crate::lab::{isotherm, text};

fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.file_name().unwrap().to_string_lossy().into(), std::fs::read(&path).unwrap())).collect()
}

/// As the kernel reports it: no file may grow past 64 KiB, which the table of batches wants to.
#[cfg(unix)]
#[test]
fn the_folder_stays_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("s.toml"), tiny("").replace("batches = 1,", "batches = 3000,")).unwrap();
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    // Of an earlier comparison, of which runs.csv would go away.
    for name in ["runs.parquet", "runs.csv", "series.parquet"] {
        std::fs::write(out.join(name), name).unwrap();
    }
    let before = contents(&out);
    let limited = format!("trap '' XFSZ; ulimit -f 64; exec {} run s.toml --out out", env!("CARGO_BIN_EXE_isotherm"));
    let output = std::process::Command::new("bash").args(["-c", &limited]).current_dir(folder.path()).output().unwrap();
    let (code, data, err) = text(&output);
    assert_eq!(code, 5, "{err}");
    assert_eq!(data, "");
    assert!(err.contains("cannot write out/series.parquet") && err.contains("make room"), "{err}");
    assert_eq!(contents(&out), before);

    let (code, _, err) = text(&isotherm(folder.path(), &["run", "s.toml", "--out", "out"]));
    assert_eq!(code, 0, "{err}");
    let after = contents(&out);
    let names: Vec<&String> = after.keys().collect();
    assert_eq!(
        names,
        ["frontier.parquet", "runs.parquet", "scenario.resolved.toml", "series.parquet", "summary.json", "timing.json"]
    );
}

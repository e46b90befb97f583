//! Ctrl-C in mid-run: finished runs are kept, a second start continues, and the end is the same bytes.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::lab::{isotherm, root, text};

#[cfg(unix)]
#[test]
fn interrupted_and_continued_gives_the_same_results() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = root().join("scenarios/classic.toml").display().to_string();
    // Many seeds through hidden states: long enough to be interrupted, checked below.
    let arguments = [
        "run",
        &scenario,
        "--out",
        "out",
        "--threads",
        "1",
        "--set",
        "seeds=40",
        "--set",
        "workload.source=hidden",
        "--set",
        "arrivals.batches=20",
    ];
    let mut child = Command::new(env!("CARGO_BIN_EXE_isotherm"))
        .args(arguments)
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Wait until the first groups are kept, not for any length of time.
    let kept = folder.path().join("out/.unfinished");
    let journal = || std::fs::read_dir(&kept).ok()?.next()?.ok().map(|entry| entry.path());
    let bytes = || journal().and_then(|path| path.metadata().ok()).map_or(0, |metadata| metadata.len());
    while bytes() < 100_000 && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(2));
    }
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let (code, out, err) = text(&child.wait_with_output().unwrap());
    assert_eq!(code, 130, "{err}");
    assert_eq!(out, "");
    assert!(err.contains("are finished and kept"), "{err}");
    assert!(!folder.path().join("out/summary.json").exists());

    // However many runs are kept, they are in one file. What comes after damage in it is done again.
    assert_eq!(std::fs::read_dir(&kept).unwrap().count(), 1);
    let victim = journal().unwrap();
    let mut damaged = std::fs::read(&victim).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 4;
    std::fs::write(&victim, damaged).unwrap();

    let (code, _, err) = text(&isotherm(folder.path(), &arguments));
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("continuing:"), "{err}");
    assert!(!kept.exists(), "nothing unfinished is left");
    let mut fresh = arguments;
    fresh[3] = "fresh";
    assert_eq!(text(&isotherm(folder.path(), &fresh)).0, 0);
    for name in ["summary.json", "runs.parquet", "series.parquet", "frontier.parquet", "scenario.resolved.toml"] {
        let read = |out: &str| std::fs::read(folder.path().join(out).join(name)).unwrap();
        assert!(read("out") == read("fresh"), "{name}");
    }
    // A complete folder is not run again.
    let (code, out, err) = text(&isotherm(folder.path(), &arguments));
    assert_eq!(code, 0);
    assert!(err.contains("nothing to run") && out.contains("baseline"), "{err}");
}

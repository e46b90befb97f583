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

/// What a command leaves in a folder beside what was there.
#[cfg(unix)]
fn left(folder: &std::path::Path) -> Vec<String> {
    let names =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// A run that is long enough for its timeline to be interrupted.
#[cfg(unix)]
fn long_run() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let scenario = crate::lab::small("router = [{ kind = \"energy-penalty\", lambda = 0.5 }]");
    let scenario = scenario.replace("scenarios/", &format!("{}/scenarios/", root().display()));
    std::fs::write(
        folder.path().join("s.toml"),
        scenario.replace("batches = 12, tokens = 96", "batches = 9000, tokens = 4"),
    )
    .unwrap();
    let (code, _, err) = text(&isotherm(folder.path(), &["run", "s.toml", "--out", "out", "-q"]));
    assert_eq!(code, 0, "{err}");
    folder
}

#[cfg(unix)]
fn trace(folder: &std::path::Path, output: &str) -> std::process::Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_isotherm"));
    command.args(["trace", "out", "-o", output]).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// A pipe that nobody empties stops the writing where the test wants it.
#[cfg(unix)]
#[test]
fn an_interrupted_timeline_leaves_a_pipe_and_nothing_else() {
    use std::io::Read as _;
    let folder = long_run();
    assert!(Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap().success());
    let before = left(folder.path());
    let child = trace(folder.path(), "pipe");
    let mut pipe = std::fs::File::open(folder.path().join("pipe")).unwrap();
    pipe.read_exact(&mut [0]).unwrap();
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let (code, _, err) = text(&child.wait_with_output().unwrap());
    assert_eq!((code, left(folder.path())), (130, before), "{err}");
}

/// Half of a file is there under another name until all of it is; it goes when the command does.
#[cfg(unix)]
#[test]
fn an_interrupted_timeline_leaves_no_half_of_a_file() {
    let folder = long_run();
    let before = left(folder.path());
    // Whoever is too late to interrupt tries again.
    for _ in 0..50 {
        let mut child = trace(folder.path(), "all.pftrace.gz");
        let is_writing = || left(folder.path()).iter().any(|name| name.starts_with(".writing"));
        while !is_writing() && child.try_wait().unwrap().is_none() {
            std::hint::spin_loop();
        }
        if child.try_wait().unwrap().is_none() {
            Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        }
        let (code, _, err) = text(&child.wait_with_output().unwrap());
        if code == 130 {
            assert_eq!(left(folder.path()), before, "{err}");
            return;
        }
        assert_eq!(code, 0, "{err}");
        std::fs::remove_file(folder.path().join("all.pftrace.gz")).unwrap();
    }
    panic!("the timeline was never interrupted");
}

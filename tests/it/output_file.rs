//! `report -o` and `trace -o` keep one rule: what may be replaced, what is written through, and what is refused, with which exit code.

use std::path::Path;

use crate::lab::{isotherm, root, text};

/// The commands that write one file.
const COMMANDS: [&str; 2] = ["report", "trace"];

fn results() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let scenario = crate::lab::small("router = [{ kind = \"energy-penalty\", lambda = 0.5 }]");
    let scenario = scenario.replace("scenarios/", &format!("{}/scenarios/", root().display()));
    std::fs::write(folder.path().join("s.toml"), scenario).unwrap();
    let (code, _, err) = text(&isotherm(folder.path(), &["run", "s.toml", "--out", "out", "-q"]));
    assert_eq!(code, 0, "{err}");
    folder
}

#[track_caller]
fn ends(folder: &Path, command: &str, output: &str, expected: i32) -> String {
    let (code, _, err) = text(&isotherm(folder, &[command, "out", "-o", output]));
    assert_eq!(code, expected, "{command} -o {output}: {err}");
    err
}

fn left(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn what_the_command_did_not_make_is_not_replaced() {
    let folder = results();
    let of = |name: &str| folder.path().join(name);
    std::fs::write(of("letter.txt"), "dear all").unwrap();
    let series = std::fs::read(of("out/series.parquet")).unwrap();
    for command in COMMANDS {
        let before = left(folder.path());
        assert!(ends(folder.path(), command, "letter.txt", 2).contains("is there already and is no "));
        assert!(ends(folder.path(), command, "out/series.parquet", 2).contains("is there already and is no "));
        assert!(ends(folder.path(), command, "out", 2).contains("error: out is a folder"));
        for (output, code) in [("nowhere/x", 5), ("letter.txt/x", 5)] {
            let err = ends(folder.path(), command, output, code);
            assert!(err.contains("choose a file you may write to, in a folder that exists"), "{err}");
            assert!(!err.contains("finished runs are kept"), "{err}");
        }
        assert_eq!(left(folder.path()), before, "{command}");
    }
    assert_eq!(std::fs::read_to_string(of("letter.txt")).unwrap(), "dear all");
    assert_eq!(std::fs::read(of("out/series.parquet")).unwrap(), series);
}

#[test]
fn what_it_made_is_replaced_and_not_what_the_other_made() {
    let folder = results();
    for (command, name) in [("report", "a.html"), ("trace", "a.pftrace"), ("trace", "a.pftrace.gz")] {
        ends(folder.path(), command, name, 0);
        let first = std::fs::read(folder.path().join(name)).unwrap();
        ends(folder.path(), command, name, 0);
        assert_eq!(std::fs::read(folder.path().join(name)).unwrap(), first);
    }
    let chrome = ["trace", "out", "--format", "chrome", "-o", "a.pftrace"];
    assert_eq!(text(&isotherm(folder.path(), &chrome)).0, 0, "either form replaces either");
    ends(folder.path(), "trace", "a.pftrace", 0);
    ends(folder.path(), "trace", "a.html", 2);
    ends(folder.path(), "report", "a.pftrace.gz", 2);
}

#[cfg(unix)]
#[test]
fn links_stay_and_what_they_lead_to_is_replaced() {
    use std::os::unix::fs::symlink;
    for command in COMMANDS {
        let folder = results();
        let of = |name: &str| folder.path().join(name);
        ends(folder.path(), command, "made", 0);
        let made = std::fs::read(of("made")).unwrap();
        std::fs::write(of("letter.txt"), "dear all").unwrap();
        symlink("made", of("link")).unwrap();
        symlink("letter.txt", of("link to a letter")).unwrap();
        symlink("nothing", of("link to nothing")).unwrap();
        ends(folder.path(), command, "link", 0);
        ends(folder.path(), command, "link to a letter", 2);
        assert!(ends(folder.path(), command, "link to nothing", 2).contains("is a link that leads nowhere"));
        for link in ["link", "link to a letter", "link to nothing"] {
            assert!(of(link).is_symlink(), "{command}: {link}");
        }
        assert_eq!(std::fs::read(of("made")).unwrap(), made);
        assert_eq!(std::fs::read_to_string(of("letter.txt")).unwrap(), "dear all");
    }
}

/// A pipe is written into, and is still a pipe; a reader that goes away is no error.
#[cfg(unix)]
#[test]
fn a_pipe_is_written_through() {
    use std::io::Read as _;
    use std::os::unix::fs::FileTypeExt as _;
    let folder = results();
    for command in COMMANDS {
        ends(folder.path(), command, "file", 0);
        let expected = std::fs::read(folder.path().join("file")).unwrap();
        std::fs::remove_file(folder.path().join("file")).unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for most in [u64::MAX, 10] {
            let reader = pipe.clone();
            let reader = std::thread::spawn(move || {
                let mut read = Vec::new();
                std::fs::File::open(reader).unwrap().take(most).read_to_end(&mut read).unwrap();
                read
            });
            ends(folder.path(), command, "pipe", 0);
            let read = reader.join().unwrap();
            assert_eq!(read, expected[..expected.len().min(usize::try_from(most).unwrap_or(usize::MAX))], "{command}");
        }
        assert!(std::fs::metadata(&pipe).unwrap().file_type().is_fifo());
        std::fs::remove_file(&pipe).unwrap();
    }
}

/// The folder of figures appears with the first figure: a command that draws none leaves none.
#[test]
fn no_folder_is_made_for_nothing() {
    let folder = results();
    std::fs::remove_file(folder.path().join("out/series.parquet")).unwrap();
    let figures = ["plot", "out", "--out", "figures", "--figure", "diversity"];
    let (code, _, err) = text(&isotherm(folder.path(), &figures));
    assert_eq!(code, 4, "{err}");
    assert!(!folder.path().join("figures").exists());
}

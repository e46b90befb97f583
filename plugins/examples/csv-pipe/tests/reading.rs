//! Files and pipes as a run reads them.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use csv_pipe::CsvPipe;
use isotherm_plugin::prelude::*;

/// A path that no other test uses.
fn path(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_file(&path);
    path
}

fn start(path: &std::path::Path) -> CsvPipe {
    let mut source = CsvPipe::new(path.to_str().unwrap());
    source.start(2, 0).unwrap();
    source
}

/// Temperatures at an instant, and when each was true (ms).
fn poll(source: &mut CsvPipe, millis: u64) -> Result<Vec<Option<(f64, u64)>>, TelemetryError> {
    let now = SimTime::ZERO + SimDuration::from_millis(millis);
    let mut samples = [Sample::default(); 2];
    source.sample(now, &[Truth::default(); 2], &mut samples)?;
    let read = |sample: &Sample| sample.temperature.map(|degc| (degc.get(), sample.taken_at.nanos() / 1_000_000));
    Ok(samples.iter().map(read).collect())
}

const LINES: &str =
    "# a logger\ntime_s,gpu,temperature_degc,power_w\n0,0,40,100\n0.1,1,50,\n0.2,0,41,110\n\n# later\n5,0,60,300";

#[test]
fn a_file_is_read_up_to_the_poll() {
    let path = path("file.csv");
    fs::write(&path, LINES).unwrap();
    let mut source = start(&path);
    assert_eq!(poll(&mut source, 0).unwrap(), [Some((40.0, 0)), None]);
    assert_eq!(poll(&mut source, 150).unwrap(), [Some((40.0, 0)), Some((50.0, 100))]);
    assert_eq!(poll(&mut source, 4999).unwrap(), [Some((41.0, 200)), Some((50.0, 100))], "as old as it is");
    assert_eq!(poll(&mut source, 9000).unwrap(), [Some((60.0, 5000)), Some((50.0, 100))], "without an end of line");
}

#[test]
fn a_saved_state_continues_in_the_same_file() {
    let path = path("saved.csv");
    fs::write(&path, LINES).unwrap();
    for saved_at in [0, 100, 150, 300, 9000] {
        let mut source = start(&path);
        let before = poll(&mut source, saved_at).unwrap();
        let mut continued = start(&path);
        continued.load(&source.save()).unwrap();
        assert_eq!(poll(&mut continued, saved_at).unwrap(), before, "saved at {saved_at} ms");
        assert_eq!(poll(&mut continued, 9000).unwrap(), poll(&mut source, 9000).unwrap(), "saved at {saved_at} ms");
    }
    fs::write(&path, "0,0,40,100\n").unwrap();
    let error = start(&path).load(&state::save(&("lines of csv-pipe", 7_u64))).unwrap_err();
    assert!(error.to_string().contains("has 1 lines, the state was saved after 7"), "{error}");
    for garbage in [&[][..], &[7], &[0xa5; 37]] {
        assert!(start(&path).load(garbage).is_err());
    }
}

#[test]
fn faults_name_file_and_line() {
    let path = path("faulty.csv");
    fs::write(&path, "1,0,40,100\n0.5,1,50,\n").unwrap();
    let error = poll(&mut start(&path), 9000).unwrap_err().to_string();
    assert!(error.contains("faulty.csv:2: the time 500 ms comes after 1 s"), "{error}");
    fs::write(&path, "1,0,40,100\n2,1\n").unwrap();
    let error = poll(&mut start(&path), 9000).unwrap_err().to_string();
    assert!(error.contains("faulty.csv:2: 2 columns"), "{error}");
    fs::write(&path, vec![b'x'; 100_000]).unwrap();
    let error = poll(&mut start(&path), 9000).unwrap_err().to_string();
    assert!(error.contains("faulty.csv:1: a line of more than 4096 bytes"), "{error}");
}

#[test]
fn what_cannot_be_opened_is_refused_at_the_start() {
    let missing = path("missing.csv");
    for (place, found) in
        [(missing.to_str().unwrap(), "cannot be opened"), (env!("CARGO_TARGET_TMPDIR"), "is a folder")]
    {
        let error = CsvPipe::new(place).start(2, 0).unwrap_err().to_string();
        assert!(error.contains(found) && error.contains("mkfifo"), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_is_never_waited_for() {
    let path = path("pipe.csv");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let mut source = start(&path);
    assert_eq!(poll(&mut source, 0).unwrap(), [None, None], "nobody writes");
    let mut writer = fs::OpenOptions::new().write(true).open(&path).unwrap();
    assert_eq!(poll(&mut source, 10).unwrap(), [None, None], "nothing has been written");
    writer.write_all(b"0.01,0,40,100\n0.01,1,5").unwrap();
    assert_eq!(poll(&mut source, 20).unwrap(), [Some((40.0, 10)), None], "a line without its end may go on");
    writer.write_all(b"5,200\n9,0,99,1\n").unwrap();
    assert_eq!(poll(&mut source, 30).unwrap(), [Some((40.0, 10)), Some((55.0, 10))]);
    drop(writer);
    assert_eq!(poll(&mut source, 40).unwrap(), [Some((40.0, 10)), Some((55.0, 10))], "the writer has gone");
    let error = start(&path).load(&source.save()).unwrap_err();
    assert!(error.to_string().contains("is a pipe"), "{error}");
}

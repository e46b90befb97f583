//! What a recorder leaves on disk: alive, finished, killed, rotated, refused.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use isotherm_recording::recorder::recover;
use isotherm_recording::{
    DeviceFacts, Entry, FileFormat, Header, Reading, RecordError, Recorder, RecorderOptions, Recording, Signal,
};

const START: i64 = 1_795_378_419_453_400_001;
const MILLISECOND: i64 = 1_000_000;

fn header() -> Header {
    let mut device = DeviceFacts { name: "NVIDIA H200".to_owned(), ..DeviceFacts::default() };
    for signal in [Signal::Temperature, Signal::Energy] {
        device.signals.insert(signal, Default::default());
    }
    Header::new("test", 20.0, &[device])
}

/// The poll at `k` times 20 ms, of one GPU.
fn poll(k: i64) -> Vec<Reading> {
    let begun = START + k * 20 * MILLISECOND;
    let mut reading = Reading { begun, ended: begun + MILLISECOND, ..Reading::default() };
    reading.set(Signal::Temperature, Entry::Value { value: 40 + k / 50, changed: START + k / 50 * 1000 * MILLISECOND });
    reading.set(Signal::Energy, Entry::Value { value: 1_000_000 + k, changed: begun });
    vec![reading]
}

fn rows(path: &Path) -> usize {
    Recording::open(path.to_str().unwrap()).unwrap().tracks[0].times.len()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_kill_loses_less_than_a_second() {
    for name in ["a.csv", "a.csv.gz", "a.parquet"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let mut recorder = Recorder::create(&path, header(), RecorderOptions::default()).unwrap();
        for k in 0..1000 {
            recorder.write(&poll(k)).unwrap();
            if k % 97 == 0 {
                // What the operating system has is what a kill leaves.
                let left = folder.path().join("left");
                fs::copy(recorder.writing_to(), &left).unwrap();
                let lost = k + 1 - rows(&left) as i64;
                assert!((0..50).contains(&lost), "{name}: {lost} rows of 20 ms are lost after {k}");
            }
        }
        recorder.finish().unwrap();
        assert_eq!(rows(&path), 1000, "{name}");
    }
}

#[test]
fn segments_follow_each_other_by_time_and_are_read_as_one() {
    for ending in [".csv", ".csv.gz", ".parquet"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(format!("long{ending}"));
        let options = RecorderOptions { rotate_every: Some(Duration::from_secs(2)), ..RecorderOptions::default() };
        let mut recorder = Recorder::create(&path, header(), options).unwrap();
        (0..250).for_each(|k| recorder.write(&poll(k)).unwrap());
        let files = recorder.finish().unwrap();
        let expected = ["long", "long-0002", "long-0003"].map(|stem| format!("{stem}{ending}"));
        assert_eq!(names(folder.path()), {
            let mut sorted = expected.to_vec();
            sorted.sort();
            sorted
        });
        assert_eq!(files, expected.map(|name| folder.path().join(name)));

        let whole = Recording::open(path.to_str().unwrap()).unwrap();
        assert_eq!(whole.tracks[0].times.len(), 250);
        assert!(whole.notes.is_empty(), "{:?}", whole.notes);
        let third = Recording::open(files[2].to_str().unwrap()).unwrap();
        assert_eq!((third.tracks[0].times.len(), third.header.unwrap().segment), (50, 3));
    }
}

#[test]
fn a_file_of_a_given_size_is_followed_by_another() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    let options = RecorderOptions { rotate_bytes: Some(20_000), ..RecorderOptions::default() };
    let mut recorder = Recorder::create(&path, header(), options).unwrap();
    (0..2000).for_each(|k| recorder.write(&poll(k)).unwrap());
    let files = recorder.finish().unwrap();
    assert!(files.len() > 3);
    for file in &files[..files.len() - 1] {
        let size = fs::metadata(file).unwrap().len();
        assert!((20_000..20_100).contains(&size), "{size}");
    }
    assert_eq!(rows(&path), 2000);
}

#[test]
fn a_signal_that_comes_late_gets_its_column() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    let mut recorder = Recorder::create(&path, header(), RecorderOptions::default()).unwrap();
    recorder.write(&poll(0)).unwrap();
    let mut late = poll(1);
    late[0].set(Signal::SmClock, Entry::Value { value: 1980, changed: START });
    recorder.write(&late).unwrap();
    assert_eq!(recorder.finish().unwrap().len(), 2);
    let recording = Recording::open(path.to_str().unwrap()).unwrap();
    let clock = recording.tracks[0].column(Signal::SmClock).unwrap();
    assert!(clock[0].is_nan() && clock[1] == 1980.0, "{clock:?}");
}

#[test]
fn nothing_is_overwritten_unless_asked() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.csv", "a.csv.gz", "a.parquet"] {
        let path = folder.path().join(name);
        fs::write(&path, "mine").unwrap();
        let fault = Recorder::create(&path, header(), RecorderOptions::default()).unwrap_err();
        assert_eq!(fault, RecordError::Exists { path: path.clone(), hint: String::new() });
        assert_eq!(fs::read(&path).unwrap(), b"mine");
        let options = RecorderOptions { replace: true, ..RecorderOptions::default() };
        let mut recorder = Recorder::create(&path, header(), options).unwrap();
        recorder.write(&poll(0)).unwrap();
        recorder.finish().unwrap();
        assert_eq!(rows(&path), 1);
    }
    // A segment that would be in the way an hour from now is found at the start.
    fs::write(folder.path().join("b-0002.csv"), "mine").unwrap();
    let options = RecorderOptions { rotate_every: Some(Duration::from_secs(3600)), ..RecorderOptions::default() };
    let fault = Recorder::create(&folder.path().join("b.csv"), header(), options).unwrap_err().to_string();
    assert!(fault.contains("b-0002.csv: exists already"), "{fault}");
}

/// Segments of an older, longer recording are not taken for this one's.
#[test]
fn what_an_older_recording_left_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    let record = |polls: i64, header: Header| {
        let every = Some(Duration::from_secs(2));
        let options = RecorderOptions { rotate_every: every, replace: true, ..RecorderOptions::default() };
        let mut recorder = Recorder::create(&path, header, options).unwrap();
        (0..polls).for_each(|k| recorder.write(&poll(k)).unwrap());
        recorder.finish().unwrap();
    };
    record(350, header());
    record(150, Header { started: 7, ..header() });
    assert_eq!(names(folder.path()), ["a-0002.csv", "a-0003.csv", "a-0004.csv", "a.csv"]);
    assert_eq!(rows(&path), 150);
}

#[test]
fn a_journal_that_a_kill_left_is_read_and_recovered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let mut recorder = Recorder::create(&path, header(), RecorderOptions::default()).unwrap();
    (0..200).for_each(|k| recorder.write(&poll(k)).unwrap());
    let journal: PathBuf = recorder.writing_to().to_owned();
    let whole = fs::read(&journal).unwrap();
    drop(recorder);
    fs::write(&journal, &whole[..whole.len() - 9]).unwrap();

    let killed = Recording::open(journal.to_str().unwrap()).unwrap();
    assert!(killed.notes[0].contains("is incomplete and left out"), "{:?}", killed.notes);
    let fault = Recording::open(path.to_str().unwrap()).unwrap_err().to_string();
    assert!(fault.contains("its recording was killed") && fault.contains("a.parquet.journal.csv"), "{fault}");
    let fault = Recorder::create(&path, header(), RecorderOptions::default()).unwrap_err().to_string();
    assert!(fault.contains("left by a recording that was killed"), "{fault}");

    assert_eq!(recover(&journal).unwrap(), path);
    assert_eq!(names(folder.path()), ["a.parquet"]);
    let recovered = Recording::open(path.to_str().unwrap()).unwrap();
    assert_eq!(recovered.header, killed.header);
    assert_eq!(recovered.tracks[0].times, killed.tracks[0].times);
    assert!(matches!(recover(&path), Err(RecordError::Exists { .. })));
    assert!(matches!(recover(&folder.path().join("b.parquet")), Err(RecordError::Convert { .. })));
}

/// An older file of the name is not what a killed recording would have become.
#[test]
fn a_replaced_parquet_file_is_gone_from_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let record = || {
        let options = RecorderOptions { replace: true, ..RecorderOptions::default() };
        let mut recorder = Recorder::create(&path, header(), options).unwrap();
        recorder.write(&poll(0)).unwrap();
        recorder
    };
    record().finish().unwrap();
    drop(record());
    assert_eq!(names(folder.path()), ["a.parquet.journal.csv"]);
    record().finish().unwrap();
    assert_eq!(names(folder.path()), ["a.parquet"]);
}

/// More rows than one row group, so that the second begins anew.
#[test]
fn a_parquet_file_of_many_row_groups_has_every_row() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let mut recorder = Recorder::create(&path, header(), RecorderOptions::default()).unwrap();
    (0..20_000).for_each(|k| recorder.write(&poll(k)).unwrap());
    recorder.finish().unwrap();
    let recording = Recording::open(path.to_str().unwrap()).unwrap();
    let energy: Vec<f64> = (0..20_000).map(|k| f64::from(1_000_000 + k)).collect();
    assert_eq!(recording.tracks[0].column(Signal::Energy), Some(energy.as_slice()));
    assert_eq!(recording.tracks[0].times[19_999], START + 19_999 * 20 * MILLISECOND);
}

#[test]
fn a_full_disk_is_a_clear_error_and_memory_stays_bounded() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        return;
    }
    let options = RecorderOptions { format: Some(FileFormat::Csv), replace: true, ..RecorderOptions::default() };
    let fault = Recorder::create(full, header(), options).unwrap_err().to_string();
    assert!(fault.starts_with("/dev/full: cannot be written (No space left on device"), "{fault}");
}

#[test]
fn a_name_that_says_no_format_and_a_folder_that_is_not_there_are_refused() {
    let fault =
        |name: &str| Recorder::create(Path::new(name), header(), RecorderOptions::default()).unwrap_err().to_string();
    assert!(fault("a.txt").starts_with("a.txt: the name does not say the format; expected .csv, .csv.gz"));
    assert!(fault("no/such/a.csv").starts_with("no/such/a.csv: cannot be written (No such file"));
    let folder = tempfile::tempdir().unwrap();
    let options = RecorderOptions { format: Some(FileFormat::CsvGz), ..RecorderOptions::default() };
    let mut recorder = Recorder::create(&folder.path().join("a.txt"), header(), options).unwrap();
    recorder.write(&poll(0)).unwrap();
    assert_eq!(rows(&recorder.finish().unwrap()[0]), 1);
}

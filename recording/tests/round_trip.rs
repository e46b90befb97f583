//! What is written is read: in every format, in segments, and after a kill at any byte.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use isotherm_recording::recorder::AGED;
use isotherm_recording::{
    DeviceFacts, Entry, Header, Reading, Recorder, RecorderOptions, Recording, Signal, Standing, Track,
};
use proptest::prelude::*;

const GPUS: u32 = 3;

/// Step and length of the call (ns), standing, and for each signal a value and its age (ns).
type Drawn = (i64, i64, Standing, Vec<Option<(i64, i64)>>);

/// Polls of three GPUs; each entry is there or not, and as old as it likes.
fn polls() -> impl Strategy<Value = Vec<Vec<Reading>>> {
    let entry = prop::option::weighted(0.7, (-5_i64..1_000_000_000_000, -1_000_000_i64..100_000_000_000));
    let entries = prop::collection::vec(entry, Signal::COUNT);
    let standing = prop_oneof![8 => Just(Standing::Present), 1 => Just(Standing::Lost), 1 => Just(Standing::Reset)];
    let reading = (1_i64..400_000_000, 0_i64..50_000_000, standing, entries);
    prop::collection::vec(prop::collection::vec(reading, GPUS as usize), 1..25).prop_map(|polls| {
        let mut begun = 1_795_378_419_453_400_001;
        let mut make = |device: u32, (step, call, standing, entries): Drawn| {
            begun += step;
            let mut reading = Reading { device, begun, ended: begun + call, standing, ..Reading::default() };
            for (signal, entry) in Signal::ALL.into_iter().zip(entries) {
                if let Some((value, age)) = entry.filter(|_| standing != Standing::Lost) {
                    reading.set(signal, Entry::Value { value, changed: begun - age });
                }
            }
            reading
        };
        polls.into_iter().map(|poll| (0..).zip(poll).map(|(gpu, reading)| make(gpu, reading)).collect()).collect()
    })
}

fn record(path: &Path, polls: &[Vec<Reading>], rotate: Option<u64>) {
    let devices: Vec<DeviceFacts> = (0..GPUS).map(|index| DeviceFacts { index, ..DeviceFacts::default() }).collect();
    let options = RecorderOptions { rotate_every: rotate.map(Duration::from_millis), ..RecorderOptions::default() };
    let mut recorder = Recorder::create(path, Header::new("test", 50.0, &devices), options).unwrap();
    polls.iter().for_each(|poll| recorder.write(poll).unwrap());
    recorder.finish().unwrap();
}

/// Whether the first rows of a track are these readings, and how many there are.
fn check(track: &Track, readings: &[&Reading]) -> Result<(), TestCaseError> {
    prop_assert!(track.times.len() <= readings.len());
    for (row, reading) in readings.iter().take(track.times.len()).enumerate() {
        prop_assert_eq!(track.times[row], reading.begun);
        prop_assert_eq!(track.standing[row], reading.standing);
        for signal in Signal::ALL {
            let found = track.column(signal).unwrap()[row];
            prop_assert_eq!((!found.is_nan()).then_some(found as i64), reading.value(signal), "{:?}", signal);
            if let (Entry::Value { changed, .. }, true) = (reading.get(signal), AGED.contains(&signal)) {
                let age = track.age_ms(signal).unwrap()[row] * 1e6;
                prop_assert!((age - (reading.begun - changed) as f64).abs() <= 501.0, "{:?}: {} ns", signal, age);
            }
        }
    }
    Ok(())
}

fn of_gpu(polls: &[Vec<Reading>], gpu: u32) -> Vec<&Reading> {
    polls.iter().flatten().filter(|reading| reading.device == gpu).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(polls in polls(), format in 0_usize..3, rotate in prop::option::of(300_u64..5000)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(["a.csv", "a.csv.gz", "a.parquet"][format]);
        record(&path, &polls, rotate);
        let recording = Recording::open(path.to_str().unwrap()).unwrap();
        prop_assert!(recording.notes.is_empty(), "{:?}", recording.notes);
        prop_assert_eq!(recording.tracks.len(), GPUS as usize);
        for (gpu, track) in (0..).zip(&recording.tracks) {
            let readings = of_gpu(&polls, gpu);
            prop_assert_eq!((track.gpu, track.times.len()), (gpu, readings.len()));
            check(track, &readings)?;
        }
    }

    #[test]
    fn a_file_cut_at_any_byte_has_every_row_that_is_whole(polls in polls(), packed in any::<bool>(), share in 0.0..1.0_f64) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(if packed { "a.csv.gz" } else { "a.csv" });
        record(&path, &polls, None);
        let whole = fs::read(&path).unwrap();
        let cut = &whole[..(whole.len() as f64 * share) as usize];
        fs::write(&path, cut).unwrap();
        // The text that is left, by another way than the reader's.
        let mut text = Vec::new();
        if packed {
            let _ = std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(cut), &mut text);
        } else {
            text = cut.to_vec();
        }
        let ends = text.iter().filter(|byte| **byte == b'\n').count();
        match Recording::open(path.to_str().unwrap()) {
            Ok(recording) => {
                let rows: usize = recording.tracks.iter().map(|track| track.times.len()).sum();
                prop_assert_eq!(rows, ends - 2, "header, names, rows");
                for track in &recording.tracks {
                    check(track, &of_gpu(&polls, track.gpu))?;
                }
                prop_assert!(!recording.notes.is_empty() || text.ends_with(b"\n"), "a note says what is left out");
            }
            Err(fault) => {
                prop_assert!(ends <= 2, "{fault}");
                let fault = fault.to_string();
                let known = ["ends within its header", "no rows under the header", "is empty", "ends early", "no column"];
                prop_assert!(known.iter().any(|part| fault.contains(part)), "{fault}");
            }
        }
    }
}

//! What is on the tracks, and that both forms say the same.

use std::io::Read;
use std::path::Path;

use isotherm_report::results::{Column, Results, Wanted};
use isotherm_report::timeline::{Format, write, write_as};

use crate::decoded::{Entry, What, chrome, perfetto};
use crate::folder::{self, GPUS, HASH, Values};

/// A folder with everything that a timeline shows: batches that wait, a router that takes time, GPUs that work, changes.
pub(crate) fn rich() -> tempfile::TempDir {
    let folder = folder::whole(5, 4);
    let mut series = folder::series(5);
    for (name, values) in &mut series {
        let batches = |value: &dyn Fn(i64) -> i64| Values::Whole((0..20).map(|row| value(row % 5)).collect());
        match *name {
            "arrived_ns" => *values = batches(&|batch| 400_000 * batch),
            "dispatched_ns" => *values = batches(&|batch| 1_000_000 * batch),
            "started_ns" => *values = batches(&|batch| 1_000_000 * batch + 10 * (batch % 2)),
            "busy_s" => *values = Values::Lists(vec![vec![0.000_25, 0.0, 0.000_999_99]; 20]),
            "power_w" => *values = Values::Lists((0..20).map(|row| vec![100.0 + row as f32, 0.5, 300.0]).collect()),
            "clock_mhz" => *values = Values::Lists(vec![vec![1980.0, f32::NAN, 345.0]; 20]),
            _ => {}
        }
    }
    folder::write(&folder.path().join("series.parquet"), &series, HASH, 4);
    let scenario = "name = \"written\"\n[[change]]\nat = \"1500 us\"\nsupply = \"33 degC\"\n[[change]]\nat_batch = 3\nhot = [1]\n[[change]]\nat = \"9 s\"\nhot = []\n";
    std::fs::write(folder.path().join("scenario.resolved.toml"), scenario).unwrap();
    folder
}

pub(crate) fn written(folder: &Path, runs: &[usize], format: Format) -> Vec<u8> {
    let results = Results::open(folder).unwrap();
    assert_eq!(results.gaps, []);
    let mut bytes = Vec::new();
    write(&results, runs, format, &mut bytes).unwrap();
    bytes
}

fn on<'a>(entries: &'a [Entry], track: &str) -> Vec<&'a Entry> {
    entries.iter().filter(|entry| entry.track == track).collect()
}

fn counter(entries: &[Entry], track: &str) -> Vec<(u64, f64)> {
    let point = |entry: &&Entry| match entry.what {
        What::Counter(at, value) => (at, value),
        _ => panic!("{entry:?} is on a counter"),
    };
    on(entries, track).iter().map(point).collect()
}

fn slices(entries: &[Entry], track: &str) -> Vec<(u64, u64)> {
    let span = |entry: &&Entry| match entry.what {
        What::Slice(_, from, until) => (from, until),
        _ => panic!("{entry:?} is no slice"),
    };
    on(entries, track).iter().map(span).collect()
}

#[test]
fn tracks_hold_what_the_tables_hold() {
    let folder = rich();
    let entries = perfetto(&written(folder.path(), &[1, 2], Format::Perfetto));
    let run = "penalty, router.lambda=0.1, seed 0";
    let ends = |batch: u64| (1_000_000 * batch, 1_000_000 * (batch + 1));
    assert_eq!(slices(&entries, &format!("{run} / batches")), (0..5).map(ends).collect::<Vec<_>>());
    let work = slices(&entries, &format!("{run} / GPU 0"));
    assert_eq!(work[..2], [(0, 250_000), (1_000_010, 1_250_010)]);
    // It ends with the batch, whatever a number of 32 bits was rounded to.
    assert_eq!(slices(&entries, &format!("{run} / GPU 2"))[1], (1_000_010, 2_000_000));
    assert!(slices(&entries, &format!("{run} / GPU 1")).is_empty(), "it had nothing to do");
    assert_eq!(slices(&entries, &format!("{run} / GPU 2 / MemoryThermalSlowdown")), [(5, 9)]);
    let temperature: Vec<(u64, f64)> = (0..5).map(|batch| (1_000_000 * (batch + 1), (51 + batch) as f64)).collect();
    assert_eq!(counter(&entries, &format!("{run} / GPU 1 / temperature")), temperature);
    assert_eq!(counter(&entries, &format!("{run} / GPU 0 / clock")).len(), 5);
    assert!(on(&entries, &format!("{run} / GPU 1 / clock")).is_empty(), "no number, no point");
    assert_eq!(counter(&entries, &format!("{run} / batch energy"))[3], (3_000_000, folder::joules(1, 3)));
    // 400 us apart and served in 1 ms: one more waits from time to time.
    let waiting = counter(&entries, &format!("{run} / waiting batches"));
    assert_eq!(waiting[..4], [(400_000, 1.0), (800_000, 2.0), (1_000_000, 1.0), (1_200_000, 2.0)]);
    assert_eq!(waiting.last(), Some(&(4_000_000, 0.0)));
    let decisions = on(&entries, &format!("{run} / router"));
    assert_eq!(decisions[0].what, What::Instant("batch 0".to_owned(), 0));
    assert_eq!(decisions[1].what, What::Slice("batch 1".to_owned(), 1_000_000, 1_000_010));
    assert_eq!(decisions[0].arguments["mass_regret"], "0.5");
    assert!(!decisions[1].arguments.contains_key("mass_regret"), "it is no number there");
    let changes: Vec<&What> = on(&entries, &format!("{run} / scenario")).iter().map(|entry| &entry.what).collect();
    let expected = [("supply = \"33 degC\"", 1_500_000), ("hot = [1]", 3_000_000)];
    assert_eq!(changes, expected.map(|(what, at)| What::Instant(what.to_owned(), at)).iter().collect::<Vec<_>>());
    assert!(!entries.iter().any(|entry| entry.track.starts_with("penalty, router.lambda=0.1, seed 1")));
}

/// A counter holds until its next value: the area under a power is the energy of its GPU.
#[test]
fn power_holds_for_the_time_that_it_is_the_mean_of() {
    let folder = rich();
    let results = Results::open(folder.path()).unwrap();
    let (mut joules, mut before, mut ended) = (vec![0.0; GPUS], 0.0, 0);
    let wanted = Wanted::of_runs(&[Column::PowerW, Column::FinishedNs], &[3]);
    results
        .each_batch(&wanted, |_, row| {
            ended = row.whole(Column::FinishedNs).unwrap() as u64;
            let seconds = ended as f64 / 1e9 - before;
            joules.iter_mut().zip(row.list(Column::PowerW)).for_each(|(sum, watts)| *sum += watts * seconds);
            before = ended as f64 / 1e9;
        })
        .unwrap();
    let entries = perfetto(&written(folder.path(), &[3], Format::Perfetto));
    for (gpu, joules) in joules.iter().enumerate() {
        let points = counter(&entries, &format!("penalty, router.lambda=0.1, seed 1 / GPU {gpu} / power"));
        let until = points.iter().skip(1).map(|(at, _)| *at).chain([ended]);
        let area: f64 =
            points.iter().zip(until).map(|((from, watts), until)| watts * (until - from) as f64 / 1e9).sum();
        assert!(*joules > 0.0 && (area - joules).abs() < 1e-9 * joules, "{area} J of {joules} J");
    }
}

#[test]
fn both_forms_say_the_same() {
    let folder = rich();
    let runs = [0, 1, 2, 3];
    let native = perfetto(&written(folder.path(), &runs, Format::Perfetto));
    let mut json = chrome(&written(folder.path(), &runs, Format::Chrome));
    let flat = |entry: Entry| {
        // Threads of Chrome's form have no threads below them.
        let (run, below) = entry.track.split_once(" / ").unwrap();
        Entry { track: format!("{run} / {}", below.replace(" / ", " ")), ..entry }
    };
    let native: Vec<Entry> = native.into_iter().map(flat).collect();
    assert!(native.len() > 200);
    json.iter_mut().for_each(|entry| assert!(!entry.track.is_empty()));
    assert_eq!(native, json);
}

#[test]
fn a_name_that_ends_in_gz_is_compressed_and_the_same_every_time() {
    let folder = rich();
    let results = Results::open(folder.path()).unwrap();
    let named = |name: &str| {
        let mut bytes = Vec::new();
        write_as(name.as_ref(), &results, &[0], Format::Perfetto, &mut bytes).unwrap();
        bytes
    };
    let (plain, compressed) = (named("a.pftrace"), named("a.pftrace.gz"));
    let mut read = Vec::new();
    flate2::read::GzDecoder::new(&compressed[..]).read_to_end(&mut read).unwrap();
    assert_eq!((read, compressed), (plain, named("b.GZ")));
}

/// Of several layers a GPU's work lies somewhere between the first and the last.
#[test]
fn work_of_several_layers_spans_the_batch() {
    let folder = rich();
    std::fs::write(folder.path().join("scenario.resolved.toml"), "[model]\nlayers = 3\n").unwrap();
    let entries = perfetto(&written(folder.path(), &[0], Format::Perfetto));
    let track = on(&entries, "baseline, seed 0 / GPU 0");
    assert_eq!(track[1].what, What::Slice("batch 1".to_owned(), 1_000_010, 2_000_000));
    assert!(track[1].arguments["busy_s"].starts_with("0.00025"));
}

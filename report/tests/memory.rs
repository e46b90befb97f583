//! A gigabyte of series is read, thinned and drawn, as a timeline, a page and figures, in the memory of a few thousand rows.
//!
//! `cargo test --release -p isotherm-report --test memory -- --ignored --nocapture` writes the gigabyte and tells what was needed.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used, reason = "tests fail by panicking")]

mod folder;

use std::time::Instant;

use folder::{Table, Values, Writer};
use isotherm_report::draw::{Style, svg};
use isotherm_report::figure::{FIGURES, build};
use isotherm_report::page;
use isotherm_report::results::downsample::Thinned;
use isotherm_report::results::{Column, Kind, Results, Wanted};
use isotherm_report::timeline::{Format, write};

/// As many rows as isotherm writes into a row group, and enough of these for a gigabyte.
const ROWS: usize = 16_384;
const GROUPS: usize = 128;
const RUNS: usize = 4;
const GPUS: usize = 8;
const EXPERTS: usize = 64;

/// What the whole program may need while it reads and draws, whatever the size of the file (bytes).
const ENOUGH: u64 = 64 << 20;

/// Numbers that nothing can compress.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 24
    }

    fn list(&mut self, length: usize) -> Vec<f32> {
        (0..length).map(|_| self.next() as f32 / 1e9).collect()
    }
}

/// Every column of a row group of one run.
fn group(number: usize, noise: &mut Noise) -> Table {
    let first = number % (GROUPS / RUNS) * ROWS;
    let run = folder::run_id(number / (GROUPS / RUNS));
    let mut table: Table = vec![("run_id", Values::Text(vec![run; ROWS]))];
    for column in Column::ALL {
        let batches = first..first + ROWS;
        let values = match (column, column.kind()) {
            (Column::Batch, _) => Values::Whole(batches.map(|batch| batch as i64).collect()),
            (Column::FinishedNs, _) => Values::Whole(batches.map(|batch| 1_000_000 * (batch as i64 + 1)).collect()),
            (_, Kind::Whole) => Values::Whole(batches.map(|batch| 1_000_000 * batch as i64).collect()),
            (_, Kind::Real) => Values::Real((0..ROWS).map(|_| Some(noise.next() as f64)).collect()),
            (Column::Usage, _) => {
                let list = |_| (0..EXPERTS).map(|_| (noise.next() % 4096) as i32).collect();
                Values::Counts((0..ROWS).map(list).collect())
            }
            (_, Kind::List) => Values::Lists((0..ROWS).map(|_| noise.list(GPUS)).collect()),
        };
        table.push((column.name(), values));
    }
    table
}

/// The most memory of this process since [`forget_peak`], in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

/// Forgets what writing needed.
fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// Tells how long `read` took and what the program needed meanwhile.
fn needed(what: &str, read: impl FnOnce() -> u64) {
    forget_peak();
    let started = Instant::now();
    let rows = read();
    let (took, peak) = (started.elapsed().as_secs_f64(), peak());
    println!("{what}: {rows} in {took:.1} s, peak {} MiB", peak >> 20);
    assert!(peak < ENOUGH, "{what} needed {peak} bytes");
}

#[test]
#[ignore = "writes a gigabyte"]
fn a_gigabyte_of_series_needs_little_memory() {
    let whole = folder::whole(1, 100);
    let path = whole.path().join("series.parquet");
    let mut noise = Noise(1);
    let table = group(0, &mut noise);
    let mut file = Writer::begin(&path, &table, folder::HASH);
    file.add(&table, 0..ROWS);
    drop(table);
    (1..GROUPS).for_each(|number| file.add(&group(number, &mut noise), 0..ROWS));
    file.finish();
    println!("series.parquet: {} MiB", std::fs::metadata(&path).unwrap().len() >> 20);

    let results = Results::open(whole.path()).unwrap();
    let count = |wanted: &Wanted| {
        let mut rows = 0;
        results.each_batch(wanted, |_, _| rows += 1).unwrap();
        rows
    };
    needed("every column of every run", || count(&Wanted::all_runs(Column::ALL)));
    needed("one column of every run", || count(&Wanted::all_runs(&[Column::EnergyJ])));
    needed("every column of one run", || count(&Wanted::of_runs(Column::ALL, &[3])));
    needed("temperatures thinned to 2,000 columns", || {
        let mut thinned = vec![vec![Thinned::new(2000); GPUS]; RUNS];
        let wanted = Wanted::all_runs(&[Column::FinishedNs, Column::TemperatureDegc]);
        results
            .each_batch(&wanted, |run, row| {
                let time = row.value(Column::FinishedNs).unwrap();
                let temperatures = row.list(Column::TemperatureDegc);
                thinned[run].iter_mut().zip(temperatures).for_each(|(gpu, degc)| gpu.push(time, *degc));
            })
            .unwrap();
        assert!(thinned.iter().flatten().all(|gpu| (1000..=8000).contains(&gpu.points().len())));
        thinned.iter().map(|gpus| gpus[0].seen()).sum()
    });
    needed("a timeline of one run", || {
        write(&results, &[1], Format::Perfetto, std::io::sink()).unwrap();
        count(&Wanted::of_runs(&[Column::Batch], &[1]))
    });
    needed("the page", || page::html(&results).len() as u64);
    for listed in FIGURES {
        needed(listed.name, || match build(listed.name, &results) {
            Ok(figure) => svg(&figure, &Style::default()).len() as u64,
            Err(_) => 0,
        });
    }
}

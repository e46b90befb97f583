//! A large sweep in a process of its own, whose memory can be measured.

use std::process::Command;
use std::time::Instant;

use isotherm::execute::{Comparison, Run};
use isotherm::results::{Folder, ResultsWriter, Timing, WriteOptions};
use isotherm::scenario_file::ScenarioFile;

use super::tiny;
use crate::lab::announce;

/// How many points the measured process writes.
const POINTS: &str = "ISOTHERM_TEST_POINTS";

/// Most memory this process ever had (MiB).
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<f64>().unwrap() / 1024.0
}

/// Writes as many worlds as it is told; for a hundred thousand of them:
/// `ISOTHERM_TEST_POINTS=100000 cargo test --release --test it -- results::memory::measured --exact --ignored --nocapture`
#[test]
#[ignore = "run in a process of its own by the test below"]
fn measured() {
    let Some(points) = std::env::var(POINTS).ok().map(|points| points.parse::<usize>().unwrap()) else { return };
    let file = ScenarioFile::from_text("tiny.toml", &tiny(""), "".as_ref(), &[]).unwrap();
    let comparison = Comparison::prepare(&file).unwrap();
    let outcomes = comparison.run(vec![None; 2], &(), &Default::default()).unwrap();
    let runs = comparison.with_outcomes(outcomes).unwrap();
    let results = tempfile::tempdir().unwrap();
    let (folder, _) = Folder::open(results.path(), &file, false).unwrap();
    let mut writer = ResultsWriter::begin(&folder, &file, WriteOptions::default()).unwrap();
    let (started, before) = (Instant::now(), peak());
    for world in 0..points {
        let mut of_point = runs.clone();
        let id = |run: &mut Run| run.id = format!("{world:08x}{}", &run.id[..8]);
        of_point.iter_mut().for_each(|(run, _)| id(run));
        writer.add(&file, world, of_point).unwrap();
    }
    let added = started.elapsed().as_secs_f64();
    let timing = Timing { simulate_seconds: 0.0, threads: 1, runs: 2 * points, tokens: 0, lag: None };
    let overview = writer.finish(&timing).unwrap();
    assert_eq!(overview.row_count, 2 * points);
    let each = |seconds: f64| 1e3 * seconds / points as f64;
    announce(&format!(
        "{points} points: {:.3} ms each, of which {:.3} ms to add; {before:.0} MiB before, at most {:.0} MiB",
        each(started.elapsed().as_secs_f64()),
        each(added),
        peak()
    ));
    println!("peak {}", peak());
}

/// Peak of a process that writes so many points (MiB).
fn peak_of(points: usize) -> f64 {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["results::memory::measured", "--exact", "--ignored", "--nocapture"])
        .env(POINTS, points.to_string())
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    let peak = out.lines().find_map(|line| line.split("peak ").nth(1)).unwrap_or_else(|| panic!("{out}{err}"));
    peak.trim().parse().unwrap()
}

/// All that may grow is eight bytes a row, for Holm's correction, once a row group of each table is full.
#[test]
fn memory_does_not_grow_with_the_number_of_points() {
    let (few, many) = (peak_of(10_000), peak_of(30_000));
    announce(&format!("at most {few:.0} MiB for 10,000 points, {many:.0} MiB for 30,000"));
    assert!(many < 200.0 && many - few < 24.0, "{few} MiB for 10,000 points, {many} MiB for 30,000");
}

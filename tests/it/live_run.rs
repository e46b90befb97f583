//! Live runs: paced by a clock, recorded, and replayed from their own records to the same decisions. No test waits for the clock on the wall.

mod bench;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use isotherm::execute::{Comparison, Completed, Outcome, Run, Watch};
use isotherm::fault::Fault;
use isotherm::scenario_file::{Overrides, ScenarioFile, TelemetryFlag};
use isotherm_core::record::RunRecord;

use crate::lab::{isotherm, root, small, small_device, text};
use bench::{StandingClock, hang};

const ROUTERS: &str = "
[[router]]
kind = \"energy-penalty\"
lambda = 0.3
[[router]]
kind = \"ttt\"
lambda = 0.3
[[router]]
kind = \"opportunistic\"
";

/// A scenario whose routers look at temperatures, with other telemetry.
fn scenario(text: &str, telemetry: &str, set: &[&str]) -> ScenarioFile {
    let set: Vec<String> = set.iter().map(ToString::to_string).collect();
    let telemetry: TelemetryFlag = telemetry.parse().unwrap();
    let overrides = Overrides { telemetry: Some(&telemetry), set: &set, libraries: &[] };
    ScenarioFile::from_text_as("test.toml", text, root(), &overrides).unwrap_or_else(|fault| panic!("{fault}"))
}

fn routers() -> String {
    small(ROUTERS)
}

/// Runs by a clock of its own and leaves records in `results`.
fn live(file: &ScenarioFile, clock: Arc<StandingClock>, results: &Path) -> Completed {
    let comparison = Comparison::prepare(file).unwrap().paced_by(clock).recording_in(results);
    comparison.run_all().unwrap_or_else(|fault| panic!("{fault}"))
}

fn records(completed: &Completed) -> Vec<&RunRecord> {
    completed.finished.iter().map(|run| run.outcome.as_ref().unwrap_or_else(|message| panic!("{message}"))).collect()
}

/// To the last bit: a temperature that nobody knows is no number, and equals nothing.
fn same(some: &[&RunRecord], others: &[&RunRecord]) -> bool {
    let bytes =
        |records: &[&RunRecord]| records.iter().map(|run| postcard::to_stdvec(run).unwrap()).collect::<Vec<_>>();
    bytes(some) == bytes(others)
}

fn index(results: &Path) -> serde_json::Value {
    serde_json::from_str(&std::fs::read_to_string(results.join("telemetry/runs.json")).unwrap()).unwrap()
}

#[test]
fn a_live_run_replayed_from_its_record_makes_the_same_decisions() {
    let folder = tempfile::tempdir().unwrap();
    let text = routers().replace("hot = [6, 7]", "leakage_per_kelvin = 0.01, hot = [6, 7]")
        + "[sweep]\n\"router.lambda\" = [0.1, 0.4]\n\"hardware.idle_power\" = [\"90 W\", \"120 W\"]\n";
    let set = ["telemetry.clock=replayed"];
    let clock = hang("replayed", StandingClock::late(7, Duration::from_micros(700)));
    let file = scenario(&text, "test-walk", &set);
    let first = live(&file, Arc::clone(&clock), &folder.path().join("first"));
    let second = live(&file, clock, &folder.path().join("second"));
    let (first, second) = (records(&first), records(&second));
    assert!(first.iter().zip(&second).all(|(one, other)| one != other), "what is replayed is not repeatable");
    let decided_otherwise = first.iter().zip(&second).filter(|(one, other)| one.trace != other.trace).count();
    assert!(decided_otherwise >= 8, "{decided_otherwise} runs were routed by what was seen");

    for (live, name) in [(first, "first"), (second, "second")] {
        let replayed = scenario(&text, &format!("replay={}", folder.path().join(name).display()), &[]);
        let replayed = crate::lab::run(&replayed);
        let replayed = records(&replayed);
        assert!(live.len() == replayed.len() && live.len() > 16);
        for (live, replayed) in live.iter().zip(&replayed) {
            assert!(live.batches.len() == 12 && live.batches.iter().all(|batch| !batch.temperatures.is_empty()));
            assert!(live == replayed, "trace {:016x} became {:016x}", live.trace, replayed.trace);
        }
    }
}

#[test]
fn nothing_is_polled_before_its_time_and_lateness_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let punctual = scenario(&routers(), "test-walk", &["telemetry.clock=punctual"]);
    // The source ends a run that polls it early.
    let completed = live(&punctual, hang("punctual", StandingClock::default()), &folder.path().join("punctual"));
    records(&completed);
    let lag = completed.lag.unwrap();
    assert!(lag.instants > 100 && lag.largest_s == 0.0, "{lag:?}");
    assert!(completed.summary.rows.iter().all(|row| row.warnings.iter().all(|text| !text.starts_with("late: "))));

    let late = scenario(&routers(), "test-walk", &["telemetry.clock=late"]);
    let clock = hang("late", StandingClock::late(40, Duration::from_millis(30)));
    let completed = live(&late, clock, &folder.path().join("late"));
    records(&completed);
    let lag = completed.lag.unwrap();
    assert_eq!(lag.largest_s, 0.03, "{lag:?}");
    assert!(lag.mean_s > 0.0 && lag.mean_s < 0.03, "{lag:?}");
    for row in &completed.summary.rows {
        let said = |start: &str| row.warnings.iter().any(|text| text.starts_with(start));
        assert!(said("live telemetry: ") && said("late: up to 0.030 s behind the clock"), "{:?}", row.warnings);
    }
    let runs = index(&folder.path().join("late"));
    assert!(runs["runs"].as_array().unwrap().iter().any(|run| run["lag"]["largest_s"] == 0.03), "{runs}");
}

/// Stops a comparison in the middle of a run, and keeps what is finished as a results folder would.
struct Stopper<'a> {
    stop: &'a AtomicBool,
    after: u64,
    done: AtomicU64,
    kept: std::sync::Mutex<Vec<String>>,
}

impl Watch for Stopper<'_> {
    fn batches_done(&self, batches: u64) {
        if self.done.fetch_add(batches, Ordering::Relaxed) + batches >= self.after {
            self.stop.store(true, Ordering::Relaxed);
        }
    }

    fn keep(&self, runs: &[(&Run, &Outcome)]) -> Result<(), Fault> {
        self.kept.lock().unwrap().extend(runs.iter().map(|(run, _)| run.id.clone()));
        Ok(())
    }
}

#[test]
fn a_stopped_comparison_keeps_its_runs_and_records_and_continues() {
    let folder = tempfile::tempdir().unwrap();
    let file = scenario(&routers(), "test-walk", &[]);
    let clock = Arc::new(StandingClock::default());
    let comparison = Comparison::prepare(&file).unwrap().paced_by(clock).recording_in(folder.path());
    let runs = comparison.runs();
    let nothing = vec![None; runs.len()];
    assert_eq!(comparison.live_time(&nothing).unwrap().runs, 8);

    // Twelve batches a run: in the middle of the third one.
    let stop = AtomicBool::new(false);
    let watch = Stopper { stop: &stop, after: 30, done: AtomicU64::new(0), kept: Default::default() };
    let outcomes = comparison.run(nothing, &watch, &stop).unwrap();
    let finished: Vec<bool> = outcomes.iter().map(Option::is_some).collect();
    assert_eq!(finished, [true, true, false, false, false, false, false, false]);
    assert_eq!(*watch.kept.lock().unwrap(), [runs[0].id.as_str(), runs[1].id.as_str()]);
    let record = |run: &Run| std::fs::read_to_string(folder.path().join(format!("telemetry/{}.csv", run.id)));
    let (whole, cut) = (record(&runs[1]).unwrap(), record(&runs[2]).unwrap());
    assert!(cut.lines().count() > 4 && cut.ends_with('\n') && cut.lines().count() < whole.lines().count(), "{cut}");
    assert!(record(&runs[3]).is_err(), "it has not begun");
    let seen = index(folder.path());
    let lags: Vec<bool> = seen["runs"].as_array().unwrap().iter().map(|run| run["lag"].is_object()).collect();
    assert_eq!(lags, [true, true, false], "{seen}");

    let known: Vec<Option<RunRecord>> = outcomes.into_iter().map(|outcome| outcome.and_then(Result::ok)).collect();
    assert_eq!(comparison.live_time(&known).unwrap().runs, 6);
    let outcomes = comparison.run(known.clone(), &(), &AtomicBool::new(false)).unwrap();
    let completed = comparison.complete(outcomes, Default::default()).unwrap();
    let traces = [known[0].as_ref(), completed.finished[0].outcome.as_ref().ok()].map(|run| run.unwrap().trace);
    assert_eq!(traces[0], traces[1], "it is not run again");
    assert_eq!(record(&runs[1]).unwrap(), whole, "its record stays");
    assert!(record(&runs[2]).unwrap().lines().count() > cut.lines().count());
    assert_eq!(index(folder.path())["runs"].as_array().unwrap().len(), runs.len());
    let replayed = crate::lab::run(&scenario(&routers(), &format!("replay={}", folder.path().display()), &[]));
    assert!(same(&records(&completed), &records(&replayed)));
}

#[test]
fn a_device_that_does_not_answer_stays_as_it_was_last_seen() {
    let folder = tempfile::tempdir().unwrap();
    let file = scenario(&routers(), "test-walk", &["telemetry.lost_from=3", "seeds=1"]);
    let completed = live(&file, Arc::default(), folder.path());
    for record in records(&completed) {
        let last: Vec<f32> = record.batches.iter().map(|batch| batch.temperatures[3]).collect();
        assert!(
            last[9] == last[11]
                && last[11].is_finite()
                && record.batches[9].temperatures[0] != record.batches[11].temperatures[0]
        );
    }
    let record = std::fs::read_to_string(folder.path().join(format!("telemetry/{}.csv", completed.finished[0].run.id)));
    let row = record.unwrap().lines().last().unwrap().to_owned();
    assert!(row.contains(",3,,,"), "nothing is filled in: {row}");
    let replayed = crate::lab::run(&scenario(&routers(), &format!("replay={}", folder.path().display()), &["seeds=1"]));
    assert!(same(&records(&completed), &records(&replayed)));
}

#[test]
fn a_device_that_was_never_seen_is_not_held_back_for_it() {
    let device = small_device(ROUTERS);
    let run = |set: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let completed = live(&scenario(&device, "test-walk", set), Arc::default(), folder.path());
        let replay = format!("replay={}", folder.path().display());
        let replayed = crate::lab::run(&scenario(&device, &replay, &set[..1]));
        assert!(same(&records(&completed), &records(&replayed)));
        let record = records(&completed)[0].clone();
        assert!(record.batches.len() == 9 && record.gpu_joules.is_finite() && record.leakage_joules > 0.0);
        record.clock_mhz_seconds[1] / record.ended.seconds()
    };
    let cap = "hardware.power_cap=700 W";
    let (seen, never) = (run(&[cap]), run(&[cap, "telemetry.lost_from=0"]));
    assert!(never > 0.8 * seen, "clock of {never} MHz on the mean, and {seen} MHz where it was seen");
}

#[test]
fn hardware_that_is_not_there_ends_the_comparison_with_its_reason() {
    let file = scenario(&routers(), "test-walk", &["telemetry.absent=nvml: not available (no driver)"]);
    let fault = Comparison::prepare(&file).unwrap().run_all().unwrap_err();
    assert_eq!(fault.to_string(), "error: telemetry: nvml: not available (no driver)");
}

#[test]
fn the_program_replays_a_results_folder_and_leaves_it_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.toml");
    let source = routers().replace(
        "scenarios/hardware/h200-sxm.toml",
        &root().join("scenarios/hardware/h200-sxm.toml").display().to_string(),
    );
    std::fs::write(&path, &source).unwrap();
    let file = scenario(&source, "test-walk", &[]);
    let completed = live(&file, Arc::default(), &folder.path().join("results/seen"));

    let arguments = ["run", "small.toml", "--telemetry", "replay=results/seen", "--csv"];
    let (code, out, err) = text(&isotherm(folder.path(), &arguments));
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("note: replayed live telemetry: routing does not heat anything"), "{out}");
    let runs = std::fs::read_to_string(folder.path().join("results/small-replay/runs.csv")).unwrap();
    for record in records(&completed) {
        assert!(runs.contains(&format!("{:016x}", record.trace)), "{runs}");
    }
    assert!(!folder.path().join("results/small-replay/telemetry").exists(), "nothing live, nothing recorded");

    // The resolved scenario names the records, and gives the same runs.
    std::fs::copy(folder.path().join("results/small-replay/scenario.resolved.toml"), folder.path().join("again.toml"))
        .unwrap();
    let (code, _, err) = text(&isotherm(folder.path(), &["run", "again.toml", "--csv", "--out", "again"]));
    assert_eq!(code, 0, "{err}");
    assert_eq!(std::fs::read_to_string(folder.path().join("again/runs.csv")).unwrap(), runs);

    let over = [&arguments[..], &["--out", "results/seen", "--force"]].concat();
    let (code, _, err) = text(&isotherm(folder.path(), &over));
    assert_eq!(code, 2);
    assert!(err.contains("choose another folder with --out"), "{err}");
    assert!(folder.path().join("results/seen/telemetry/runs.json").exists());
}

#[test]
fn what_does_not_fit_a_record_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = scenario(&routers(), "test-walk", &["seeds=1"]);
    let completed = live(&file, Arc::default(), folder.path());
    let replay = format!("replay={}", folder.path().display());
    let failure = |set: &[&str]| {
        let replayed = crate::lab::run(&scenario(&routers(), &replay, set));
        replayed.finished.iter().find_map(|run| run.outcome.clone().err()).unwrap()
    };
    let other = failure(&["seeds=2"]);
    assert!(
        other.contains("runs.json: has no run of `baseline` with seed 1; expected the scenario of the live run"),
        "{other}"
    );
    // A cut record plays as far as it goes.
    let path = folder.path().join(format!("telemetry/{}.csv", completed.finished[1].run.id));
    let record = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, &record[..record.len() * 2 / 3]).unwrap();
    let cut = failure(&["seeds=1"]);
    assert!(cut.contains("has no poll at ") && cut.contains("expected the record of a whole run"), "{cut}");

    let program = |arguments: &[&str]| text(&isotherm(root(), arguments));
    for (flag, expected, code) in [
        ("nope", "--> --telemetry nope", 3),
        ("nvml=3", "`nvml` takes no value; set its options with --set telemetry.KEY=VALUE", 2),
        ("replay=scenarios", "--> --telemetry replay=scenarios", 3),
    ] {
        let (found, _, err) = program(&["validate", "scenarios/classic.toml", "--telemetry", flag]);
        assert!(err.contains(expected) && found == code, "{flag}: {found}: {err}");
    }
}

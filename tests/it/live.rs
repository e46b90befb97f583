//! Live runs without a GPU: the loop, its record, replay and comparison, on modelled GPUs and a clock that only moves when somebody waits.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use isotherm::live::clock::StepClock;
use isotherm::live::compare::compare;
use isotherm::live::excite::excite;
use isotherm::live::model::{Model, ModelMeter};
use isotherm::live::monitor::Monitor;
use isotherm::live::predict::{Ambient, Given};
use isotherm::live::record::{Ending, LiveRecord};
use isotherm::live::replay::replay;
use isotherm::live::schedule::Schedule;
use isotherm::live::session::{Equipment, Session, modelled};
use isotherm::scenario_file::ScenarioFile;
use isotherm_calibration::kernels::{check_phases, read_phases};
use isotherm_core::cost::LayerSpec;
use isotherm_core::hardware::{DeviceProfile, Hardware};
use isotherm_core::load::{Load, LoadError, Share};
use isotherm_core::scenario::Scenario;
use isotherm_recording::reading::Standing;
use isotherm_recording::{DeviceFacts, Meter, MeterError, Reading};

use crate::lab::{isotherm, root, scenario, text};
use crate::plugins::built;

fn session(folder: &Path, clock: &Arc<StepClock>, gpus: u32, seconds: f64) -> Session {
    rested(folder, clock, gpus, seconds, 300.0)
}

fn rested(folder: &Path, clock: &Arc<StepClock>, gpus: u32, seconds: f64, rest: f64) -> Session {
    Session {
        clock: clock.clone(),
        seconds,
        rest,
        devices: (0..gpus).collect(),
        period: None,
        folder: folder.to_owned(),
        stop: Arc::new(AtomicBool::new(false)),
    }
}

/// A live run of modelled GPUs, changed by `change` before it begins.
fn run(file: &ScenarioFile, folder: &Path, seconds: f64, change: impl Fn(&mut Equipment)) -> LiveRecord {
    let clock = Arc::new(StepClock::default());
    let session = session(folder, &clock, file.plan.worlds[0].scenario.hardware.gpus, seconds);
    let mut equip = |scenario: &Scenario| {
        let mut equipment = modelled(scenario, clock.clone(), true)?;
        change(&mut equipment);
        Ok(equipment)
    };
    session.run(file, &mut equip, &mut |_, _, _, _| Ok(None), &mut ()).unwrap_or_else(|fault| panic!("{fault}"))
}

fn two_gpus() -> ScenarioFile {
    scenario("live-2gpu-expert-parallel.toml", &["sweep={\"workload.layer\" = [1, 4]}", "arrivals.batches=3"])
}

#[test]
fn a_live_run_is_decided_again_from_its_record_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = two_gpus();
    let record = run(&file, folder.path(), 3.0, |_| {});
    assert_eq!(record.runs.len(), 10, "five routers at two points");
    assert!(record.load.simulated && record.runs.iter().all(|run| run.ending == Ending::Complete));
    // The stream goes on past the three batches of the scenario.
    assert!(record.runs.iter().all(|run| run.batches > 20), "{:?}", record.runs[0].batches);
    let replayed = replay(folder.path(), &[]).unwrap_or_else(|fault| panic!("{fault}"));
    for (run, replayed) in record.runs.iter().zip(&replayed) {
        assert_eq!(
            (replayed.decisions, replayed.same),
            (run.batches as usize, run.batches as usize),
            "{}",
            replayed.run
        );
    }
    // Routers did something, and not all the same.
    let fingerprints: std::collections::BTreeSet<&str> = record.runs.iter().map(|run| run.routing.as_str()).collect();
    assert!(fingerprints.len() >= 6, "{fingerprints:?}");
}

#[test]
fn a_sample_that_was_changed_afterwards_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let file = two_gpus();
    let record = run(&file, folder.path(), 2.0, |_| {});
    let penalty = record.runs.iter().find(|run| run.router == "energy-penalty").unwrap();
    let path = folder.path().join(&penalty.folder).join("decisions.jsonl");
    let log = std::fs::read_to_string(&path).unwrap();
    let mut lines: Vec<String> = log.lines().map(ToOwned::to_owned).collect();
    let seen = lines.iter().rposition(|line| line.contains("\"temperature\"")).unwrap();
    let mut line: serde_json::Value = serde_json::from_str(&lines[seen]).unwrap();
    line["samples"][0]["temperature"] = "95 degC".into();
    lines[seen] = line.to_string();
    std::fs::write(&path, lines.join("\n")).unwrap();
    let replayed = replay(folder.path(), &[]).unwrap_or_else(|fault| panic!("{fault}"));
    let other = replayed.iter().find(|replayed| replayed.same < replayed.decisions).unwrap();
    assert_eq!(other.first_other, Some((seen as u32, 0)));
    let (code, out, _) = text(&isotherm(root(), &["live", "replay", &folder.path().display().to_string()]));
    assert_eq!(code, 6, "{out}");
}

/// The meter and the load are the model that the simulator has too, so the two sides of the comparison must agree: what is left is whole degrees and
/// the sensor's delay.
#[test]
fn the_model_measured_is_the_model_predicted() {
    // The simulated governor takes a second to find its clock and dithers around it, the modelled GPUs have theirs at once: no cap here.
    let free = "hardware.power_cap=\"2000 W\"";
    let two = scenario("live-2gpu-expert-parallel.toml", &["sweep={\"workload.layer\" = [1, 4]}", free]);
    for file in [two, scenario("live-1gpu.toml", &[free])] {
        let folder = tempfile::tempdir().unwrap();
        let record = run(&file, folder.path(), 8.0, |_| {});
        let read = LiveRecord::read(folder.path()).unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(read, record, "what is written is what was made");
        let again = record.scenario_of(folder.path(), &[]).unwrap_or_else(|fault| panic!("{fault}"));
        let compared = compare(&read, again, &Given::default()).unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(compared.rows.len(), record.runs.len());
        let worst = compared.worst;
        assert!(worst.energy < 0.01 && worst.layer < 0.02 && worst.die_k < 1.0, "{worst:?}");
        for row in compared.rows.iter().filter(|row| row.router == "baseline") {
            assert!(row.joules_per_token.relative().unwrap().abs() < 0.005, "{row:?}");
            // The same routing: what is left is rounding. Other routers see whole degrees a poll earlier or later.
            assert!(row.layer_seconds.relative().unwrap().abs() < 0.002, "{row:?}");
            assert!(row.integrated_over_counter.unwrap().abs() < 0.03, "{row:?}");
            assert_eq!(row.mass_regret.predicted, 0.0);
        }
    }
}

/// A rest of seconds leaves heat in the sink, which is neither ambient nor of the run.
#[test]
fn heat_of_earlier_runs_is_not_taken_for_ambient() {
    let folder = tempfile::tempdir().unwrap();
    let file = scenario("live-1gpu.toml", &["hardware.power_cap=\"2000 W\""]);
    let clock = Arc::new(StepClock::default());
    let session = rested(folder.path(), &clock, 1, 30.0, 15.0);
    let mut equip = |scenario: &Scenario| modelled(scenario, clock.clone(), true);
    let record =
        session.run(&file, &mut equip, &mut |_, _, _, _| Ok(None), &mut ()).unwrap_or_else(|fault| panic!("{fault}"));
    let (first, last) = (&record.runs[0].idle[0], &record.runs[3].idle[0]);
    assert!(last.die_degc.unwrap() - first.die_degc.unwrap() > 1.0, "{first:?} {last:?}");
    let scenario = record.scenario_of(folder.path(), &[]).unwrap_or_else(|fault| panic!("{fault}"));
    let compared = compare(&record, scenario, &Given::default()).unwrap_or_else(|fault| panic!("{fault}"));
    assert!(compared.worst.die_k < 0.8, "{:?}", compared.rows);
    let ambient = |row: usize| compared.rows[row].ambient_degc[0];
    assert!((ambient(3) - ambient(0)).abs() < 0.8, "{} {}", ambient(0), ambient(3));
}

#[test]
fn another_ambient_or_profile_makes_another_prediction() {
    let folder = tempfile::tempdir().unwrap();
    let file = scenario("live-1gpu.toml", &["router=[{ kind = \"baseline\" }]", "hardware.power_cap=\"2000 W\""]);
    let record = run(&file, folder.path(), 3.0, |_| {});
    let scenario = || record.scenario_of(folder.path(), &[]).unwrap_or_else(|fault| panic!("{fault}"));
    let mut hot = scenario().plan.worlds[0].scenario.hardware.profile.clone().unwrap();
    hot.ambient = isotherm_core::units::Celsius::new(50.0);
    let mean = |ambient| {
        let given = Given { profiles: std::slice::from_ref(&hot), cooling: None, ambient };
        let compared = compare(&record, scenario(), &given).unwrap_or_else(|fault| panic!("{fault}"));
        compared.rows[0].die_mean_degc[0].difference().unwrap()
    };
    assert!(mean(Ambient::Measured).abs() < 1.0, "the measured rest outweighs the profile's ambient");
    assert!(mean(Ambient::Profile) > 10.0);
}

/// Says after some polls that the second device is lost.
struct Losing(ModelMeterBox, u32);
type ModelMeterBox = Box<dyn Meter>;

impl Meter for Losing {
    fn source(&self) -> String {
        self.0.source()
    }

    fn devices(&self) -> &[DeviceFacts] {
        self.0.devices()
    }

    fn read(&mut self, out: &mut Vec<Reading>) -> Result<(), MeterError> {
        self.0.read(out)?;
        self.1 = self.1.saturating_sub(1);
        if self.1 == 0 {
            out[1] = Reading { device: 1, begun: out[0].begun, standing: Standing::Lost, ..Reading::default() };
        }
        Ok(())
    }
}

#[test]
fn a_lost_device_ends_the_run_and_the_record_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let record = run(&two_gpus(), folder.path(), 3.0, |equipment| {
        let meter = equipment.meter.take().unwrap();
        // The rest is 6000 polls.
        equipment.meter = Some(Box::new(Losing(meter, 6020)));
    });
    assert_eq!(record.runs.len(), 1, "nothing more is asked of it");
    assert_eq!(record.runs[0].ending, Ending::Failed("device 1 is lost".to_owned()));
    assert!(record.runs[0].batches > 0);
    let replayed = replay(folder.path(), &[]).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(
        (replayed[0].decisions, replayed[0].same),
        (record.runs[0].batches as usize, record.runs[0].batches as usize)
    );
}

/// Fails at a layer.
struct Failing(Box<dyn Load>, u32);

impl Load for Failing {
    fn devices(&self) -> &[String] {
        self.0.devices()
    }

    fn execute(&mut self, shares: &[Share], seconds: &mut [f64]) -> Result<(), LoadError> {
        self.1 -= 1;
        if self.1 == 0 { Err(LoadError::Failed("out of memory".to_owned())) } else { self.0.execute(shares, seconds) }
    }
}

#[test]
fn a_load_that_fails_ends_the_run_and_its_last_decision_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let record = run(&two_gpus(), folder.path(), 3.0, |equipment| {
        let load = std::mem::replace(&mut equipment.load, Box::new(Failing(Box::new(Nothing), 1)));
        // Eight layers a batch: in the third one.
        equipment.load = Box::new(Failing(load, 20));
    });
    assert_eq!(record.runs[0].ending, Ending::Failed("the load: out of memory".to_owned()));
    assert_eq!(record.runs[0].batches, 2);
    let replayed = replay(folder.path(), &[]).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((replayed[0].decisions, replayed[0].same), (3, 3), "decided, though never done");
}

struct Nothing;

impl Load for Nothing {
    fn devices(&self) -> &[String] {
        &[]
    }

    fn execute(&mut self, _: &[Share], _: &mut [f64]) -> Result<(), LoadError> {
        Ok(())
    }
}

#[test]
fn what_a_live_run_cannot_do_is_refused_before_it_begins() {
    let refused = |set: &[&str], routers: &str| {
        let folder = tempfile::tempdir().unwrap();
        let mut set = set.to_vec();
        set.push(routers);
        let file = scenario("live-1gpu.toml", &set);
        let clock = Arc::new(StepClock::default());
        let session = session(folder.path(), &clock, 1, 1.0);
        let mut equip = |scenario: &Scenario| modelled(scenario, clock.clone(), true);
        let fault = session.run(&file, &mut equip, &mut |_, _, _, _| Ok(None), &mut ()).unwrap_err();
        assert_eq!(fault.code().get(), 3, "{fault}");
        fault.to_string()
    };
    let oracle = "router=[{ kind = \"energy-penalty\", lambda = 1.0, costs = \"oracle\" }]";
    let baseline = "router=[{ kind = \"baseline\" }]";
    assert!(refused(&[], oracle).contains("an oracle is shown the truth"));
    let poisson = "arrivals={ kind = \"poisson\", batches = 3, tokens = 64, rate_per_s = 10.0 }";
    assert!(refused(&[poisson], baseline).contains("closed-loop"));
    assert!(refused(&["dispatch={ copies = \"by-speed\" }"], baseline).contains("dispatch.copies"));
}

#[test]
fn a_schedule_leaves_what_profiles_are_checked_with() {
    let text = "name = \"t\"\nlayer = { d_model = 4096, d_ff = 14336, dtype = \"bf16\", implementation = \"sequential\" }\n\
                [[phase]]\nname = \"idle0\"\nseconds = 3.0\n\
                [[phase]]\nname = \"moe-n64\"\nseconds = 6.0\ntokens = 64\nwarm_up = 1.0\n\
                [[phase]]\nname = \"half\"\nseconds = 6.0\ntokens = 64\nduty = 0.5\nperiod_ms = 10.0\n";
    let schedule = Schedule::parse(text).unwrap();
    let profile = std::fs::read_to_string(root().join("scenarios/hardware/h200-sxm.toml")).unwrap();
    let profile: DeviceProfile = toml::from_str(&profile).unwrap();
    let clock = Arc::new(StepClock::default());
    let hardware = Hardware { profile: Some(profile.clone()), ..Hardware::of_gpus(1) };
    let layer: LayerSpec = toml::from_str("d_model = 4096\nd_ff = 14336\nimplementation = \"sequential\"").unwrap();
    let model = Model::new(&hardware, &layer, 1, clock.clone()).unwrap();
    let monitor = Monitor::start(&*clock, Box::new(ModelMeter::of(&model)), &[0], 0.05, None).unwrap();
    let mut loads: Vec<Box<dyn Load>> = vec![Box::new(model)];
    let (phases, stop) = (schedule.phases(1).unwrap(), AtomicBool::new(false));
    let (side_car, outcome) = excite(&schedule, &phases, &mut loads, &*clock, Some(&monitor), &stop, &mut |_| {});
    outcome.unwrap();
    let names: Vec<&str> = side_car.phases.iter().map(|ran| ran.name.as_str()).collect();
    assert_eq!(names, ["idle0", "warm-moe-n64", "moe-n64", "half"]);
    assert_eq!((side_car.moe.len(), side_car.moe[0].tokens_per_expert), (1, 64), "a hold without a break");
    assert!((side_car.phases[3].duty[0] - 0.5).abs() < 0.06, "{:?}", side_car.phases[3].duty);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("phases.json");
    std::fs::write(&path, serde_json::to_string(&side_car).unwrap()).unwrap();
    let report = check_phases(&profile, &read_phases(&path).unwrap()).unwrap();
    assert_eq!(report.layers.len(), 1, "the phase, which says more than the table");
    // Warm after seconds is not warm for ever: leakage is a little smaller.
    assert!(report.worst_time < 1e-3 && report.worst_energy < 0.03, "{report:?}");
}

#[test]
fn schedules_in_the_repository_are_in_order() {
    let all = [
        ("short.toml", 20.0, 1),
        ("h200-5min.toml", 309.0, 1),
        ("mixes.toml", 202.4, 1),
        ("one-by-one.toml", 245.0, 2),
    ];
    for (name, seconds, least) in all {
        let text = std::fs::read_to_string(root().join("scenarios/excitation").join(name)).unwrap();
        for gpus in least..=2 {
            let phases = Schedule::parse(&text).and_then(|schedule| schedule.phases(gpus)).unwrap();
            let all: f64 = phases.iter().map(|phase| phase.seconds).sum();
            assert!((all - seconds).abs() < 1e-6, "{name}: {all} s");
        }
    }
}

#[test]
fn the_commands_work_together_without_a_gpu() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("record").display().to_string();
    let run = ["live", "run", "scenarios/live-1gpu.toml", "--load", "model", "--seconds", "0.4", "--rest", "0.2"];
    let (code, table, err) = text(&isotherm(root(), &[&run[..], &["--out", &out]].concat()));
    assert_eq!(code, 0, "{err}");
    assert!(table.contains("simulated, no device did anything") && table.contains("primal-dual"), "{table}");
    let (code, again, err) = text(&isotherm(root(), &["live", "replay", &out]));
    assert_eq!((code, again.lines().count()), (0, 4), "{again}{err}");
    let (code, compared, err) = text(&isotherm(root(), &["live", "compare", &out, "--markdown"]));
    assert_eq!(code, 0, "{err}");
    assert!(compared.contains("| baseline | 100 |") && compared.contains("Nothing was measured"), "{compared}");
    let (code, _, err) = text(&isotherm(root(), &[&run[..], &["--out", &out]].concat()));
    assert_eq!(code, 5, "the record is not written over: {err}");
}

/// A load from a library, and nothing that reads it: what was not measured is not there.
#[test]
fn a_load_of_a_library_is_run_without_a_meter() {
    if !built::has_c_compiler("a_load_of_a_library_is_run_without_a_meter") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (good, source) = (root().join("tests/fixtures/plugins/faults/good_load.c"), folder.path().join("load.c"));
    std::fs::write(&source, format!("#define _POSIX_C_SOURCE 199309L\n#include \"{}\"\n", good.display())).unwrap();
    let library = built::c_library(folder.path(), "load", &[source]).display().to_string();
    let out = folder.path().join("record").display().to_string();
    let run = ["live", "run", "scenarios/live-2gpu-expert-parallel.toml", "--set", "sweep={}", "--source", "none"];
    let load =
        ["--load", "fault/load", "--plugin", &library, "--seconds", "0.2", "--rest", "0", "--json", "--out", &out];
    let (code, record, err) = text(&isotherm(root(), &[&run[..], &load].concat()));
    assert_eq!(code, 0, "{err}");
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    assert_eq!((&record["load"]["devices"][1], &record["load"]["simulated"]), (&"a clock".into(), &false.into()));
    assert!(record["runs"][0]["layer"]["mean"].as_f64().unwrap() > 0.0 && record["runs"][0]["gpus"][0].is_null());
    let (code, _, err) = text(&isotherm(root(), &["live", "replay", &out]));
    assert_eq!(code, 0, "{err}");
    let (code, table, err) = text(&isotherm(root(), &["live", "compare", &out, "--markdown"]));
    assert!(code == 0 && table.contains("| 50/50 | - |"), "{table}{err}");
    let unknown = ["--load", "fault/other", "--plugin", &library, "--out", &out, "--force"];
    let (code, _, err) = text(&isotherm(root(), &[&run[..], &unknown].concat()));
    assert!(code == 4 && err.contains("fault/other"), "{code} {err}");
}

#[test]
fn layers_are_fitted_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("p.toml").display().to_string();
    let data = ["scenarios/data/h200/single-1.json", "scenarios/data/h200/holds-3.json"];
    let from = ["profile", "fit-layers", "--from", "scenarios/hardware/h200-sxm.toml", "-o", &out, "--json"];
    let (code, report, err) = text(&isotherm(root(), &[&from[..], &data].concat()));
    assert_eq!(code, 0, "{err}");
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    for check in report["checks"].as_array().unwrap() {
        assert!(
            check["worst_time"].as_f64().unwrap() < 0.05 && check["worst_energy"].as_f64().unwrap() < 0.05,
            "{check}"
        );
    }
    let (code, _, err) = text(&isotherm(root(), &["profile", "show", &out]));
    assert_eq!(code, 0, "what was written is a profile: {err}");
}

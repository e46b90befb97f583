//! Runs that start warm, `hardware.warm_up`: against the closed form of one lump, and for all routers of a comparison alike.

use isotherm::execute::Comparison;
use isotherm::scenario_file::ScenarioFile;

use crate::lab::{from_text, lumps, root, run};

const SENSOR: &str = "telemetry = { kind = \"synthetic\", period = \"7 s\" }";
const BASELINE: &str = "[{ kind = \"baseline\" }]";

#[test]
fn a_run_goes_on_from_the_heat_of_the_warm_up_with_an_account_of_its_own() {
    // What changes belongs to the run: the warm-up is as hot as the scenario without the change.
    let change = "telemetry = { kind = \"synthetic\", period = \"7 s\" }\n[[change]]\nat_batch = 1\nhot = []";
    let completed = run(&from_text(&lumps("warm_up = 1", change, BASELINE, 2)));
    let record = completed.finished[0].outcome.as_ref().unwrap();
    let after = |watts: f64, seconds: f64| 30.0 + watts / 10.0 * (1.0 - (-seconds / 50.0).exp());
    for (gpu, watts) in [400.0, 150.0].into_iter().enumerate() {
        let found = f64::from(record.batches[0].temperatures[gpu]);
        // Temperatures of batches are kept in 32 bits.
        assert!((found - after(watts, 200.0)).abs() < 1e-5, "GPU {gpu}: {found}");
    }
    assert!((record.ended.seconds() - 200.0).abs() < 1e-6);
    // 550 W for one batch and 300 W for the other; the warm-up is nobody's.
    assert!((record.gpu_joules - 85_000.0).abs() < 1e-3, "{}", record.gpu_joules);
    assert_eq!(record.batches.len(), 2);
}

#[test]
fn all_routers_start_from_the_same_heat() {
    let routers =
        "[{ kind = \"baseline\" }, { kind = \"energy-penalty\", lambda = 0.5 }, { kind = \"ttt\", lambda = 0.5 }]";
    let completed = run(&from_text(&lumps("warm_up = 3", SENSOR, routers, 3)));
    let of = |variant: usize| {
        let finished = completed.finished.iter().find(|finished| finished.run.variant == variant).unwrap();
        finished.outcome.as_ref().unwrap().batches[0].temperatures.clone()
    };
    // Two experts of which every token takes two: the routers have nothing to choose, so they differ by what they start from only.
    assert_eq!(of(0), of(1));
    assert_eq!(of(0), of(2));
    assert!(of(0)[0] > 69.0, "{:?}", of(0));
}

#[test]
fn what_cannot_be_warmed_up_is_refused() {
    let fixed =
        "telemetry = { kind = \"fixed\", cold = \"0 degC\", hot_range = [\"60 degC\", \"80 degC\"], hot_gpus = [1] }";
    for (start, rest, expected) in [
        ("warm_up = 0", SENSOR, "a warm-up of no batches warms nothing"),
        ("warm_up = 5\nstart_power = \"300 W\"", SENSOR, "cannot start from `start_power` and from a warm-up"),
        ("warm_up = 5", fixed, "the telemetry source says how warm it is"),
    ] {
        let text = lumps(start, rest, BASELINE, 1);
        let fault = ScenarioFile::from_text("test.toml", &text, root(), &[]).unwrap_err().to_string();
        assert!(fault.contains(expected) && fault.contains("warm_up"), "{fault}");
    }
    let file = from_text(&lumps("warm_up = 3", SENSOR, BASELINE, 2));
    let fault = Comparison::prepare(&file).map(|_| ()).unwrap_err().to_string();
    assert!(fault.contains("a warm-up of 3 batches, but the arrivals of seed 0 give 2"), "{fault}");
}

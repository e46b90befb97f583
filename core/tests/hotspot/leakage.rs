//! Exponential leakage against a tight implicit solver.

use isotherm_core::thermal::{LeakScratch, Leakage, LeakageLaw, LeakyModes};

use super::sets::{Case, derived, measured, number, params, rows};

/// The leaking blocks, with tangents at `design` (K).
fn sources(case: &Case, folder: &std::path::Path, design: f64) -> Vec<Leakage> {
    let params = params(folder);
    let (per_kelvin, at) = (number(&params["beta_per_K"]), number(&params["T0_K"]));
    let rows = &rows(&folder.join("leak_params.csv"))[1..];
    rows.iter()
        .map(|row| Leakage { node: case.block(&row[0]), watts: number(&row[1]), at, per_kelvin, design })
        .collect()
}

#[test]
fn exponential_leakage_agrees_with_an_implicit_solver() {
    for (folder, case) in derived("leakage") {
        let leakage = sources(&case, &folder, 330.0);
        let leaky = LeakyModes::new(&case.network, &leakage, LeakageLaw::Exponential).unwrap().runaway_bound(1500.0);
        let expected = rows(&folder.join("leak_expected.csv"));
        let blocks: Vec<usize> = expected[0][3..].iter().map(|name| case.block(name)).collect();
        let trace = case.file("power.ptrace").unwrap();
        let (interval, ambient) = (number(&params(&folder)["interval_s"]), case.config("ambient"));
        let mut state = leaky.modes().state(&vec![case.config("init_temp"); leaky.modes().nodes()]);
        let mut drive = vec![0.0; leaky.modes().modes()];
        let mut scratch = LeakScratch::new(&leaky);
        let (mut kelvin, mut watts, mut joules, mut balance): (f64, f64, f64, f64) = (0.0, 0.0, 0.0, 0.0);
        let (mut leaked, mut into, mut out, mut steps) = (0.0, 0.0, 0.0, 0);
        // Every fifth row of the trace: 0.25 s of the 0.05 s rows.
        for (powers, expected) in trace[1..].iter().step_by(5).zip(&expected[1..]) {
            let power = case.power(&trace[0], powers);
            leaky.drive_into(&power, ambient, &mut drive);
            let flow = leaky.advance(&mut state, &drive, ambient, interval, &mut scratch).unwrap();
            leaked += flow.leaked;
            steps += flow.steps;
            into += power.iter().sum::<f64>() * interval + flow.leaked;
            out += flow.stored + flow.removed;
            balance = balance.max((into - out).abs() / into);
            watts = watts.max((leaky.leakage_power(&state) - number(&expected[1])).abs());
            joules = joules.max((leaked / number(&expected[2]) - 1.0).abs());
            for (block, expected) in blocks.iter().zip(&expected[3..]) {
                kelvin = kelvin.max((leaky.modes().temperature(&state, *block) - number(expected)).abs());
            }
        }
        println!("leakage_{}: {steps} steps for {} intervals", case.name, expected.len() - 1);
        measured(&format!("leakage/{}", case.name), kelvin, "K", 1e-3);
        measured(&format!("leakage-power/{}", case.name), watts, "W", 1e-2);
        measured(&format!("leakage-energy/{}", case.name), joules, "relative", 1e-4);
        measured(&format!("leakage-balance/{}", case.name), balance, "relative", 1e-9);
    }
}

/// The reference, at two tolerances: the error falls with the tolerance, so it is the integrator's and not the test's.
#[test]
fn a_tighter_tolerance_is_closer() {
    for (folder, case) in derived("leakage") {
        let leakage = sources(&case, &folder, 330.0);
        let expected = &rows(&folder.join("leak_expected.csv"))[1];
        let trace = case.file("power.ptrace").unwrap();
        let power = case.power(&trace[0], &trace[1]);
        let errors = [1e-2, 1e-3, 1e-4].map(|tolerance| {
            let leaky = LeakyModes::new(&case.network, &leakage, LeakageLaw::Exponential).unwrap().tolerance(tolerance);
            let mut state = leaky.modes().state(&vec![case.config("init_temp"); leaky.modes().nodes()]);
            let mut drive = vec![0.0; leaky.modes().modes()];
            leaky.drive_into(&power, case.config("ambient"), &mut drive);
            let mut scratch = LeakScratch::new(&leaky);
            leaky.advance(&mut state, &drive, case.config("ambient"), 0.25, &mut scratch).unwrap();
            (leaky.leakage_power(&state) - number(&expected[1])).abs()
        });
        println!("leakage_{}: power off by {errors:?} W at tolerances of 1e-2, 1e-3, 1e-4 K", case.name);
        assert!(errors[0] > errors[1] && errors[1] > errors[2], "{errors:?}");
    }
}

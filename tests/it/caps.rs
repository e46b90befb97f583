//! Routers that keep a cap: where routing can hold it they do, and where it cannot they say so.

use isotherm::execute::Completed;
use isotherm::scenario_file::ScenarioFile;
use isotherm_core::record::RunRecord;

use crate::lab::{mean, row, run, runs_of, scenario};

fn record<'a>(file: &ScenarioFile, completed: &'a Completed, router: &str) -> &'a RunRecord {
    runs_of(file, completed, router)[0].outcome.as_ref().unwrap()
}

/// Means of the hottest GPU's temperature over whole seconds, from second `from` on.
fn seconds(record: &RunRecord, from: usize) -> Vec<f64> {
    let mut sums: Vec<(f64, u32)> = Vec::new();
    for batch in &record.batches {
        let second = batch.finished.seconds() as usize;
        sums.resize(sums.len().max(second + 1), (0.0, 0));
        sums[second].0 += f64::from(batch.temperatures.iter().copied().fold(0.0, f32::max));
        sums[second].1 += 1;
    }
    // The last second is not a whole one.
    sums.pop();
    sums[from..].iter().map(|(sum, n)| sum / f64::from(*n)).collect()
}

#[test]
fn a_feasible_cap_is_held_within_a_degree() {
    let file = scenario("feasible-cap.toml", &["seeds=1"]);
    let completed = run(&file);
    let hot = seconds(record(&file, &completed, "baseline"), 80);
    assert!(hot.iter().all(|t| *t > 66.0), "without a price it is well above: {hot:?}");
    for router in ["primal-dual", "pid", "mpc-share"] {
        let held = seconds(record(&file, &completed, router), 80);
        assert!(held.len() > 60);
        for (second, t) in held.iter().enumerate() {
            assert!((t - 60.0).abs() < 1.0, "{router}: {t} degC in second {}", 80 + second);
        }
        assert_eq!(mean(row(&completed, router, ""), "infeasible_share"), 0.0, "{router}");
        assert!(row(&completed, router, "").warnings.iter().all(|w| !w.starts_with("infeasible")));
    }
    assert!(!row(&completed, "baseline", "").metrics.contains_key("infeasible_share"), "it keeps no cap");
}

/// The same load, a cap that even an equal temperature of all GPUs would break.
#[test]
fn out_of_reach_the_same_cap_is_infeasible() {
    let cap = [2, 3, 4].map(|router| format!("router[{router}].cap=\"50 degC\""));
    let file = scenario("feasible-cap.toml", &["seeds=1", &cap[0], &cap[1], &cap[2]]);
    let completed = run(&file);
    for router in ["primal-dual", "pid", "mpc-share"] {
        let found = row(&completed, router, "");
        assert!(mean(found, "infeasible_share") > 0.5, "{router}: {}", mean(found, "infeasible_share"));
        assert!(found.warnings.iter().any(|w| w.starts_with("infeasible: at ")), "{:?}", found.warnings);
    }
}

#[test]
fn under_a_cap_that_throttles_all_the_controllers_give_up_and_say_so() {
    let file = scenario("infeasible-cap.toml", &["seeds=1"]);
    let completed = run(&file);
    let baseline = mean(row(&completed, "baseline", ""), "energy_j");
    for router in ["primal-dual, 340 W", "primal-dual, 45 degC"] {
        let found = row(&completed, router, "");
        // The first seconds are not enough to tell.
        assert!(mean(found, "infeasible_share") > 0.4, "{router}: {}", mean(found, "infeasible_share"));
        assert!(found.warnings.iter().any(|w| w.starts_with("infeasible: at ")), "{:?}", found.warnings);
        // Prices that do not climb together leave the routing nearly alone.
        assert!((mean(found, "energy_j") / baseline - 1.0).abs() < 0.01);
        assert!(mean(found, "topk_agreement") > 0.98);
    }
}

/// Routers see snapshots of a power that goes on and off within every batch; the mean is what they hold.
#[test]
fn a_feasible_power_cap_is_held_on_the_mean() {
    let set = ["seeds=1", "router[2].cap=\"450 W\"", "router[3].cap=\"450 W\""];
    let file = scenario("feasible-cap.toml", &set);
    let completed = run(&file);
    // Idle power and 75 mJ for every assignment at the two experts of the last GPU.
    let watts = |router: &str| {
        let record = record(&file, &completed, router);
        let batches: Vec<_> = record.batches.iter().filter(|b| b.started.seconds() > 40.0).collect();
        let assignments: u32 = batches.iter().map(|b| b.usage[6] + b.usage[7]).sum();
        let seconds = (batches[batches.len() - 1].finished - batches[0].started).seconds();
        125.0 + 0.075 * f64::from(assignments) / seconds
    };
    assert!(watts("baseline") > 650.0, "{}", watts("baseline"));
    for router in ["primal-dual", "pid"] {
        // 1,500 snapshots of some 450 W that spread by 300 W: 8 W of standard error.
        assert!((watts(router) - 450.0).abs() < 24.0, "{router}: {} W", watts(router));
        assert_eq!(mean(row(&completed, router, ""), "infeasible_share"), 0.0, "{router}");
    }
}

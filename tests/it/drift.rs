//! The hot pair moves at batch 60: the static penalty goes negative, ttt recovers.

use isotherm::results::Finished;
use isotherm_core::metrics::saving_percent;

use crate::lab::{run, runs_of, scenario};

/// Saving over the batches `from..to`, mean over seeds.
fn saved(runs: &[&Finished], baselines: &[&Finished], from: usize, to: usize) -> f64 {
    let energy =
        |f: &Finished| f.outcome.as_ref().unwrap().batches[from..to].iter().map(|b| b.energy_joules).sum::<f64>();
    let savings = runs.iter().zip(baselines).map(|(run, base)| saving_percent(energy(run), energy(base)));
    savings.sum::<f64>() / runs.len() as f64
}

#[test]
fn static_penalty_turns_negative_and_ttt_comes_back() {
    let file = scenario("drift.toml", &[]);
    let completed = run(&file);
    let baselines = runs_of(&file, &completed, "baseline");
    let of = |router: &str, from, to| saved(&runs_of(&file, &completed, router), &baselines, from, to);

    // Numbers of `research/routing.md`, 2.3: another implementation, other seeds; tolerance a few of its intervals.
    assert!((of("energy-penalty, old costs", 0, 60) - 25.6).abs() < 0.4);
    assert!((of("energy-penalty, old costs", 60, 120) - -8.5).abs() < 0.5);
    assert!((of("energy-penalty, true costs", 60, 120) - 25.5).abs() < 0.4);
    assert!((of("ttt, eta 1", 60, 120) - 19.6).abs() < 0.5);
    assert!((of("ttt, eta 4", 60, 120) - 23.6).abs() < 0.5);
    assert!((of("ttt, eta 8", 60, 120) - 24.3).abs() < 0.5);

    for router in ["ttt, eta 1", "ttt, eta 4", "ttt, eta 8"] {
        let before = of(router, 30, 60);
        let back = (60..90).find(|batch| of(router, *batch, batch + 1) >= 0.9 * before);
        assert!(back.is_some(), "{router} is not back at 90 % of {before:.1} % within 30 batches");
    }
    assert!(of("energy-penalty, old costs", 90, 120) < -8.0, "the static penalty never comes back");
}

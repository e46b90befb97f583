//! `opportunistic` on devices: in small batches fewer experts are read, and that is time and energy.

use crate::lab::{from_text, mean, row, run, runs_of};

const SCENARIO: &str = "schema_version = 1
name = \"small-batches\"
seeds = 2
model = { experts = 64, top_k = 8 }
workload = { kind = \"gaussian\", sigma = 1.0, source = \"logits\" }
arrivals = { kind = \"closed-loop\", batches = 40, tokens = 16 }
telemetry = { kind = \"synthetic\" }
[costs]
kind = \"device\"
layer = { d_model = 2048, d_ff = 1024, layers = 16 }
[hardware]
gpus = 2
profile = \"tests/fixtures/device.toml\"
[[router]]
kind = \"baseline\"
[[router]]
name = \"keep 4\"
kind = \"opportunistic\"
keep = 4
[[router]]
name = \"keep 2\"
kind = \"opportunistic\"
keep = 2
[[router]]
name = \"keep 8\"
kind = \"opportunistic\"
keep = 8
";

#[test]
fn fewer_experts_are_active_and_the_layer_takes_less() {
    let file = from_text(SCENARIO);
    let completed = run(&file);
    let active = |router: &str| -> f64 {
        let runs = runs_of(&file, &completed, router);
        let batches: Vec<_> = runs.iter().flat_map(|f| &f.outcome.as_ref().unwrap().batches).collect();
        let distinct = batches.iter().map(|b| b.usage.iter().filter(|n| **n > 0).count() as f64);
        distinct.sum::<f64>() / batches.len() as f64
    };
    let found = ["baseline", "keep 4", "keep 2"].map(active);
    assert!(found[1] < 0.9 * found[0] && found[2] < 0.7 * found[0], "{found:?}");
    for metric in ["latency_p50_s", "energy_j"] {
        let of = |router: &str| mean(row(&completed, router, ""), metric);
        assert!(of("keep 2") < of("keep 4") && of("keep 4") < of("baseline"), "{metric}");
    }
    let kept = |router: &str| mean(row(&completed, router, ""), "mass_regret");
    assert!(0.0 < kept("keep 4") && kept("keep 4") < kept("keep 2"));
    // Keeping all is the baseline: the same batches at the same times.
    let [all, baseline] = ["keep 8", "baseline"].map(|router| runs_of(&file, &completed, router));
    for (all, baseline) in all.iter().zip(&baseline) {
        let usage = |f: &isotherm::results::Finished| {
            f.outcome.as_ref().unwrap().batches.iter().map(|b| b.usage.clone()).collect::<Vec<_>>()
        };
        assert_eq!(usage(all), usage(baseline));
        assert_eq!(all.metrics["mass_regret"], 0.0);
    }
    crate::lab::announce(&format!("measured: active experts {found:.1?}"));
}

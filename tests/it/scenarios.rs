//! Every file in `scenarios/` is in order, and does what it is for.

use crate::lab::{announce, isotherm, mean, root, row, run, scenario, shared, text};

#[test]
fn every_scenario_validates_and_prints_back() {
    let mut seen = 0;
    for entry in std::fs::read_dir(root().join("scenarios")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "toml") {
            continue;
        }
        seen += 1;
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let (code, out, err) = text(&isotherm(root(), &["validate", &path.display().to_string()]));
        assert_eq!(code, 0, "{name}: {err}");
        assert!(out.contains("no faults"), "{name}: {out}");
        let first = std::fs::read_to_string(&path).unwrap();
        assert!(
            first.contains(&format!("isotherm run scenarios/{name}")),
            "{name} begins with the command that runs it"
        );
    }
    assert!(seen >= 5, "{seen} scenarios found");
}

#[test]
fn h200_replay_runs_on_recorded_temperatures() {
    let completed = run(&scenario("h200-replay.toml", &["seeds=2"]));
    let baseline = row(&completed, "baseline", "");
    // The recordings stay between 35 and 70 degC; nothing simulated replaces them.
    let peak = mean(baseline, "peak_temperature_degc");
    assert!((40.0..70.0).contains(&peak), "{peak}");
    assert!(mean(baseline, "temperature_spread_max_k") > 3.0, "the two devices differ");
    assert!(mean(baseline, "idle_energy_j") > mean(baseline, "cold_energy_j"), "most of the energy is spent waiting");
    for row in &completed.summary.rows {
        let saved = mean(row, "energy_savings_percent");
        assert!(saved.abs() < 5.0, "{}: {saved} % is not believable for a difference of a few kelvin", row.router);
        assert!(row.warnings.iter().any(|w| w.contains("replayed temperature")), "{:?}", row.warnings);
    }
    let first = completed.finished[0].outcome.as_ref().unwrap();
    let distinct: std::collections::BTreeSet<u32> =
        first.batches.iter().flat_map(|b| &b.temperatures).map(|t| *t as u32).collect();
    assert!(distinct.len() > 5, "temperatures change: {distinct:?}");
}

#[test]
fn the_full_azure_trace_runs() {
    let Some(trace) = shared("data/azure-llm-2023/AzureLLMInferenceTrace_code.csv") else {
        announce(
            "skipped: the Azure trace is not here (set ISOTHERM_SHARED to the folder that holds data/azure-llm-2023)",
        );
        return;
    };
    let trace = format!("arrivals.file={}", trace.display());
    // A path given on the command line starts from the current directory; absolute here.
    let file = scenario("h200-replay.toml", &[&trace, "arrivals.limit=500", "seeds=1"]);
    let completed = run(&file);
    assert!(completed.summary.failures.is_empty(), "{:?}", completed.summary.failures);
    assert!(mean(row(&completed, "baseline", ""), "tokens") > 100_000.0);
}

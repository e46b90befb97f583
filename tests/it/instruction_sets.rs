//! Whole runs give the same events and energies on every instruction set, and the ones they gave when they were written down (INV-6).
//!
//! Routers by themselves: `plugins/routers/tests/instruction_sets.rs`.

use isotherm::scenario_file::ScenarioFile;
use isotherm_core::simd::Level;

use crate::lab::{run, scenario};

/// Fingerprints of the runs of a comparison, all on this thread's level.
fn traces(file: &ScenarioFile, level: Level) -> Vec<u64> {
    // On one thread of a pool: levels belong to threads.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let completed = pool.install(|| level.force(|| run(file)));
    let records = completed.finished.iter().map(|finished| finished.outcome.as_ref().unwrap());
    records.flat_map(|record| [record.trace, record.gpu_joules.to_bits()]).collect()
}

#[test]
fn whole_runs_are_the_same_on_every_instruction_set() {
    let cases: [(&str, &[&str], &str); 5] = [
        ("classic.toml", &["seeds=1", "arrivals.batches=5", "workload.source=\"hidden\""], "0x545e97745f473d35"),
        ("device.toml", &["seeds=1", "arrivals.batches=20"], "0x777664205e68604e"),
        ("variability.toml", &["seeds=1", "arrivals.batches=20"], "0x550adb12b5e2a549"),
        (
            "device.toml",
            &["seeds=1", "arrivals.batches=20", "tier.kind=\"counts\"", "compare.frontier=false"],
            "0x4640acd19e925b53",
        ),
        ("fleet-small.toml", &["fleet.duration=\"30 s\""], "0x984ff9097beb25cb"),
    ];
    let mut found = Vec::new();
    for (name, set, _) in cases {
        let file = scenario(name, set);
        let mut of_levels = Level::available().into_iter().map(|level| {
            let folded = traces(&file, level).into_iter().fold(0_u64, |all, trace| all.rotate_left(7) ^ trace);
            (format!("{folded:#018x}"), level)
        });
        let (plain, _) = of_levels.next().unwrap();
        for (other, level) in of_levels {
            assert_eq!(other, plain, "{name} {set:?} at {level}");
        }
        found.push(plain);
    }
    assert_eq!(found, cases.map(|(.., expected)| expected));
}

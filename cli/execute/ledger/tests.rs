use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::*;
use crate::execute::{Comparison, Watch};
use crate::scenario_file::ScenarioFile;

/// Goes on each time somebody looks, and further every time: what a look itself takes, found at the beginning, does not explain it all.
#[derive(Debug, Default)]
struct Looks(AtomicU64);

impl Clock for Looks {
    fn nanos(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed).pow(2)
    }
}

struct Watching(Ledger);

impl Watch for Watching {
    fn ledger(&self) -> Option<&Ledger> {
        Some(&self.0)
    }
}

const TEXT: &str = r#"
    schema_version = 1
    name = "profiled"
    model = { experts = 8, top_k = 2 }
    workload = { kind = "gaussian", sigma = 1.0 }
    arrivals = { kind = "closed-loop", batches = 20, tokens = 32 }
    costs = { kind = "table", hot = [3], cold_joules = 0.5, hot_joules = 2.0 }
    hardware = { gpus = 8, profile = "scenarios/hardware/classic.toml" }
    telemetry = { kind = "synthetic", period = "10 ms" }
    router = [{ kind = "ttt", lambda = 0.5 }]
"#;

#[test]
fn parts_add_up_and_the_runs_are_the_same_as_without() {
    let file = ScenarioFile::from_text("profiled.toml", TEXT, Path::new("."), &[]).unwrap();
    let comparison = Comparison::prepare(&file).unwrap();
    let watching = Watching(Ledger::new(Arc::new(Looks::default())));
    let stop = AtomicBool::new(false);
    let none = || vec![None; comparison.runs().len()];
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let (with, without) =
        pool.install(|| (comparison.run(none(), &watching, &stop), comparison.run(none(), &(), &stop)));
    assert_eq!(with.unwrap(), without.unwrap());

    let spent = watching.0.spent(Duration::ZERO, 1);
    let seconds = |parts: &[PartSpent]| parts.iter().map(|part| part.seconds).sum::<f64>();
    assert!((seconds(&spent.parts) - spent.thread_seconds).abs() < 1e-9, "{spent:?}");
    let part = |name: &str| spent.parts.iter().find(|part| part.name == name).unwrap();
    assert_eq!((part("token stream").number, part("gate").number), (Some(20), Some(20)));
    let events = part("events");
    assert!((seconds(&events.parts) - events.seconds).abs() < 1e-9, "{events:?}");
    for kind in events.parts.iter().filter(|kind| !kind.parts.is_empty()) {
        assert!((seconds(&kind.parts) - kind.seconds).abs() < 1e-9, "{kind:?}");
    }
    let dispatch = events.parts.iter().find(|kind| kind.name == "dispatch").unwrap();
    // The plain router that everything is measured against runs too.
    assert_eq!(dispatch.number, Some(40));
    let text = spent.to_string();
    for name in ["token stream", "dispatch", "router: route", "router: feedback", "physics: settle", "queue and engine"]
    {
        assert!(text.contains(name), "{name} is missing in\n{text}");
    }
}

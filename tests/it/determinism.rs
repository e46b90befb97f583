//! The same scenario and seed give the same bytes (INV-6): for any number of threads, alone or together, saved and restored.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use isotherm::execute::Comparison;
use isotherm_core::gate::GateBatch;
use isotherm_core::id::BatchId;
use isotherm_core::population::GateSample;
use isotherm_core::record::RunRecord;
use isotherm_core::router::{PerLayer, Router, RouterContext};
use isotherm_core::scenario::WorldPlan;
use isotherm_core::simulation::{Progress, Simulation};
use isotherm_core::telemetry::TelemetrySource;
use isotherm_core::tier::Tier;
use isotherm_core::workload::WorkloadContext;
use isotherm_core::world::{Crowd, GateWindow, WorldSpec};
use proptest::prelude::*;

use crate::lab::{from_text, isotherm, small, small_device};

/// Routers that remember something, each in its own way, and the reference.
pub(crate) const ROUTERS: &str = "
[[router]]
kind = \"baseline\"
[[router]]
kind = \"energy-penalty\"
lambda = 0.5
costs = \"sampled\"
leakage_per_kelvin = 0.01
[[router]]
kind = \"ttt\"
lambda = 0.5
[[router]]
kind = \"thompson\"
lambda = 0.5
[[router]]
kind = \"pid\"
cap = \"40 degC\"
[[router]]
kind = \"primal-dual\"
cap = \"40 degC\"
[[router]]
kind = \"mpc-share\"
cap = \"40 degC\"
";

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
        // The one file with the wall clock in it.
        .filter(|(name, _)| name != "timing.json")
        .collect()
}

#[test]
fn one_two_and_eight_threads_write_the_same_bytes() {
    for (text, files_written) in [
        (small(ROUTERS), 8),
        (small(ROUTERS).replace("hot_joules = 2.0", "hot_joules = 2.0, leakage_per_kelvin = 0.01"), 8),
        (small_device(ROUTERS), 8),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let profiles = |path: &str| format!("profile = \"{}/{path}", crate::lab::root().display());
        let text = text
            .replace("profile = \"scenarios/", &profiles("scenarios/"))
            .replace("profile = \"tests/", &profiles("tests/"));
        std::fs::write(folder.path().join("small.toml"), text).unwrap();
        let mut seen: Vec<BTreeMap<String, Vec<u8>>> = Vec::new();
        for threads in ["1", "2", "8"] {
            let out = format!("out-{threads}");
            let output = isotherm(folder.path(), &["run", "small.toml", "--csv", "--threads", threads, "--out", &out]);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            seen.push(files(&folder.path().join(out)));
        }
        assert_eq!(seen[0].len(), files_written, "{:?}", seen[0].keys());
        assert!(seen[0] == seen[1] && seen[0] == seen[2]);
    }
}

/// A run is the same in the company of other routers, seeds and sweep points as by itself.
#[test]
fn alone_or_together_a_run_is_the_same() {
    let records = |text: &str| -> BTreeMap<String, RunRecord> {
        let file = from_text(text);
        let comparison = Comparison::prepare(&file).unwrap();
        let completed = comparison.run_all().unwrap();
        completed.finished.into_iter().map(|f| (f.run.id, f.outcome.unwrap())).collect()
    };
    let together = records(&small(ROUTERS));
    let alone =
        records(&small("[[router]]\nkind = \"ttt\"\nlambda = 0.5\n").replace("seeds = 2", "seeds = 1\nseed = 1"));
    assert_eq!(alone.len(), 2, "the baseline is implied");
    for (id, record) in alone {
        assert_eq!(together.get(&id), Some(&record), "run {id}");
    }
}

/// What a run is built from besides its spec.
type Parts = (Box<dyn Router>, Box<dyn TelemetrySource>);

/// One run, taken apart: what `execute` does, by hand, so that it can be stopped anywhere.
struct Bench {
    spec: Arc<WorldSpec>,
    window: Arc<GateWindow>,
    build: Box<dyn Fn() -> Parts>,
}

fn bench(router: &str) -> Bench {
    bench_of(&small(&format!("[[router]]\n{router}\n[[change]]\nat_batch = 6\nhot = [0, 1]\n")), Some(60.0))
}

fn bench_of(text: &str, temperature_limit: Option<f64>) -> Bench {
    let file = from_text(text);
    let WorldPlan { scenario, variants, .. } = file.plan.worlds.into_iter().next().unwrap();
    let arrivals = scenario.arrivals.batches(3).unwrap();
    let layers = scenario.model.layers;
    let streams = (0..layers)
        .map(|layer| WorkloadContext { experts: 8, top_k: 2, seed: 3, batches: &arrivals, layer })
        .map(|context| scenario.workload.build(&context).unwrap())
        .collect::<Vec<_>>();
    let gates = arrivals.iter().enumerate().map(|(index, arrival)| {
        let batch = BatchId(index as u32);
        let gate = |logits| Arc::new(GateBatch::from_logits(8, 2, logits));
        (batch, streams.iter().map(|stream| gate(stream.logits(batch, arrival.tokens as usize).unwrap())).collect())
    });
    let window = Arc::new(GateWindow::of_layers(gates.collect::<Vec<_>>()));
    let spec = WorldSpec::of(&scenario, arrivals.into()).unwrap();
    let crowd = (scenario.tier.kind != Tier::Token).then(|| Crowd {
        tier: scenario.tier,
        seed: 3,
        layers: (streams.iter())
            .map(|stream| GateSample::all_of(stream.as_ref(), 8, 2, &scenario.tier).unwrap())
            .collect(),
    });
    let limit = temperature_limit.or(spec.temperature_limit);
    let gpus = spec.gpus as usize;
    let spec = Arc::new(WorldSpec { temperature_limit: limit, crowd, ..spec });
    let variant = variants.into_iter().find(|variant| variant.index.is_some()).unwrap();
    let build = Box::new(move || {
        let costs = [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 2.0, 2.0];
        let context = RouterContext::new(8, 2, &costs, 3);
        (PerLayer::build(variant.spec.as_ref(), &context, layers).unwrap(), scenario.telemetry.build(gpus, 3).unwrap())
    });
    Bench { spec, window, build }
}

impl Bench {
    fn start(&self) -> Simulation {
        let (router, telemetry) = (self.build)();
        Simulation::new(Arc::clone(&self.spec), router, telemetry).unwrap()
    }

    fn restore(&self, bytes: &[u8]) -> Simulation {
        let (router, telemetry) = (self.build)();
        Simulation::restore(Arc::clone(&self.spec), router, telemetry, bytes).unwrap()
    }

    fn finish(&self, mut simulation: Simulation) -> RunRecord {
        assert_eq!(simulation.advance(&self.window).unwrap(), Progress::Finished);
        simulation.record()
    }
}

/// The snapshot law for the first router of a scenario text: saved before any event and restored, a run ends the same.
pub(crate) fn the_snapshot_law_holds_for(text: &str) {
    let bench = bench_of(text, Some(60.0));
    let expected = bench.finish(bench.start());
    let mut simulation = bench.start();
    for event in 0..expected.events {
        let bytes = simulation.save();
        assert_eq!(bench.finish(bench.restore(&bytes)), expected, "saved before event {event}");
        assert_eq!(simulation.advance_events(&bench.window, 1).unwrap(), None);
    }
}

/// run(0..T) equals run(0..t), save, load, run(t..T), after every single event: in the middle of an instant too.
#[test]
fn saved_and_restored_at_every_event_a_run_ends_the_same() {
    let table = [
        "kind = \"baseline\"",
        "kind = \"energy-penalty\"\nlambda = 0.5\ncosts = \"sampled\"",
        "kind = \"ttt\"\nlambda = 0.5",
    ];
    let device = small_device("[[router]]\nkind = \"ttt\"\nlambda = 50.0");
    let two_layers = device.replace("top_k = 2 }", "top_k = 2, layers = 2 }").replace("layers = 64", "layers = 32");
    // A run that adds up its own frontier.
    let leaky = small("[[router]]\nkind = \"ttt\"\nlambda = 0.5")
        .replace("cold_joules", "leakage_per_kelvin = 0.01, cold_joules");
    // Experts are placed again and weights move, in a table and on devices.
    let rebalance = "replicas = 8\nrebalance = { every_batches = 2 }\n[dispatch]\ncopies = \"by-speed\"\n[hardware]\n";
    let moving = two_layers.replace("[hardware]\n", &format!("[placement]\nkind = \"thermal-eplb\"\n{rebalance}"));
    let copies = small("[[router]]\nkind = \"ttt\"\nlambda = 0.5").replace(
        "hot_seconds = 2e-3 }",
        "hot_seconds = 2e-3, hop_joules = 0.01, move_joules = 0.3, move_seconds = 1e-3 }
placement = { kind = \"eplb\", replicas = 12, rebalance = { every_batches = 3 } }
dispatch = { copies = \"local-first\" }",
    );
    let devices = [
        ("device", bench_of(&device, None)),
        ("device", bench_of(&two_layers, None)),
        ("device", bench_of(&moving, None)),
        ("table", bench_of(&copies, Some(60.0))),
        ("leaky", bench_of(&leaky, Some(60.0))),
    ];
    let benches = table.iter().map(|router| (*router, bench(router))).chain(devices);
    for (router_text, bench) in benches {
        let expected = bench.finish(bench.start());
        assert!(expected.events > 100 && expected.seconds_above_limit > 0.0, "{expected:?}");
        assert_eq!(router_text == "leaky", expected.frontier.is_some());
        assert_eq!(router_text == "device", !expected.throttled.is_empty(), "{expected:?}");
        assert_eq!(router_text == "device", !expected.power_means.is_empty(), "{expected:?}");
        let mut simulation = bench.start();
        let mut instants = std::collections::BTreeSet::new();
        for event in 0..expected.events {
            instants.insert(simulation.now());
            let bytes = simulation.save();
            assert_eq!(bench.finish(bench.restore(&bytes)), expected, "{router_text}: saved before event {event}");
            if event % 7 == 0 {
                let (router, telemetry) = (bench.build)();
                let fork = simulation.fork(router, telemetry).unwrap();
                assert_eq!(bench.finish(fork), expected, "{router_text}: forked before event {event}");
            }
            assert_eq!(simulation.advance_events(&bench.window, 1).unwrap(), None);
        }
        assert!((instants.len() as u64) < expected.events, "some saves were inside an instant");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Damaged bytes are refused or continue; they never panic.
    #[test]
    fn damaged_saves_do_not_panic(at in 0_usize..4000, byte in any::<u8>()) {
        let bench = bench("kind = \"ttt\"\nlambda = 0.5");
        let mut simulation = bench.start();
        simulation.advance_events(&bench.window, 40).unwrap();
        let mut bytes = simulation.save();
        let at = at % bytes.len();
        bytes[at] = byte;
        let (router, telemetry) = (bench.build)();
        let _ = Simulation::restore(Arc::clone(&bench.spec), router, telemetry, &bytes);
    }
}

//! A second run from where the first one stands: a fleet of GPUs that all are at work.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use isotherm::scenario_file::ScenarioFile;
use isotherm_core::engine::{Engine, SimEvent};
use isotherm_core::gate::GateBatch;
use isotherm_core::id::{BatchId, GpuId};
use isotherm_core::placement::Placement;
use isotherm_core::rng::{Domain, Stream};
use isotherm_core::router::RouterContext;
use isotherm_core::simulation::Simulation;
use isotherm_core::telemetry::{Sample, TelemetryError, TelemetrySource, Truth};
use isotherm_core::time::SimTime;
use isotherm_core::units::Celsius;
use isotherm_core::world::{GateWindow, WorldSpec};

use crate::gate::drawn;
use crate::measure::{Bound, Report, in_turns};

/// GPUs, and pending events at least.
const GPUS: usize = 100_000;
const EXPERTS: usize = 256;
const TOP_K: usize = 8;

/// The copies of the experts are added below.
const SCENARIO: &str = r#"
schema_version = 1
name = "fork"
model = { experts = 256, top_k = 8 }
workload = { kind = "gaussian", gate = "uniform", d_model = 1 }
arrivals = { kind = "closed-loop", batches = 1, tokens = 65536 }
costs = { kind = "table", hot = [0], cold_joules = 0.5, hot_joules = 2.0, cold_seconds = 1.0, hot_seconds = 1.0 }
hardware = { gpus = 1 }
telemetry = { kind = "fixed", cold = "40 degC" }
router = [{ kind = "baseline" }]
"#;

pub(crate) fn measure(report: &mut Report) {
    if !report.wants("fork") {
        return;
    }
    engine(report);
    whole(report, "temperatures prescribed", &[], Bound::AtMost(1.0));
    // 125 bytes a GPU instead of 80. Most of what is measured here is the kernel handing out fresh pages: glibc gives back what the last fork
    // has freed. With MALLOC_TRIM_THRESHOLD_ and MALLOC_MMAP_THRESHOLD_ of some GB it keeps it.
    whole(
        report,
        "each a lump of heat",
        &["hardware.profile=\"classic.toml\"", "telemetry={ kind = \"synthetic\" }"],
        Bound::None,
    );
}

/// The pending events alone.
fn engine(report: &Report) {
    #[derive(Clone, Copy)]
    struct Due(u32, u64);
    impl SimEvent for Due {
        fn phase(&self) -> u8 {
            0
        }
        fn name(&self) -> &'static str {
            "due"
        }
        fn trace_word(&self) -> u64 {
            u64::from(self.0) ^ self.1
        }
    }
    let mut stream = Stream::open(7, Domain::Workload, 0, "bench");
    let mut engine: Engine<Due> = Engine::default();
    for gpu in 0..GPUS as u32 {
        engine.schedule(SimTime::from_nanos((stream.exponential() * 1e9) as u64), Due(gpu, 1));
    }
    // Eight numbers of a GPU: a lump of heat and its account.
    let state = vec![[0.0_f64; 8]; GPUS];
    let times = in_turns(&mut [&mut || drop(black_box((engine.clone(), state.clone())))]);
    let what = "fork, engine with 100,000 events and 64 bytes of each of 100,000 GPUs";
    report.line(what, times.seconds(0) * 1e3, "ms", Bound::AtMost(1.0));
}

/// A sensor that shows what is, and remembers nothing; where nothing has a temperature of its own, it says 40 degC.
///
/// What a fork takes is then the run's own. The state of synthetic sensors goes into the fork as bytes: a microsecond a GPU.
struct Perfect;

impl TelemetrySource for Perfect {
    fn sample(&mut self, now: SimTime, truth: &[Truth], out: &mut [Sample]) -> Result<(), TelemetryError> {
        for (truth, out) in truth.iter().zip(out) {
            let temperature = truth.temperature.get();
            let temperature = Celsius::new(if temperature.is_nan() { 40.0 } else { temperature });
            *out = Sample { taken_at: now, temperature: Some(temperature), power: Some(truth.power) };
        }
        Ok(())
    }
}

/// A run of the whole simulator, in the middle of a batch in which every GPU works.
fn whole(report: &Report, kind: &str, set: &[&str], bound: Bound) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/hardware");
    let set: Vec<String> = set.iter().map(|set| (*set).to_owned()).collect();
    let mut file = ScenarioFile::from_text("fork.toml", SCENARIO, &folder, &set).expect("the scenario is sound");
    let plan = &mut file.plan.worlds[0];
    // More than a scenario file may ask for.
    plan.scenario.hardware.gpus = GPUS as u32;
    let arrivals = plan.scenario.arrivals.batches(1).expect("a batch arrives");
    let tokens = arrivals[0].tokens as usize;
    let spec = WorldSpec::of(&plan.scenario, arrivals.into()).expect("the hardware is sound");
    let copies = |expert: usize| (expert..GPUS).step_by(EXPERTS).map(|gpu| GpuId(gpu as u32)).collect();
    let placement = Placement::new(GPUS, (0..EXPERTS).map(copies).collect()).expect("a copy on every GPU");
    let spec = Arc::new(WorldSpec { placement, ..spec });
    let costs = vec![0.5; EXPERTS];
    let parts = || {
        let context = RouterContext::new(EXPERTS, TOP_K, &costs, 1);
        let router = plan.variants[0].spec.build(&context).expect("the options fit");
        (router, Box::new(Perfect))
    };
    let (router, telemetry) = parts();
    let mut run = Simulation::new(Arc::clone(&spec), router, telemetry).expect("the first reading succeeds");
    let gate = GateBatch::from_logits(EXPERTS, TOP_K, drawn(3, tokens * EXPERTS));
    let window = Arc::new(GateWindow::of_layers([(BatchId(0), vec![Arc::new(gate)])]));
    while run.pending() < GPUS {
        assert!(run.advance_events(&window, 1).expect("no event fails").is_none(), "every GPU has work");
    }
    let times = in_turns(&mut [&mut || {
        let (router, telemetry) = parts();
        drop(black_box(run.fork(router, telemetry).expect("the same parts")));
    }]);
    let what = format!("fork, whole run of {GPUS} GPUs, {kind}, with {} events", run.pending());
    report.line(&what, times.seconds(0) * 1e3, "ms", bound);
}

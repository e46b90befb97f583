//! A second run from where the first one stands: a fleet of GPUs that all are at work.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use isotherm::scenario_file::ScenarioFile;
use isotherm_core::engine::{Engine, SimEvent};
use isotherm_core::gate::GateBatch;
use isotherm_core::id::BatchId;
use isotherm_core::rng::{Domain, Stream};
use isotherm_core::router::RouterContext;
use isotherm_core::simulation::Simulation;
use isotherm_core::time::SimTime;
use isotherm_core::world::{GateWindow, WorldSpec};

use crate::gate::drawn;
use crate::measure::{Bound, Report, in_turns};

/// Pending events, and GPUs with them, of the smallest world there is.
const EVENTS: usize = 100_000;
/// The most that a scenario may have.
const GPUS: usize = 65_536;

/// One expert on each GPU, and limits that every GPU is watched for.
const SCENARIO: &str = r#"
schema_version = 1
name = "fork"
model = { experts = 65536, top_k = 1 }
workload = { kind = "gaussian", gate = "uniform", d_model = 1 }
arrivals = { kind = "closed-loop", batches = 1, tokens = 16 }
costs = { kind = "table", hot = [0], cold_joules = 0.5, hot_joules = 2.0, cold_seconds = 1.0, hot_seconds = 2.0 }
hardware = { gpus = 65536 }
telemetry = { kind = "fixed", cold = "40 degC" }
router = [{ kind = "baseline" }]
"#;

pub(crate) fn measure(report: &mut Report) {
    if !report.wants("fork") {
        return;
    }
    engine(report);
    whole(report);
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
    for gpu in 0..EVENTS as u32 {
        engine.schedule(SimTime::from_nanos((stream.exponential() * 1e9) as u64), Due(gpu, 1));
    }
    // Eight numbers of a GPU, the state of the smallest world there is.
    let state = vec![[0.0_f64; 8]; EVENTS];
    let times = in_turns(&mut [&mut || drop(black_box((engine.clone(), state.clone())))]);
    let what = "fork, engine with 100,000 events and 64 bytes of each of 100,000 GPUs";
    report.line(what, times.seconds(0) * 1e3, "ms", Bound::AtMost(1.0));
}

/// A run of the whole simulator.
fn whole(report: &Report) {
    let file = ScenarioFile::from_text("fork.toml", SCENARIO, Path::new("."), &[]).expect("the scenario is sound");
    let plan = &file.plan.worlds[0];
    let arrivals = plan.scenario.arrivals.batches(1).expect("a batch arrives");
    let spec = Arc::new(WorldSpec::of(&plan.scenario, arrivals.into()).expect("the hardware is sound"));
    let costs = vec![0.5; GPUS];
    let parts = || {
        let context = RouterContext::new(GPUS, 1, &costs, 1);
        let router = plan.variants[0].spec.build(&context).expect("the options fit");
        (router, plan.scenario.telemetry.build(GPUS, 1).expect("the temperatures fit"))
    };
    let (router, telemetry) = parts();
    let mut run = Simulation::new(Arc::clone(&spec), router, telemetry).expect("the first reading succeeds");
    let gate = GateBatch::from_logits(GPUS, 1, drawn(3, 16 * GPUS));
    let window = Arc::new(GateWindow::of_layers([(BatchId(0), vec![Arc::new(gate)])]));
    run.advance_events(&window, 3).expect("no event fails");
    let times = in_turns(&mut [&mut || {
        let (router, telemetry) = parts();
        drop(black_box(run.fork(router, telemetry).expect("the same parts")));
    }]);
    report.line(
        "fork, whole run, for 100,000 GPUs",
        times.seconds(0) * 1e3 * 1e5 / GPUS as f64,
        "ms",
        Bound::AtMost(1.0),
    );
}

//! A copy of a run, in memory and as bytes: N pending events and N GPUs of 64 bytes of state; and a fork of the whole simulator in the middle of a
//! batch in which N GPUs work.
//!
//! A fork copies memory; saving writes plain data. NeXosim can save, and has no fork. `snapshot [--gpus N]`

use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use isotherm_compare::contest::{MEAN_NS, TABLE, increments};
use isotherm_compare::{option, record, seconds_each};
use isotherm_core::cost::CostTable;
use isotherm_core::dispatch::DispatchSpec;
use isotherm_core::engine::{Engine, Model, Schedule, SimEvent};
use isotherm_core::gate::GateBatch;
use isotherm_core::hardware::OnShutdown;
use isotherm_core::id::{BatchId, GpuId};
use isotherm_core::placement::Placement;
use isotherm_core::queue::EventQueue;
use isotherm_core::rng::fill_standard_normal;
use isotherm_core::router::{RouterContext, RouterSpec};
use isotherm_core::simulation::Simulation;
use isotherm_core::telemetry::{Sample, TelemetryError, TelemetrySource, Truth};
use isotherm_core::time::{SimDuration, SimTime};
use isotherm_core::units::Celsius;
use isotherm_core::workload::Arrival;
use isotherm_core::world::{GateWindow, RouterHost, Start, WorldSpec};
use isotherm_routers::Baseline;
use nexosim::model::{Context, Model as PeerModel, schedulable};
use nexosim::simulation::{Mailbox, SimInit};
use nexosim::time::MonotonicTime;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Due {
    gpu: u32,
    generation: u32,
}

impl SimEvent for Due {
    fn phase(&self) -> u8 {
        0
    }

    fn name(&self) -> &'static str {
        "due"
    }

    fn trace_word(&self) -> u64 {
        u64::from(self.gpu)
    }
}

/// What both sides hold: 64 bytes a GPU.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Gpus {
    state: Vec<[f64; 8]>,
    /// Shared by all copies, and no part of what is saved.
    #[serde(skip)]
    increments: Arc<[u64]>,
    drawn: usize,
}

impl Gpus {
    fn new(gpus: usize) -> Self {
        Self { state: vec![[30.5; 8]; gpus], increments: increments(MEAN_NS).into(), drawn: 0 }
    }

    fn draw(&mut self) -> u64 {
        self.drawn += 1;
        self.increments[self.drawn % TABLE]
    }

    fn touch(&mut self, gpu: u32) -> u64 {
        self.state[gpu as usize][0] += 0.25;
        self.draw()
    }
}

impl Model for Gpus {
    type Event = Due;
    type Error = Infallible;

    fn handle<Q: EventQueue<Due>>(&mut self, due: Due, schedule: &mut Schedule<'_, Due, Q>) -> Result<(), Infallible> {
        let delay = self.touch(due.gpu);
        schedule.after(SimDuration::from_nanos(delay), due);
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
struct Peer(Gpus);

#[PeerModel]
impl Peer {
    #[nexosim(init)]
    async fn start(&mut self, context: &Context<Self>) {
        for gpu in 0..self.0.state.len() as u32 {
            let delay = Duration::from_nanos(self.0.draw());
            context.schedule_event(delay, schedulable!(Self::due), (gpu, 0)).expect("in the future");
        }
    }

    #[nexosim(schedulable)]
    fn due(&mut self, (gpu, generation): (u32, u32), context: &Context<Self>) {
        let delay = Duration::from_nanos(self.0.touch(gpu));
        context.schedule_event(delay, schedulable!(Self::due), (gpu, generation)).expect("in the future");
    }
}

/// A sensor that shows what is, and remembers nothing.
struct Perfect;

impl TelemetrySource for Perfect {
    fn sample(&mut self, now: SimTime, truth: &[Truth], out: &mut [Sample]) -> Result<(), TelemetryError> {
        for (truth, out) in truth.iter().zip(out) {
            *out = Sample { taken_at: now, temperature: Some(Celsius::new(40.0)), power: Some(truth.power) };
        }
        Ok(())
    }
}

/// Seconds of a fork of a run of so many GPUs, each with an end of its work pending: 256 experts, top-8, with copies on all of them.
fn whole_run(gpus: usize) -> f64 {
    const EXPERTS: usize = 256;
    const TOP_K: usize = 8;
    // More than enough for every copy of every expert to serve some.
    let tokens = gpus.div_ceil(TOP_K) * 5;
    let copies = |expert: usize| (expert..gpus).step_by(EXPERTS).map(|gpu| GpuId(gpu as u32)).collect();
    let spec = Arc::new(WorldSpec {
        experts: EXPERTS as u32,
        top_k: TOP_K as u32,
        layers: 1,
        costs: CostTable::two_classes(EXPERTS as u32, &[0], 0.5, 2.0, 1.0),
        placement: Placement::new(gpus, (0..EXPERTS).map(copies).collect()).expect("a copy on every GPU"),
        policy: None,
        dispatch: DispatchSpec::default(),
        gpus: gpus as u32,
        gpus_per_node: gpus as u32,
        idle_watts: 50.0,
        thermal: None,
        device: None,
        cooling: None,
        start: Start::Cold,
        on_shutdown: OnShutdown::default(),
        temperature_limit: None,
        arrivals: [Arrival { at: None, tokens: tokens as u32 }].into(),
        changes: Vec::new(),
        poll_period: SimDuration::from_nanos(1_000_000_000),
        router_host: RouterHost::default(),
        oracle: false,
        frontier: false,
        crowd: None,
    });
    let costs = vec![0.5; EXPERTS];
    let parts = || {
        let context = RouterContext::new(EXPERTS, TOP_K, &costs, 1);
        (Baseline::default().build(&context).expect("the options fit"), Box::new(Perfect))
    };
    let (router, telemetry) = parts();
    let mut run = Simulation::new(spec, router, telemetry).expect("the first reading succeeds");
    let mut logits = vec![0.0; tokens * EXPERTS];
    fill_standard_normal([1, 2], 3, &mut logits);
    let gate = Arc::new(GateBatch::from_logits(EXPERTS, TOP_K, logits));
    let window = Arc::new(GateWindow::new([(BatchId(0), gate)]));
    while run.pending() < gpus {
        assert!(run.advance_events(&window, 1).expect("no event fails").is_none(), "every GPU has work");
    }
    seconds_each(0.1, || {
        let (router, telemetry) = parts();
        drop(black_box(run.fork(router, telemetry).expect("the same parts")));
    })
}

fn main() {
    let gpus: u32 = option("--gpus", 100_000);
    let mut state = Gpus::new(gpus as usize);
    let mut engine: Engine<Due> = Engine::default();
    for gpu in 0..gpus {
        let delay = state.draw();
        engine.schedule(SimTime::from_nanos(delay), Due { gpu, generation: 0 });
    }
    // In the middle of a run, so that the queue is as a run leaves it.
    let half = SimTime::from_nanos(MEAN_NS as u64 / 2);
    while engine.step_until(half, &mut state, &mut ()).expect("no handler fails").is_some() {}
    let fork = seconds_each(0.1, || drop(black_box((engine.clone(), state.clone()))));
    record("fork", gpus, "isotherm", fork * 1e3, "ms");
    let save = seconds_each(0.1, || {
        black_box(postcard::to_stdvec(&(engine.save(), &state)).expect("plain data"));
    });
    record("save", gpus, "isotherm", save * 1e3, "ms");

    let fork = whole_run(gpus as usize);
    record("fork", gpus, "isotherm, whole run", fork * 1e3, "ms");

    let bench = SimInit::with_num_threads(1).add_model(Peer(Gpus::new(gpus as usize)), Mailbox::new(), "gpus");
    let mut peer = bench.init(MonotonicTime::EPOCH).expect("one model");
    peer.step_until(Duration::from_nanos(half.nanos())).expect("no handler fails");
    let save = seconds_each(0.1, || {
        let mut bytes = Vec::new();
        peer.save(&mut bytes).expect("it can be saved");
        black_box(bytes);
    });
    record("save", gpus, "NeXosim 1.0", save * 1e3, "ms");
}

//! A copy of a run, in memory and as bytes: N pending events and N GPUs of 64 bytes of state.
//!
//! A fork copies memory; saving writes plain data. NeXosim can save, and has no fork. `snapshot [--gpus N]`

use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use isotherm_compare::contest::{MEAN_NS, TABLE, increments};
use isotherm_compare::{option, record, seconds_each};
use isotherm_core::engine::{Engine, Model, Schedule, SimEvent};
use isotherm_core::queue::EventQueue;
use isotherm_core::time::{SimDuration, SimTime};
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

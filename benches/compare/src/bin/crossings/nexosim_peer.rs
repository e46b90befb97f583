//! NeXosim: keyed events, as its documentation shows for an alarm that can be set anew.

use std::time::Duration;

use nexosim::model::{Context, Model, schedulable};
use nexosim::ports::QuerySource;
use nexosim::simulation::{EventKey, Mailbox, QueryId, SimInit, Simulation};
use nexosim::time::MonotonicTime;
use serde::{Deserialize, Serialize};

use crate::{Contestant, Gpus};

#[derive(Serialize, Deserialize)]
struct Fleet {
    gpus: Gpus,
    predicted: Vec<Option<EventKey>>,
}

#[Model]
impl Fleet {
    #[nexosim(init)]
    async fn start(&mut self, context: &Context<Self>) {
        for gpu in 0..self.gpus.number {
            let drawn = self.gpus.draw();
            self.predict(gpu, drawn, context);
        }
    }

    fn predict(&mut self, gpu: u32, (update, cross): (u64, u64), context: &Context<Self>) {
        if let Some(old) = self.predicted[gpu as usize].take() {
            old.cancel();
        }
        context.schedule_event(Duration::from_nanos(update), schedulable!(Self::update), gpu).expect("in the future");
        let key = context.schedule_keyed_event(Duration::from_nanos(cross), schedulable!(Self::cross), gpu);
        self.predicted[gpu as usize] = Some(key.expect("in the future"));
    }

    #[nexosim(schedulable)]
    fn update(&mut self, gpu: u32, context: &Context<Self>) {
        let drawn = self.gpus.update(nanos(context), gpu);
        self.predict(gpu, drawn, context);
    }

    #[nexosim(schedulable)]
    fn cross(&mut self, gpu: u32, context: &Context<Self>) {
        self.predicted[gpu as usize] = None;
        self.gpus.cross(nanos(context), gpu);
    }

    async fn tally(&mut self) -> (u64, u64) {
        (self.gpus.handled, self.gpus.checksum)
    }
}

fn nanos(context: &Context<Fleet>) -> u64 {
    let now = context.time();
    now.as_secs() as u64 * 1_000_000_000 + u64::from(now.subsec_nanos())
}

pub(crate) struct Peer {
    simulation: Simulation,
    tally: QueryId<(), (u64, u64)>,
    now: u64,
}

impl Peer {
    pub(crate) fn new(gpus: Gpus) -> Self {
        let mailbox = Mailbox::new();
        let mut bench = SimInit::with_num_threads(1);
        let tally = QuerySource::new().connect(Fleet::tally, &mailbox).register(&mut bench);
        let predicted = vec![None; gpus.number as usize];
        let bench = bench.add_model(Fleet { gpus, predicted }, mailbox, "gpus");
        let simulation = bench.init(MonotonicTime::EPOCH).expect("one model");
        Self { simulation, tally, now: 0 }
    }
}

impl Contestant for Peer {
    fn name(&self) -> &'static str {
        "NeXosim 1.0"
    }

    fn advance(&mut self, until: u64, _: Option<u64>) {
        self.simulation.step_until(Duration::from_nanos(until - self.now)).expect("no handler fails");
        self.now = until;
    }

    fn tally(&mut self) -> (u64, u64) {
        self.simulation.process_query(&self.tally, ()).expect("the model answers")
    }
}

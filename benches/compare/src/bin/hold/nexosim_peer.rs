//! NeXosim: one model on one thread that schedules its own input, as its documentation shows.

use std::time::Duration;

use nexosim::model::{Context, Model, schedulable};
use nexosim::ports::QuerySource;
use nexosim::simulation::{Mailbox, QueryId, SimInit, Simulation};
use nexosim::time::MonotonicTime;
use serde::{Deserialize, Serialize};

use crate::{Contestant, Entities};

#[derive(Serialize, Deserialize)]
struct Hold {
    entities: Entities,
}

#[Model]
impl Hold {
    #[nexosim(init)]
    async fn start(&mut self, context: &Context<Self>) {
        for entity in 0..self.entities.len() {
            let amount = self.entities.draw();
            let event = (entity, amount);
            context
                .schedule_event(Duration::from_nanos(amount), schedulable!(Self::due), event)
                .expect("in the future");
        }
    }

    #[nexosim(schedulable)]
    fn due(&mut self, (entity, amount): (u32, u64), context: &Context<Self>) {
        let now = context.time();
        let now = now.as_secs() as u64 * 1_000_000_000 + u64::from(now.subsec_nanos());
        let amount = self.entities.handle(now, entity, amount);
        let event = (entity, amount);
        context.schedule_event(Duration::from_nanos(amount), schedulable!(Self::due), event).expect("in the future");
    }

    async fn tally(&mut self) -> (u64, u64) {
        (self.entities.handled, self.entities.checksum)
    }
}

pub(crate) struct Peer {
    simulation: Simulation,
    tally: QueryId<(), (u64, u64)>,
    now: u64,
}

impl Peer {
    pub(crate) fn new(entities: Entities) -> Self {
        let mailbox = Mailbox::new();
        let mut bench = SimInit::with_num_threads(1);
        let tally = QuerySource::new().connect(Hold::tally, &mailbox).register(&mut bench);
        let bench = bench.add_model(Hold { entities }, mailbox, "hold");
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

//! NeXosim: a model per GPU with a periodic event, as its documentation shows.

use std::time::Duration;

use nexosim::model::{Context, Model, schedulable};
use nexosim::simulation::{Mailbox, SimInit, Simulation};
use nexosim::time::MonotonicTime;
use serde::{Deserialize, Serialize};

use crate::PERIOD_NS;

#[derive(Serialize, Deserialize)]
struct Gpu {
    temperature: f64,
    drive: f64,
}

#[Model]
impl Gpu {
    #[nexosim(init)]
    async fn start(&mut self, context: &Context<Self>) {
        let period = Duration::from_nanos(PERIOD_NS);
        context.schedule_periodic_event(period, period, schedulable!(Self::tick), ()).expect("in the future");
    }

    #[nexosim(schedulable)]
    fn tick(&mut self) {
        self.temperature = 0.99 * self.temperature + self.drive;
    }
}

pub(crate) struct Peer(Simulation);

impl Peer {
    pub(crate) fn new(gpus: u32) -> Self {
        let mut bench = SimInit::with_num_threads(1);
        for gpu in 0..gpus {
            bench = bench.add_model(Gpu { temperature: 30.0, drive: 0.5 }, Mailbox::new(), &format!("gpu {gpu}"));
        }
        Self(bench.init(MonotonicTime::EPOCH).expect("models of their own"))
    }

    /// So many nanoseconds on.
    pub(crate) fn advance(&mut self, nanos: u64) {
        self.0.step_until(Duration::from_nanos(nanos)).expect("no handler fails");
    }
}

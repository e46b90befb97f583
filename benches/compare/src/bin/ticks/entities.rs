//! What isotherm's engine would take with an event per GPU, which is not how it works.

use std::convert::Infallible;

use isotherm_core::engine::{Engine, Model, Schedule, SimEvent, Step};
use isotherm_core::queue::EventQueue;
use isotherm_core::time::{SimDuration, SimTime};

use crate::PERIOD_NS;

#[derive(Clone, Copy, Debug)]
struct Tick {
    gpu: u32,
}

impl SimEvent for Tick {
    fn phase(&self) -> u8 {
        0
    }

    fn name(&self) -> &'static str {
        "tick"
    }

    fn trace_word(&self) -> u64 {
        u64::from(self.gpu)
    }
}

struct Gpus {
    temperature: Vec<f64>,
    drive: Vec<f64>,
}

impl Model for Gpus {
    type Event = Tick;
    type Error = Infallible;

    fn handle<Q: EventQueue<Tick>>(
        &mut self,
        tick: Tick,
        schedule: &mut Schedule<'_, Tick, Q>,
    ) -> Result<(), Infallible> {
        let gpu = tick.gpu as usize;
        self.temperature[gpu] = 0.99 * self.temperature[gpu] + self.drive[gpu];
        schedule.after(SimDuration::from_nanos(PERIOD_NS), tick);
        Ok(())
    }
}

pub(crate) struct Ours {
    engine: Engine<Tick>,
    gpus: Gpus,
}

impl Ours {
    pub(crate) fn new(gpus: u32) -> Self {
        let mut engine = Engine::default();
        (0..gpus).for_each(|gpu| engine.schedule(SimTime::from_nanos(PERIOD_NS), Tick { gpu }));
        let (temperature, drive) = (vec![30.0; gpus as usize], vec![0.5; gpus as usize]);
        Self { engine, gpus: Gpus { temperature, drive } }
    }

    /// Up to and including the instant `until` [ns].
    pub(crate) fn advance(&mut self, until: u64) {
        let until = SimTime::from_nanos(until);
        while let Some(step) = self.engine.step_until(until, &mut self.gpus, &mut ()).expect("no handler fails") {
            assert_eq!(step, Step::Handled);
        }
    }
}

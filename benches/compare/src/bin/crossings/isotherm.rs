//! The real engine: a number per GPU that makes older predictions stale.

use std::convert::Infallible;

use isotherm_core::engine::{Engine, Model, Schedule, SimEvent, Step};
use isotherm_core::queue::EventQueue;
use isotherm_core::time::{SimDuration, SimTime};

use crate::{Contestant, Gpus};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    Update {
        gpu: u32,
    },
    Cross {
        gpu: u32,
        generation: u32,
    },
    /// Ends a slice; an earlier one is stale.
    Stop {
        slice: u32,
    },
}

impl SimEvent for Event {
    fn phase(&self) -> u8 {
        match self {
            Self::Update { .. } | Self::Cross { .. } => 0,
            Self::Stop { .. } => 1,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Update { .. } => "update",
            Self::Cross { .. } => "cross",
            Self::Stop { .. } => "stop",
        }
    }

    fn trace_word(&self) -> u64 {
        match *self {
            Self::Update { gpu } => u64::from(gpu),
            Self::Cross { gpu, generation } => u64::from(gpu) << 32 | u64::from(generation),
            Self::Stop { slice } => u64::from(slice),
        }
    }
}

struct World {
    gpus: Gpus,
    generation: Vec<u32>,
    slice: u32,
}

impl Model for World {
    type Event = Event;
    type Error = Infallible;

    fn is_stale(&self, event: &Event) -> bool {
        match *event {
            Event::Update { .. } => false,
            Event::Cross { gpu, generation } => self.generation[gpu as usize] != generation,
            Event::Stop { slice } => slice < self.slice,
        }
    }

    fn is_ready(&self, event: &Event) -> bool {
        !matches!(event, Event::Stop { .. })
    }

    fn handle<Q: EventQueue<Event>>(
        &mut self,
        event: Event,
        schedule: &mut Schedule<'_, Event, Q>,
    ) -> Result<(), Infallible> {
        let now = schedule.now().nanos();
        match event {
            Event::Update { gpu } => {
                let (update, cross) = self.gpus.update(now, gpu);
                let generation = &mut self.generation[gpu as usize];
                *generation = generation.wrapping_add(1);
                let generation = *generation;
                schedule.after(SimDuration::from_nanos(update), Event::Update { gpu });
                schedule.after(SimDuration::from_nanos(cross), Event::Cross { gpu, generation });
            }
            Event::Cross { gpu, .. } => self.gpus.cross(now, gpu),
            Event::Stop { .. } => {}
        }
        Ok(())
    }
}

pub(crate) struct Ours<Q> {
    name: &'static str,
    engine: Engine<Event, Q>,
    world: World,
}

impl<Q: EventQueue<Event>> Ours<Q> {
    pub(crate) fn new(name: &'static str, mut gpus: Gpus) -> Self {
        let mut engine: Engine<Event, Q> = Engine::default();
        for gpu in 0..gpus.number {
            let (update, cross) = gpus.draw();
            engine.schedule(SimTime::from_nanos(update), Event::Update { gpu });
            engine.schedule(SimTime::from_nanos(cross), Event::Cross { gpu, generation: 0 });
        }
        let generation = vec![0; gpus.number as usize];
        Self { name, engine, world: World { gpus, generation, slice: 0 } }
    }
}

impl<Q: EventQueue<Event>> Contestant for Ours<Q> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn advance(&mut self, until: u64, _: Option<u64>) {
        self.world.slice += 1;
        self.engine.schedule(SimTime::from_nanos(until), Event::Stop { slice: self.world.slice });
        assert_eq!(self.engine.run(&mut self.world, &mut ()), Ok(Step::Blocked));
    }

    fn tally(&mut self) -> (u64, u64) {
        (self.world.gpus.handled, self.world.gpus.checksum)
    }
}

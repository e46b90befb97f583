//! The contestant: the real engine, its trace hash included, with either queue.

use std::convert::Infallible;

use isotherm_core::engine::{Engine, Model, Schedule, SimEvent, Step};
use isotherm_core::queue::EventQueue;
use isotherm_core::time::{SimDuration, SimTime};

use crate::{Contestant, Entities};

/// Sixteen bytes, as large as the simulator allows its own.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    Due {
        entity: u32,
        amount: u64,
    },
    /// Ends a slice; an earlier one is stale.
    Stop {
        slice: u32,
    },
}

const _: () = assert!(size_of::<Event>() == 16);

impl SimEvent for Event {
    fn phase(&self) -> u8 {
        match self {
            Self::Due { .. } => 0,
            Self::Stop { .. } => 1,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Due { .. } => "due",
            Self::Stop { .. } => "stop",
        }
    }

    fn trace_word(&self) -> u64 {
        match *self {
            Self::Due { entity, .. } => u64::from(entity),
            Self::Stop { slice } => u64::from(slice),
        }
    }
}

struct World {
    entities: Entities,
    slice: u32,
}

impl Model for World {
    type Event = Event;
    type Error = Infallible;

    fn is_stale(&self, event: &Event) -> bool {
        matches!(event, Event::Stop { slice } if *slice < self.slice)
    }

    fn is_ready(&self, event: &Event) -> bool {
        matches!(event, Event::Due { .. })
    }

    fn handle<Q: EventQueue<Event>>(
        &mut self,
        event: Event,
        schedule: &mut Schedule<'_, Event, Q>,
    ) -> Result<(), Infallible> {
        if let Event::Due { entity, amount } = event {
            let amount = self.entities.handle(schedule.now().nanos(), entity, amount);
            schedule.after(SimDuration::from_nanos(amount), Event::Due { entity, amount });
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
    pub(crate) fn new(name: &'static str, mut entities: Entities) -> Self {
        let mut engine: Engine<Event, Q> = Engine::default();
        for entity in 0..entities.len() {
            let amount = entities.draw();
            engine.schedule(SimTime::from_nanos(amount), Event::Due { entity, amount });
        }
        Self { name, engine, world: World { entities, slice: 0 } }
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
        (self.world.entities.handled, self.world.entities.checksum)
    }
}

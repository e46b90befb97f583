//! desque: boxed events that reschedule themselves.

use desque::SimState;
use desque::serial::{OkEvent, Simulation};

use crate::{Contestant, Entities};

#[derive(Debug)]
struct State {
    entities: Entities,
    /// Events after which it is to stop.
    until: u64,
}

impl SimState<u64> for State {
    fn is_complete(&self, _: &u64) -> bool {
        self.entities.handled == self.until
    }
}

#[derive(Debug)]
struct Due {
    entity: u32,
    amount: u64,
}

impl OkEvent<State, u64> for Due {
    fn execute(&mut self, simulation: &mut Simulation<State, u64>) {
        let now = *simulation.current_time();
        let amount = simulation.state_mut().entities.handle(now, self.entity, self.amount);
        simulation.schedule(Self { entity: self.entity, amount }, now + amount).expect("in the future");
    }
}

pub(crate) struct Peer(Simulation<State, u64>);

impl Peer {
    pub(crate) fn new(entities: Entities) -> Self {
        let mut simulation = Simulation::new(State { entities, until: 0 }, 0);
        for entity in 0..simulation.state().entities.len() {
            let amount = simulation.state_mut().entities.draw();
            simulation.schedule(Due { entity, amount }, amount).expect("in the future");
        }
        Self(simulation)
    }
}

impl Contestant for Peer {
    fn name(&self) -> &'static str {
        "desque 0.4"
    }

    /// It stops when its state says so, which it is asked before every event: a number of events is what can be said exactly.
    fn advance(&mut self, _: u64, events: Option<u64>) {
        let state = self.0.state_mut();
        state.until = state.entities.handled + events.expect("somebody else has gone first");
        self.0.run().expect("no handler fails");
    }

    fn tally(&mut self) -> (u64, u64) {
        let entities = &self.0.state().entities;
        (entities.handled, entities.checksum)
    }
}

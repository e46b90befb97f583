//! simcore (the engine of dslab): one component that emits boxed events to itself.

use std::cell::RefCell;
use std::rc::Rc;

use serde::Serialize;
use simcore::{Event, EventHandler, Simulation, SimulationContext, cast};

use crate::{Contestant, Entities};

#[derive(Clone, Serialize)]
struct Due {
    entity: u32,
    amount: u64,
}

struct Component {
    entities: Entities,
    context: SimulationContext,
}

impl EventHandler for Component {
    fn on(&mut self, event: Event) {
        cast!(match event.data {
            Due { entity, amount } => {
                // Whole nanoseconds below 2^53: the f64 clock is exact here.
                let amount = self.entities.handle(event.time as u64, entity, amount);
                self.context.emit_self(Due { entity, amount }, amount as f64);
            }
        })
    }
}

pub(crate) struct Peer {
    simulation: Simulation,
    component: Rc<RefCell<Component>>,
}

impl Peer {
    pub(crate) fn new(mut entities: Entities) -> Self {
        let mut simulation = Simulation::new(1);
        let context = simulation.create_context("hold");
        for entity in 0..entities.len() {
            let amount = entities.draw();
            context.emit_self(Due { entity, amount }, amount as f64);
        }
        let component = Rc::new(RefCell::new(Component { entities, context }));
        simulation.add_handler("hold", component.clone());
        Self { simulation, component }
    }
}

impl Contestant for Peer {
    fn name(&self) -> &'static str {
        "simcore 0.1"
    }

    fn advance(&mut self, until: u64, events: Option<u64>) {
        // Counting steps is its fastest way to run; looking for a time costs another look at the heap per event.
        match events {
            Some(events) => self.simulation.steps(events),
            None => self.simulation.step_until_time(until as f64),
        };
    }

    fn tally(&mut self) -> (u64, u64) {
        let component = self.component.borrow();
        (component.entities.handled, component.entities.checksum)
    }
}

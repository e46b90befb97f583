//! simcore: a prediction is taken back by its id.

use std::cell::RefCell;
use std::rc::Rc;

use serde::Serialize;
use simcore::{Event, EventHandler, EventId, Simulation, SimulationContext, cast};

use crate::{Contestant, Gpus};

#[derive(Clone, Serialize)]
struct Update {
    gpu: u32,
}

#[derive(Clone, Serialize)]
struct Cross {
    gpu: u32,
}

struct Component {
    gpus: Gpus,
    predicted: Vec<Option<EventId>>,
    context: SimulationContext,
}

impl Component {
    fn predict(&mut self, gpu: u32, (update, cross): (u64, u64)) {
        if let Some(old) = self.predicted[gpu as usize].take() {
            self.context.cancel_event(old);
        }
        // Whole nanoseconds below 2^53: the f64 clock is exact here.
        self.context.emit_self(Update { gpu }, update as f64);
        self.predicted[gpu as usize] = Some(self.context.emit_self(Cross { gpu }, cross as f64));
    }
}

impl EventHandler for Component {
    fn on(&mut self, event: Event) {
        let now = event.time as u64;
        cast!(match event.data {
            Update { gpu } => {
                let drawn = self.gpus.update(now, gpu);
                self.predict(gpu, drawn);
            }
            Cross { gpu } => {
                self.predicted[gpu as usize] = None;
                self.gpus.cross(now, gpu);
            }
        })
    }
}

pub(crate) struct Peer {
    simulation: Simulation,
    component: Rc<RefCell<Component>>,
}

impl Peer {
    pub(crate) fn new(gpus: Gpus) -> Self {
        let mut simulation = Simulation::new(1);
        let context = simulation.create_context("gpus");
        let predicted = vec![None; gpus.number as usize];
        let mut component = Component { gpus, predicted, context };
        for gpu in 0..component.gpus.number {
            let drawn = component.gpus.draw();
            component.predict(gpu, drawn);
        }
        let component = Rc::new(RefCell::new(component));
        simulation.add_handler("gpus", component.clone());
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
        (component.gpus.handled, component.gpus.checksum)
    }
}

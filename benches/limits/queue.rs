//! The wheel against our own heap, through the engine.

use std::convert::Infallible;

use isotherm_core::engine::{Engine, Model, Schedule, SimEvent, Step};
use isotherm_core::queue::{BinaryHeapQueue, EventQueue, Wheel};
use isotherm_core::rng::{Domain, Stream};
use isotherm_core::time::{SimDuration, SimTime};

use crate::measure::{Bound, Report, in_turns};

/// Increments drawn beforehand: logarithms are not what is measured.
const DRAWN: usize = 1 << 15;
const MEAN_NS: f64 = 1e9;
const EVENTS_A_CALL: usize = 200_000;

pub(crate) fn measure(report: &mut Report) {
    if !report.wants("queue") {
        return;
    }
    let increments = increments();
    for (pending, bound) in [(100, Bound::None), (10_000, Bound::None), (1_000_000, Bound::AtLeast(5.0))] {
        let (mut wheel, mut heap) = (
            Run::<Wheel<_>>::start(pending, &increments, false),
            Run::<BinaryHeapQueue<_>>::start(pending, &increments, false),
        );
        let times = in_turns(&mut [&mut || wheel.advance(), &mut || heap.advance()]);
        let ns = times.seconds(0) * 1e9 / EVENTS_A_CALL as f64;
        report.line(&format!("queue, hold model, {pending} pending, wheel"), ns, "ns", Bound::None);
        let ratio = times.median(|round| round[1] / round[0]);
        report.line(&format!("queue, hold model, {pending} pending, heap to wheel"), ratio, "x", bound);
    }
    let (mut wheel, mut heap) = (
        Run::<Wheel<_>>::start(100_000, &increments, true),
        Run::<BinaryHeapQueue<_>>::start(100_000, &increments, true),
    );
    let times = in_turns(&mut [&mut || wheel.advance(), &mut || heap.advance()]);
    let ns = times.seconds(0) * 1e9 / EVENTS_A_CALL as f64;
    report.line("queue, re-predicted crossings of 100,000 GPUs, wheel", ns, "ns", Bound::None);
    report.line(
        "queue, re-predicted crossings, heap to wheel",
        times.median(|round| round[1] / round[0]),
        "x",
        Bound::None,
    );
}

fn increments() -> Vec<u64> {
    let mut stream = Stream::open(7, Domain::Workload, 0, "bench");
    (0..DRAWN).map(|_| (stream.exponential() * MEAN_NS) as u64 + 1).collect()
}

/// As large as the simulator's own events may be.
#[derive(Clone, Copy)]
struct Event {
    entity: u32,
    generation: u32,
    kind: u64,
}

impl SimEvent for Event {
    fn phase(&self) -> u8 {
        0
    }

    fn name(&self) -> &'static str {
        "due"
    }

    fn trace_word(&self) -> u64 {
        u64::from(self.entity)
    }
}

/// Entities that each wait for their own event.
struct Entities {
    state: Vec<[u64; 2]>,
    increments: Vec<u64>,
    drawn: usize,
    /// Whether an event of one entity puts off that of another.
    crossings: bool,
}

impl Entities {
    fn draw(&mut self) -> SimDuration {
        self.drawn += 1;
        SimDuration::from_nanos(self.increments[self.drawn % DRAWN])
    }
}

impl Model for Entities {
    type Event = Event;
    type Error = Infallible;

    fn is_stale(&self, event: &Event) -> bool {
        self.crossings && self.state[event.entity as usize][1] as u32 != event.generation
    }

    fn handle<Q: EventQueue<Event>>(
        &mut self,
        event: Event,
        schedule: &mut Schedule<'_, Event, Q>,
    ) -> Result<(), Infallible> {
        self.state[event.entity as usize][0] += event.kind;
        let delay = self.draw();
        schedule.after(delay, event);
        if self.crossings {
            // The power of another GPU has changed: what was predicted for it is void.
            let other = (self.increments[(self.drawn * 7) % DRAWN] % self.state.len() as u64) as u32;
            let state = &mut self.state[other as usize];
            state[1] += 1;
            let generation = state[1] as u32;
            let delay = self.draw();
            schedule.after(delay, Event { entity: other, generation, kind: 1 });
        }
        Ok(())
    }
}

/// Entities and the engine they run on.
struct Run<Q> {
    engine: Engine<Event, Q>,
    entities: Entities,
}

impl<Q: EventQueue<Event>> Run<Q> {
    fn start(pending: usize, increments: &[u64], crossings: bool) -> Self {
        let mut entities =
            Entities { state: vec![[0; 2]; pending], increments: increments.to_vec(), drawn: 0, crossings };
        let mut engine = Engine::default();
        for entity in 0..pending as u32 {
            let at = SimTime::ZERO + entities.draw();
            engine.schedule(at, Event { entity, generation: 0, kind: 1 });
        }
        Self { engine, entities }
    }

    fn advance(&mut self) {
        for _ in 0..EVENTS_A_CALL {
            assert!(matches!(self.engine.step(&mut self.entities, &mut ()), Ok(Step::Handled)));
        }
    }
}

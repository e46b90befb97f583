//! The written order of events: time, phase, insertion; delta rounds; stale events; zero-delay loops; saving inside an instant.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests fail by panicking")]

use isotherm_core::engine::{Engine, EngineError, Model, Schedule, SimEvent, Step};
use isotherm_core::queue::{BinaryHeapQueue, EventQueue, Wheel};
use isotherm_core::time::{SimDuration, SimTime};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

/// An event with a phase, and a list of events it schedules when it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    phase: u8,
    id: u32,
    then: Then,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Then {
    Nothing,
    /// Schedules one event of each of these two phases at the same instant.
    Now(u8, u8),
    /// Schedules itself again at the same instant, for ever.
    Loop,
    Past,
}

impl SimEvent for Mark {
    fn phase(&self) -> u8 {
        self.phase
    }
    fn name(&self) -> &'static str {
        "mark"
    }
    fn trace_word(&self) -> u64 {
        u64::from(self.id)
    }
}

#[derive(Clone, Debug, Default)]
struct Log {
    seen: Vec<(u64, u32)>,
    stale: Vec<u32>,
    blocked: Option<u32>,
}

impl Model for Log {
    type Event = Mark;
    type Error = std::convert::Infallible;

    fn is_stale(&self, event: &Mark) -> bool {
        self.stale.contains(&event.id)
    }
    fn is_ready(&self, event: &Mark) -> bool {
        self.blocked != Some(event.id)
    }
    fn handle<Q: EventQueue<Mark>>(
        &mut self,
        event: Mark,
        schedule: &mut Schedule<'_, Mark, Q>,
    ) -> Result<(), Self::Error> {
        self.seen.push((schedule.now().nanos(), event.id));
        let now = schedule.now();
        match event.then {
            Then::Nothing => {}
            Then::Now(a, b) => {
                schedule.at(now, mark(a, 100 + u32::from(a)));
                schedule.at(now, mark(b, 100 + u32::from(b)));
            }
            Then::Loop => schedule.after(SimDuration::ZERO, event),
            Then::Past => schedule.at(SimTime::from_nanos(now.nanos() - 1), mark(0, 0)),
        }
        Ok(())
    }
}

fn mark(phase: u8, id: u32) -> Mark {
    Mark { phase, id, then: Then::Nothing }
}

fn ids(engine: &mut Engine<Mark>, log: &mut Log) -> Vec<u32> {
    assert_eq!(engine.run(log, &mut ()), Ok(Step::Drained));
    log.seen.iter().map(|(_, id)| *id).collect()
}

#[test]
fn equal_times_run_by_phase_then_by_insertion() {
    let mut engine = Engine::default();
    for (phase, id) in [(3, 1), (1, 2), (3, 3), (0, 4), (1, 5)] {
        engine.schedule(SimTime::from_nanos(7), mark(phase, id));
    }
    engine.schedule(SimTime::from_nanos(6), mark(15, 6));
    assert_eq!(ids(&mut engine, &mut Log::default()), [6, 4, 2, 5, 1, 3]);
}

/// What an event schedules for its own instant: a phase not below its own joins the round, a lower one waits for the next. Whether it
/// was alone at its instant or not.
#[test]
fn zero_delay_events_follow_the_delta_rounds_alone_and_in_company() {
    let source = Mark { phase: 3, id: 1, then: Then::Now(1, 4) };
    let mut alone = Engine::default();
    alone.schedule(SimTime::from_nanos(5), source);
    assert_eq!(ids(&mut alone, &mut Log::default()), [1, 104, 101]);

    let mut in_company = Engine::default();
    in_company.schedule(SimTime::from_nanos(5), source);
    in_company.schedule(SimTime::from_nanos(5), mark(2, 2));
    assert_eq!(ids(&mut in_company, &mut Log::default()), [2, 1, 104, 101]);
}

#[test]
fn stale_events_neither_move_time_nor_count() {
    let mut engine = Engine::default();
    for (at, id) in [(1, 1), (2, 2), (9, 3)] {
        engine.schedule(SimTime::from_nanos(at), mark(0, id));
    }
    let mut log = Log { stale: vec![2, 3], ..Log::default() };
    assert_eq!(ids(&mut engine, &mut log), [1]);
    assert_eq!((engine.now().nanos(), engine.handled()), (1, 1));
    // The wheel had to look past the stale ones; what is scheduled before them is still in time.
    engine.schedule(SimTime::from_nanos(4), mark(0, 4));
    assert_eq!(ids(&mut engine, &mut log), [1, 4]);
}

#[test]
fn a_zero_delay_loop_is_an_error_that_names_the_events() {
    let mut engine: Engine<Mark> = Engine::default();
    engine.schedule(SimTime::from_nanos(5), Mark { phase: 2, id: 1, then: Then::Loop });
    let error = engine.run(&mut Log::default(), &mut ()).unwrap_err();
    assert_eq!(error, EngineError::ZeroDelayLoop { now: SimTime::from_nanos(5), waiting: vec!["mark"] });
    assert!(error.to_string().contains("mark"), "{error}");
}

#[test]
fn scheduling_into_the_past_is_an_error() {
    let mut engine: Engine<Mark> = Engine::default();
    engine.schedule(SimTime::from_nanos(5), Mark { phase: 2, id: 1, then: Then::Past });
    let error = engine.run(&mut Log::default(), &mut ()).unwrap_err();
    assert!(matches!(error, EngineError::Past { event: "mark", .. }), "{error}");
}

#[test]
fn an_event_that_is_not_ready_waits_in_its_place() {
    let mut engine = Engine::default();
    for id in 1..=3 {
        engine.schedule(SimTime::from_nanos(5), mark(0, id));
    }
    engine.schedule(SimTime::from_nanos(6), mark(0, 4));
    let mut log = Log { blocked: Some(2), ..Log::default() };
    assert_eq!(engine.run(&mut log, &mut ()), Ok(Step::Blocked));
    assert_eq!(log.seen, [(5, 1)]);
    log.blocked = Some(4);
    assert_eq!(engine.run(&mut log, &mut ()), Ok(Step::Blocked));
    assert_eq!(log.seen, [(5, 1), (5, 2), (5, 3)]);
    log.blocked = None;
    assert_eq!(ids(&mut engine, &mut log), [1, 2, 3, 4]);
}

#[test]
fn held_to_a_time_nothing_later_happens_not_even_behind_a_stale_event() {
    let mut engine: Engine<Mark> = Engine::default();
    for (at, id) in [(2, 1), (5, 2), (9, 3)] {
        engine.schedule(SimTime::from_nanos(at), mark(0, id));
    }
    let mut log = Log { stale: vec![1], ..Log::default() };
    assert_eq!(engine.next_at(), Some(SimTime::from_nanos(2)), "early, for it is stale");
    let mut until = |nanos| engine.step_until(SimTime::from_nanos(nanos), &mut log, &mut ()).unwrap();
    assert_eq!((until(1), until(4)), (None, None));
    assert_eq!((until(5), until(5)), (Some(Step::Handled), None));
    assert_eq!((until(100), until(100)), (Some(Step::Handled), Some(Step::Drained)));
    assert_eq!((log.seen, engine.next_at(), engine.now().nanos()), (vec![(5, 2), (9, 3)], None, 9));
}

fn schedules() -> impl Strategy<Value = Vec<(u64, Mark)>> {
    let then = prop_oneof![3 => Just(Then::Nothing), 1 => (0..16_u8, 0..16_u8).prop_map(|(a, b)| Then::Now(a, b))];
    let event = (0..12_u64, 0..16_u8, then);
    proptest::collection::vec(event, 1..60).prop_map(|events| {
        events
            .into_iter()
            .enumerate()
            .map(|(id, (at, phase, then))| (at, Mark { phase, id: id as u32, then }))
            .collect()
    })
}

proptest! {
    /// Saved and restored between any two events, a run goes on as if nothing had happened; with either queue.
    #[test]
    fn saved_anywhere_a_run_continues_the_same(events in schedules(), at in 0..200_usize) {
        let mut plain: Engine<Mark, Wheel<Mark>> = Engine::default();
        let mut oracle: Engine<Mark, BinaryHeapQueue<Mark>> = Engine::default();
        for (time, event) in &events {
            plain.schedule(SimTime::from_nanos(*time), *event);
            oracle.schedule(SimTime::from_nanos(*time), *event);
        }
        let mut stopped = plain.clone();
        let (mut log, mut other, mut third) = (Log::default(), Log::default(), Log::default());
        plain.run(&mut log, &mut ()).unwrap();
        for _ in 0..at {
            stopped.step(&mut other, &mut ()).unwrap();
        }
        let bytes = postcard::to_stdvec(&stopped.save()).unwrap();
        let mut restored: Engine<Mark> = Engine::restore(postcard::from_bytes(&bytes).unwrap());
        restored.run(&mut other, &mut ()).unwrap();
        oracle.run(&mut third, &mut ()).unwrap();
        prop_assert_eq!(&log.seen, &other.seen);
        prop_assert_eq!(&log.seen, &third.seen);
        prop_assert_eq!((plain.trace(), plain.handled(), plain.now()), (restored.trace(), restored.handled(), restored.now()));
        prop_assert_eq!(plain.trace(), oracle.trace());
    }

    /// Held to any times, a run is the same run, and no event is handled before its time has come.
    #[test]
    fn held_to_a_clock_a_run_is_the_same(events in schedules(), stale in proptest::collection::vec(0..60_u32, 0..20), late in 0..5_u64) {
        let mut plain: Engine<Mark> = Engine::default();
        for (time, event) in &events {
            plain.schedule(SimTime::from_nanos(*time), *event);
        }
        let mut held = plain.clone();
        let (mut log, mut other) = (Log { stale: stale.clone(), ..Log::default() }, Log { stale, ..Log::default() });
        plain.run(&mut log, &mut ()).unwrap();
        let mut clock = SimTime::ZERO;
        loop {
            let before = other.seen.len();
            match held.step_until(clock, &mut other, &mut ()).unwrap() {
                Some(Step::Handled) => prop_assert!(other.seen[before..].iter().all(|(at, _)| *at <= clock.nanos())),
                Some(_) => break,
                None => {
                    prop_assert_eq!(other.seen.len(), before);
                    let next = held.next_at().unwrap();
                    prop_assert!(next > clock);
                    // Some clocks wake on time, others too late.
                    clock = SimTime::from_nanos(next.nanos() + late);
                }
            }
        }
        prop_assert_eq!(&log.seen, &other.seen);
        prop_assert_eq!((plain.trace(), plain.handled(), plain.now()), (held.trace(), held.handled(), held.now()));
    }
}

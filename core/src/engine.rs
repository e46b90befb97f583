//! The discrete-event engine: the only place where time moves.
//!
//! Order of events: time, then phase (a short list written beside the event type), then insertion. An event that is
//! scheduled for the current instant with a phase not below the running one joins the current round; one with a lower
//! phase starts the next *delta round* of the same instant. Cancellation is by generation: a model calls an event stale,
//! and a stale event neither moves time nor counts. The engine is plain data: clone it to fork a run, save it to continue
//! later, between any two events, in the middle of an instant too.

mod instant;
mod trace;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use instant::PHASES;
pub use trace::TraceHash;

use crate::queue::{EventQueue, Wheel};
use crate::time::{SimDuration, SimTime};
use instant::Instant;

/// How long a chain of zero-delay events may get before the engine calls it a loop.
pub const ZERO_DELAY_LIMIT: u32 = 10_000;

/// What the engine has to know about an event type.
pub trait SimEvent: Copy {
    /// Place among events of the same instant, below [`PHASES`]; lower goes first.
    fn phase(&self) -> u8;
    /// Name for error messages.
    fn name(&self) -> &'static str;
    /// Content for the trace hash; phase and time are added by the engine.
    fn trace_word(&self) -> u64;
}

/// What the engine drives: state that changes only in [`Model::handle`].
pub trait Model {
    /// The closed set of things that can happen.
    type Event: SimEvent;
    /// Why a handler could not go on.
    type Error;

    /// Whether `event` was cancelled since it was scheduled. Asked before time moves to it and again before it is handled.
    fn is_stale(&self, event: &Self::Event) -> bool {
        let _ = event;
        false
    }

    /// Whether everything `event` needs is at hand; if not, the engine stops before it and can be continued.
    fn is_ready(&self, event: &Self::Event) -> bool {
        let _ = event;
        true
    }

    /// Lets `event` happen at `schedule.now()`.
    ///
    /// # Errors
    /// An error ends the run; the engine names the event and the instant.
    fn handle<Q: EventQueue<Self::Event>>(
        &mut self,
        event: Self::Event,
        schedule: &mut Schedule<'_, Self::Event, Q>,
    ) -> Result<(), Self::Error>;
}

/// Sees every event after it was handled, and changes nothing (INV-9).
pub trait Observer<M: Model> {
    /// `event` has just been handled at `now`.
    fn after_event(&mut self, now: SimTime, event: &M::Event, model: &M);
}

/// Observes nothing, at no cost.
impl<M: Model> Observer<M> for () {
    #[inline(always)]
    fn after_event(&mut self, _: SimTime, _: &M::Event, _: &M) {}
}

/// Why a run cannot go on. Every variant is fatal to the run it happened in and harmless to other runs.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum EngineError<E> {
    /// Fatal: a handler scheduled into the past.
    #[error("`{event}` was scheduled at {at}, before the current time {now}")]
    Past {
        /// The event.
        event: &'static str,
        /// When it should have happened.
        at: SimTime,
        /// When it was scheduled.
        now: SimTime,
    },
    /// Fatal: events of one instant keep scheduling each other for that same instant.
    #[error("zero-delay loop at {now}: {} events in a chain without time moving; still waiting: {}", ZERO_DELAY_LIMIT, waiting.join(", "))]
    ZeroDelayLoop {
        /// The instant that never ends.
        now: SimTime,
        /// Names of the events in the loop.
        waiting: Vec<&'static str>,
    },
    /// Fatal: a handler failed.
    #[error("`{event}` at {now}: {error}")]
    Handler {
        /// The event whose handler failed.
        event: &'static str,
        /// When.
        now: SimTime,
        /// Why.
        error: E,
    },
}

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// One event was handled.
    Handled,
    /// The next event is not ready; nothing happened. Provide what it needs and step again.
    Blocked,
    /// Nothing is pending.
    Drained,
}

/// The clock, the pending events and the trace of one run.
///
/// ```
/// use isotherm_core::engine::{Engine, Model, Schedule, SimEvent, Step};
/// use isotherm_core::queue::EventQueue;
/// use isotherm_core::time::{SimDuration, SimTime};
///
/// #[derive(Clone, Copy)]
/// struct Tick;
/// impl SimEvent for Tick {
///     fn phase(&self) -> u8 { 0 }
///     fn name(&self) -> &'static str { "tick" }
///     fn trace_word(&self) -> u64 { 0 }
/// }
/// struct Counter(u32);
/// impl Model for Counter {
///     type Event = Tick;
///     type Error = std::convert::Infallible;
///     fn handle<Q: EventQueue<Tick>>(&mut self, tick: Tick, schedule: &mut Schedule<'_, Tick, Q>) -> Result<(), Self::Error> {
///         self.0 += 1;
///         if self.0 < 3 { schedule.after(SimDuration::from_millis(10), tick); }
///         Ok(())
///     }
/// }
/// let mut engine: Engine<Tick> = Engine::default();
/// engine.schedule(SimTime::ZERO, Tick);
/// let mut counter = Counter(0);
/// while engine.step(&mut counter, &mut ()).unwrap() == Step::Handled {}
/// assert_eq!((counter.0, engine.now().nanos()), (3, 20_000_000));
/// ```
#[derive(Clone, Debug)]
pub struct Engine<E, Q = Wheel<E>> {
    now: SimTime,
    queue: Q,
    instant: Instant<E>,
    trace: TraceHash,
    handled: u64,
}

/// A saved engine: plain data, pending events in the order in which they would be served.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "E: Serialize", deserialize = "E: DeserializeOwned"))]
pub struct SavedEngine<E> {
    now: SimTime,
    queue: Vec<(SimTime, E)>,
    instant: Instant<E>,
    trace: TraceHash,
    handled: u64,
}

impl<E, Q: Default> Default for Engine<E, Q> {
    fn default() -> Self {
        Self {
            now: SimTime::ZERO,
            queue: Q::default(),
            instant: Instant::default(),
            trace: TraceHash::default(),
            handled: 0,
        }
    }
}

/// What a handler may do to the future.
#[derive(Debug)]
pub struct Schedule<'a, E, Q> {
    now: SimTime,
    depth: u32,
    queue: &'a mut Q,
    instant: &'a mut Instant<E>,
    trace: &'a mut TraceHash,
    past: Option<(E, SimTime)>,
}

impl<E: SimEvent, Q: EventQueue<E>> Schedule<'_, E, Q> {
    /// The current instant.
    #[inline]
    #[must_use]
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// Lets `event` happen at `at`; the current instant is allowed, an earlier one ends the run with an error.
    #[inline]
    pub fn at(&mut self, at: SimTime, event: E) {
        if at > self.now {
            self.queue.push(at, event);
        } else if at == self.now {
            self.instant.push(event.phase(), event, self.depth + 1);
        } else {
            self.past = Some((event, at));
        }
    }

    /// Lets `event` happen `delay` from now.
    #[inline]
    pub fn after(&mut self, delay: SimDuration, event: E) {
        self.at(self.now + delay, event);
    }

    /// Adds a word of state to the trace hash, so that equal traces mean equal states as well as equal events.
    #[inline]
    pub fn trace(&mut self, word: u64) {
        self.trace.fold(word);
    }
}

impl<E: SimEvent, Q: EventQueue<E>> Engine<E, Q> {
    /// The instant of the last handled event.
    #[must_use]
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// Number of events handled so far; stale ones do not count.
    #[must_use]
    pub fn handled(&self) -> u64 {
        self.handled
    }

    /// Number of events waiting, stale ones that have not surfaced included.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.queue.len() + self.instant.len()
    }

    /// Fingerprint of the run so far.
    #[must_use]
    pub fn trace(&self) -> TraceHash {
        self.trace
    }

    /// Schedules an event from outside a handler; a time before `now` is moved up to `now`.
    pub fn schedule(&mut self, at: SimTime, event: E) {
        self.queue.push(at.max(self.now), event);
    }

    /// Handles the next event.
    ///
    /// # Errors
    /// See [`EngineError`]; the engine must not be stepped again after one.
    #[inline]
    pub fn step<M: Model<Event = E>>(
        &mut self,
        model: &mut M,
        observer: &mut impl Observer<M>,
    ) -> Result<Step, EngineError<M::Error>> {
        if !self.instant.is_empty() {
            return self.step_within_instant(model, observer);
        }
        loop {
            match self.queue.pop() {
                None => return Ok(Step::Drained),
                Some((_, event)) if model.is_stale(&event) => {}
                Some((at, event)) => return self.enter(at, event, model, observer),
            }
        }
    }

    /// [`Engine::step`], unless the next event lies after `until`: then nothing is handled, and `None` is answered.
    ///
    /// For callers that hold a run to a clock of their own. A run that goes in such steps is the same run, to the last bit of its trace.
    ///
    /// # Errors
    /// As [`Engine::step`].
    pub fn step_until<M: Model<Event = E>>(
        &mut self,
        until: SimTime,
        model: &mut M,
        observer: &mut impl Observer<M>,
    ) -> Result<Option<Step>, EngineError<M::Error>> {
        // Stale events go one by one: behind one that is due, `step` would handle whatever comes next, however late that is.
        while let Some(front) = self.instant.front() {
            if !model.is_stale(&front.event) {
                return self.step_within_instant(model, observer).map(Some);
            }
            self.instant.pop();
        }
        while self.queue.peek_time().is_some_and(|at| at <= until) {
            match self.queue.pop() {
                Some((at, event)) if !model.is_stale(&event) => {
                    return self.enter(at, event, model, observer).map(Some);
                }
                _ => {}
            }
        }
        Ok(if self.queue.is_empty() { Some(Step::Drained) } else { None })
    }

    /// No event will be handled before this instant; `None` if none is pending. Where what comes first is stale, it is early.
    #[must_use]
    pub fn next_at(&self) -> Option<SimTime> {
        if self.instant.is_empty() { self.queue.peek_time() } else { Some(self.now) }
    }

    /// Moves time to `at`, whose first event is `event`, and handles the first one by phase.
    #[inline]
    fn enter<M: Model<Event = E>>(
        &mut self,
        at: SimTime,
        event: E,
        model: &mut M,
        observer: &mut impl Observer<M>,
    ) -> Result<Step, EngineError<M::Error>> {
        let tied = self.queue.pop_at(at);
        self.now = at;
        if tied.is_none() && model.is_ready(&event) {
            // The common case: one event alone at its instant never waits in a line, but its phase is the running one.
            self.instant.enter(event.phase());
            self.handle(event, 0, model, observer)?;
            return Ok(Step::Handled);
        }
        self.instant.enter(0);
        self.instant.push(event.phase(), event, 0);
        let mut next = tied;
        while let Some(event) = next {
            self.instant.push(event.phase(), event, 0);
            next = self.queue.pop_at(at);
        }
        self.step_within_instant(model, observer)
    }

    /// Steps until nothing is pending or the next event is not ready.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub fn run<M: Model<Event = E>>(
        &mut self,
        model: &mut M,
        observer: &mut impl Observer<M>,
    ) -> Result<Step, EngineError<M::Error>> {
        loop {
            match self.step(model, observer)? {
                Step::Handled => {}
                stopped => return Ok(stopped),
            }
        }
    }

    fn step_within_instant<M: Model<Event = E>>(
        &mut self,
        model: &mut M,
        observer: &mut impl Observer<M>,
    ) -> Result<Step, EngineError<M::Error>> {
        while let Some(front) = self.instant.front() {
            if model.is_stale(&front.event) {
                self.instant.pop();
                continue;
            }
            if !model.is_ready(&front.event) {
                return Ok(Step::Blocked);
            }
            if front.depth > ZERO_DELAY_LIMIT {
                let mut waiting: Vec<_> = self.instant.events().map(SimEvent::name).collect();
                waiting.sort_unstable();
                waiting.dedup();
                return Err(EngineError::ZeroDelayLoop { now: self.now, waiting });
            }
            self.instant.pop();
            self.handle(front.event, front.depth, model, observer)?;
            return Ok(Step::Handled);
        }
        self.step(model, observer)
    }

    #[inline]
    fn handle<M: Model<Event = E>>(
        &mut self,
        event: E,
        depth: u32,
        model: &mut M,
        observer: &mut impl Observer<M>,
    ) -> Result<(), EngineError<M::Error>> {
        self.trace.fold(self.now.nanos());
        self.trace.fold(event.trace_word().rotate_left(8) ^ u64::from(event.phase()));
        self.handled += 1;
        let mut schedule = Schedule {
            now: self.now,
            depth,
            queue: &mut self.queue,
            instant: &mut self.instant,
            trace: &mut self.trace,
            past: None,
        };
        let outcome = model.handle(event, &mut schedule);
        let past = schedule.past;
        outcome.map_err(|error| EngineError::Handler { event: event.name(), now: self.now, error })?;
        if let Some((late, at)) = past {
            return Err(EngineError::Past { event: late.name(), at, now: self.now });
        }
        observer.after_event(self.now, &event, model);
        Ok(())
    }

    /// The engine as plain data. Costs one sort of the pending events.
    #[must_use]
    pub fn save(&self) -> SavedEngine<E> {
        SavedEngine {
            now: self.now,
            queue: self.queue.to_sorted(),
            instant: self.instant.clone(),
            trace: self.trace,
            handled: self.handled,
        }
    }

    /// The engine that [`Engine::save`] was called on: it continues with the same events in the same order.
    #[must_use]
    pub fn restore(saved: SavedEngine<E>) -> Self {
        let mut queue = Q::default();
        for (at, event) in saved.queue {
            queue.push(at, event);
        }
        Self { now: saved.now, queue, instant: saved.instant, trace: saved.trace, handled: saved.handled }
    }
}

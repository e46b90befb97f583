//! One run: the engine and its world, to be advanced, saved, forked and read out.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::engine::{Engine, EngineError, Observer, SavedEngine, Step};
use crate::event::Event;
use crate::profiler::{Clock, Spent};
use crate::record::RunRecord;
use crate::router::Router;
use crate::telemetry::TelemetrySource;
use crate::time::SimTime;
use crate::world::{GateWindow, Heat, RunError, World, WorldSpec};

/// Version of the bytes of [`Simulation::save`].
const SAVE_FORMAT: u32 = 6;

/// A run in progress.
///
/// Needs no threads, files or clocks; the same spec, router, source and stream give the same record, whether it is advanced in
/// one go or piece by piece, and whether or not it was saved and restored on the way (INV-6).
pub struct Simulation {
    engine: Engine<Event>,
    world: World,
}

/// How far [`Simulation::advance`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The next batch is not in the window.
    NeedsBatches,
    /// The run is over.
    Finished,
}

/// What an observer of a run is told.
pub trait RunObserver {
    /// `event` has just been handled at `now`; `completed` batches are done. Nothing it does can change the run (INV-9).
    fn after_event(&mut self, now: SimTime, event: &Event, completed: usize);
}

struct Adapter<'a>(&'a mut dyn RunObserver);

impl Observer<World> for Adapter<'_> {
    fn after_event(&mut self, now: SimTime, event: &Event, world: &World) {
        self.0.after_event(now, event, world.state.record.batches.len());
    }
}

/// Why saved bytes cannot be continued.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum RestoreError {
    /// The bytes are no saved run, or are damaged.
    #[error("not a saved run: {0}")]
    Format(String),
    /// Another version of isotherm wrote them.
    #[error("saved in format {found}, this version reads format {SAVE_FORMAT}")]
    Version {
        /// The version found.
        found: u32,
    },
    /// Router or telemetry source refuse their part.
    #[error("{0}")]
    Part(String),
}

#[derive(Serialize, Deserialize)]
struct Saved {
    format: u32,
    engine: SavedEngine<Event>,
    state: crate::world::SavedState,
    router: Vec<u8>,
    telemetry: Vec<u8>,
}

impl Simulation {
    /// A run at its very beginning.
    ///
    /// # Errors
    /// [`RunError`] if the first reading of the telemetry source fails.
    pub fn new(
        spec: Arc<WorldSpec>,
        router: Box<dyn Router>,
        telemetry: Box<dyn TelemetrySource>,
    ) -> Result<Self, RunError> {
        let mut world = World::new(spec, router, telemetry);
        let mut engine = Engine::default();
        world.first_events(|at, event| engine.schedule(at, event))?;
        Ok(Self { engine, world })
    }

    /// Runs until the run is over or asks for a batch that is not in `window`.
    ///
    /// # Errors
    /// [`EngineError`]; the run cannot go on after one.
    pub fn advance(&mut self, window: &Arc<GateWindow>) -> Result<Progress, EngineError<RunError>> {
        self.world.window = Arc::clone(window);
        let outcome = self.engine.run(&mut self.world, &mut ());
        self.progress(outcome)
    }

    /// [`Simulation::advance`], watched.
    ///
    /// # Errors
    /// As [`Simulation::advance`].
    pub fn advance_observed(
        &mut self,
        window: &Arc<GateWindow>,
        observer: &mut dyn RunObserver,
    ) -> Result<Progress, EngineError<RunError>> {
        self.world.window = Arc::clone(window);
        let outcome = self.engine.run(&mut self.world, &mut Adapter(observer));
        self.progress(outcome)
    }

    /// Handles at most `events` events, so that a run can be stopped anywhere, in the middle of an instant too.
    ///
    /// `None` where it stopped because the number was reached.
    ///
    /// # Errors
    /// As [`Simulation::advance`].
    pub fn advance_events(
        &mut self,
        window: &Arc<GateWindow>,
        events: u64,
    ) -> Result<Option<Progress>, EngineError<RunError>> {
        self.world.window = Arc::clone(window);
        for _ in 0..events {
            let outcome = self.engine.step(&mut self.world, &mut ());
            if !matches!(outcome, Ok(Step::Handled)) {
                return self.progress(outcome).map(Some);
            }
        }
        Ok(None)
    }

    /// Handles what happens at or before `until`, and nothing later. `None` where what comes next lies after it.
    ///
    /// For a run that keeps step with another clock: `until` is never behind [`Simulation::now`], and [`Simulation::next_at`] says what to wait for.
    /// It is the same run as with [`Simulation::advance`].
    ///
    /// # Errors
    /// As [`Simulation::advance`].
    pub fn advance_until(
        &mut self,
        window: &Arc<GateWindow>,
        until: SimTime,
    ) -> Result<Option<Progress>, EngineError<RunError>> {
        self.world.window = Arc::clone(window);
        loop {
            match self.engine.step_until(until, &mut self.world, &mut ()) {
                Ok(None) => return Ok(None),
                Ok(Some(Step::Handled)) => {}
                Ok(Some(stopped)) => return self.progress(Ok(stopped)).map(Some),
                Err(error) => return Err(error),
            }
        }
    }

    /// Lets a profiler with this clock watch the run from here on; what it finds is [`Simulation::spent`]. The run is the same run.
    #[must_use]
    pub fn profiled_by(mut self, clock: Arc<dyn Clock>) -> Self {
        self.world.profile(clock);
        self
    }

    /// What the events have taken; `None` where nobody watches.
    #[must_use]
    pub fn spent(&self) -> Option<Spent> {
        self.world.spent()
    }

    /// An instant before which nothing happens any more; `None` once the run is over. It may be early, never late.
    #[must_use]
    pub fn next_at(&self) -> Option<SimTime> {
        self.engine.next_at()
    }

    fn progress(&mut self, outcome: Result<Step, EngineError<RunError>>) -> Result<Progress, EngineError<RunError>> {
        match outcome? {
            Step::Blocked => Ok(Progress::NeedsBatches),
            Step::Handled | Step::Drained => Ok(Progress::Finished),
        }
    }

    /// Simulated time reached.
    #[must_use]
    pub fn now(&self) -> SimTime {
        self.engine.now()
    }

    /// Events that are to come, those among them that will turn out to be stale.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.engine.pending()
    }

    /// Batches completed.
    #[must_use]
    pub fn completed(&self) -> usize {
        self.world.state.record.batches.len()
    }

    /// The run as bytes, at whatever instant it stands.
    ///
    /// # Panics
    /// Never: plain data always serialises into memory.
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        let saved = Saved {
            format: SAVE_FORMAT,
            engine: self.engine.save(),
            state: self.world.saved_state(),
            router: self.world.router.save(),
            telemetry: self.world.telemetry.save(),
        };
        postcard::to_stdvec(&saved).expect("plain data serialises into memory")
    }

    /// Continues a saved run, with a router and a source built from the same specs.
    ///
    /// # Errors
    /// [`RestoreError`]; nothing is changed by a failed restore.
    pub fn restore(
        spec: Arc<WorldSpec>,
        mut router: Box<dyn Router>,
        mut telemetry: Box<dyn TelemetrySource>,
        bytes: &[u8],
    ) -> Result<Self, RestoreError> {
        let (format, _) = postcard::take_from_bytes::<u32>(bytes).map_err(|e| RestoreError::Format(e.to_string()))?;
        if format != SAVE_FORMAT {
            return Err(RestoreError::Version { found: format });
        }
        let saved: Saved = postcard::from_bytes(bytes).map_err(|e| RestoreError::Format(e.to_string()))?;
        router.load(&saved.router).map_err(|e| RestoreError::Part(e.to_string()))?;
        telemetry.load(&saved.telemetry).map_err(|e| RestoreError::Part(e.to_string()))?;
        let mut world = World::new(spec, router, telemetry);
        world.restore_state(saved.state).map_err(RestoreError::Format)?;
        Ok(Self { engine: Engine::restore(saved.engine), world })
    }

    /// A second run that stands where this one does and goes its own way from here: one warm-up, many continuations.
    ///
    /// Cheaper than saving and restoring: state is copied in memory. Router and source are built from the same specs.
    ///
    /// # Errors
    /// [`RestoreError::Part`] if they refuse this run's state.
    pub fn fork(
        &self,
        mut router: Box<dyn Router>,
        mut telemetry: Box<dyn TelemetrySource>,
    ) -> Result<Self, RestoreError> {
        router.load(&self.world.router.save()).map_err(|e| RestoreError::Part(e.to_string()))?;
        telemetry.load(&self.world.telemetry.save()).map_err(|e| RestoreError::Part(e.to_string()))?;
        Ok(Self { engine: self.engine.clone(), world: self.world.fork(router, telemetry) })
    }

    /// The heat that the run has left in its hardware by now; `None` where nothing has a temperature of its own.
    ///
    /// For runs that start warm: with [`Start::From`](crate::world::Start) any number of them begin there, each with a clock and an account of its own. What
    /// this run did and paid is no part of theirs, which is what sets it apart from [`Simulation::fork`].
    ///
    /// # Errors
    /// [`RunError`] if the hardware cannot be brought to this instant; the run cannot go on after one.
    pub fn heat(&mut self) -> Result<Option<Heat>, RunError> {
        self.world.heat(self.engine.now())
    }

    /// The record so far; complete once the run is over.
    #[must_use]
    pub fn record(&self) -> RunRecord {
        let mut record = self.world.state.record.clone();
        record.trace = self.engine.trace().get();
        record.events = self.engine.handled();
        record
    }
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation")
            .field("now", &self.now())
            .field("completed", &self.completed())
            .finish_non_exhaustive()
    }
}

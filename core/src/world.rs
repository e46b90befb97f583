//! The world: what each event does to batches, GPUs, telemetry and router.
//!
//! The `match` in `World::handle` is the simulator's table of contents. One MoE layer serves one batch at a time; a batch ends
//! when its slowest GPU ends, and GPUs that wait burn idle power.

mod batch;
mod devices;
mod spec;
mod state;

use std::sync::Arc;

use thiserror::Error;

pub use spec::{Change, GateWindow, RouterHost, ThermalSpec, WorldSpec};

use crate::engine::{Model, Schedule};
use crate::event::Event;
use crate::id::{BatchId, GpuId};
use crate::queue::EventQueue;
use crate::record::RunRecord;
use crate::router::{Feedback, Router, RouterError};
use crate::routing::{Routing, RoutingFault};
use crate::telemetry::{Sample, TelemetryError, TelemetrySource, Truth};
use crate::time::{SimDuration, SimTime};
use crate::units::{Celsius, Watts};
use devices::Devices;
use state::WorldState;

/// The world's own part of a saved run.
pub(crate) type SavedState = WorldState;

/// Why a run ended early. Every variant is fatal to its run and harmless to others.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum RunError {
    /// The router failed.
    #[error("router: {0}")]
    Router(#[from] RouterError),
    /// The router broke its contract (INV-1).
    #[error("the router's answer is not a routing: {0}")]
    Routing(#[from] RoutingFault),
    /// The telemetry source failed.
    #[error("telemetry: {0}")]
    Telemetry(#[from] TelemetryError),
    /// A GPU's work takes longer than the clock can name.
    #[error("the work of {gpu} on {batch} takes {seconds} s, which is not a time the clock can name")]
    Duration {
        /// The GPU.
        gpu: GpuId,
        /// The batch.
        batch: BatchId,
        /// The time asked for (s).
        seconds: f64,
    },
}

/// The model that the engine drives: spec, state, router and telemetry source of one run.
pub(crate) struct World {
    spec: Arc<WorldSpec>,
    /// Energy of an assignment as declared at the start, per expert (J).
    declared: Vec<f64>,
    pub(crate) state: SavedState,
    pub(crate) router: Box<dyn Router>,
    pub(crate) telemetry: Box<dyn TelemetrySource>,
    pub(crate) window: Arc<GateWindow>,
    /// Scratch: rewritten by every batch, part of no saved state.
    routing: Routing,
}

impl World {
    pub(crate) fn new(spec: Arc<WorldSpec>, router: Box<dyn Router>, telemetry: Box<dyn TelemetrySource>) -> Self {
        let (joules, seconds) = spec.costs.per_expert(spec.experts);
        let gpus = spec.gpus as usize;
        let declared = joules.clone();
        let state = WorldState {
            hot: spec.costs.hot.clone(),
            joules,
            seconds,
            devices: Devices::new(gpus, spec.idle_watts, spec.thermal.as_ref()),
            samples: vec![Sample::default(); gpus],
            waiting: Default::default(),
            busy: false,
            running: None,
            completed: None,
            record: RunRecord::default(),
            finished: false,
        };
        let routing = Routing::new(spec.experts as usize, spec.top_k as usize);
        Self { spec, declared, state, router, telemetry, window: Arc::default(), routing }
    }

    pub(crate) fn spec(&self) -> Arc<WorldSpec> {
        Arc::clone(&self.spec)
    }

    pub(crate) fn saved_state(&self) -> SavedState {
        self.state.clone()
    }

    /// Takes over a saved state; refuses one that belongs to another model or another number of GPUs.
    pub(crate) fn restore_state(&mut self, saved: SavedState) -> Result<(), String> {
        if saved.joules.len() != self.state.joules.len() || saved.samples.len() != self.state.samples.len() {
            return Err(format!(
                "it has {} experts on {} GPUs, the scenario {} on {}",
                saved.joules.len(),
                saved.samples.len(),
                self.state.joules.len(),
                self.state.samples.len()
            ));
        }
        self.state = saved;
        Ok(())
    }

    /// Events that start a run; the first reading of the hardware is taken before it.
    pub(crate) fn first_events(&mut self, mut schedule: impl FnMut(SimTime, Event)) -> Result<(), RunError> {
        self.poll(SimTime::ZERO)?;
        for (index, change) in self.spec.changes.iter().enumerate() {
            if let Some(at) = change.at {
                schedule(SimTime::ZERO + at, Event::ScenarioChange { index: index as u32 });
            }
        }
        schedule(SimTime::ZERO + self.spec.poll_period, Event::TelemetryPoll);
        match self.spec.arrivals.first() {
            Some(first) => schedule(first.at.unwrap_or_default(), Event::BatchArrives { batch: BatchId(0) }),
            None => schedule(SimTime::ZERO, Event::End),
        }
        Ok(())
    }

    fn change(&mut self, index: u32) {
        if let Some(change) = self.spec.changes.get(index as usize) {
            self.state.hot.clone_from(&change.hot);
            (self.state.joules, self.state.seconds) = self.spec.costs.with_hot(self.spec.experts, &change.hot);
        }
    }

    /// Reads all GPUs through the telemetry source, as they truly are at `now`.
    fn poll(&mut self, now: SimTime) -> Result<(), RunError> {
        let thermal = self.spec.thermal.as_ref();
        let devices = &mut self.state.devices;
        for gpu in 0..self.spec.gpus {
            devices.settle(GpuId(gpu), now, thermal);
        }
        let truth: Vec<Truth> = (devices.temperature.iter().zip(&devices.power))
            .map(|(t, p)| Truth { temperature: Celsius::new(*t), power: Watts::new(*p) })
            .collect();
        self.telemetry.sample(now, &truth, &mut self.state.samples)?;
        if thermal.is_none() {
            for (gpu, sample) in self.state.samples.iter().enumerate() {
                if let Some(temperature) = sample.temperature {
                    devices.prescribe(gpu, temperature.get());
                }
            }
        }
        Ok(())
    }

    /// Predicts when the die of `gpu` reaches or leaves the limit under its present power.
    fn predict_crossing<Q: EventQueue<Event>>(&mut self, gpu: GpuId, schedule: &mut Schedule<'_, Event, Q>) {
        let (Some(limit), Some(thermal)) = (self.spec.temperature_limit, self.spec.thermal.as_ref()) else { return };
        let devices = &mut self.state.devices;
        devices.crossing_generation[gpu.index()] = devices.crossing_generation[gpu.index()].wrapping_add(1);
        let generation = devices.crossing_generation[gpu.index()];
        let Some(seconds) = devices.next_crossing(gpu, limit, thermal) else { return };
        if let Some(delay) = SimDuration::from_seconds(seconds) {
            // Rounded up to the clock: when the event happens the die is at the limit or past it. At least one
            // nanosecond, so that a die that rests on its limit cannot stop time.
            let delay = SimDuration::from_nanos(delay.nanos() + 1);
            schedule.after(delay, Event::ThresholdCrossed { gpu, generation });
        }
    }

    fn threshold_crossed<Q: EventQueue<Event>>(&mut self, gpu: GpuId, schedule: &mut Schedule<'_, Event, Q>) {
        let now = schedule.now();
        self.state.devices.settle(gpu, now, self.spec.thermal.as_ref());
        self.state.devices.toggle_above(gpu, now);
        self.predict_crossing(gpu, schedule);
    }

    fn router_updated(&mut self, now: SimTime) -> Result<(), RunError> {
        if let Some(done) = self.state.completed.take() {
            let feedback = Feedback::new(now, done.batch, &done.assignments, &done.joules, &done.seconds);
            self.router.feedback(&feedback)?;
        }
        Ok(())
    }

    /// Settles everything to the end and closes the record.
    fn end(&mut self, now: SimTime) {
        let devices = &mut self.state.devices;
        for gpu in 0..self.spec.gpus {
            devices.settle(GpuId(gpu), now, self.spec.thermal.as_ref());
        }
        devices.close_above(now);
        let record = &mut self.state.record;
        record.ended = now;
        record.idle_joules = self.spec.idle_watts * now.seconds() * f64::from(self.spec.gpus);
        record.gpu_joules = devices.joules.iter().sum();
        record.stored_joules = devices.stored_joules.iter().sum();
        record.removed_joules = devices.removed_joules.iter().sum();
        record.peak_temperature = devices.peak;
        record.seconds_above_limit = devices.seconds_above;
        self.state.finished = true;
    }
}

impl Model for World {
    type Event = Event;
    type Error = RunError;

    fn is_stale(&self, event: &Event) -> bool {
        let devices = &self.state.devices;
        match *event {
            Event::WorkDone { gpu, generation } => devices.work_generation[gpu.index()] != generation,
            Event::ThresholdCrossed { gpu, generation } => devices.crossing_generation[gpu.index()] != generation,
            // Periodic events end with the run.
            Event::TelemetryPoll | Event::ScenarioChange { .. } => self.state.finished,
            _ => false,
        }
    }

    fn is_ready(&self, event: &Event) -> bool {
        match event {
            Event::Dispatch { batch } => self.window.get(*batch).is_some(),
            _ => true,
        }
    }

    fn handle<Q: EventQueue<Event>>(
        &mut self,
        event: Event,
        schedule: &mut Schedule<'_, Event, Q>,
    ) -> Result<(), RunError> {
        match event {
            Event::ScenarioChange { index } => self.change(index),
            Event::BatchArrives { batch } => self.batch_arrives(batch, schedule),
            Event::Dispatch { batch } => self.dispatch(batch, schedule)?,
            Event::WorkDone { gpu, .. } => self.work_done(gpu, schedule),
            Event::RouterUpdated { .. } => self.router_updated(schedule.now())?,
            Event::ThresholdCrossed { gpu, .. } => self.threshold_crossed(gpu, schedule),
            Event::TelemetryPoll => {
                self.poll(schedule.now())?;
                schedule.after(self.spec.poll_period, Event::TelemetryPoll);
            }
            Event::End => self.end(schedule.now()),
        }
        Ok(())
    }
}

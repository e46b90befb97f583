//! The world: what each event does to batches, GPUs, telemetry and router.
//!
//! The `match` in `World::handle` is the simulator's table of contents. One batch is served at a time and passes the model's MoE layers one after
//! the other; a layer ends when its slowest GPU ends, and GPUs that wait burn idle power.

mod assigned;
mod batch;
mod coolant;
mod devices;
mod frontier;
mod gauges;
mod governor;
mod layer;
mod measured;
mod meter;
mod rebalance;
mod scratch;
mod spec;
mod split;
mod state;
mod thermal;
mod timed;
mod traffic;
mod watch;

use std::sync::Arc;

use thiserror::Error;

pub use assigned::Crowd;
pub use coolant::Heat;
pub use frontier::{BatchCosts, FrontierScope};
pub use spec::{Change, DeviceSpec, GateWindow, RouterHost, Start, WorldSpec};
pub use split::Sharing;
pub use thermal::ThermalSpec;

use crate::engine::{Model, Schedule};
use crate::event::Event;
use crate::hardware::kernel::Draw;
use crate::id::{BatchId, GpuId};
use crate::placement::PlacementError;
use crate::population::Population;
use crate::profiler::{Profiler, Section};
use crate::queue::EventQueue;
use crate::record::{LayerRecord, LimitRecord, RunRecord};
use crate::router::{Feedback, Router, RouterError};
use crate::routing::{Routing, RoutingFault};
use crate::telemetry::{Sample, TelemetryError, TelemetrySource, Truth};
use crate::thermal::LeakageError;
use crate::time::SimTime;
use crate::units::{Celsius, Joules, Watts};
use assigned::Assigned;
use coolant::Coolant;
use devices::Devices;
use frontier::OwnFrontier;
use gauges::Gauges;
use governor::Governor;
use layer::Shares;
use measured::Measured;
use meter::Meter;
use rebalance::Moves;
use scratch::Scratch;
use state::WorldState;
use traffic::{Origins, Traffic};
use watch::Watched;

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
    /// The placement policy failed, or what it answered is no placement.
    #[error("placement: {0}")]
    Placement(#[from] PlacementError),
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
    /// A GPU's leakage has fed itself without end.
    #[error("{gpu} at {at}: {fault}")]
    Runaway {
        /// The GPU.
        gpu: GpuId,
        /// End of the interval in which it happened.
        at: SimTime,
        /// What happened.
        fault: LeakageError,
    },
    /// A window of a fleet's results holds more tokens than a line of the series can tell.
    #[error(
        "a window of the results holds {tokens} tokens, more than 4294967295; make `fleet.window` shorter, for example \"10 s\""
    )]
    Window {
        /// Tokens served in it.
        tokens: u64,
    },
    /// A GPU has switched itself off and nothing takes over its experts.
    #[error("{gpu} reached its shutdown temperature at {at}; {left} GPUs are left and its experts cannot move to them")]
    Shutdown {
        /// The GPU.
        gpu: GpuId,
        /// When.
        at: SimTime,
        /// GPUs that still run.
        left: u32,
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
    routing: Routing<'static>,
    assigned: Assigned,
    /// The tokens of every layer and law, in the upper tiers: functions of their samples and of the router's rule, part of no saved state.
    populations: Vec<Vec<Population>>,
    /// Scratch: where the routed tokens come from and what crosses between GPUs.
    origins: Origins,
    traffic: Traffic,
    alive: Vec<GpuId>,
    /// Buffers that events fill anew.
    scratch: Scratch,
    /// Scratch: what the telemetry source is shown.
    truth: Vec<Truth>,
    /// What routers are shown as [`ClusterView::revision`](crate::router::ClusterView::revision).
    revision: u64,
    /// Scratch of the run's own frontier, where it has one.
    own_frontier: OwnFrontier,
    /// The batch that was routed last, for messages.
    routed: BatchId,
    /// Watches where the time goes, where somebody wants to know; part of no saved state.
    profiler: Option<Box<Profiler>>,
}

impl World {
    pub(crate) fn new(spec: Arc<WorldSpec>, router: Box<dyn Router>, telemetry: Box<dyn TelemetrySource>) -> Self {
        let state = Self::first_state(&spec);
        let declared = state.joules.clone();
        Self::with_state(spec, declared, state, router, telemetry)
    }

    /// A second world that stands where this one does, with a router and a source that have been brought there.
    pub(crate) fn fork(&self, router: Box<dyn Router>, telemetry: Box<dyn TelemetrySource>) -> Self {
        let (spec, declared) = (Arc::clone(&self.spec), self.declared.clone());
        let world = Self::with_state(spec, declared, self.state.clone(), router, telemetry);
        Self { revision: self.revision + 1, ..world }
    }

    /// Everything at the very beginning.
    fn first_state(spec: &WorldSpec) -> WorldState {
        let (joules, seconds) = spec.declared_costs();
        let gpus = spec.gpus as usize;
        let thermal = spec.thermal.as_ref();
        let highest_steps = spec.device.as_ref().map_or(&[][..], |device| &device.highest_step);
        // Where temperatures are prescribed nothing crosses a limit.
        let limit = spec.temperature_limit.filter(|_| thermal.is_some()).map(|celsius| LimitRecord {
            celsius,
            degree_seconds: 0.0,
            settled_at: Some(SimTime::ZERO),
        });
        let mut devices = Devices::new(gpus, thermal, spec.device.is_some());
        devices.meter = spec.device.as_ref().map(|_| Meter::new(gpus));
        let power_cap = spec.device.as_ref().and_then(|device| device.power_cap);
        WorldState {
            hot: spec.costs.hot.clone(),
            joules,
            seconds,
            devices,
            watched: vec![Watched::default(); if spec.watches() { gpus } else { 0 }],
            governors: (0..).zip(highest_steps).map(|(gpu, step)| Governor::new(gpu, *step)).collect(),
            jobs: vec![None; highest_steps.len()],
            in_layer: false,
            shares: Shares::default(),
            coolant: Coolant::new(gpus, spec.cooling.as_ref(), thermal),
            placements: std::iter::repeat_n(Arc::new(spec.placement.clone()), spec.layers as usize).collect(),
            measured: if spec.measures() {
                Measured::new(spec.layers as usize, spec.experts as usize, gpus)
            } else {
                Measured::default()
            },
            gauges: Gauges::new(gpus),
            moves: Moves::default(),
            moving: None,
            moved_joules: 0.0,
            samples: Arc::new(vec![Sample::default(); gpus]),
            waiting: Default::default(),
            busy: false,
            running: None,
            completed: None,
            record: RunRecord {
                layers: LayerRecord::for_each(spec.layers),
                limit,
                power_cap,
                frontier: Self::own_frontier(spec),
                ..RunRecord::default()
            },
            finished: false,
        }
    }

    fn with_state(
        spec: Arc<WorldSpec>,
        declared: Vec<f64>,
        state: WorldState,
        router: Box<dyn Router>,
        telemetry: Box<dyn TelemetrySource>,
    ) -> Self {
        let routing = Routing::new(spec.experts as usize, spec.top_k as usize);
        let populations = spec.crowd.as_ref().map(Crowd::populations).unwrap_or_default();
        Self {
            spec,
            declared,
            state,
            router,
            telemetry,
            window: Arc::default(),
            routing,
            assigned: Assigned::default(),
            populations,
            origins: Origins::default(),
            traffic: Traffic::default(),
            alive: Vec::new(),
            scratch: Scratch::default(),
            truth: Vec::new(),
            revision: 1,
            own_frontier: OwnFrontier::default(),
            routed: BatchId(0),
            profiler: None,
        }
    }

    pub(crate) fn saved_state(&self) -> SavedState {
        self.state.clone()
    }

    /// Takes over a saved state; refuses one that belongs to another model or another number of GPUs.
    pub(crate) fn restore_state(&mut self, saved: SavedState) -> Result<(), String> {
        if saved.sizes() != self.state.sizes() {
            return Err(format!(
                "it has {} experts on {} GPUs, the scenario {} on {}, or the model of the GPUs is another",
                saved.joules.len(),
                saved.samples.len(),
                self.state.joules.len(),
                self.state.samples.len()
            ));
        }
        if !saved.placements.iter().all(|placement| placement.is_sound(self.spec.experts, self.spec.gpus)) {
            return Err("an expert is on no GPU or on one that does not exist".to_owned());
        }
        if !saved.moves.is_sound(saved.moving.as_ref(), self.spec.gpus as usize) {
            return Err("the weights that move are those of another number of GPUs".to_owned());
        }
        if saved.record.frontier.as_ref().is_some_and(|frontier| !frontier.is_sound()) {
            return Err("its frontier is damaged".to_owned());
        }
        self.state = saved;
        self.revision += 1;
        Ok(())
    }

    /// Events that start a run; the first reading of the hardware is taken before it.
    pub(crate) fn first_events(&mut self, mut schedule: impl FnMut(SimTime, Event)) -> Result<(), RunError> {
        match self.spec.start.clone() {
            Start::Cold => {}
            Start::Steady(watts) => self.start_warm(watts),
            Start::From(heat) => self.start_from(&heat),
        }
        for gpu in 0..self.spec.gpus {
            self.draw_idle_power(GpuId(gpu));
        }
        self.poll(SimTime::ZERO)?;
        for (index, change) in self.spec.changes.iter().enumerate() {
            if let Some(at) = change.at {
                schedule(SimTime::ZERO + at, Event::ScenarioChange { index: index as u32 });
            }
        }
        schedule(self.next_poll(SimTime::ZERO), Event::TelemetryPoll);
        if let Some(cooling) = &self.spec.cooling {
            schedule(SimTime::ZERO + cooling.period, Event::CoolingStep);
        }
        if let Some(limits) = self.spec.device.as_ref().and_then(|device| device.limits.as_ref()) {
            schedule(SimTime::ZERO + limits.period, Event::GovernorStep);
        }
        match self.spec.arrivals.first() {
            Some(first) => schedule(first.at.unwrap_or_default(), Event::BatchArrives { batch: BatchId(0) }),
            None => schedule(SimTime::ZERO, Event::End),
        }
        Ok(())
    }

    /// The power of a GPU that has nothing to do, at the very start.
    fn draw_idle_power(&mut self, gpu: GpuId) {
        let power = match &self.spec.device {
            None => Draw { compute_w: self.spec.idle_watts, memory_w: 0.0 },
            Some(device) => {
                let mhz = device.cost.clock.mhz(device.highest_step[gpu.index()]);
                self.state.devices.set_clock(gpu.index(), mhz);
                device.cost.base(mhz)
            }
        };
        self.state.devices.set_power(gpu, power, 0.0, self.spec.thermal.as_ref());
    }

    fn change<Q: EventQueue<Event>>(
        &mut self,
        index: u32,
        schedule: &mut Schedule<'_, Event, Q>,
    ) -> Result<(), RunError> {
        let spec = Arc::clone(&self.spec);
        let Some(change) = spec.changes.get(index as usize) else { return Ok(()) };
        if let Some(hot) = &change.hot {
            self.state.hot.clone_from(hot);
            if spec.device.is_none() {
                (self.state.joules, self.state.seconds) = spec.costs.with_hot(spec.experts, hot);
            }
        }
        if change.supply.is_some() || change.flow.is_some() {
            self.change_cooling(change.supply.map(|celsius| celsius.get()), change.flow, schedule)?;
        }
        Ok(())
    }

    /// Reads all GPUs through the telemetry source, as they truly are at `now`.
    fn poll(&mut self, now: SimTime) -> Result<(), RunError> {
        self.settle_all(now)?;
        let (thermal, devices) = (self.spec.thermal.as_ref(), &self.state.devices);
        self.truth.clear();
        self.truth.extend(devices.temperature.iter().enumerate().map(|(gpu, t)| Truth {
            temperature: Celsius::new(*t),
            power: Watts::new(devices.watts(gpu, thermal)),
            energy: Joules::new(devices.joules[gpu]),
        }));
        let begun = self.section_begins();
        let samples: &mut Vec<Sample> = Arc::make_mut(&mut self.state.samples);
        self.telemetry.sample(now, &self.truth, samples)?;
        self.section_ends(Section::Telemetry, begun);
        let (thermal, devices) = (self.spec.thermal.as_ref(), &mut self.state.devices);
        self.revision += 1;
        if thermal.is_none() {
            for (gpu, sample) in self.state.samples.iter().enumerate() {
                if let Some(temperature) = sample.temperature {
                    devices.prescribe(gpu, temperature.get());
                }
            }
            if let Some(device) = &self.spec.device {
                for gpu in 0..devices.count() {
                    devices.leak(gpu, device.leakage_watts(gpu, devices.temperature[gpu]));
                }
            }
        }
        Ok(())
    }

    /// When the hardware is read next: at the instant the source asks for, else a period after `now`.
    fn next_poll(&self, now: SimTime) -> SimTime {
        self.telemetry.next_poll(now).filter(|at| *at > now).unwrap_or(now + self.spec.poll_period)
    }

    fn router_updated(&mut self, now: SimTime) -> Result<(), RunError> {
        if let Some(done) = self.state.completed.take() {
            let feedback =
                Feedback::new(now, done.batch, &done.assignments, &done.joules, &done.seconds).in_layer(done.layer);
            let begun = self.section_begins();
            self.router.feedback(&feedback)?;
            self.section_ends(Section::Feedback, begun);
            self.scratch.completed = done;
        }
        Ok(())
    }

    /// Settles everything to the end and closes the record.
    fn end(&mut self, now: SimTime) -> Result<(), RunError> {
        self.account_cooling(now)?;
        self.settle_all(now)?;
        self.close_watches(now);
        let devices = &self.state.devices;
        let record = &mut self.state.record;
        for governor in &mut self.state.governors {
            governor.close(now, &mut record.throttled);
        }
        record.ended = now;
        record.gpu_joules = devices.joules.iter().sum();
        record.idle_joules = match self.spec.device {
            None => self.spec.idle_watts * now.seconds() * f64::from(self.spec.gpus),
            Some(_) => record.gpu_joules - devices.work_joules.iter().sum::<f64>(),
        };
        record.stored_joules = devices.stored_joules.iter().sum();
        record.removed_joules = devices.removed_joules.iter().sum();
        record.peak_temperature = devices.peak;
        record.memory_peak_temperature = devices.memory_peak;
        if self.spec.device.is_some() {
            record.leakage_joules = devices.leakage_joules.iter().sum();
            record.clock_mhz_seconds.clone_from(&devices.clock_mhz_seconds);
            record.power_means = devices.meter.as_ref().map(|meter| meter.means.clone()).unwrap_or_default();
        }
        self.state.finished = true;
        Ok(())
    }
}

impl Model for World {
    type Event = Event;
    type Error = RunError;

    fn is_stale(&self, event: &Event) -> bool {
        let state = &self.state;
        match *event {
            Event::WorkDone { gpu, generation } => state.devices.work_generation[gpu.index()] != generation,
            Event::ThresholdCrossed { gpu, generation } => {
                state.finished || state.watched[gpu.index()].generation != generation
            }
            // Periodic events end with the run.
            Event::TelemetryPoll | Event::CoolingStep | Event::GovernorStep | Event::ScenarioChange { .. } => {
                state.finished
            }
            _ => false,
        }
    }

    fn is_ready(&self, event: &Event) -> bool {
        match event {
            Event::Dispatch { batch } => self.spec.crowd.is_some() || self.window.holds(*batch),
            _ => true,
        }
    }

    fn handle<Q: EventQueue<Event>>(
        &mut self,
        event: Event,
        schedule: &mut Schedule<'_, Event, Q>,
    ) -> Result<(), RunError> {
        let Some(profiler) = &mut self.profiler else { return self.happen(event, schedule) };
        profiler.event_begins(event.kind());
        let outcome = self.happen(event, schedule);
        if let Some(profiler) = &mut self.profiler {
            profiler.event_ends();
        }
        outcome
    }
}

impl World {
    #[inline]
    fn happen<Q: EventQueue<Event>>(
        &mut self,
        event: Event,
        schedule: &mut Schedule<'_, Event, Q>,
    ) -> Result<(), RunError> {
        match event {
            Event::ScenarioChange { index } => self.change(index, schedule)?,
            Event::BatchArrives { batch } => self.batch_arrives(batch, schedule),
            Event::Dispatch { batch } => self.dispatch(batch, schedule)?,
            Event::LayerStarts { .. } => self.layer_starts(schedule)?,
            Event::WorkDone { gpu, .. } => self.work_done(gpu, schedule)?,
            Event::RouterUpdated { .. } => self.router_updated(schedule.now())?,
            Event::ThresholdCrossed { gpu, .. } => self.threshold_crossed(gpu, schedule)?,
            Event::CoolingStep => self.cooling_step(schedule)?,
            Event::GovernorStep => self.governor_step(schedule)?,
            Event::TelemetryPoll => {
                self.poll(schedule.now())?;
                schedule.at(self.next_poll(schedule.now()), Event::TelemetryPoll);
            }
            Event::End => self.end(schedule.now())?,
        }
        Ok(())
    }
}

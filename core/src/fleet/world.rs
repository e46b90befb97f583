//! A fleet at work: what each event does. The `match` in `handle` is the table of contents.

use std::sync::Arc;

use super::cooling::Coolant;
use super::event::FleetEvent;
use super::governor::Governors;
use super::group::{Group, Scratch, Stretch, Waiting};
use super::model::FleetModel;
use super::power::Powers;
use super::record::FleetRecord;
use super::reduce::Reduction;
use super::sweep::{Input, Sweep};
use super::window::Window;
use crate::engine::{Model, Schedule};
use crate::id::{BatchId, GpuId};
use crate::profiler::Profiler;
use crate::queue::EventQueue;
use crate::record::RunRecord;
use crate::telemetry::{Sample, TelemetrySource, Truth};
use crate::time::{SimDuration, SimTime};
use crate::units::{Celsius, Joules, Watts};
use crate::world::RunError;

/// State of a fleet.
pub(super) struct FleetWorld {
    pub(super) model: Arc<FleetModel>,
    pub(super) groups: Vec<Group>,
    pub(super) scratch: Scratch,
    pub(super) powers: Powers,
    pub(super) sweep: Sweep,
    pub(super) governors: Governors,
    pub(super) coolant: Coolant,
    /// Temperature of the inlet of each GPU (degC).
    pub(super) inlet: Vec<f64>,
    /// Index of the flow through each node, and that flow as a part of the full one.
    pub(super) flow: Vec<usize>,
    pub(super) flow_part: Vec<f64>,
    /// Clock step at which each GPU draws what it draws now.
    pub(super) drawn_at: Vec<u32>,
    /// Electrical energy of each GPU up to the last account (J).
    pub(super) joules: Vec<f64>,
    /// Heat that each GPU has given off since the cooling was last refreshed (J).
    pub(super) removed_j: Vec<f64>,
    pub(super) accounted: SimTime,
    pub(super) refreshed: SimTime,
    /// Energy of GPUs and routers when the cooling was last refreshed (J).
    pub(super) drawn_before: f64,
    telemetry: Box<dyn TelemetrySource>,
    samples: Vec<Sample>,
    /// What routers are shown as [`ClusterView::revision`](crate::router::ClusterView::revision).
    revision: u64,
    /// Arrivals so far.
    pub(super) arrived: u32,
    pub(super) reduction: Reduction,
    pub(super) window: Window,
    pub(super) record: RunRecord,
    pub(super) fleet: FleetRecord,
    pub(super) work_joules: f64,
    pub(super) finished: bool,
    /// Watches where the time goes, where somebody wants to know.
    pub(super) profiler: Option<Box<Profiler>>,
}

impl FleetWorld {
    pub(super) fn new(model: Arc<FleetModel>, groups: Vec<Group>, telemetry: Box<dyn TelemetrySource>) -> Self {
        let (layout, gpus) = (model.layout, model.gpus());
        let supply = model.thermal.ambient;
        let coolant = Coolant::new(&layout, supply, model.cooling.as_ref());
        let full = model.thermal.flow_index(1.0);
        let flow_of = |node: usize| {
            let flow = model.cooling.as_ref().map_or(1.0, |cooling| coolant.flow(node, &layout, cooling));
            if model.cooling.is_some() { model.thermal.flow_index(flow) } else { full }
        };
        let flow: Vec<usize> = (0..layout.nodes()).map(flow_of).collect();
        let laws: Vec<u32> = (0..gpus).map(|gpu| model.law(gpu, flow[gpu / layout.gpus_of_node])).collect();
        let start = Input { inlet: supply, ..Input::default() };
        let highest: Vec<u32> = model.kind.iter().map(|kind| model.highest_step[*kind as usize]).collect();
        Self {
            scratch: Scratch::new(&model),
            powers: Powers::new(&layout),
            sweep: Sweep::new(Arc::clone(&model.laws), &laws, start, model.fleet.cohorts),
            drawn_at: highest.clone(),
            governors: Governors::new(highest),
            coolant,
            inlet: vec![supply; gpus],
            flow_part: flow.iter().map(|flow| model.thermal.flow(*flow)).collect(),
            flow,
            joules: vec![0.0; gpus],
            removed_j: vec![0.0; gpus],
            accounted: SimTime::ZERO,
            refreshed: SimTime::ZERO,
            drawn_before: 0.0,
            telemetry,
            samples: vec![Sample::default(); gpus],
            revision: 1,
            arrived: 0,
            reduction: Reduction::new(&layout, model.power_cap),
            window: Window::new(&model),
            record: Self::empty_record(&model),
            fleet: FleetRecord { gpus: gpus as u64, ..FleetRecord::default() },
            work_joules: 0.0,
            finished: false,
            profiler: None,
            groups,
            model,
        }
    }

    /// Events that start a run; the first reading of the hardware is taken before it.
    pub(super) fn first_events(&mut self, mut schedule: impl FnMut(SimTime, FleetEvent)) -> Result<(), RunError> {
        let model = Arc::clone(&self.model);
        self.start();
        self.poll(SimTime::ZERO)?;
        let after = |period: SimDuration| SimTime::ZERO + period;
        for (index, change) in (0..).zip(&model.changes) {
            if let Some(at) = change.at {
                schedule(after(at), FleetEvent::ScenarioChange { index });
            }
        }
        schedule(after(model.fleet.sweep), FleetEvent::Sweep);
        schedule(after(model.governor_period), FleetEvent::Governors);
        if let Some(cooling) = &model.cooling {
            schedule(after(cooling.period), FleetEvent::Cooling);
        }
        schedule(self.next_poll(SimTime::ZERO), FleetEvent::Poll);
        schedule(after(model.fleet.window), FleetEvent::Window);
        if let Some(duration) = model.fleet.duration {
            schedule(after(duration), FleetEvent::End);
        }
        match model.arrivals.first() {
            // In a closed loop every group takes its first step at once.
            Some(first) if first.at.is_none() => {
                (0..model.groups()).for_each(|group| {
                    schedule(SimTime::ZERO, FleetEvent::StretchDone { group: group as u32 });
                });
            }
            Some(first) => schedule(first.at.unwrap_or_default(), FleetEvent::TrafficArrives { index: 0 }),
            None => schedule(after(model.fleet.sweep), FleetEvent::End),
        }
        Ok(())
    }

    /// Traffic is shared out: equal whole parts, what is left over to groups that take turns.
    fn traffic_arrives<Q: EventQueue<FleetEvent>>(
        &mut self,
        index: u32,
        schedule: &mut Schedule<'_, FleetEvent, Q>,
    ) -> Result<(), RunError> {
        let model = Arc::clone(&self.model);
        let (now, groups) = (schedule.now(), model.groups() as u64);
        let mut next = index as usize;
        while let Some(arrival) = model.arrivals.get(next).filter(|arrival| arrival.at == Some(now)) {
            let tokens = (f64::from(arrival.tokens) * model.fleet.scale).round() as u64;
            let (each, over) = (tokens / groups, tokens % groups);
            for (number, group) in (0..).zip(&mut self.groups) {
                let turn = (number + groups - next as u64 % groups) % groups;
                let tokens = each + u64::from(turn < over);
                if tokens > 0 {
                    group.waiting.push_back(Waiting { arrived: now, tokens });
                }
            }
            next += 1;
        }
        self.arrived = next as u32;
        for group in 0..model.groups() {
            if self.groups[group].running.is_none() {
                self.next_stretch(group, schedule)?;
            }
        }
        match model.arrivals.get(next) {
            Some(arrival) => {
                schedule.at(arrival.at.unwrap_or(now), FleetEvent::TrafficArrives { index: next as u32 });
            }
            None => self.end_if_done(schedule),
        }
        Ok(())
    }

    /// What the finished stretch served goes into the window, and the group goes on.
    fn stretch_done<Q: EventQueue<FleetEvent>>(
        &mut self,
        group: usize,
        schedule: &mut Schedule<'_, FleetEvent, Q>,
    ) -> Result<(), RunError> {
        if let Some(done) = self.groups[group].running.take() {
            self.served(group, &done)?;
        }
        self.next_stretch(group, schedule)?;
        if self.groups[group].running.is_none() {
            self.end_if_done(schedule);
        }
        Ok(())
    }

    /// Begins the next stretch of a group, or lets it rest.
    fn next_stretch<Q: EventQueue<FleetEvent>>(
        &mut self,
        number: usize,
        schedule: &mut Schedule<'_, FleetEvent, Q>,
    ) -> Result<(), RunError> {
        let model = Arc::clone(&self.model);
        let (now, gpus) = (schedule.now(), model.layout.group(number));
        let governors = &self.governors;
        self.scratch.step.begin(gpus.clone().map(|gpu| governors.pace(gpu, &model.governors)));
        let group = &mut self.groups[number];
        if let Some((steps, tokens)) = group.next_steps(&model) {
            let samples = &self.samples[gpus.clone()];
            group.step(number, tokens, (now, self.revision), samples, &model, &mut self.scratch)?;
            let seconds = self.scratch.step.seconds;
            let fault =
                || RunError::Duration { gpu: GpuId(gpus.start as u32), batch: BatchId(group.next_batch), seconds };
            let step = SimDuration::from_seconds(seconds).ok_or_else(fault)?.max(SimDuration::from_nanos(1));
            let held = gpus.clone().zip(self.scratch.step.rows()).filter(|(gpu, _)| governors.holds_back(*gpu));
            let throttled = held.map(|(_, rows)| *rows as f64).sum();
            group.running = Some(Stretch { steps, tokens, began: now, step, throttled });
            let length = SimDuration::from_nanos(step.nanos().saturating_mul(u64::from(steps)));
            schedule.after(length, FleetEvent::StretchDone { group: number as u32 });
            schedule.trace(seconds.to_bits());
        }
        self.draw(number, now);
        Ok(())
    }

    /// GPUs of a group draw what the step in `scratch` says from now on.
    fn draw(&mut self, group: usize, now: SimTime) {
        let model = &self.model;
        let Scratch { step, powers, .. } = &mut self.scratch;
        step.powers(&model.step, powers);
        self.powers.change(group, powers, &model.layout, now);
        for gpu in model.layout.group(group) {
            self.drawn_at[gpu] = self.governors.pace(gpu, &model.governors).step;
        }
    }

    /// GPUs of a group that rests draw what waiting draws at the clocks their governors allow.
    pub(super) fn rest(&mut self, group: usize, now: SimTime) {
        let (governors, model) = (&self.governors, &self.model);
        let gpus = model.layout.group(group);
        self.scratch.step.begin(gpus.map(|gpu| governors.pace(gpu, &model.governors)));
        self.draw(group, now);
    }

    /// Without a set duration a run ends at the first sweep at which everything has been served.
    fn end_if_done<Q: EventQueue<FleetEvent>>(&mut self, schedule: &mut Schedule<'_, FleetEvent, Q>) {
        let model = &self.model;
        let all_here = model.is_closed() || self.arrived as usize >= model.arrivals.len();
        let rests = |group: &Group| group.running.is_none() && group.next_steps(model).is_none();
        if model.fleet.duration.is_none() && all_here && self.groups.iter().all(rests) {
            schedule.at(self.on_grid(schedule.now()), FleetEvent::End);
        }
    }

    /// The first sweep at or after an instant, but not before the first one of all.
    fn on_grid(&self, at: SimTime) -> SimTime {
        let sweep = self.model.fleet.sweep.nanos();
        SimTime::from_nanos(at.nanos().div_ceil(sweep).max(1).saturating_mul(sweep))
    }

    /// When the hardware is read next: at the sweep the source asks for, else a period after `now`.
    fn next_poll(&self, now: SimTime) -> SimTime {
        let asked = self.telemetry.next_poll(now).map(|at| self.on_grid(at)).filter(|at| *at > now);
        asked.unwrap_or(now + self.model.poll_period)
    }

    /// Reads all GPUs through the telemetry source, as they truly are at `now`.
    fn poll(&mut self, now: SimTime) -> Result<(), RunError> {
        self.account(now);
        let truth = &mut self.scratch.truth;
        truth.clear();
        truth.extend((0..self.model.gpus()).map(|gpu| Truth {
            temperature: Celsius::new(self.sweep.die(gpu)),
            power: Watts::new(self.powers.watts(gpu) + self.sweep.leakage_watts(gpu)),
            energy: Joules::new(self.joules[gpu]),
        }));
        self.telemetry.sample(now, truth, &mut self.samples)?;
        self.revision += 1;
        Ok(())
    }

    fn change(&mut self, index: u32) {
        let Some(change) = self.model.changes.get(index as usize) else { return };
        let rows = match change.row {
            Some(row) => row as usize..row as usize + 1,
            None => 0..self.model.layout.rows,
        };
        for row in rows {
            let (supply, most) = (&mut self.coolant.supply[row], &mut self.coolant.most[row]);
            *supply = change.supply.map_or(*supply, |celsius| celsius.get());
            *most = change.flow.unwrap_or(*most);
        }
    }
}

impl Model for FleetWorld {
    type Event = FleetEvent;
    type Error = RunError;

    fn is_stale(&self, _: &FleetEvent) -> bool {
        self.finished
    }

    fn handle<Q: EventQueue<FleetEvent>>(
        &mut self,
        event: FleetEvent,
        schedule: &mut Schedule<'_, FleetEvent, Q>,
    ) -> Result<(), RunError> {
        if let Some(profiler) = &mut self.profiler {
            profiler.event_begins(event.kind());
        }
        let outcome = self.happen(event, schedule);
        if let Some(profiler) = &mut self.profiler {
            profiler.event_ends();
        }
        outcome
    }
}

impl FleetWorld {
    fn happen<Q: EventQueue<FleetEvent>>(
        &mut self,
        event: FleetEvent,
        schedule: &mut Schedule<'_, FleetEvent, Q>,
    ) -> Result<(), RunError> {
        let now = schedule.now();
        match event {
            FleetEvent::ScenarioChange { index } => self.change(index),
            FleetEvent::TrafficArrives { index } => self.traffic_arrives(index, schedule)?,
            FleetEvent::StretchDone { group } => self.stretch_done(group as usize, schedule)?,
            FleetEvent::Sweep => {
                self.powers.sweep(&mut self.sweep, &self.inlet, &self.model.layout, now);
                schedule.after(self.model.fleet.sweep, FleetEvent::Sweep);
            }
            FleetEvent::Governors => {
                self.look(now)?;
                schedule.after(self.model.governor_period, FleetEvent::Governors);
            }
            FleetEvent::Cooling => {
                let period = self.refresh_cooling(now);
                schedule.after(period, FleetEvent::Cooling);
            }
            FleetEvent::Poll => {
                self.poll(now)?;
                schedule.at(self.next_poll(now), FleetEvent::Poll);
            }
            FleetEvent::Window => {
                self.close_window(now)?;
                schedule.trace(self.record.gpu_joules.to_bits());
                schedule.after(self.model.fleet.window, FleetEvent::Window);
            }
            FleetEvent::End => self.end(now)?,
        }
        Ok(())
    }
}

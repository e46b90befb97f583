//! A fleet as a run: the engine and its world.

use std::fmt;
use std::sync::Arc;

use super::event::FleetEvent;
use super::group::Group;
use super::model::FleetModel;
use super::world::FleetWorld;
use crate::engine::{Engine, EngineError, Step};
use crate::population::{GateSample, Population};
use crate::profiler::{Clock, Profiler, Spent};
use crate::record::RunRecord;
use crate::router::{ClusterView, Router};
use crate::routing::Routing;
use crate::telemetry::{Sample, TelemetrySource};
use crate::tier::TierSpec;
use crate::time::SimTime;
use crate::world::RunError;

/// The router of one group, for all of its layers.
pub struct GroupRouter {
    /// It serves every layer of the model; see [`PerLayer`](crate::router::PerLayer).
    pub router: Box<dyn Router>,
    /// Whether it is the plain top-k of the gate, which learns nothing and whose rule never changes.
    pub is_reference: bool,
}

/// A fleet under way.
pub struct FleetRun {
    engine: Engine<FleetEvent>,
    world: FleetWorld,
}

impl FleetRun {
    /// A fleet at its beginning: a router for every group, and for every layer the sample that stands for its gate's law. The first reading of the
    /// hardware is taken here.
    ///
    /// # Errors
    /// [`RunError`] if the telemetry source fails, or a router at its first rule.
    pub fn new(
        model: Arc<FleetModel>,
        tier: &TierSpec,
        samples: &[Arc<GateSample>],
        routers: Vec<GroupRouter>,
        telemetry: Box<dyn TelemetrySource>,
    ) -> Result<Self, RunError> {
        let fresh: Vec<Population> = samples.iter().map(|sample| Population::new(Arc::clone(sample), tier)).collect();
        let mut plain: Option<Vec<Population>> = None;
        let mut groups = Vec::with_capacity(routers.len());
        for GroupRouter { mut router, is_reference } in routers {
            let populations = match (is_reference, &plain) {
                (false, _) => fresh.clone(),
                (true, Some(known)) => known.clone(),
                // What the gate alone does is the same in every group: worked out once.
                (true, None) => plain.insert(applied(&fresh, router.as_mut(), &model)?).clone(),
            };
            groups.push(Group::new(router, populations, !is_reference, model.experts as usize));
        }
        let mut run = Self { engine: Engine::default(), world: FleetWorld::new(model, groups, telemetry) };
        let engine = &mut run.engine;
        run.world.first_events(|at, event| engine.schedule(at, event))?;
        Ok(run)
    }

    /// Handles up to `events` events; whether the run is over.
    ///
    /// # Errors
    /// [`EngineError`]; the run must not be continued after one.
    pub fn advance(&mut self, events: u64) -> Result<bool, EngineError<RunError>> {
        for _ in 0..events {
            if self.world.finished || self.engine.step(&mut self.world, &mut ())? != Step::Handled {
                return Ok(true);
            }
        }
        Ok(self.world.finished)
    }

    /// Lets a profiler with this clock watch the fleet from here on; what it finds is [`FleetRun::spent`]. The run is the same run.
    #[must_use]
    pub fn profiled_by(mut self, clock: Arc<dyn Clock>) -> Self {
        self.world.profiler = Some(Box::new(Profiler::new(clock, &FleetEvent::NAMES)));
        self
    }

    /// What the events have taken; `None` where nobody watches.
    #[must_use]
    pub fn spent(&self) -> Option<Spent> {
        self.world.profiler.as_ref().map(|profiler| profiler.spent())
    }

    /// Simulated time reached.
    #[must_use]
    pub fn now(&self) -> SimTime {
        self.engine.now()
    }

    /// Batches of the scenario that have arrived; in a closed loop those that every group has served.
    #[must_use]
    pub fn completed(&self) -> usize {
        if self.world.model.is_closed() {
            return self.world.groups.iter().map(|group| group.next_batch as usize).min().unwrap_or(0);
        }
        self.world.arrived as usize
    }

    /// Columns the physics sweep steps, and the GPUs they stand for.
    #[must_use]
    pub fn cohorts(&self) -> (usize, usize) {
        (self.world.sweep.columns(), self.world.sweep.gpus())
    }

    /// The record; complete once the run is over.
    #[must_use]
    pub fn record(&self) -> RunRecord {
        let mut record = self.world.record.clone();
        record.fleet = Some(Box::new(self.world.fleet.clone()));
        record.trace = self.engine.trace().get();
        record.events = self.engine.handled();
        record
    }
}

/// Populations under the rule that a router has before anything was read.
fn applied(fresh: &[Population], router: &mut dyn Router, model: &FleetModel) -> Result<Vec<Population>, RunError> {
    let mut routing = Routing::new(model.experts as usize, model.top_k as usize);
    let unread = vec![Sample::default(); model.gpus_of_group()];
    let mut populations = fresh.to_vec();
    for (layer, population) in (0..).zip(&mut populations) {
        let view = ClusterView::empty()
            .with_declared_costs(&model.declared_costs)
            .at(SimTime::ZERO, crate::id::BatchId(0), &model.placement, &unread)
            .in_layer(layer);
        population.apply(router, &view, &mut routing)?;
    }
    Ok(populations)
}

impl fmt::Debug for FleetRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FleetRun").field("now", &self.now()).finish_non_exhaustive()
    }
}

//! What a sweep has to do, found out without doing any of it.

use std::collections::BTreeSet;
use std::ops::Range;

use isotherm_core::scenario::WorldPlan;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Axis;
use crate::execute::{self, Comparison};
use crate::fault::Fault;
use crate::sweep::Points;

/// Work of all points together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Work {
    /// Runs: each router at each point.
    pub(crate) runs: u64,
    /// Batches of all runs.
    pub(crate) batches: u64,
    /// Tokens of all runs.
    pub(crate) tokens: u64,
    /// What that takes one core, from what such work took elsewhere (s). A guess within a factor of some three.
    pub(crate) core_seconds: f64,
}

/// Seconds of one core for a gate value, a token's logit for one expert in one layer: drawn once a point, looked at by each router.
/// From the classic scenario and deepseek-like.toml on one core of a server of 2024.
const PER_LOGIT_DRAWN: f64 = 10e-9;
const PER_LOGIT_ROUTED: f64 = 2.5e-9;
/// The same for a batch of a run with everything that happens in it.
const PER_BATCH: f64 = 25e-6;

/// Worlds that are read at a time.
const AT_ONCE: usize = 1024;

impl Work {
    /// Reads and checks every world, and counts. The first seed of a world stands for its others. The axes are those that the worlds show.
    ///
    /// # Errors
    /// The faults of the first world that has any.
    pub(super) fn of(points: &Points) -> Result<(Self, Vec<Axis>), Fault> {
        let (mut sum, mut axes) = (Self::default(), Axes::default());
        let first = execute::first_tokens(&points.part(0, 0..1)?.file)?;
        let mut worlds = points.by_world(0..points.count());
        loop {
            let some: Vec<_> = worlds.by_ref().take(AT_ONCE).collect();
            if some.is_empty() {
                return Ok((sum, axes.all));
            }
            let read: Vec<Result<(Self, WorldPlan), Fault>> =
                some.into_par_iter().map(|(world, seeds)| Self::of_world(points, world, &seeds, &first)).collect();
            // Added up in their order: a sum of reals is the same for any number of threads.
            for of_world in read {
                let (work, plan) = of_world?;
                sum.add(&work);
                axes.add(&plan);
            }
        }
    }

    fn of_world(
        points: &Points,
        world: usize,
        seeds: &Range<usize>,
        first_tokens: &str,
    ) -> Result<(Self, WorldPlan), Fault> {
        let mut part = points.part(world, seeds.start..seeds.start + 1)?;
        let plan = &part.file.plan.worlds[0];
        if plan.scenario.telemetry.is_live() {
            return Err(Fault::Usage(
                "a sweep cannot be planned over live telemetry: its runs go one after the other on this machine\n  = help: use `isotherm run`".to_owned(),
            ));
        }
        Comparison::prepare_points(&part.file, &part.local)?;
        execute::same_tokens_as(first_tokens, &part.file, 0)?;
        let arrivals = execute::arrivals(&part.file, 0, plan.scenario.seed)?;
        let tokens: u64 = arrivals.iter().map(|batch| u64::from(batch.tokens)).sum();
        let model = plan.scenario.model;
        let logits = tokens as f64 * f64::from(model.experts) * f64::from(model.layers);
        let (routers, points) = (plan.variants.len() as u64, seeds.len() as u64);
        let (runs, batches) = (routers * points, routers * points * arrivals.len() as u64);
        let per_point = logits * (PER_LOGIT_DRAWN + routers as f64 * PER_LOGIT_ROUTED);
        let core_seconds = points as f64 * per_point + batches as f64 * f64::from(model.layers) * PER_BATCH;
        let work = Self { runs, batches, tokens: runs * tokens, core_seconds };
        Ok((work, part.file.plan.worlds.swap_remove(0)))
    }

    fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.batches += other.batches;
        self.tokens += other.tokens;
        self.core_seconds += other.core_seconds;
    }
}

/// The axes that occur in some worlds.
#[derive(Default)]
struct Axes {
    all: Vec<Axis>,
    /// Position of an axis and one of its values.
    seen: BTreeSet<(usize, String)>,
}

impl Axes {
    fn add(&mut self, world: &WorldPlan) {
        for at in world.point.iter().chain(world.variants.iter().flat_map(|variant| &variant.point)) {
            let axis = self.all.iter().position(|axis| axis.key == at.axis).unwrap_or_else(|| {
                self.all.push(Axis { key: at.axis.clone(), values: Vec::new() });
                self.all.len() - 1
            });
            if self.seen.insert((axis, at.value.clone())) {
                self.all[axis].values.push(at.value.clone());
            }
        }
    }
}

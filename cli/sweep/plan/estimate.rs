//! What a sweep has to do, found out without doing any of it.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

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

impl Work {
    /// Reads and checks every world, and counts. The first seed of a world stands for its others.
    ///
    /// # Errors
    /// The faults of the first world that has any.
    pub(crate) fn of(points: &Points) -> Result<Self, Fault> {
        const AT_ONCE: usize = 1024;
        let mut sum = Self::default();
        let worlds = points.by_world(0..points.count());
        for some in worlds.chunks(AT_ONCE) {
            // Added up in their order: a sum of reals is the same for any number of threads.
            let works: Vec<Result<Self, Fault>> =
                some.par_iter().map(|(world, seeds)| Self::of_world(points, *world, seeds)).collect();
            for work in works {
                sum.add(&work?);
            }
        }
        Ok(sum)
    }

    fn of_world(points: &Points, world: usize, seeds: &std::ops::Range<usize>) -> Result<Self, Fault> {
        let part = points.part(world, seeds.start..seeds.start + 1)?;
        let comparison = Comparison::prepare_points(&part.file, &part.local)?;
        let Some(run) = comparison.runs().first() else { return Ok(Self::default()) };
        let plan = &part.file.plan.worlds[run.world];
        if plan.scenario.telemetry.is_live() {
            return Err(Fault::Usage(
                "a sweep cannot be planned over live telemetry: its runs go one after the other on this machine\n  = help: use `isotherm run`".to_owned(),
            ));
        }
        let arrivals = execute::arrivals(&part.file, run.world, run.seed)?;
        let tokens: u64 = arrivals.iter().map(|batch| u64::from(batch.tokens)).sum();
        let model = plan.scenario.model;
        let logits = tokens as f64 * f64::from(model.experts) * f64::from(model.layers);
        let (routers, points) = (plan.variants.len() as u64, seeds.len() as u64);
        let (runs, batches) = (routers * points, routers * points * arrivals.len() as u64);
        let per_point = logits * (PER_LOGIT_DRAWN + routers as f64 * PER_LOGIT_ROUTED);
        Ok(Self {
            runs,
            batches,
            tokens: runs * tokens,
            core_seconds: points as f64 * per_point + batches as f64 * f64::from(model.layers) * PER_BATCH,
        })
    }

    fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.batches += other.batches;
        self.tokens += other.tokens;
        self.core_seconds += other.core_seconds;
    }
}

//! What a sweep has to do, found out without doing any of it.

use std::ops::Range;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::execute;
use crate::fault::Fault;
use crate::scenario_file::ScenarioFile;
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
    /// What that takes one core, from what such work took elsewhere (s). A guess: half or double is as likely.
    pub(crate) core_seconds: f64,
    /// Whether some world is live: its runs go by the clock and by the hardware of this machine.
    #[serde(skip)]
    pub(crate) live: bool,
}

/// Seconds of one core for a token's logit for one expert in one layer: drawn once a point, looked at by each router. Chosen so that
/// classic.toml, frontier.toml, drift.toml and deepseek-like.toml come out within a factor of two on one core of a server.
const PER_LOGIT_DRAWN: f64 = 10e-9;
const PER_LOGIT_ROUTED: f64 = 4e-9;
/// The same for a batch of a run in one layer, with everything that happens in it.
const PER_BATCH: f64 = 60e-6;

/// Worlds that one thread reads at a time: faults of so many are shown together.
const WORLDS: usize = 64;
/// Such stretches that are read before they are added up.
const AT_ONCE: usize = 64;

impl Work {
    /// Reads and checks every world, and counts. The first seed of a world stands for its others.
    ///
    /// # Errors
    /// The faults of the first worlds that have any.
    pub(crate) fn of(points: &Points) -> Result<Self, Fault> {
        let mut sum = Self::default();
        let first = execute::first_tokens(&points.worlds_of(0..1)?)?;
        let stretches: Vec<usize> = (0..points.worlds()).step_by(WORLDS).collect();
        for some in stretches.chunks(AT_ONCE) {
            let works: Vec<Result<Self, Fault>> = some
                .par_iter()
                .map(|start| Self::of_worlds(points, *start..points.worlds().min(start + WORLDS), &first))
                .collect();
            // Added up in their order: a sum of reals is the same for any number of threads.
            works.into_iter().try_for_each(|work| {
                sum.add(&work?);
                Ok(())
            })?;
        }
        Ok(sum)
    }

    fn of_worlds(points: &Points, worlds: Range<usize>, first_tokens: &str) -> Result<Self, Fault> {
        let file = points.worlds_of(worlds)?;
        let mut sum = Self::default();
        for world in 0..file.plan.worlds.len() {
            execute::check_world(&file, world)?;
            execute::same_tokens_as(first_tokens, &file, world)?;
            sum.add(&Self::of_world(&file, world)?);
        }
        Ok(sum)
    }

    fn of_world(file: &ScenarioFile, world: usize) -> Result<Self, Fault> {
        let plan = &file.plan.worlds[world];
        let arrivals = execute::arrivals(file, world, plan.scenario.seed)?;
        let tokens: u64 = arrivals.iter().map(|batch| u64::from(batch.tokens)).sum();
        let model = plan.scenario.model;
        let logits = tokens as f64 * f64::from(model.experts) * f64::from(model.layers);
        let (routers, points) = (plan.variants.len() as u64, u64::from(plan.scenario.seeds));
        let (runs, batches) = (routers * points, routers * points * arrivals.len() as u64);
        let per_point = logits * (PER_LOGIT_DRAWN + routers as f64 * PER_LOGIT_ROUTED);
        let core_seconds = points as f64 * per_point + batches as f64 * f64::from(model.layers) * PER_BATCH;
        Ok(Self { runs, batches, tokens: runs * tokens, core_seconds, live: plan.scenario.telemetry.is_live() })
    }

    fn add(&mut self, other: &Self) {
        self.live |= other.live;
        self.runs += other.runs;
        self.batches += other.batches;
        self.tokens += other.tokens;
        self.core_seconds += other.core_seconds;
    }
}

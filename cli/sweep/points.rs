//! The points of a sweep: worlds at a seed, world after world, read as they are needed.

use std::ops::Range;
use std::sync::Arc;

use super::plan::Axis;
use crate::execute::Run;
use crate::fault::Fault;
use crate::scenario_file::ScenarioFile;

/// All points of a scenario, in their order.
#[derive(Debug)]
pub(crate) struct Points {
    file: Arc<ScenarioFile>,
    /// The first point of each world, and one past the last of all.
    first: Vec<usize>,
}

/// Some points of one world, and a scenario in which they can be run.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// The scenario; its plan need not have other worlds.
    pub(crate) file: Arc<ScenarioFile>,
    /// The points as that plan counts them.
    pub(crate) local: Range<usize>,
    /// The points as the sweep counts them.
    pub(crate) points: Range<usize>,
    /// Seed of the first of them.
    seed: u64,
}

impl Points {
    /// The points of a scenario.
    pub(crate) fn of(file: ScenarioFile) -> Self {
        let mut first = vec![0];
        let mut next = 0;
        for world in &file.plan.worlds {
            next += world.scenario.seeds as usize;
            first.push(next);
        }
        Self { file: Arc::new(file), first }
    }

    /// The scenario itself: its identity, and what all its worlds share.
    pub(crate) fn file(&self) -> &ScenarioFile {
        &self.file
    }

    /// The swept keys with their values, in the order in which they occur.
    pub(crate) fn axes(&self) -> Vec<Axis> {
        let mut axes: Vec<Axis> = Vec::new();
        for world in &self.file.plan.worlds {
            for at in world.point.iter().chain(world.variants.iter().flat_map(|variant| &variant.point)) {
                let known = axes.iter().position(|axis| axis.key == at.axis).unwrap_or_else(|| {
                    axes.push(Axis { key: at.axis.clone(), values: Vec::new() });
                    axes.len() - 1
                });
                if !axes[known].values.contains(&at.value) {
                    axes[known].values.push(at.value.clone());
                }
            }
        }
        axes
    }

    /// Number of worlds.
    pub(crate) fn worlds(&self) -> usize {
        self.first.len() - 1
    }

    /// Number of points.
    pub(crate) fn count(&self) -> usize {
        self.first[self.worlds()]
    }

    /// `points` cut where worlds begin: the position of each world and its points.
    pub(crate) fn by_world(&self, points: Range<usize>) -> Vec<(usize, Range<usize>)> {
        let mut cut = Vec::new();
        let mut at = points.start;
        while at < points.end {
            let world = self.first.partition_point(|first| *first <= at) - 1;
            let end = self.first[world + 1].min(points.end);
            cut.push((world, at..end));
            at = end;
        }
        cut
    }

    /// The points of one world in a scenario of their own.
    ///
    /// # Errors
    /// [`Fault::Scenario`] for a world that makes no sense.
    pub(crate) fn part(&self, world: usize, points: Range<usize>) -> Result<Part, Fault> {
        let seed = self.file.plan.worlds[world].scenario.seed.wrapping_add((points.start - self.first[world]) as u64);
        Ok(Part { file: Arc::clone(&self.file), local: points.clone(), points, seed })
    }
}

impl Part {
    /// The point of one of its runs.
    pub(crate) fn point_of(&self, run: &Run) -> usize {
        self.points.start + run.seed.wrapping_sub(self.seed) as usize
    }
}

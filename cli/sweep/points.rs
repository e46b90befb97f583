//! The points of a sweep: worlds at a seed, world after world, read as they are needed.

use std::ops::Range;
use std::path::Path;

use crate::execute::Run;
use crate::fault::Fault;
use crate::scenario_file::{Overrides, ScenarioFile, SweepFile};

/// All points of a scenario, in their order.
#[derive(Debug)]
pub(crate) struct Points {
    file: SweepFile,
    seeds: Seeds,
}

/// How many seeds worlds have.
#[derive(Debug)]
enum Seeds {
    /// All the same.
    Each(usize),
    /// Where the sweep is over their number: the first point of each world, and one past the last of all.
    Swept(Vec<usize>),
}

/// Some points of one world, and a scenario in which they can be run.
#[derive(Debug)]
pub(crate) struct Part {
    /// The scenario; the world is the only one of its plan.
    pub(crate) file: ScenarioFile,
    /// Position of the world in the sweep.
    pub(crate) world: usize,
    /// The points as that plan counts them.
    pub(crate) local: Range<usize>,
    /// The points as the sweep counts them.
    pub(crate) points: Range<usize>,
}

impl Points {
    /// Reads a scenario file. Only the first world is checked; the others are when they are asked for.
    ///
    /// # Errors
    /// As [`ScenarioFile::read_lazily`].
    pub(crate) fn read(path: &Path, overrides: &Overrides<'_>) -> Result<Self, Fault> {
        Self::of(ScenarioFile::read_lazily(path, overrides)?)
    }

    /// The points of a scenario that has been read.
    ///
    /// # Errors
    /// [`Fault::Scenario`] where the sweep is over the number of seeds, so that every world has to be looked at.
    pub(crate) fn of(file: SweepFile) -> Result<Self, Fault> {
        let first = file.world(0)?;
        let seeds = if first.point.iter().any(|at| at.axis == "seeds") {
            let mut starts = vec![0];
            for world in 0..file.worlds() {
                starts.push(starts[world] + file.world(world)?.scenario.seeds as usize);
            }
            Seeds::Swept(starts)
        } else {
            Seeds::Each(first.scenario.seeds as usize)
        };
        Ok(Self { file, seeds })
    }

    /// The scenario itself: its identity, and what all its worlds share.
    pub(crate) fn file(&self) -> &SweepFile {
        &self.file
    }

    /// The same with the identity that results already have.
    pub(crate) fn file_mut(&mut self) -> &mut SweepFile {
        &mut self.file
    }

    /// Number of worlds.
    pub(crate) fn worlds(&self) -> usize {
        self.file.worlds()
    }

    /// Number of points.
    pub(crate) fn count(&self) -> usize {
        self.first(self.worlds())
    }

    fn first(&self, world: usize) -> usize {
        match &self.seeds {
            Seeds::Each(seeds) => world * seeds,
            Seeds::Swept(first) => first[world],
        }
    }

    fn world_of(&self, point: usize) -> usize {
        match &self.seeds {
            Seeds::Each(seeds) => point / seeds,
            Seeds::Swept(first) => first.partition_point(|first| *first <= point) - 1,
        }
    }

    /// `points` cut where worlds begin: the position of each world and its points.
    pub(crate) fn by_world(&self, points: Range<usize>) -> impl Iterator<Item = (usize, Range<usize>)> + '_ {
        let mut at = points.start;
        std::iter::from_fn(move || {
            if at >= points.end {
                return None;
            }
            let world = self.world_of(at);
            let of_world = at..self.first(world + 1).min(points.end);
            at = of_world.end;
            Some((world, of_world))
        })
    }

    /// Points of one world in a scenario of their own.
    ///
    /// # Errors
    /// [`Fault::Scenario`] for a world that makes no sense.
    pub(crate) fn part(&self, world: usize, points: Range<usize>) -> Result<Part, Fault> {
        let first = self.first(world);
        let local = points.start - first..points.end - first;
        Ok(Part { file: self.file.part(world..world + 1)?, world, local, points })
    }
}

impl Part {
    /// The point of one of its runs.
    pub(crate) fn point_of(&self, run: &Run) -> usize {
        let first_seed = self.file.plan.worlds[0].scenario.seed;
        self.points.start - self.local.start + run.seed.wrapping_sub(first_seed) as usize
    }
}

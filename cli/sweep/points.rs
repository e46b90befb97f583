//! The points of a sweep: worlds at a seed, world after world, read as they are needed.

use std::ops::Range;
use std::path::Path;

use isotherm_core::scenario::Plan;

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
    /// [`Fault::Scenario`] where the sweep is over the number of seeds and gives something else.
    pub(crate) fn of(file: SweepFile) -> Result<Self, Fault> {
        let seeds = if file.axes().iter().any(|axis| axis.name() == SEEDS) {
            let mut first = vec![0];
            for world in 0..file.worlds() {
                let swept = file.point(world).into_iter().find(|at| at.axis == SEEDS);
                let seeds = swept.and_then(|at| at.value.parse().ok());
                // What is no number of seeds is a fault of that world, which says so.
                first.push(first[world] + seeds.map_or_else(|| seeds_of(&file, world), Ok)?);
            }
            Seeds::Swept(first)
        } else {
            Seeds::Each(seeds_of(&file, 0)?)
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
        let plan = Plan { worlds: vec![self.file.world(world)?] };
        let (data_files, plugins) = (self.file.data_files.clone(), self.file.plugins.clone());
        // The resolved text of a sweep is as long as its axes, and nobody asks a part for it.
        let file = ScenarioFile { plan, resolved: String::new(), data_files, plugins, hash: self.file.hash.clone() };
        Ok(Part { file, world, local, points })
    }

    /// Worlds as a scenario of their own, which says of itself what the whole says.
    ///
    /// # Errors
    /// [`Fault::Scenario`] for worlds that make no sense.
    pub(crate) fn worlds_of(&self, worlds: Range<usize>) -> Result<ScenarioFile, Fault> {
        self.file.part(worlds)
    }
}

/// The key that says how many seeds there are.
const SEEDS: &str = "seeds";

fn seeds_of(file: &SweepFile, world: usize) -> Result<usize, Fault> {
    Ok(file.world(world)?.scenario.seeds as usize)
}

impl Part {
    /// The point of one of its runs.
    pub(crate) fn point_of(&self, run: &Run) -> usize {
        let first_seed = self.file.plan.worlds[0].scenario.seed;
        self.points.start - self.local.start + run.seed.wrapping_sub(first_seed) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execute::Comparison;

    fn points(sweep: &str) -> Points {
        let text = format!(
            "schema_version = 1
name = \"tiny\"
seeds = 3
seed = 40
model = {{ experts = 4, top_k = 1 }}
workload = {{ kind = \"gaussian\", sigma = 1.0 }}
arrivals = {{ kind = \"closed-loop\", batches = 1, tokens = 4 }}
costs = {{ kind = \"table\", hot = [3], cold_joules = 0.5, hot_joules = 2.0 }}
hardware = {{ gpus = 4 }}
telemetry = {{ kind = \"fixed\", temperatures = [\"0 degC\", \"0 degC\", \"0 degC\", \"70 degC\"] }}
router = [{{ kind = \"baseline\" }}]
[sweep]
{sweep}"
        );
        let file = ScenarioFile::lazily_from_text("tiny.toml", &text, Path::new("."), &Overrides::default());
        Points::of(file.unwrap()).unwrap()
    }

    #[test]
    fn points_are_worlds_at_their_seeds_in_order() {
        for (sweep, first, count) in [
            ("\"arrivals.tokens\" = [4, 8, 16]", vec![0, 3, 6], 9),
            ("\"seeds\" = [2, 5, 1]", vec![0, 2, 7], 8),
            ("\"seed\" = [7, 9]", vec![0, 3], 6),
        ] {
            let points = points(sweep);
            assert_eq!((points.count(), points.worlds()), (count, first.len()), "{sweep}");
            let cut: Vec<_> = points.by_world(1..count).collect();
            assert_eq!(cut.iter().map(|(_, of_world)| of_world.start).collect::<Vec<_>>()[1..], first[1..]);
            assert!(cut.iter().flat_map(|(_, of_world)| of_world.clone()).eq(1..count));
            for (world, of_world) in cut {
                let part = points.part(world, of_world.clone()).unwrap();
                let listed = Comparison::list_points(&part.file, &part.local).unwrap();
                assert!(listed.runs().iter().map(|run| part.point_of(run)).eq(of_world), "{sweep}: world {world}");
            }
        }
    }
}

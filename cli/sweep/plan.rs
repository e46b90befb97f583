//! The frozen plan: resolved once, the same for every task, and refused where anything it rests on has changed.

use std::ops::Range;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Points;
use super::plan::estimate::Work;
use crate::fault::Fault;
use crate::scenario_file::{DataFile, UsedPlugin};

pub(crate) mod estimate;
mod folder;
mod identity;

pub(crate) use folder::PlanFolder;

/// Version of the form of `plan.json`; it grows when a key changes its meaning or goes away.
const PLAN_VERSION: u32 = 1;

/// Into how many chunks a sweep is cut where nobody says so, at most: enough for the tasks of a small cluster.
const MOST_CHUNKS: usize = 100;

/// `plan.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SweepPlan {
    /// Form of this file.
    pub(crate) schema_version: u32,
    /// Version of isotherm that planned, and the only one that may work on it.
    pub(crate) isotherm: String,
    /// Name of the scenario.
    pub(crate) scenario: String,
    /// SHA-256 over everything that decides the results but the plugins.
    pub(crate) scenario_hash: String,
    /// Data files the scenario names, with their hashes.
    pub(crate) data_files: Vec<DataFile>,
    /// Plugin libraries that it uses, with their versions and hashes.
    pub(crate) plugins: Vec<UsedPlugin>,
    /// SHA-256 of `scenario.frozen.toml`.
    pub(crate) frozen_sha256: String,
    /// Where relative paths start from: the folder in which it was planned.
    pub(crate) working_directory: PathBuf,
    /// The swept keys with all their values.
    pub(crate) axes: Vec<Axis>,
    /// Combinations of the axes that are not about routers.
    pub(crate) worlds: usize,
    /// Worlds at each of their seeds.
    pub(crate) points: usize,
    /// Number of chunks; their sizes differ by one point at most.
    pub(crate) chunks: usize,
    /// What there is to do.
    #[serde(flatten)]
    pub(crate) work: Work,
}

/// A swept key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Axis {
    /// Its path in the scenario.
    pub(crate) key: String,
    /// Its values as text.
    pub(crate) values: Vec<String>,
}

impl Axis {
    fn of(axis: &isotherm_core::scenario::Axis) -> Self {
        Self { key: axis.name(), values: (0..axis.values.len()).map(|index| axis.value(index).value).collect() }
    }
}

/// How a sweep is cut into chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Into so many, or into one for each point if that is less.
    Chunks(usize),
    /// Into as few as hold so many points at most.
    PointsPerTask(usize),
    /// As it seems fit.
    Fit,
}

impl Cut {
    /// Into how many chunks so many points are cut.
    pub(crate) fn chunks(self, points: usize) -> usize {
        match self {
            Self::Chunks(chunks) => chunks.clamp(1, points.max(1)),
            Self::PointsPerTask(size) => points.div_ceil(size.max(1)),
            Self::Fit => points.clamp(1, MOST_CHUNKS),
        }
    }
}

impl SweepPlan {
    /// Plans a sweep: every world is read and checked, nothing is simulated.
    ///
    /// # Errors
    /// The faults of any world.
    pub(crate) fn of(points: &Points, cut: Cut, working_directory: PathBuf) -> Result<Self, Fault> {
        let file = points.file();
        let work = Work::of(points)?;
        if work.live {
            return Err(Fault::Usage(
                "a sweep cannot be planned over live telemetry: its runs go one after the other on this machine\n  = help: use `isotherm run`".to_owned(),
            ));
        }
        Ok(Self {
            schema_version: PLAN_VERSION,
            isotherm: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: file.world(0)?.scenario.name,
            scenario_hash: file.hash.clone(),
            data_files: file.data_files.clone(),
            plugins: file.plugins.clone(),
            frozen_sha256: identity::digest(&file.frozen),
            working_directory,
            axes: file.axes().iter().map(Axis::of).collect(),
            worlds: points.worlds(),
            points: points.count(),
            chunks: cut.chunks(points.count()),
            work,
        })
    }

    /// The points of a chunk.
    pub(crate) fn chunk(&self, chunk: usize) -> Range<usize> {
        let first = |chunk: usize| chunk * self.points / self.chunks;
        first(chunk)..first(chunk + 1)
    }

    /// The name of a chunk, under which its files stand.
    pub(crate) fn chunk_name(chunk: usize) -> String {
        format!("chunk-{chunk:06}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_cover_all_points_once_in_order_and_evenly() {
        for (points, cut, chunks) in [
            (10, Cut::Chunks(4), 4),
            (10, Cut::Chunks(6), 6),
            (3, Cut::Chunks(8), 3),
            (10, Cut::PointsPerTask(3), 4),
            (100_000, Cut::PointsPerTask(999), 101),
            (7, Cut::Fit, 7),
            (100_000, Cut::Fit, 100),
        ] {
            let plan = SweepPlan { points, chunks: cut.chunks(points), ..empty() };
            assert_eq!(plan.chunks, chunks, "{points} {cut:?}");
            let ranges: Vec<Range<usize>> = (0..chunks).map(|chunk| plan.chunk(chunk)).collect();
            assert!(ranges.iter().flat_map(Clone::clone).eq(0..points));
            let sizes = ranges.iter().map(ExactSizeIterator::len);
            assert!(sizes.clone().max().unwrap() - sizes.min().unwrap() <= 1);
            if let Cut::PointsPerTask(most) = cut {
                assert!(ranges.iter().all(|range| range.len() <= most));
            }
        }
    }

    fn empty() -> SweepPlan {
        SweepPlan {
            schema_version: PLAN_VERSION,
            isotherm: String::new(),
            scenario: String::new(),
            scenario_hash: String::new(),
            data_files: Vec::new(),
            plugins: Vec::new(),
            frozen_sha256: String::new(),
            working_directory: PathBuf::new(),
            axes: Vec::new(),
            worlds: 0,
            points: 0,
            chunks: 0,
            work: Work::default(),
        }
    }
}

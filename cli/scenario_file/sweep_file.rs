//! A scenario whose worlds are worked out when they are asked for, for sweeps that are too large to be held.

use std::ops::Range;

use isotherm_core::scenario::{Points, WorldPlan};

use super::draft::{Draft, Identity};
use super::{DataFile, ScenarioFile, UsedPlugin};
use crate::fault::Fault;

/// A sweep that has been read: its axes and its first world are in order, the other worlds are looked at when they are asked for.
///
/// May be shared by threads.
///
/// ```no_run
/// use isotherm::scenario_file::{Overrides, ScenarioFile};
/// let sweep = ScenarioFile::read_lazily("scenarios/classic.toml".as_ref(), &Overrides::default())?;
/// for world in 0..sweep.worlds() {
///     let part = sweep.part(world..world + 1)?;
///     assert_eq!((part.plan.worlds.len(), &part.hash), (1, &sweep.hash));
/// }
/// # Ok::<(), isotherm::fault::Fault>(())
/// ```
#[derive(Debug)]
pub struct SweepFile {
    draft: Draft,
    points: Points,
    /// As in the [`ScenarioFile`] of the whole.
    pub resolved: String,
    /// As in the [`ScenarioFile`] of the whole.
    pub data_files: Vec<DataFile>,
    /// As in the [`ScenarioFile`] of the whole.
    pub plugins: Vec<UsedPlugin>,
    /// As in the [`ScenarioFile`] of the whole.
    pub hash: String,
}

impl SweepFile {
    pub(super) fn of(draft: Draft) -> Result<Self, Fault> {
        let points = draft.read(|tree, plugins| Points::read_with(tree, plugins))?;
        let first = draft.read(|_, plugins| points.world(0, plugins))?;
        let Identity { resolved, data_files, plugins, hash } = draft.identity(&first)?;
        Ok(Self { draft, points, resolved, data_files, plugins, hash })
    }

    /// How many worlds there are; at least one.
    #[must_use]
    pub fn worlds(&self) -> usize {
        self.points.worlds()
    }

    /// The world at a position below [`SweepFile::worlds`].
    ///
    /// # Errors
    /// [`Fault::Scenario`] with all that is wrong at this point.
    pub fn world(&self, position: usize) -> Result<WorldPlan, Fault> {
        self.draft.read(|_, plugins| self.points.world(position, plugins))
    }

    /// The worlds at these positions as a scenario of their own, which is all that it has in its plan. Everything else is that of the whole,
    /// and so are the ids of its runs. What savings are measured against may be elsewhere: where `compare.baseline` is `first-point`, in
    /// [`SweepFile::world`] 0.
    ///
    /// # Errors
    /// [`Fault::Scenario`] with what is wrong at these points: all of it, but no more points than the first with twenty faults together.
    pub fn part(&self, positions: Range<usize>) -> Result<ScenarioFile, Fault> {
        let plan = self.draft.read(|_, plugins| self.points.select(positions, plugins))?;
        Ok(ScenarioFile {
            plan,
            resolved: self.resolved.clone(),
            data_files: self.data_files.clone(),
            plugins: self.plugins.clone(),
            hash: self.hash.clone(),
        })
    }
}

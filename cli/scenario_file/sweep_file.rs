//! A scenario whose worlds are worked out when they are asked for, for sweeps that are too large to be held.

use std::ops::Range;

use isotherm_core::scenario::{Axis, AxisValue, Plan, Points, WorldPlan};

use super::draft::{Draft, Identity};
use super::{DataFile, ScenarioFile, UsedPlugin, libraries};
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
    /// A scenario that makes the same points with the same runs whenever it is read from the current directory: the one that was given, with
    /// the assignments of the command line, the sections of the hardware and the plugin libraries in it.
    pub frozen: String,
    /// As in the [`ScenarioFile`] of the whole.
    pub data_files: Vec<DataFile>,
    /// As in the [`ScenarioFile`] of the whole: also those that only some worlds use.
    pub plugins: Vec<UsedPlugin>,
    /// As in the [`ScenarioFile`] of the whole.
    pub hash: String,
}

impl SweepFile {
    pub(super) fn of(draft: Draft) -> Result<Self, Fault> {
        let points = draft.read(|tree, plugins| Points::read_with(tree, plugins))?;
        if draft.tree.at("sweep").is_some_and(libraries::asks_for_any) {
            // Which libraries a scenario uses is part of its identity.
            for position in points.showing_all() {
                draft.read(|_, plugins| points.world(position, plugins))?;
            }
        }
        let first = draft.read(|_, plugins| points.first_with_all_routers(plugins))?;
        let Identity { resolved, frozen, data_files, plugins, hash } = draft.identity(&first)?;
        Ok(Self { draft, points, resolved, frozen, data_files, plugins, hash })
    }

    /// The scenario whose plan this is.
    pub(super) fn with(&self, plan: Plan) -> ScenarioFile {
        ScenarioFile {
            plan,
            resolved: self.resolved.clone(),
            data_files: self.data_files.clone(),
            plugins: self.plugins.clone(),
            hash: self.hash.clone(),
        }
    }

    /// The axes, with all their values.
    #[must_use]
    pub fn axes(&self) -> &[Axis] {
        self.points.axes()
    }

    /// The values of the axes that make a world, without looking at anything else of it; empty beyond the last world.
    #[must_use]
    pub fn point(&self, position: usize) -> Vec<AxisValue> {
        self.points.point(position)
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
        Ok(self.with(plan))
    }
}

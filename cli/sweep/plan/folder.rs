//! The folder of a plan: filled once, opened by every task.

use std::path::{Path, PathBuf};

use super::{PLAN_VERSION, SweepPlan, identity};
use crate::fault::Fault;
use crate::results::write_atomically;
use crate::scenario_file::Overrides;
use crate::sweep::Points;

const PLAN: &str = "plan.json";
const SCENARIO: &str = "scenario.frozen.toml";

/// A folder with a plan in it.
#[derive(Clone, Debug)]
pub(crate) struct PlanFolder {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// What was planned.
    pub(crate) plan: SweepPlan,
}

impl PlanFolder {
    /// Freezes a plan. The second answer is false where the folder held it already.
    ///
    /// # Errors
    /// [`Fault::Unwritable`], [`Fault::OtherPlan`] if the folder holds another plan.
    pub(crate) fn freeze(path: &Path, plan: SweepPlan, frozen: &str) -> Result<(Self, bool), Fault> {
        std::fs::create_dir_all(path).map_err(|error| Fault::unwritable(path, error))?;
        if Self::is_at(path) {
            let folder = Self::open(path)?;
            identity::same_plan(path, &folder.plan, &plan)?;
            return Ok((folder, false));
        }
        let text = serde_json::to_string_pretty(&plan).map_err(|error| Fault::Internal(error.to_string()))?;
        write_atomically(&path.join(SCENARIO), frozen.as_bytes(), true)?;
        // The last: a folder with a plan is one.
        write_atomically(&path.join(PLAN), format!("{text}\n").as_bytes(), true)?;
        Ok((Self { path: path.to_owned(), plan }, true))
    }

    /// Whether there is a plan in a folder, a damaged one included.
    pub(crate) fn is_at(path: &Path) -> bool {
        path.join(PLAN).exists()
    }

    /// Opens a folder that [`PlanFolder::freeze`] has filled, from anywhere.
    ///
    /// # Errors
    /// [`Fault::Input`] if there is no plan in it, or one of another isotherm.
    pub(crate) fn open(path: &Path) -> Result<Self, Fault> {
        let file = path.join(PLAN);
        let text = std::fs::read_to_string(&file).map_err(|error| {
            Fault::Input(format!(
                "there is no plan in {}: {PLAN}: {error}\n  = help: make one with `isotherm sweep plan SCENARIO -o {}`",
                path.display(),
                path.display()
            ))
        })?;
        identity::same_isotherm(&file, &text, PLAN_VERSION)?;
        let plan = serde_json::from_str(&text)
            .map_err(|error| Fault::Input(format!("{} is damaged: {error}\n  = help: plan again", file.display())))?;
        // Tasks go to the folder that relative paths start from.
        let path = std::path::absolute(path).map_err(|error| Fault::Input(format!("{}: {error}", path.display())))?;
        Ok(Self { path, plan })
    }

    /// The points as they were planned, to be simulated: everything they rest on is as it was.
    ///
    /// # Errors
    /// [`Fault::Input`] with both digests where something has changed.
    pub(crate) fn points(&self) -> Result<Points, Fault> {
        let points = self.scenario()?;
        identity::unchanged(&self.plan, points.file())?;
        Ok(points)
    }

    /// The points as they were planned, for whoever has their results: data files need not be at hand any more.
    ///
    /// # Errors
    /// [`Fault::Input`] where the plan's own scenario has changed.
    pub(crate) fn points_of_results(&self) -> Result<Points, Fault> {
        let mut points = self.scenario()?;
        let file = points.file_mut();
        file.data_files.clone_from(&self.plan.data_files);
        file.plugins.clone_from(&self.plan.plugins);
        file.hash.clone_from(&self.plan.scenario_hash);
        Ok(points)
    }

    fn scenario(&self) -> Result<Points, Fault> {
        let scenario = self.path.join(SCENARIO);
        identity::same_text(&scenario, &self.plan.frozen_sha256)?;
        let from = &self.plan.working_directory;
        // Where nothing is opened it does not matter where paths start from.
        if !(self.plan.data_files.is_empty() && self.plan.plugins.is_empty()) {
            std::env::set_current_dir(from).map_err(|error| {
                Fault::Input(format!(
                    "the paths of the plan start from {}, which cannot be entered: {error}\n  = help: make it there, or plan again from a folder that all tasks see",
                    from.display()
                ))
            })?;
        }
        Points::read(&scenario, &Overrides::default())
    }

    /// Where the shards are.
    pub(crate) fn tasks(&self) -> PathBuf {
        self.path.join("tasks")
    }

    /// Where the journals are.
    pub(crate) fn journals(&self) -> PathBuf {
        self.path.join("journal")
    }
}

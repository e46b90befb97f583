//! A sweep as it goes to SLURM: an array of tasks, and a job behind it that merges.

use std::path::PathBuf;

use clap::ValueEnum;

use super::array::Array;
use super::request::Request;

/// Everything that is in the scripts of a submission.
#[derive(Clone, Debug)]
pub struct Job {
    /// The scenario's name.
    pub name: String,
    /// This program, by a path that is the same on all nodes.
    pub program: PathBuf,
    /// The folder of the plan, absolute.
    pub plan: PathBuf,
    /// What is left to do, in as many arrays as the cluster asks for.
    pub arrays: Vec<Array>,
    /// What every task is given.
    pub request: Request,
    /// When the merge job starts.
    pub after: After,
}

/// When the merge job may start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum After {
    /// When no task waits or runs any more, whatever became of them: it merges, or says what is missing.
    #[default]
    Any,
    /// When all tasks have done well; if one fails, it is cancelled.
    Ok,
}

impl After {
    /// The word of `sbatch --dependency`.
    #[must_use]
    pub fn dependency(self) -> &'static str {
        match self {
            Self::Any => "afterany",
            Self::Ok => "afterok",
        }
    }
}

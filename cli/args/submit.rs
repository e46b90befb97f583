//! The command line of `isotherm sweep submit`.

use std::path::PathBuf;

use clap::Args;

use super::Libraries;
use crate::slurm::{After, Request};

/// Options of `sweep submit`.
#[derive(Debug, Args)]
pub struct SweepSubmit {
    /// Scenario (TOML) to plan and submit, or the folder of a plan: then what is not done of it
    #[arg(value_name = "SCENARIO|PLAN")]
    pub what: PathBuf,
    /// To SLURM: an array of tasks, and a job behind it that merges and prints the table
    #[arg(long, required = true)]
    pub slurm: bool,
    /// Folder of the plan [default: results/NAME-sweep]
    #[arg(long, short, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Set any key of the scenario, for example --set seeds=20; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields are documented")]
    pub libraries: Libraries,
    /// Points of a task, at most [default: at most 100 tasks]; more where the cluster does not allow so many tasks
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub points_per_task: Option<u32>,
    #[command(flatten, next_help_heading = "What every task is given")]
    #[allow(missing_docs, reason = "its fields are documented")]
    pub request: Request,
    /// File of defaults for these flags (TOML), for example partition = "short"
    #[arg(long, value_name = "FILE")]
    pub slurm_options: Option<PathBuf>,
    /// When the merge job starts
    #[arg(long, value_name = "WHEN", default_value = "any", help_heading = "Submission")]
    pub after: After,
    /// Print the script of the tasks; write and submit nothing
    #[arg(long, conflicts_with = "test_only", help_heading = "Submission")]
    pub dry_run: bool,
    /// Ask SLURM when the tasks would start; submit nothing
    #[arg(long, help_heading = "Submission")]
    pub test_only: bool,
}

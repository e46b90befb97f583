//! The command line of `isotherm sweep`.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Libraries, SweepSubmit, resamples};

/// What to do with a sweep.
#[derive(Debug, Subcommand)]
pub enum Sweep {
    /// Freeze a plan in a folder: what there is to do, cut into chunks; nothing is simulated
    Plan(SweepPlan),
    /// Give a sweep to SLURM, or what is left of it: an array of tasks, and a job behind it that merges
    Submit(Box<SweepSubmit>),
    /// Do chunks of a plan: what a task of a cluster runs, on any machine, any number of times
    Work(SweepWork),
    /// Say what is done, running, failed, missing and damaged
    Status(SweepStatus),
    /// Put the results of all tasks together: the same bytes as `isotherm run` of the scenario
    Merge(SweepMerge),
    /// Put failed points back to what is still to do
    Retry(SweepRetry),
}

/// Options of `sweep plan`.
#[derive(Debug, Args)]
pub struct SweepPlan {
    /// Scenario file (TOML)
    #[arg(value_name = "SCENARIO")]
    pub scenario: PathBuf,
    /// Folder of the plan and of everything that is done of it; all tasks have to see it
    #[arg(long = "out", short = 'o', value_name = "DIR")]
    pub folder: PathBuf,
    /// Number of chunks, of one task each [default: 100, or one for each point]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000), conflicts_with = "points_per_task")]
    pub chunks: Option<u32>,
    /// Points of a chunk at most; a point is all routers at one point of the sweep with one seed
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub points_per_task: Option<u32>,
    /// Set any key of the scenario, for example --set seeds=20; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Print the plan as JSON instead of the table
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields are documented")]
    pub libraries: Libraries,
}

/// Options of `sweep work`.
#[derive(Debug, Args)]
pub struct SweepWork {
    /// Folder of a plan
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Chunks to do, for example 3 or 0-4,7; may be repeated [default: $SLURM_ARRAY_TASK_ID]
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = chunks)]
    pub chunk: Vec<RangeInclusive<usize>>,
    /// Do all chunks, one after the other
    #[arg(long, conflicts_with = "chunk")]
    pub all: bool,
    /// Threads to use; results do not depend on it [default: all cores that this process may use]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub threads: Option<u16>,
    /// Say nothing but what went wrong
    #[arg(long, short)]
    pub quiet: bool,
}

/// Options of `sweep status`.
#[derive(Debug, Args)]
pub struct SweepStatus {
    /// Folder of a plan
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `sweep merge`.
#[derive(Debug, Args)]
pub struct SweepMerge {
    /// Folder of a plan
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Results folder [default: DIR/results, or DIR/results-partial where points are missing]
    #[arg(long, value_name = "RESULTS")]
    pub out: Option<PathBuf>,
    /// Put together what there is, where points are missing
    #[arg(long)]
    pub partial: bool,
    /// Print the table of the result, of what there is where points are missing: the last job of a sweep
    #[arg(long)]
    pub report: bool,
    /// Also write the tables as CSV
    #[arg(long)]
    pub csv: bool,
    /// Replace what is in the results folder, also results of another scenario
    #[arg(long)]
    pub force: bool,
    /// Intervals from N bootstrap resamples instead of Student's t, for example 10000
    #[arg(long, value_name = "N", value_parser = resamples())]
    pub bootstrap: Option<u32>,
    /// Print the summary as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `sweep retry`.
#[derive(Debug, Args)]
pub struct SweepRetry {
    /// Folder of a plan
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Do them here and now
    #[arg(long)]
    pub run: bool,
    /// Threads to use with --run [default: all cores that this process may use]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512), requires = "run")]
    pub threads: Option<u16>,
}

/// `3` or `3-7`.
fn chunks(text: &str) -> Result<RangeInclusive<usize>, String> {
    let number = |text: &str| text.parse().map_err(|_| "expected a chunk or a range of them, for example 3 or 0-4");
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (number(first)?, number(last)?);
    if first > last {
        return Err(format!("the range {first}-{last} is empty, for example {last}-{first}"));
    }
    Ok(first..=last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_numbers_or_ranges() {
        assert_eq!(chunks("3"), Ok(3..=3));
        assert_eq!(chunks("0-4"), Ok(0..=4));
        for wrong in ["", "-1", "4-", "x", "4-2", "1-2-3"] {
            assert!(chunks(wrong).is_err(), "{wrong}");
        }
    }
}

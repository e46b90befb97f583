//! The command line of `isotherm live`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Libraries;

/// What to do with real GPUs.
#[derive(Debug, Subcommand)]
pub enum Live {
    /// Run a scenario on real GPUs: routed work is executed, measured heat and power feed the routers
    Run(LiveRun),
    /// Decide again what a live run decided, from its record alone
    Replay(LiveReplay),
    /// Simulate what a live run did and print predicted beside measured
    Compare(LiveCompare),
    /// Drive loads by a schedule, to record what a device profile is fitted to
    Excite(LiveExcite),
}

/// What executes the work and what reads the GPUs.
#[derive(Debug, Args)]
pub struct Equipment {
    /// What executes the work: a load that a plugin offers, for example isotherm/experts; or `model`: nothing, in the time that the cost model says
    #[arg(long, value_name = "NAME")]
    pub load: String,
    /// Options of the load, as JSON
    #[arg(long, value_name = "JSON", default_value = "{}")]
    pub load_options: String,
    /// What reads the GPUs: `nvml`, `dcgm=URL` or `none`; with --load model also `model` [default: nvml, or model with --load model]
    #[arg(long, value_name = "SOURCE")]
    pub source: Option<String>,
    /// Devices, as both CUDA and the source count them [default: 0, 1, ...]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub devices: Vec<u32>,
    /// Time between two polls of the GPUs (ms)
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u32).range(5..=10_000))]
    pub period_ms: Option<u32>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields are documented")]
    pub libraries: Libraries,
}

/// Options of `live run`.
#[derive(Debug, Args)]
pub struct LiveRun {
    /// Scenario (TOML): a closed loop with `[costs.layer]`
    #[arg(value_name = "SCENARIO")]
    pub scenario: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields are documented")]
    pub equipment: Equipment,
    /// Length of every router's run (s)
    #[arg(long, value_name = "S", default_value_t = 60.0, value_parser = some_seconds)]
    pub seconds: f64,
    /// Rest before it, in whose last 5 s idle temperature and power are measured (s)
    #[arg(long, value_name = "S", default_value_t = 15.0, value_parser = seconds)]
    pub rest: f64,
    /// Folder of the record [default: results/live-NAME]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Replace the record that is in the folder
    #[arg(long)]
    pub force: bool,
    /// Set any key of the scenario; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Print the record as JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Options of `live replay`.
#[derive(Debug, Args)]
pub struct LiveReplay {
    /// Folder of the record
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields are documented")]
    pub libraries: Libraries,
}

/// Options of `live compare`.
#[derive(Debug, Args)]
pub struct LiveCompare {
    /// Folder of the record
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Device profile instead of the scenario's, for example one that was fitted to these very GPUs; repeated, one for each GPU in their order:
    /// thermal networks then differ, everything else is the first one's
    #[arg(long, value_name = "PROFILE")]
    pub profile: Vec<PathBuf>,
    /// Cooling that the GPUs share (TOML) instead of the scenario's, as in `[hardware.cooling]`: who stands in whose warm air
    #[arg(long, value_name = "COOLING")]
    pub cooling: Option<PathBuf>,
    /// Ambient temperature: such that the model rests where the GPUs did before each run, or the profile's
    #[arg(long, value_name = "WHICH", default_value = "measured", value_parser = ["measured", "profile"])]
    pub ambient: String,
    /// Print the comparison as JSON instead of the table
    #[arg(long, conflicts_with = "markdown")]
    pub json: bool,
    /// Print the table in Markdown
    #[arg(long)]
    pub markdown: bool,
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields are documented")]
    pub libraries: Libraries,
}

/// Options of `live excite`.
#[derive(Debug, Args)]
pub struct LiveExcite {
    /// Schedule (TOML), for example scenarios/excitation/h200-5min.toml
    #[arg(value_name = "SCHEDULE")]
    pub schedule: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields are documented")]
    pub equipment: Equipment,
    /// Device profile of the modelled GPUs of --load model
    #[arg(long, value_name = "PROFILE", default_value = "scenarios/hardware/h200-sxm.toml")]
    pub profile: PathBuf,
    /// Where to write what ran when; beside a recording it has the recording's name
    #[arg(long, short, value_name = "PHASES.json", default_value = "phases.json")]
    pub out: PathBuf,
    /// Replace the file if it is there already
    #[arg(long)]
    pub force: bool,
}

fn some_seconds(text: &str) -> Result<f64, String> {
    match seconds(text) {
        Ok(0.0) => Err("expected more than no time, for example 60".to_owned()),
        other => other,
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && (0.0..=86_400.0).contains(&value) => Ok(value),
        _ => Err("expected seconds, at most a day, for example 60".to_owned()),
    }
}

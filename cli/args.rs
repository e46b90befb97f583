//! The command line as the user typed it, before anything is looked up.

mod live;
mod plot;
mod plugin;
mod report;
mod submit;
mod sweep;
mod telemetry;
mod trace;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::scenario_file::TelemetryFlag;

pub use live::{Equipment, Live, LiveCompare, LiveExcite, LiveReplay, LiveRun};
pub use plot::{PictureFormat, PictureTheme, Plot};
pub use plugin::{Language, Plugin, PluginBench, PluginCase, PluginCheck, PluginInspect, PluginList, PluginNew};
pub use report::Report;
pub use submit::SweepSubmit;
pub use sweep::{Sweep, SweepMerge, SweepPlan, SweepRetry, SweepStatus, SweepWork};
pub use telemetry::{
    MeterChoice, MeterSource, RecordFormat, Rotation, Telemetry, TelemetryDevices, TelemetryExport, TelemetryRecord,
    TelemetryWatch,
};
pub use trace::{Trace, TraceFormat};

/// Would a thermal- and energy-aware Mixture-of-Experts router save energy on your GPUs, and at what cost?
#[derive(Debug, Parser)]
#[command(name = "isotherm", version, about, after_help = EXIT_CODES)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str =
    "Exit codes: 0 done, 2 command line, 3 scenario, 4 data file, 5 results cannot be written, 6 a run failed,
7 a telemetry source or SLURM is not available, 8 points of a sweep are missing, 75 stopped by a signal, to be started again,
130 interrupted.
Data goes to standard output, everything else to standard error.";

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run scenarios: compare their routers on the same tokens and print the table
    Run(Run),
    /// The classic hot/cold-expert experiment with the classic flags
    Experiment(Experiment),
    /// Plan a sweep, do it in parts on any number of machines, and put the results together
    #[command(subcommand)]
    Sweep(Sweep),
    /// Compare two results folders of one scenario: what differs, by how much, and how much of it is luck
    Compare(Compare),
    /// Print the table of a results folder, and write its page: one file that opens in a browser without a network
    Report(Report),
    /// Draw the figures of a results folder
    Plot(Plot),
    /// Write results as a timeline for a trace viewer: batches, GPUs, what held them back, power and temperature
    Trace(Trace),
    /// Check scenarios and the files they name without running anything
    Validate(Validate),
    /// HotSpot's floorplan, package and power trace to block temperatures, exact and without a time step
    Floorplan(Floorplan),
    /// List the routers, placements, workloads, arrivals, telemetry sources and metrics a scenario can name
    List(List),
    /// Run scenarios on real GPUs, decide again from the record, and compare with the simulation
    #[command(subcommand)]
    Live(Live),
    /// Fit device profiles to recordings of real GPUs, and check them
    #[command(subcommand)]
    Profile(Profile),
    /// Real GPUs: what they are, recordings, a dashboard, Prometheus
    #[command(subcommand)]
    Telemetry(Telemetry),
    /// Write, list, look at, check and measure plugins: routers, telemetry sources and placements of others
    #[command(subcommand)]
    Plugin(Plugin),
}

/// Where plugins are looked for, beside the usual places.
#[derive(Clone, Debug, Default, Args)]
pub struct Libraries {
    /// Plugin library that may be used; may be repeated. Looked for as well: ISOTHERM_PLUGIN_PATH, `plugins` beside the scenario and its own folder,
    /// the user's data folder
    #[arg(long = "plugin", value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// What to do with device profiles.
#[derive(Debug, Subcommand)]
pub enum Profile {
    /// Fit the thermal part of a profile to recordings of GPUs
    Fit(ProfileFit),
    /// Fit times and energies of layers, expert by expert, to recorded ones
    FitLayers(ProfileFitLayers),
    /// Compare a profile with a recording, with measured layers or with measured kernels
    Check(ProfileCheck),
    /// Print what is in a profile and where its numbers come from
    Show(ProfileShow),
}

/// Options of `profile fit`.
#[derive(Debug, Args)]
pub struct ProfileFit {
    /// Recordings (CSV, plain or gzip); phases are read from the JSON file of the same name, where there is one
    #[arg(required = true, value_name = "TRACE")]
    pub traces: Vec<PathBuf>,
    /// Where to write the profile
    #[arg(long, short, value_name = "FILE", default_value = "profile.toml")]
    pub output: PathBuf,
    /// Where to draw fit and data (SVG)
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,
    /// Profile to start from; what is not thermal is taken over
    #[arg(long, value_name = "PROFILE")]
    pub from: Option<PathBuf>,
    /// Parameter that stays as in the profile of --from, for example node.sink.capacity_j_per_k; may be repeated
    #[arg(long, value_name = "KEY", requires = "from")]
    pub hold: Vec<String>,
    /// Only this GPU of the recordings; may be repeated. Two of a kind may be cooled very differently
    #[arg(long, value_name = "INDEX")]
    pub gpu: Vec<u32>,
    /// The ambient does not drift: what warms slowly under load is the heatsink
    #[arg(long)]
    pub steady_ambient: bool,
    /// GPUs that stand one behind another in the same air, the upstream one first, for example 1,0; may be repeated. How much heat warms that air by one
    /// kelvin is fitted too
    #[arg(long, value_name = "GPUS")]
    pub stream: Vec<StreamOfGpus>,
    /// Replace the profile if there is one already
    #[arg(long)]
    pub force: bool,
    /// Number of nodes [default: what predicts held-out segments best]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=4))]
    pub nodes: Option<u8>,
    /// Print the result as JSON instead of tables
    #[arg(long)]
    pub json: bool,
}

/// GPUs of one stream of air or coolant, the upstream one first.
#[derive(Clone, Debug)]
pub struct StreamOfGpus(pub Vec<u32>);

impl std::str::FromStr for StreamOfGpus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let gpus: Result<Vec<u32>, _> = text.split(',').map(|gpu| gpu.trim().parse()).collect();
        let mut gpus =
            gpus.map_err(|_| format!("`{text}` is no list of GPUs; the upstream one comes first, for example 1,0"))?;
        let all = gpus.len();
        let stream = Self(gpus.clone());
        gpus.sort_unstable();
        gpus.dedup();
        if all < 2 || gpus.len() < all {
            return Err(format!("`{text}`: a stream has two or more GPUs, each once, for example 1,0"));
        }
        Ok(stream)
    }
}

/// Options of `profile fit-layers`.
#[derive(Debug, Args)]
pub struct ProfileFitLayers {
    /// Measured layers and phases (JSON), as `isotherm live excite` writes them
    #[arg(required = true, value_name = "PHASES.json")]
    pub phases: Vec<PathBuf>,
    /// Profile to start from; what is not fitted is taken over
    #[arg(long, value_name = "PROFILE")]
    pub from: PathBuf,
    /// Where to write the profile
    #[arg(long, short, value_name = "FILE", default_value = "profile.toml")]
    pub output: PathBuf,
    /// Replace the profile if there is one already
    #[arg(long)]
    pub force: bool,
    /// Print the result as JSON instead of tables
    #[arg(long)]
    pub json: bool,
}

/// Options of `profile check`.
#[derive(Debug, Args)]
pub struct ProfileCheck {
    /// Device profile (TOML)
    #[arg(value_name = "PROFILE")]
    pub profile: PathBuf,
    /// Cooling that the GPUs of the recordings share (TOML), as in `[hardware.cooling]`
    #[arg(long, value_name = "COOLING")]
    pub cooling: Option<PathBuf>,
    /// Recordings (CSV, plain or gzip), measured layers and phases (JSON) or measured kernels (CSV)
    #[arg(required = true, value_name = "TRACE|PHASES.json|KERNELS.csv")]
    pub data: Vec<PathBuf>,
    /// Print the result as JSON instead of tables
    #[arg(long)]
    pub json: bool,
    /// Where to draw model and data (SVG)
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,
}

/// Options of `profile show`.
#[derive(Debug, Args)]
pub struct ProfileShow {
    /// Device profile (TOML)
    #[arg(value_name = "PROFILE")]
    pub profile: PathBuf,
    /// Print the profile as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `run`.
#[derive(Debug, Args)]
pub struct Run {
    /// Scenario files (TOML)
    #[arg(required = true, value_name = "SCENARIO")]
    pub scenarios: Vec<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields are documented")]
    pub common: Common,
    /// Results folder; with several scenarios a folder for each is made in it [default: results/NAME, with --telemetry results/NAME-KIND]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Telemetry in the place of the scenario's: `nvml` or `dcgm=URL` (live: runs go one by one, by the clock, and are recorded),
    /// `replay=DIR` (the records in the results folder of a live run); options with --set telemetry.KEY=VALUE
    #[arg(long, value_name = "KIND[=WHERE]")]
    pub telemetry: Option<TelemetryFlag>,
    /// Set any key of the scenario, for example --set seeds=20; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields are documented")]
    pub libraries: Libraries,
}

/// Options that every command which runs something has.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// Threads to use; results do not depend on it [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub threads: Option<u16>,
    /// Replace what is in the results folder, also complete results of the same scenario
    #[arg(long)]
    pub force: bool,
    /// Also write runs.csv and series.csv
    #[arg(long)]
    pub csv: bool,
    /// Intervals from N bootstrap resamples instead of Student's t, for example 10000; complete results are summarised again
    #[arg(long, value_name = "N", value_parser = resamples())]
    pub bootstrap: Option<u32>,
    /// Print the summary as JSON instead of the table
    #[arg(long)]
    pub json: bool,
    /// Print nothing but the table
    #[arg(long, short)]
    pub quiet: bool,
    /// Also write report.html into the results folder, as `isotherm report` does
    #[arg(long)]
    pub report: bool,
    /// Say on standard error where the time went: per kind of event, router, physics, output; `--profile=json` for programs
    #[arg(long, value_name = "FORM", value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "text")]
    pub profile: Option<ProfileForm>,
}

/// How it is said where the time went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProfileForm {
    /// A table for people.
    Text,
    /// JSON, in one line.
    Json,
}

/// Fewer resamples have no 2.5 % in their tails worth the name; more change no digit that is shown.
fn resamples() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(200..=1_000_000)
}

/// Options of `experiment`: the flags of the original program; underscores are accepted for hyphens.
#[derive(Debug, Args)]
pub struct Experiment {
    /// Price of a joule; several values make a sweep
    #[arg(long, value_name = "LAMBDA", value_delimiter = ',', default_values_t = [0.0, 0.01, 0.1, 0.5, 1.0], allow_negative_numbers = true)]
    pub lambda_energy: Vec<f64>,
    /// Experts of the layer; the last two are hot
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub num_experts: u32,
    /// Experts each token is sent to
    #[arg(long, value_name = "K", default_value_t = 2)]
    pub moe_top_k: u32,
    /// Sequences in a batch
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub batch_size: u32,
    /// Tokens in a sequence
    #[arg(long, value_name = "N", default_value_t = 128)]
    pub seq_length: u32,
    /// Width of a hidden state
    #[arg(long, value_name = "N", default_value_t = 512)]
    pub d_model: u32,
    /// Batches
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub num_batches: u32,
    /// Hot experts, the last ones
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub num_hot: u32,
    /// Routers beside the baseline
    #[arg(long, value_name = "KIND", value_delimiter = ',', default_values_t = ["energy-penalty".to_owned(), "ttt".to_owned()])]
    pub router: Vec<String>,
    /// First seed
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    pub seed: u64,
    /// Number of seeds
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seeds: u32,
    /// Where logits come from: hidden states through the gate, or drawn directly from the same distribution
    #[arg(long, value_name = "SOURCE", default_value = "hidden", value_parser = ["hidden", "logits"])]
    pub source: String,
    /// Results folder
    #[arg(long, value_name = "DIR", default_value = "results/experiment")]
    pub output_dir: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields are documented")]
    pub common: Common,
}

/// Options of `compare`.
#[derive(Debug, Args)]
pub struct Compare {
    /// Results folder
    #[arg(value_name = "A")]
    pub a: PathBuf,
    /// Results folder that is compared with it
    #[arg(value_name = "B")]
    pub b: PathBuf,
    /// Metric to compare; may be repeated [default: energy, savings, fidelity, latency, peak temperature]
    #[arg(long, value_name = "NAME")]
    pub metric: Vec<String>,
    /// Print the comparison as JSON instead of the table
    #[arg(long)]
    pub json: bool,
    /// Intervals from N bootstrap resamples instead of Student's t, for example 10000
    #[arg(long, value_name = "N", value_parser = resamples())]
    pub bootstrap: Option<u32>,
}

/// Options of `validate`.
#[derive(Debug, Args)]
pub struct Validate {
    /// Scenario files (TOML)
    #[arg(required = true, value_name = "SCENARIO")]
    pub scenarios: Vec<PathBuf>,
    /// Telemetry in the place of the scenario's, as in `run`
    #[arg(long, value_name = "KIND[=WHERE]")]
    pub telemetry: Option<TelemetryFlag>,
    /// Set any key of the scenario; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Print the scenario with all defaults filled in
    #[arg(long)]
    pub resolved: bool,
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields are documented")]
    pub libraries: Libraries,
}

/// Options of `floorplan`.
#[derive(Debug, Args)]
pub struct Floorplan {
    /// Floorplan (HotSpot's .flp)
    pub floorplan: PathBuf,
    /// Package, ambient and interval (HotSpot's hotspot.config)
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Power trace (HotSpot's .ptrace): a row of watts an interval
    #[arg(long, value_name = "FILE")]
    pub ptrace: PathBuf,
    /// Print the steady temperatures of the trace's mean power instead
    #[arg(long)]
    pub steady: bool,
    /// Cells in each direction of a grid over the die, reduced to some 200 modes; blocks where not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=200))]
    pub grid: Option<u16>,
    /// Factor on all heat capacities: 0.333 as HotSpot has it, 1 for metal that stores what metal stores
    #[arg(long, value_name = "FACTOR", default_value_t = 0.333, value_parser = positive)]
    pub capacity_factor: f64,
    /// Print nothing but the temperatures
    #[arg(long, short)]
    pub quiet: bool,
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value > 0.0 => Ok(value),
        _ => Err("expected a positive number, for example 0.333".to_owned()),
    }
}

/// Options of `list`.
#[derive(Debug, Args)]
pub struct List {
    /// Only this sort of thing
    #[arg(value_parser = ["routers", "placements", "workloads", "arrivals", "telemetry", "metrics"])]
    pub what: Option<String>,
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
}

/// `--lambda_energy` means `--lambda-energy`: the original program's flags work as they are. Values are left alone.
#[must_use]
pub fn with_hyphens(argument: OsString) -> OsString {
    let Some(text) = argument.to_str() else { return argument };
    if !text.starts_with("--") {
        return argument;
    }
    let (flag, value) = text.split_once('=').map_or((text, None), |(flag, value)| (flag, Some(value)));
    let flag = flag.replace('_', "-");
    match value {
        Some(value) => format!("{flag}={value}").into(),
        None => flag.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }

    #[test]
    fn underscores_become_hyphens_in_flags_only() {
        let convert = |text: &str| with_hyphens(text.into()).into_string().unwrap();
        assert_eq!(convert("--lambda_energy"), "--lambda-energy");
        assert_eq!(convert("--output_dir=my_results"), "--output-dir=my_results");
        assert_eq!(convert("my_file.toml"), "my_file.toml");
    }
}

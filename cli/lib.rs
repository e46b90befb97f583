//! isotherm: would a thermal- and energy-aware Mixture-of-Experts router save energy on your GPUs, what would it cost in routing
//! fidelity and latency, and does it still hold when the hardware gets hot?
//!
//! This is the facade: it puts the core and the plugin crates together and holds the command line. The simulator itself is
//! `isotherm-core`; the strategies, workloads and telemetry sources are in `plugins/`.
//!
//! ```
//! use isotherm::scenario_file::ScenarioFile;
//! let text = r#"
//!     schema_version = 1
//!     name = "tiny"
//!     model = { experts = 4, top_k = 1 }
//!     workload = { kind = "gaussian", sigma = 1.0 }
//!     arrivals = { kind = "closed-loop", batches = 3, tokens = 32 }
//!     costs = { kind = "table", hot = [3], cold_joules = 0.5, hot_joules = 2.0 }
//!     hardware = { gpus = 4 }
//!     telemetry = { kind = "fixed", temperatures = ["0 degC", "0 degC", "0 degC", "70 degC"] }
//!     router = [{ kind = "energy-penalty", lambda = 0.5 }]
//! "#;
//! let file = ScenarioFile::from_text("tiny.toml", text, std::path::Path::new("."), &[]).unwrap();
//! let outcome = isotherm::execute::Comparison::prepare(&file).unwrap().run_all().unwrap();
//! let penalty = outcome.summary.rows.iter().find(|row| row.router == "energy-penalty").unwrap();
//! assert!(penalty.metrics["energy_savings_percent"].mean > 0.0);
//! ```

/// A line for people, on standard error. Where that is a log on a full disk the line is lost, and not the exit code that says why
/// (`eprintln!` panics there).
macro_rules! tell {
    ($($words:tt)*) => {{
        use std::io::Write;
        let _ = writeln!(std::io::stderr(), $($words)*);
    }};
}

pub mod args;
pub mod command;
pub mod execute;
pub mod exit;
pub mod fault;
pub mod live;
mod look;
mod output_file;
mod plugin_files;
pub mod progress;
pub mod results;
pub mod scenario_file;
pub mod slurm;
pub mod statistics;
mod sweep;
pub mod telemetry;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

// A plugin crate that nothing names is not linked, and its kinds would silently be unknown.
use isotherm_nvml as _;
use isotherm_placements as _;
use isotherm_routers as _;
use isotherm_telemetry as _;
use isotherm_workloads as _;

/// Runs the program with these arguments and says how it ended; see [`exit`] for the codes.
pub fn main_impl(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = arguments.into_iter().map(args::with_hyphens);
    let parsed = match args::Arguments::try_parse_from(arguments) {
        Ok(parsed) => parsed,
        Err(error) => {
            // Writing help or usage can only fail when nobody reads it.
            let _ = error.print();
            return if error.use_stderr() { exit::USAGE.into() } else { exit::SUCCESS.into() };
        }
    };
    match command::dispatch(&parsed) {
        Ok(code) => code.into(),
        Err(fault) => {
            tell!("{fault}");
            fault.code().into()
        }
    }
}

//! Conformance tests of plugin libraries: does one keep what the interface promises, before its results are believed?
//!
//! Each case runs in a process of its own with a time limit, so that a plugin that crashes, hangs or overwrites memory fails its case and takes
//! nothing else down. What the plugin is handed lies between pages that nobody may touch, inputs on pages that nobody may write, and
//! what was handed over for one call is taken away after it.
//!
//! The program that calls [`run`] is started again for every case, with arguments that lead it to [`run_case`]:
//!
//! ```no_run
//! use isotherm_plugin_check::{Plan, run, run_case};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let arguments: Vec<String> = std::env::args().skip(1).collect();
//! if let [hidden, file, name, case, seed] = &arguments[..] && hidden == "check-one" {
//!     run_case(file.as_ref(), name, case, seed.parse()?)?;
//!     return Ok(());
//! }
//! let mut plan = Plan::new(std::env::current_exe()?, "libacme.so");
//! plan.prefix_arguments.push("check-one".into());
//! let report = run(&plan)?;
//! print!("{report}");
//! std::process::exit(i32::from(!report.is_clean()));
//! # }
//! ```
//!
//! Needs a Unix system. Where libraries are no ELF files of 64 bits, the cases that watch the plugin's heap are skipped and say so.

mod actor;
mod case;
mod child;
mod finding;
mod handed;
mod load;
mod memory;
mod options;
mod placement;
mod plan;
mod process;
mod report;
mod router;
mod scene;
mod schema;
mod sinks;
mod subject;
mod telemetry;
mod verdict;

pub use case::{CASES, Case};
pub use child::{CaseError, run_case};
pub use plan::{Plan, PlanError, run};
pub use report::{CaseResult, Report};
pub use verdict::Outcome;

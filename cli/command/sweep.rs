//! `isotherm sweep`: plans that many processes work on, and one result.

mod merge;
mod plan;
mod retry;
mod status;
mod submit;
mod work;

use crate::args::Sweep;
use crate::exit::Code;
use crate::fault::Fault;

/// Does what the command line asks for.
pub(super) fn run(command: &Sweep) -> Result<Code, Fault> {
    match command {
        Sweep::Plan(options) => plan::run(options),
        Sweep::Submit(options) => submit::run(options),
        Sweep::Work(options) => work::run(options),
        Sweep::Status(options) => status::run(options),
        Sweep::Merge(options) => merge::run(options),
        Sweep::Retry(options) => retry::run(options),
    }
}

fn json(value: &impl serde::Serialize) -> Result<String, Fault> {
    Ok(serde_json::to_string_pretty(value).map_err(|error| Fault::Internal(error.to_string()))? + "\n")
}

/// `1 point`, `2 points`.
fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

//! The subcommands, one file each.

mod compare;
mod comparison;
mod experiment;
mod floorplan;
mod list;
mod live;
mod plot;
mod plugin;
mod profile;
mod report;
mod run;
mod sweep;
mod telemetry;
mod trace;
mod validate;

use crate::args::{Arguments, Command};
use crate::exit::Code;
use crate::fault::Fault;

/// Does what the command line asks for.
///
/// # Errors
/// [`Fault`]; its message is for the user and its code for the shell.
pub fn dispatch(arguments: &Arguments) -> Result<Code, Fault> {
    match &arguments.command {
        Command::Run(options) => run::run(options),
        Command::Experiment(options) => experiment::run(options),
        Command::Sweep(command) => sweep::run(command),
        Command::Compare(options) => compare::run(options),
        Command::Report(options) => report::run(options),
        Command::Plot(options) => plot::run(options),
        Command::Trace(options) => trace::run(options),
        Command::Validate(options) => validate::run(options),
        Command::Floorplan(options) => floorplan::run(options),
        Command::List(options) => list::run(options),
        Command::Live(command) => live::run(command),
        Command::Profile(command) => profile::run(command),
        Command::Telemetry(command) => telemetry::run(command),
        Command::Plugin(command) => plugin::run(command),
    }
}

/// Writes to standard output; a reader that has gone away (`| head`) is no error.
///
/// # Errors
/// [`Fault::Unwritable`] if standard output takes nothing more, a full disk for instance.
fn print(text: &str) -> Result<(), Fault> {
    print_all(&mut text.as_bytes())
}

/// The same with all that `contents` gives, of any length.
fn print_all(contents: &mut impl std::io::Read) -> Result<(), Fault> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    match std::io::copy(contents, &mut out).and_then(|_| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Fault::unwritable(std::path::Path::new("standard output"), error))
        }
        _ => Ok(()),
    }
}

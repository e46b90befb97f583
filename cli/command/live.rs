//! `isotherm live`: scenarios on real GPUs.

mod compare;
mod equipment;
mod excite;
mod replay;
mod run;

use crate::args::Live;
use crate::exit::Code;
use crate::fault::Fault;

/// Does what the subcommand says.
pub(super) fn run(command: &Live) -> Result<Code, Fault> {
    match command {
        Live::Run(options) => run::run(options),
        Live::Replay(options) => replay::run(options),
        Live::Compare(options) => compare::run(options),
        Live::Excite(options) => excite::run(options),
    }
}
